package config

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/millrace/millrace/internal/fault"
	"github.com/spf13/pflag"
)

func load(t *testing.T, args []string, env map[string]string) (*Config, error) {
	t.Helper()
	set := pflag.NewFlagSet("test", pflag.ContinueOnError)
	Flags(set)
	if err := set.Parse(args); err != nil {
		t.Fatal(err)
	}
	return Load(set, func(k string) (string, bool) { v, ok := env[k]; return v, ok })
}

func TestPrecedence(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "millrace.yaml")
	if err := os.WriteFile(path, []byte("listen: file:1\nworkers: 7\nlog-retention: 24h\nroles: [api, worker]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := load(t, []string{"--listen", "flag:1"}, map[string]string{"MILLRACE_CONFIG": path, "MILLRACE_LISTEN": "env:1", "MILLRACE_WORKERS": "9"})
	if err != nil {
		t.Fatal(err)
	}
	if c.Listen != "flag:1" || c.Workers != 9 || c.LogRetention != 24*time.Hour || c.LogLevel != "info" {
		t.Errorf("%+v", c)
	}
}

func TestEveryBadSettingIsReported(t *testing.T) {
	t.Parallel()
	_, err := load(t, nil, map[string]string{"MILLRACE_WORKERS": "many", "MILLRACE_ROLES": "api", "MILLRACE_LOG_LEVEL": "loud", "MILLRACE_SHUTDOWN_GRACE": "soon"})
	var issues fault.Issues
	if !errors.As(err, &issues) || len(issues) < 4 {
		t.Errorf("%v", err)
	}
	path := filepath.Join(t.TempDir(), "millrace.yaml")
	if err := os.WriteFile(path, []byte("lissten: x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := load(t, []string{"--config", path}, nil); err == nil {
		t.Error("an unknown key was accepted")
	}
}
