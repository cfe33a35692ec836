// Package config is what a process is told when it starts: one struct, read once, from flags, the environment,
// a YAML file and defaults, in this order of precedence.
package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/mail"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/millrace/millrace/internal/fault"
	"github.com/spf13/pflag"
	"gopkg.in/yaml.v3"
)

// Config holds every setting. A field's tags are its name in flags and YAML, its default and its help; the
// environment variable is MILLRACE_ and the name in capitals.
type Config struct {
	Home                string        `key:"home" help:"folder for the database, the encryption key and objects" default:"~/.millrace"`
	Listen              string        `key:"listen" help:"address of the web app and the API" default:"localhost:8484"`
	PublicURL           string        `key:"public-url" help:"address by which people and services reach the server, when it is another one"`
	DatabaseURL         string        `key:"database-url" help:"postgres://…; empty means SQLite in the home folder" secret:"true"`
	DatabaseConnections int           `key:"database-connections" help:"connections to PostgreSQL" default:"16"`
	Roles               []string      `key:"roles" help:"what this process does: api, worker" default:"api,worker"`
	StorageURL          string        `key:"storage-url" help:"where baselines, plans and request logs are kept: s3://…, gs://…, azblob://…, file://…; empty means the home folder"`
	StorageExpiry       time.Duration `key:"storage-expiry" help:"how long the server's own storage keeps what a sync remembers while no run uses it; 0s means until the sync is deleted. Where it expired, the sync asks for a full resync or CDC reset" default:"0s"`
	StorageLock         string        `key:"storage-lock" help:"whether a workspace may leave a bucket of its own that syncs have run on: never, or after-first-run (then it may not)" default:"never"`
	StorageLockExcept   []string      `key:"storage-lock-except" help:"workspaces (slugs) that storage-lock does not hold, while they move by arrangement"`
	StorageIdentity     string        `key:"storage-server-identity" help:"whether credentials and storages of workspaces may use the identity that this server has at AWS, Google Cloud or Azure: true or false" default:"false"`
	Region              string        `key:"region" help:"name of the region that this server's data plane lies in, such as eu-central-1. A workspace keeps the one that it was made in: the first start writes it down, and no other start changes it"`
	EgressAddresses     []string      `key:"egress-addresses" help:"addresses that this server connects from, shown to people who must let them through a firewall"`
	TunnelListen        string        `key:"tunnel-listen" help:"address of the SSH server that clients of reverse tunnels connect to, such as :2222; empty means none"`
	TunnelAddress       string        `key:"tunnel-address" help:"host and port by which those clients reach it, such as tunnel.example.com:22; empty means the host of the public URL and the port of tunnel-listen"`
	TunnelPeerAddress   string        `key:"tunnel-peer-address" help:"host and port by which the server's other processes reach it; empty means the name of the machine and the port of tunnel-listen"`
	AWSAccount          string        `key:"aws-account-id" help:"account that this server's own AWS identity belongs to; with one, credentials can be roles that this identity assumes"`
	EncryptionKey       string        `key:"encryption-key" help:"base64 of 32 bytes; empty means the file encryption.key in the home folder, made on the first start" secret:"true"`
	AdminEmail          string        `key:"admin-email" help:"of the first admin" default:"admin@localhost"`
	AdminPassword       string        `key:"admin-password" help:"of the first admin; empty means one that is made up and printed once" secret:"true"`
	BootstrapAPIKey     string        `key:"bootstrap-api-key" help:"a first API key, for automation" secret:"true"`
	Workers             int           `key:"workers" help:"runs at a time" default:"4"`
	WorkspaceRuns       int           `key:"workspace-runs" help:"runs of one workspace at a time, over all processes; keep it at or below what its warehouse takes without queueing. 0 means as many as there are workers" default:"0"`
	PlannerMemory       int64         `key:"planner-memory" help:"bytes that comparing one model's rows may use before it spills to disk" default:"536870912"`
	PlannerThreads      int           `key:"planner-threads" help:"threads of one comparison; 0 means all processors" default:"0"`
	FilesRoot           string        `key:"files-root" help:"folder below which the local-folder destination may write; empty means the folder files in the home folder"`
	SourcesRoot         string        `key:"sources-root" help:"folder below which sources may read files of the server; empty means anywhere but the home folder"`
	ConnectorsDir       string        `key:"connectors-dir" help:"folder with destinations of your own: manifests, which are read again when they change; empty means none"`
	DBTCommand          string        `key:"dbt-command" help:"command that runs dbt, such as /opt/dbt/bin/dbt, to compile projects of repositories; what a project says is then executed with the rights of this server. Empty means that nothing is executed"`
	TeradataDriver      string        `key:"teradata-driver" help:"name of the vendor's ODBC driver for Teradata, as odbcinst.ini has it. Builds without the tag teradata have no use for it" default:"Teradata Database ODBC Driver 20.00"`
	Network             string        `key:"network" help:"where sources, destinations, storages, SSH hosts of tunnels and alert channels may be reached directly: any, or public (no private addresses, not this machine). What lies behind a tunnel is not limited" default:"any"`
	SMTPHost            string        `key:"smtp-host" help:"email server by which alerts are sent; empty means none"`
	SMTPPort            int           `key:"smtp-port" help:"its port" default:"587"`
	SMTPTLS             string        `key:"smtp-tls" help:"how the connection to it is encrypted: starttls, tls (from the first byte, usually port 465) or none" default:"starttls"`
	SMTPUser            string        `key:"smtp-user" help:"who signs in to it; empty means nobody"`
	SMTPPassword        string        `key:"smtp-password" help:"of that user" secret:"true"`
	SMTPFrom            string        `key:"smtp-from" help:"sender of the mails, such as Millrace <alerts@example.com>"`
	LogLevel            string        `key:"log-level" help:"debug, info, warn or error" default:"info"`
	LogFormat           string        `key:"log-format" help:"text or json" default:"text"`
	OTLPEndpoint        string        `key:"otlp-endpoint" help:"address of an OpenTelemetry collector (OTLP over HTTP); empty means no traces"`
	LogRetention        time.Duration `key:"log-retention" help:"how long the rows and requests of runs are kept" default:"168h"`
	LeaseTime           time.Duration `key:"lease-time" help:"how long a worker that went silent keeps its runs before others take them over" default:"15s"`
	ShutdownGrace       time.Duration `key:"shutdown-grace" help:"how long batches in flight may take when the process stops" default:"20s"`
	SecureCookies       string        `key:"secure-cookies" help:"send cookies over https only: true, false, or auto (when the public URL is https)" default:"auto"`
}

