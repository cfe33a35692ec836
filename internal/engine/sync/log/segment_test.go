package log

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/delivery"
)

// memory keeps sealed segments in memory.
type memory struct {
	segments []Segment
	data     map[string]string
	fail     error
}

func (m *memory) Seal(_ context.Context, s Segment, path string) error {
	if m.fail != nil {
		return m.fail
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if m.data == nil {
		m.data = map[string]string{}
	}
	m.segments = append(m.segments, s)
	m.data[s.Path] = string(b)
	return nil
}

func exchange(batch uint32, from, to int64, body string) delivery.BatchExchanges {
	return delivery.BatchExchanges{
		Batch: batch, Operation: connector.Added, Rows: []delivery.Range{{From: from, To: to}},
		Exchanges: []connector.Exchange{{Method: "POST", URL: "http://x/", RequestBody: body, Status: 200}},
	}
}

// Req: SY-68, SY-74
func TestWriterKeepsEveryAttempt(t *testing.T) {
	t.Parallel()
	sink := &memory{}
	w := NewWriter(t.Context(), sink, t.TempDir(), "runs/7")
	big := strings.Repeat("x", 1<<20)
	for i := range int64(40) {
		w.Record(exchange(uint32(i+1), i*10, i*10+10, big))
	}
	w.Record(exchange(99, 5, 6, "again"))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if len(sink.segments) < 2 {
		t.Fatalf("%d segments: 40 MB must not stay in one", len(sink.segments))
	}
	var rows int64
	var found []Entry
	for _, s := range sink.segments {
		rows += s.Rows
		if s.First <= 5 && 5 <= s.Last {
			entries, err := Find(strings.NewReader(sink.data[s.Path]), 5)
			if err != nil {
				t.Fatal(err)
			}
			found = append(found, entries...)
		}
	}
	if rows != 401 {
		t.Errorf("%d rows, want 401", rows)
	}
	if len(found) != 2 || found[0].Batch != 1 || found[1].Batch != 99 || found[1].Exchanges[0].RequestBody != "again" {
		t.Errorf("found %d entries for row 5, want the batch and its second attempt", len(found))
	}
}

func TestWriterReportsStorageErrors(t *testing.T) {
	t.Parallel()
	want := errors.New("no space left")
	w := NewWriter(t.Context(), &memory{fail: want}, t.TempDir(), "runs/7")
	w.Record(exchange(1, 0, 1, "x"))
	if err := w.Close(); !errors.Is(err, want) {
		t.Errorf("got %v, want %v", err, want)
	}
}

func FuzzFind(f *testing.F) {
	f.Add([]byte("x"))
	f.Fuzz(func(_ *testing.T, data []byte) {
		_, _ = Find(strings.NewReader(string(data)), 1) //nolint:errcheck // that it returns is what is tested
	})
}
