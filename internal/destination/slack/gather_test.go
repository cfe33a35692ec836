package slack_test

import (
	"context"
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/manifest"
	"github.com/millrace/millrace/internal/connector/manifest/replay"
	"github.com/millrace/millrace/internal/destination/slack"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/httpx"
	"github.com/millrace/millrace/internal/value"
)

// begin begins a run of a sync type that posts one message to the server.
func begin(t *testing.T, address, kind string) connector.Session {
	t.Helper()
	text, err := os.ReadFile("manifest.yaml")
	if err != nil {
		t.Fatal(err)
	}
	m, err := manifest.Parse("manifest.yaml", text)
	if err != nil {
		t.Fatal(err)
	}
	info := m.Info(httpx.AnyNetwork, slack.Hooks())
	settings := connector.Settings{"method": "token", "token": "xoxb-hush", "baseUrl": address}
	d, err := info.Open(connector.DestinationOptions{Settings: settings.WithDefaults(info.Fields), Clock: clock.System{}, Log: slog.New(slog.DiscardHandler), State: connector.Memory()})
	if err != nil {
		t.Fatal(err)
	}
	s, err := d.Begin(t.Context(), connector.SyncJob{
		SyncID: 1, Type: kind, Mode: connector.ModeAll, Settings: connector.Settings{"channel": "C1"},
		Model: connector.ModelInfo{Slug: "people", Schema: value.Schema{{Name: "id"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() }) //nolint:errcheck // the test is over
	return s
}

func rows(id string, ids ...string) *connector.Batch {
	b := &connector.Batch{ID: id, Operation: connector.Added, Checkpoint: func(context.Context, string) error { return nil }}
	for _, text := range ids {
		b.Rows = append(b.Rows, connector.Row{Key: text, Source: []value.Value{value.OfText(text)}})
	}
	return b
}

// A batch that comes again is in the message once.
//
// Req: SY-76
func TestGatheredOnce(t *testing.T) {
	t.Parallel()
	server, asked := replay.Serve(replay.Answer{Body: map[string]any{"ok": true}})
	defer server.Close()
	s := begin(t, server.URL, "table")
	for _, b := range []*connector.Batch{rows("1", "first"), rows("2", "second"), rows("1", "first")} {
		if _, err := s.Write(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	if asked() != "" {
		t.Errorf("something was posted before the run was over: %s", asked())
	}
	if err := s.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := asked(); strings.Count(got, "first") != 1 || strings.Count(got, "second") != 1 {
		t.Errorf("posted: %s", got)
	}
}

// What one message cannot hold ends the run before anything is posted.
//
// Req: SY-17
func TestTooManyRows(t *testing.T) {
	t.Parallel()
	server, asked := replay.Serve()
	defer server.Close()
	s := begin(t, server.URL, "table")
	_, err := s.Write(t.Context(), rows("1", strings.Repeat("x", 39_990), strings.Repeat("y", 20)))
	if fault.ClassOf(err) != fault.Fatal || !strings.Contains(fault.As(err).Hint(), "CSV") || asked() != "" {
		t.Errorf("got %v, and asked %q", err, asked())
	}
}