// NetworkPublic is the value of Config.Network that refuses private addresses.
const NetworkPublic = "public"

// Values of Config.StorageLock.
const (
	StorageLockNever         = "never"
	StorageLockAfterFirstRun = "after-first-run"
)

// field is one setting by reflection.
type field struct {
	key, help, standard string
	secret              bool
	value               reflect.Value
}

func (f field) env() string {
	return "MILLRACE_" + strings.ToUpper(strings.ReplaceAll(f.key, "-", "_"))
}

func fields(c *Config) []field {
	v := reflect.ValueOf(c).Elem()
	all := make([]field, v.NumField())
	for i := range all {
		tag := v.Type().Field(i).Tag
		all[i] = field{key: tag.Get("key"), help: tag.Get("help"), standard: tag.Get("default"), secret: tag.Get("secret") == "true", value: v.Field(i)}
	}
	return all
}

// Flags adds a flag for each setting. Secrets have none: command lines are public.
func Flags(set *pflag.FlagSet) {
	set.String("config", "", "YAML file of settings (MILLRACE_CONFIG)")
	for _, f := range fields(&Config{}) {
		if !f.secret {
			set.String(f.key, "", fmt.Sprintf("%s (%s)", f.help, f.env()))
		}
	}
}

// Load reads the settings. It reports every bad one.
func Load(set *pflag.FlagSet, lookup func(string) (string, bool)) (*Config, error) {
	c := &Config{}
	file, err := readFile(set, lookup)
	if err != nil {
		return nil, err
	}
	var issues fault.Issues
	for _, f := range fields(c) {
		text := f.pick(set, lookup, file)
		if err := f.set(text); err != nil {
			issues.Add(f.key, fault.CodeConfig, "%q is not %s", text, err)
		}
	}
	c.check(&issues)
	return c, issues.Err()
}

