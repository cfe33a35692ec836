package filetest

import (
	"log/slog"
	"strconv"
	"strings"
	"testing"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/destinationtest"
	"github.com/millrace/millrace/internal/value"
)

// Columns are an id and a value, both texts.
var Columns = []connector.TargetColumn{
	{Name: "id", From: "id", Type: value.TypeString},
	{Name: "value", From: "value", Type: value.TypeString},
}

// Open opens a destination for the time of the test.
func Open(t *testing.T, info connector.DestinationInfo, settings connector.Settings) connector.Destination {
	t.Helper()
	d, err := info.Open(connector.DestinationOptions{
		Settings: settings.WithDefaults(info.Fields), Dir: t.TempDir(), Clock: clock.System{}, Log: slog.New(slog.DiscardHandler),
		Network: connector.Network{Egress: []string{"192.0.2.1"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Errorf("closing the destination: %v", err)
		}
	})
	return d
}

// Fill begins a run of a job with Columns and writes so many added rows, each of a mebibyte. The
// session is closed with the test.
func Fill(t *testing.T, d connector.Destination, job connector.SyncJob, mebibytes int) connector.Session {
	t.Helper()
	s, err := d.Begin(t.Context(), job)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
	})
	for i := range mebibytes {
		id := strconv.Itoa(i)
		row := destinationtest.Row(job, id, value.OfText(strings.Repeat(string(rune('a'+i%26)), 1<<20)))
		if _, err := s.Write(t.Context(), &connector.Batch{ID: id, Operation: connector.Added, Rows: []connector.Row{row}}); err != nil {
			t.Fatal(err)
		}
	}
	return s
}