func readFile(set *pflag.FlagSet, lookup func(string) (string, bool)) (map[string]any, error) {
	path, _ := lookup("MILLRACE_CONFIG")
	if f := set.Lookup("config"); f != nil && f.Changed {
		path = f.Value.String()
	}
	if path == "" {
		return nil, nil //nolint:nilnil // no file
	}
	text, err := os.ReadFile(path) //nolint:gosec // the operator's file
	if err != nil {
		return nil, fault.Wrap(err, fault.CodeConfig, "reading the settings")
	}
	var settings map[string]any
	if err := yaml.Unmarshal(text, &settings); err != nil {
		return nil, fault.Wrap(err, fault.CodeConfig, "reading %s", path)
	}
	known := map[string]bool{}
	for _, f := range fields(&Config{}) {
		known[f.key] = true
	}
	var issues fault.Issues
	for key := range settings {
		if !known[key] {
			issues.Add(key, fault.CodeConfig, "%s has no setting %q", path, key)
		}
	}
	return settings, issues.Err()
}

// pick returns the text that wins.
func (f field) pick(set *pflag.FlagSet, lookup func(string) (string, bool), file map[string]any) string {
	if flag := set.Lookup(f.key); flag != nil && flag.Changed {
		return flag.Value.String()
	}
	if text, ok := lookup(f.env()); ok {
		return text
	}
	switch v := file[f.key].(type) {
	case nil:
		return f.standard
	case []any:
		items := make([]string, len(v))
		for i, item := range v {
			items[i] = fmt.Sprint(item)
		}
		return strings.Join(items, ",")
	default:
		return fmt.Sprint(v)
	}
}

func (f field) set(text string) error {
	switch p := f.value.Addr().Interface().(type) {
	case *string:
		*p = text
	case *[]string:
		*p = strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' })
	case *time.Duration:
		d, err := time.ParseDuration(text)
		if err != nil || d < 0 {
			return errors.New("a duration such as 30s or 24h")
		}
		*p = d
	default:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 0 {
			return errors.New("a whole number")
		}
		f.value.SetInt(n)
	}
	return nil
}

// https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-identifiers.html
var awsAccount = regexp.MustCompile(`^[0-9]{12}$`)

func (c *Config) check(issues *fault.Issues) {
	if rest, ok := strings.CutPrefix(c.Home, "~/"); ok {
		home, err := os.UserHomeDir()
		if err != nil {
			issues.Add("home", fault.CodeConfig, "there is no home folder; set MILLRACE_HOME")
		}
		c.Home = filepath.Join(home, rest)
	}
	for _, r := range c.Roles {
		if r != "api" && r != "worker" {
			issues.Add("roles", fault.CodeConfig, "there is no role %q; there are api and worker", r)
		}
	}
	if c.DatabaseURL == "" && len(c.Roles) != 2 {
		issues.Add("roles", fault.CodeConfig, "SQLite serves one process only: it must have both roles, api and worker").Suggestion = "Set MILLRACE_DATABASE_URL to a PostgreSQL database to split roles."
	}
	if c.LeaseTime < time.Second {
		issues.Add("lease-time", fault.CodeConfig, "a lease of less than a second ends between heartbeats")
	}
	if c.Workers < 1 {
		issues.Add("workers", fault.CodeConfig, "at least one run must be possible at a time")
	}
	if c.WorkspaceRuns < 0 {
		issues.Add("workspace-runs", fault.CodeConfig, "a workspace cannot have less than no runs at a time")
	}
	if c.StorageExpiry > 0 && c.StorageExpiry < c.LogRetention {
		issues.Add("storage-expiry", fault.CodeConfig, "the server's storage would keep things for %s, and the rows and requests of runs are to be kept for %s", c.StorageExpiry, c.LogRetention).Suggestion = "Shorten log-retention or lengthen storage-expiry."
	}
	if c.AWSAccount != "" && !awsAccount.MatchString(c.AWSAccount) {
		issues.Add("aws-account-id", fault.CodeConfig, "%q is not the ID of an AWS account: it has 12 digits", c.AWSAccount)
	}
	for key, address := range map[string]string{"tunnel-listen": c.TunnelListen, "tunnel-address": c.TunnelAddress, "tunnel-peer-address": c.TunnelPeerAddress} {
		if _, _, err := net.SplitHostPort(address); address != "" && err != nil {
			issues.Add(key, fault.CodeConfig, "%q is not a host and a port, such as tunnel.example.com:22", address)
		}
	}
	if c.FilesRoot == "" {
		c.FilesRoot = filepath.Join(c.Home, "files")
	}
	if _, err := mail.ParseAddress(c.SMTPFrom); err != nil && (c.SMTPHost != "" || c.SMTPFrom != "") {
		issues.Add("smtp-from", fault.CodeConfig, "%q is not the address of a sender", c.SMTPFrom)
	}
	for key, choice := range map[string][2]string{
		"smtp-tls": {c.SMTPTLS, "starttls tls none"}, "network": {c.Network, "any " + NetworkPublic}, "log-level": {c.LogLevel, "debug info warn error"},
		"log-format": {c.LogFormat, "text json"}, "secure-cookies": {c.SecureCookies, "auto true false"},
		"storage-lock": {c.StorageLock, StorageLockNever + " " + StorageLockAfterFirstRun}, "storage-server-identity": {c.StorageIdentity, "true false"},
	} {
		if !strings.Contains(" "+choice[1]+" ", " "+choice[0]+" ") {
			issues.Add(key, fault.CodeConfig, "%q is none of %s", choice[0], choice[1])
		}
	}
}

// Has reports whether the process has a role.
func (c *Config) Has(role string) bool {
	return slices.Contains(c.Roles, role)
}

// Secure reports whether cookies are for https only.
func (c *Config) Secure() bool {
	return c.SecureCookies == "true" || c.SecureCookies == "auto" && strings.HasPrefix(c.PublicURL, "https://")
}

// Reference writes the settings as Markdown.
func Reference(w io.Writer) error {
	_, err := fmt.Fprint(w, "# Settings\n\nEach setting is a flag, an environment variable or a key of the YAML file that `--config` names; a flag wins over the environment, and that over the file. Secrets have no flag.\n\n| Key | Environment | Default | What it is |\n| --- | --- | --- | --- |\n")
	for _, f := range fields(&Config{}) {
		if err != nil {
			break
		}
		standard := f.standard
		if standard == "" {
			standard = "–"
		} else {
			standard = "`" + standard + "`"
		}
		_, err = fmt.Fprintf(w, "| `%s` | `%s` | %s | %s |\n", f.key, f.env(), standard, f.help)
	}
	return err
}

// MakeHome makes the data folder and the folder that files may be written to.
func (c *Config) MakeHome() error {
	for _, dir := range []string{c.Home, c.FilesRoot} {
		if err := os.MkdirAll(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return fault.Wrap(err, fault.CodeConfig, "making the folder %s", dir)
		}
	}
	return nil
}
