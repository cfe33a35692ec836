package googlesheets_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/cloud/cloudtest"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/destinationtest"
	"github.com/millrace/millrace/internal/destination/googlesheets"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

// jobOf is a job that writes to the sheet "Data" of the spreadsheet.
func jobOf(spreadsheet string, mode connector.Mode, columns []connector.TargetColumn, settings ...any) connector.SyncJob {
	job := connector.SyncJob{
		SyncID: 7, SyncSlug: "customers-to-sheets", RunID: 42, StartedAt: time.Date(2026, 3, 4, 5, 6, 7, 89_000_000, time.UTC),
		Type: "sheet", Mode: mode, Columns: columns,
		Settings: connector.Settings{"spreadsheet": spreadsheet, "sheet": "Data"},
		Model:    connector.ModelInfo{ID: 3, Name: "Customers", Slug: "customers", PrimaryKey: "id"},
	}
	for i := 0; i < len(settings); i += 2 {
		job.Settings[settings[i].(string)] = settings[i+1]
	}
	return job
}

func columnsOf(names ...string) []connector.TargetColumn {
	var columns []connector.TargetColumn
	for _, n := range names {
		columns = append(columns, connector.TargetColumn{Name: n, From: n, Type: value.TypeString})
	}
	return columns
}

func open(t *testing.T, settings connector.Settings) connector.Destination {
	t.Helper()
	d, err := googlesheets.Info().Open(connector.DestinationOptions{
		Settings: settings.WithDefaults(googlesheets.Info().Fields), Dir: t.TempDir(), Clock: clock.System{}, Log: slog.New(slog.DiscardHandler),
		Network: connector.Network{Egress: []string{"192.0.2.1"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() }) //nolint:errcheck // it holds nothing
	return d
}

// small opens a destination for which spreadsheets have few cells.
func small(t *testing.T, g *google, cells int) connector.Destination {
	t.Helper()
	d := open(t, g.settings())
	g.limit = cells
	googlesheets.SetLimits(d, cells, time.Millisecond)
	return d
}

func texts(row ...any) []value.Value {
	values := make([]value.Value, len(row))
	for i, v := range row {
		switch v := v.(type) {
		case nil:
		case string:
			values[i] = value.OfText(v)
		case int:
			values[i] = value.OfInt(int64(v))
		case value.Value:
			values[i] = v
		}
	}
	return values
}

func begin(t *testing.T, d connector.Destination, job connector.SyncJob) connector.Session {
	t.Helper()
	s, err := d.Begin(t.Context(), job)
	if err != nil {
		t.Fatalf("Begin: %v\n%s", err, fault.As(err).Hint())
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
	})
	return s
}

func write(t *testing.T, s connector.Session, id string, rows ...[]value.Value) (connector.Result, error) {
	t.Helper()
	b := &connector.Batch{ID: id, Operation: connector.Added}
	for _, r := range rows {
		b.Rows = append(b.Rows, connector.Row{Values: r})
	}
	return s.Write(t.Context(), b)
}

// run writes rows in one batch and finishes.
func run(t *testing.T, d connector.Destination, job connector.SyncJob, rows ...[]value.Value) {
	t.Helper()
	s := begin(t, d, job)
	if len(rows) > 0 {
		if _, err := write(t, s, "all", rows...); err != nil {
			t.Fatalf("Write: %v\n%s", err, fault.As(err).Hint())
		}
	}
	if err := s.Finish(t.Context()); err != nil {
		t.Fatalf("Finish: %v\n%s", err, fault.As(err).Hint())
	}
}

func same(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n%q\nwant\n%q", what, got, want)
	}
}

// TestConformance runs the suite for a sheet that is replaced and for one that is added to.
//
// Req: SY-18, FLD-32, M-11
func TestConformance(t *testing.T) {
	t.Parallel()
	for _, mode := range []connector.Mode{connector.ModeAll, connector.ModeInsert} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			destinationtest.Run(t, fixture(t, mode))
		})
	}
}

func fixture(t *testing.T, mode connector.Mode) destinationtest.Fixture {
	t.Helper()
	g := newGoogle(t)
	var number atomic.Int64
	return destinationtest.Fixture{
		Info:    googlesheets.Info(),
		Arrival: arrival,
		Invalid: invalid(g),
		Failing: failing(t, g),
		Refused: []destinationtest.Refused{
			{Name: "object", Column: connector.TargetColumn{Name: "value", From: "value"}, Value: value.OfMap(nil), Says: "the value of value is an object"},
			{Name: "long text", Column: connector.TargetColumn{Name: "value", From: "value", Type: value.TypeString}, Value: value.OfText(strings.Repeat("ü", 50_001)), Says: "50000 characters"},
			{Name: "invalid UTF-8", Column: connector.TargetColumn{Name: "value", From: "value", Type: value.TypeString}, Value: value.OfText("a\xffb"), Says: "UTF-8"},
		},
		Target: func(_ *testing.T, columns []connector.TargetColumn) destinationtest.Target {
			id := fmt.Sprintf("book-%d", number.Add(1))
			g.mu.Lock()
			g.books = append(g.books, newBook(id, "Book", "Data"))
			g.mu.Unlock()
			return destinationtest.Target{
				Settings: g.settings(),
				Job:      jobOf(id, mode, columns),
				Read:     func(*testing.T) []destinationtest.Record { return g.records(id) },
			}
		},
	}
}

// records are the rows below the header.
func (g *google) records(id string) []destinationtest.Record {
	p := g.page(id, "Data")
	g.mu.Lock()
	defer g.mu.Unlock()
	names := map[int]string{}
	rows := map[int]destinationtest.Record{}
	for at, v := range p.cells {
		if at.row == 0 {
			names[at.column] = v.(string)
		}
	}
	last := 0
	for at, v := range p.cells {
		if at.row == 0 {
			continue
		}
		if rows[at.row] == nil {
			rows[at.row] = destinationtest.Record{}
		}
		rows[at.row][names[at.column]] = found(v)
		last = max(last, at.row)
	}
	var records []destinationtest.Record
	for r := 1; r <= last; r++ {
		records = append(records, rows[r])
	}
	return records
}

func found(v any) value.Value {
	switch v := v.(type) {
	case bool:
		return value.OfBool(v)
	case json.Number:
		f, _ := v.Float64() //nolint:errcheck // Google has no other numbers
		return value.OfFloat(f)
	default:
		return value.OfText(show(v))
	}
}

// arrival says what becomes of a value: a cell is a text, a number of 64 bits or a boolean, and an empty text is none.
func arrival(_ connector.TargetColumn, v value.Value) destinationtest.Arrival {
	switch v.Kind() {
	case value.Null:
		return destinationtest.Arrival{Absent: true}
	case value.Bool:
		return destinationtest.As(v)
	case value.List, value.Map, value.JSON:
		return destinationtest.Arrival{Refused: true}
	case value.Float:
		return destinationtest.As(v)
	case value.Int, value.Decimal:
		if text := v.String(); text == "9007199254740993" || strings.Contains(text, "9223372036854775") || len(text) > 20 {
			return destinationtest.Text(v)
		}
		return destinationtest.As(value.OfFloat(v.Float()))
	}
	text := v.String()
	return destinationtest.Arrival{Value: value.OfText(text), Absent: text == "", Refused: utf8.RuneCountInString(text) > 50_000}
}

func invalid(g *google) []destinationtest.Invalid {
	edit := func(settings ...any) func(j *connector.SyncJob) {
		return func(j *connector.SyncJob) {
			for i := 0; i < len(settings); i += 2 {
				j.Settings[settings[i].(string)] = settings[i+1]
			}
		}
	}
	return []destinationtest.Invalid{
		{Name: "destination", Settings: g.settings("endpoint", "sheets", "credential", map[string]any{"auth": "key", "serviceAccountKey": "{}"}), Paths: []string{"spec.configuration.endpoint", "spec.configuration.credential"}},
		{Name: "nothing chosen", Edit: edit("spreadsheet", "", "sheet", ""), Paths: []string{"spec.settings.spreadsheet", "spec.settings.sheet"}},
		{Name: "colon in the sheet", Edit: edit("sheet", "Example:Sheet"), Paths: []string{"spec.settings.sheet"}},
		{Name: "colon in the snapshot", Edit: func(j *connector.SyncJob) {
			j.Mode = connector.ModeSnapshot
			j.Settings["snapshotName"] = "{HH}:{mm}"
		}, Paths: []string{"spec.settings.snapshotName"}},
		{Name: "variable of the snapshot", Edit: func(j *connector.SyncJob) {
			j.Mode = connector.ModeSnapshot
			j.Settings["snapshotName"] = "{nope}"
		}, Paths: []string{"spec.settings.snapshotName"}},
		{Name: "no range", Edit: edit("range", "Data!A1:B"), Paths: []string{"spec.settings.range"}},
		{Name: "narrow range", Edit: edit("range", "C3:C9"), Paths: []string{"spec.settings.range"}},
		{Name: "backward range", Edit: edit("range", "C3:B9"), Paths: []string{"spec.settings.range"}},
		{Name: "mode", Edit: func(j *connector.SyncJob) { j.Mode = connector.ModeUpsert }, Paths: []string{"spec.mode"}},
		{Name: "format", Edit: edit("valueInput", "raw"), Paths: []string{"spec.settings.valueInput"}},
		{Name: "objects", Edit: func(j *connector.SyncJob) { j.Columns[1].Type = value.TypeObject }, Paths: []string{"spec.mappings"}},
		{Name: "two columns of one name", Edit: func(j *connector.SyncJob) { j.Columns[1].Name = "id" }, Paths: []string{"spec.mappings"}},
		{Name: "no columns", Edit: func(j *connector.SyncJob) { j.Columns = nil }, Paths: []string{"spec.mappings"}},
	}
}

func failing(t *testing.T, good *google) []destinationtest.Failing {
	t.Helper()
	refusing := func(status int, words string) connector.Settings {
		g := newGoogle(t)
		g.intrude = func(w http.ResponseWriter, _ seen) bool {
			w.Header().Set("Retry-After", "0.001")
			refuse(w, status, words)
			return true
		}
		return g.settings()
	}
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	return []destinationtest.Failing{
		{Name: "deleted key", Settings: good.settings("credential", cloudtest.GCP(t, http.StatusBadRequest)), Code: fault.CodeDestinationAuth, Says: "Invalid JWT Signature"},
		{Name: "tokens out of order", Settings: good.settings("credential", cloudtest.GCP(t, http.StatusServiceUnavailable)), Code: fault.CodeDestinationUnreachable, Says: "503"},
		{Name: "token refused", Settings: refusing(401, "Request had invalid authentication credentials."), Code: fault.CodeDestinationAuth, Says: "invalid authentication"},
		{Name: "API off", Settings: refusing(403, "Google Drive API has not been used in project 1 before or it is disabled."), Code: fault.CodeDestinationDenied, Says: "has not been used"},
		{Name: "too many", Settings: refusing(429, "Quota exceeded for quota metric 'Read requests'"), Code: fault.CodeDestinationThrottled, Says: "Quota exceeded"},
		{Name: "no key", Settings: good.settings("credential", map[string]any{"auth": "key", "serviceAccountKey": "{}"}), Code: fault.CodeInvalid, Says: "not the key of a service account"},
	}
}

// TestAdvice proves that what Check refuses comes with its remedy.
func TestAdvice(t *testing.T) {
	t.Parallel()
	job := jobOf("b", connector.ModeAll, columnsOf("id"), "sheet", "a:b")
	job.Columns[0].Type = value.TypeObject
	var issues fault.Issues
	if err := open(t, newGoogle(t).settings()).Check(job); !errors.As(err, &issues) || len(issues) != 2 {
		t.Fatal(err)
	}
	if !strings.Contains(issues[0].Hint(), "type to string") || !strings.Contains(issues[1].Hint(), "underscore") {
		t.Errorf("%q, %q", issues[0].Hint(), issues[1].Hint())
	}
}

// TestReplace proves that readers see the rows before or the rows after, and nothing between; that what is left of
// longer rows is gone; that formats stay; and that the sheet stays the same one, which others refer to.
//
// Req: SY-18
func TestReplace(t *testing.T) {
	t.Parallel()
	b := newBook("b", "Book", "Data")
	b.sheets[0].fill([]any{"id", "name", "more"}, []any{"1", "old", "x"}, []any{"2", "old", "x"}, []any{"3", "old", "x"})
	b.sheets[0].formats[place{1, 1}] = "red"
	b.sheets = append(b.sheets, newPage(2, "Other").fill([]any{"kept"}))
	g := newGoogle(t, b)
	before := g.page("b", "Data").lines()
	changes := 0
	g.intrude = func(_ http.ResponseWriter, s seen) bool {
		if strings.Contains(s.body, "copyPaste") {
			changes++
		} else if changes == 0 {
			same(t, "before the last step", g.page("b", "Data").lines(), before)
		}
		return false
	}
	job := jobOf("b", connector.ModeAll, columnsOf("id", "name"))
	s := begin(t, open(t, g.settings()), job)
	if l := s.Limits(); !l.Deferred || l.Idempotency != connector.Idempotent || l.Concurrency != 1 || len(l.Rates) != 3 || l.Rates[0].Class == "" || l.Rates[0].Class != l.Rates[1].Class {
		t.Errorf("%+v", l)
	}
	for i, name := range []string{"=1+1", "new"} {
		for range 2 { // a batch that comes again is not gathered again
			if _, err := write(t, s, name, texts(strconv.Itoa(i), name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := s.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	p := g.page("b", "Data")
	same(t, "the sheet", p.lines(), []string{"id|name", "0|=1+1", "1|new"})
	if p.id != 1 || p.formats[place{1, 1}] != "red" || changes != 1 {
		t.Errorf("sheet %d, format %q, %d last steps", p.id, p.formats[place{1, 1}], changes)
	}
	same(t, "sheets", g.titles("b"), []string{"Data", "Other"})
	run(t, open(t, g.settings()), job)
	same(t, "no rows", g.page("b", "Data").lines(), []string{"id|name"})
	job.Settings["header"] = false
	run(t, open(t, g.settings()), job)
	same(t, "no header", g.page("b", "Data").lines(), []string{})
}

// TestRange proves that nothing outside a range is touched, and that it is emptied beyond the rows.
func TestRange(t *testing.T) {
	t.Parallel()
	b := newBook("b", "Book", "Data")
	b.sheets[0].fill([]any{"margin", "margin", "margin"}, []any{"margin", "old", "old", "right"}, []any{"margin", "old", "old", "right"}, []any{"margin", "old", "old", "right"}, []any{"below", "below"})
	g := newGoogle(t, b)
	job := jobOf("https://docs.google.com/spreadsheets/d/b/edit#gid=0", connector.ModeAll, columnsOf("id"), "range", "b2:C4")
	d := open(t, g.settings())
	run(t, d, job, texts("1"))
	same(t, "the sheet", g.page("b", "Data").lines(), []string{"margin|margin|margin", "margin|id||right", "margin|1||right", "margin|||right", "below|below"})
	far := jobOf("b", connector.ModeAll, columnsOf("id"), "range", "AB2000:AC2010", "header", false)
	run(t, d, far)
	same(t, "nothing, beyond the sheet", g.page("b", "Data").lines()[1:], []string{"margin|id||right", "margin|1||right", "margin|||right", "below|below"})
	s := begin(t, d, job)
	if _, err := write(t, s, "many", texts("1"), texts("2"), texts("3")); !fault.Is(err, fault.CodeDestinationRejected) || !strings.Contains(err.Error(), "has no room") || fault.ClassOf(err) != fault.Fatal {
		t.Errorf("more rows than the range has: %v", err)
	}
}

// TestUserEntered proves that texts are read as a person's, with the formats of the cells, and that numbers keep their
// digits.
//
// Req: FLD-32
func TestUserEntered(t *testing.T) {
	t.Parallel()
	b := newBook("b", "Book", "Data")
	b.sheets[0].formats[place{1, 1}] = "text"
	b.sheets[0].formats[place{2, 0}] = "bold"
	g := newGoogle(t, b)
	job := jobOf("b", connector.ModeAll, columnsOf("a", "b", "c"), "valueInput", "USER_ENTERED")
	run(t, open(t, g.settings()), job,
		texts("=A1", "2024-02-29", "2024-02-29"),
		texts(value.OfMicros(1_700_000_000_000_000), value.OfDay(19_000), value.OfInt(9007199254740993)),
		texts("12", value.OfDecimal("0.10"), value.OfBool(true)),
		texts(nil, value.OfMicros(1_700_000_000_123_000), value.OfDecimal("12345678901234567890.12345")),
	)
	p := g.page("b", "Data")
	same(t, "the sheet", p.lines(), []string{
		"a|b|c", "formula =A1|2024-02-29|date 2024-02-29", "date 2023-11-14 22:13:20|date 2022-01-08|9007199254740993",
		"#12|#0.10|true", "|date 2023-11-14 22:13:20.123|12345678901234567890.12345",
	})
	job.Rows, job.Settings["header"] = 1, false // fewer than come
	run(t, open(t, g.settings()), job, texts("1", "2", "3"), texts("1", "2", "3"), texts("1", "2", "3"))
	if p = g.page("b", "Data"); p.formats[place{2, 0}] != "bold" || len(p.lines()) != 3 {
		t.Errorf("after growing: %v", p.formats)
	}
	if p.formats[place{1, 1}] != "text" || p.formats[place{2, 0}] != "bold" || p.formats[place{1, 2}] != "date" {
		t.Errorf("formats: %v", p.formats)
	}
}

// TestLostAnswer proves that the last step is neither taken for done nor done twice when its answer is lost, and that
// Google's quotas and errors are waited out.
func TestLostAnswer(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		status  int
		applied bool
	}{{"applied", 502, true}, {"not applied", 502, false}, {"quota", 429, false}, {"busy", 503, false}, {"error", 500, false}} {
		for _, mode := range []connector.Mode{connector.ModeAll, connector.ModeSnapshot} {
			t.Run(c.name+" "+string(mode), func(t *testing.T) {
				t.Parallel()
				g := newGoogle(t, newBook("b", "Book", "Data"))
				d := small(t, g, 10_000_000)
				s := begin(t, d, jobOf("b", mode, columnsOf("id"), "snapshotName", "Snapshot"))
				if _, err := write(t, s, "1", texts("1")); err != nil {
					t.Fatal(err)
				}
				lost := 0
				lose := func(w http.ResponseWriter, s seen) bool {
					if s.is() != "change" || lost > 0 {
						return false
					}
					lost++
					w.Header().Set("Retry-After", "0.001")
					refuse(w, c.status, "Try again")
					return true
				}
				g.mu.Lock()
				if c.applied {
					g.after = lose
				} else {
					g.intrude = lose
				}
				g.mu.Unlock()
				changes := g.count("change")
				if err := s.Finish(t.Context()); err != nil {
					t.Fatal(err)
				}
				title, want, times := "Data", []string{"Data"}, 2
				if mode == connector.ModeSnapshot {
					title, want = "Snapshot", []string{"Data", "Snapshot"}
				}
				if c.applied {
					times = 1
				}
				same(t, "sheets", g.titles("b"), want)
				same(t, "rows", g.page("b", title).lines(), []string{"id", "1"})
				if n := g.count("change") - changes; n != times {
					t.Errorf("%d last steps", n)
				}
			})
		}
	}
}

// TestRetriedBatch proves that a batch which was taken in part, or not at all, is there once after it came again.
func TestRetriedBatch(t *testing.T) {
	t.Parallel()
	for _, status := range []int{429, 500, 502} {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			t.Parallel()
			g := newGoogle(t, newBook("b", "Book", "Data"))
			s := begin(t, open(t, g.settings()), jobOf("b", connector.ModeAll, columnsOf("id", "name")))
			g.mu.Lock()
			g.after = func(w http.ResponseWriter, s seen) bool {
				if s.is() != "write" {
					return false
				}
				refuse(w, status, "Try again")
				return true
			}
			g.mu.Unlock()
			_, err := write(t, s, "1", texts("1", "a"), texts("2", "a"))
			class := fault.Retryable
			if status == 429 {
				class = fault.Throttled
			}
			if fault.ClassOf(err) != class || class == fault.Throttled && fault.As(err).After != time.Minute {
				t.Errorf("%v %v: %v", fault.ClassOf(err), fault.As(err).After, err)
			}
			g.mu.Lock()
			g.after = nil
			g.mu.Unlock()
			for _, row := range [][]value.Value{texts("3", nil), texts("4", "b")} {
				if _, err := write(t, s, row[0].String(), row); err != nil {
					t.Fatal(err)
				}
			}
			if err := s.Finish(t.Context()); err != nil {
				t.Fatal(err)
			}
			same(t, "rows", g.page("b", "Data").lines(), []string{"id|name", "3", "4|b"})
		})
	}
}

// TestCrash proves that the hidden sheet of a run that ended in the middle is replaced by the next one, and that one
// which is given up leaves none.
func TestCrash(t *testing.T) {
	t.Parallel()
	g := newGoogle(t, newBook("b", "Book", "Data"))
	d := open(t, g.settings())
	job := jobOf("b", connector.ModeAll, columnsOf("id"))
	crashed := begin(t, d, job)
	if _, err := write(t, crashed, "1", texts("1")); err != nil {
		t.Fatal(err)
	}
	same(t, "sheets", g.titles("b"), []string{"Data", "(Millrace unfinished 7)"})
	run(t, d, job, texts("2"))
	same(t, "sheets", g.titles("b"), []string{"Data"})
	same(t, "rows", g.page("b", "Data").lines(), []string{"id", "2"})
	given := begin(t, d, job)
	if err := given.Close(); err != nil {
		t.Error(err)
	}
	same(t, "sheets", g.titles("b"), []string{"Data"})
	err := crashed.Finish(t.Context())
	if !fault.Is(err, fault.CodeDestinationSchema) || !strings.Contains(err.Error(), "hidden sheet") {
		t.Errorf("a hidden sheet that is gone: %v", err)
	}
	options, err := d.(connector.OptionLister).ListOptions(t.Context(), "sheets", job)
	if err != nil || len(options) != 1 {
		t.Errorf("%v, %v", options, err)
	}
}

// TestMoved proves that a sheet which is renamed while a run goes on gets its rows, and one that is deleted is missed.
func TestMoved(t *testing.T) {
	t.Parallel()
	g := newGoogle(t, newBook("b", "Book", "Data"))
	g.book("b").sheets = append(g.book("b").sheets, newPage(9, "Other"))
	d := open(t, g.settings())
	s := begin(t, d, jobOf("b", connector.ModeAll, columnsOf("id")))
	if _, err := write(t, s, "1", texts("1")); err != nil {
		t.Fatal(err)
	}
	g.page("b", "Data").title = "Renamed"
	if err := s.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	same(t, "rows", g.page("b", "Renamed").lines(), []string{"id", "1"})
	if _, err := d.Begin(t.Context(), jobOf("b", connector.ModeAll, columnsOf("id"))); !fault.Is(err, fault.CodeDestinationSchema) || !strings.Contains(fault.As(err).Hint(), "renamed or deleted") {
		t.Errorf("a sheet that is renamed: %v", err)
	}
	s = begin(t, d, jobOf("b", connector.ModeAll, columnsOf("id"), "sheet", "Renamed"))
	g.mu.Lock()
	g.book("b").sheets = slices.DeleteFunc(g.book("b").sheets, func(p *page) bool { return p.title == "Renamed" })
	g.mu.Unlock()
	if err := s.Finish(t.Context()); !fault.Is(err, fault.CodeDestinationSchema) || !strings.Contains(err.Error(), "deleted while") {
		t.Errorf("a sheet that is deleted: %v", err)
	}
}

// TestSnapshot proves that each run makes a sheet of its own, which is hidden until it is complete.
//
// Req: SY-18
func TestSnapshot(t *testing.T) {
	t.Parallel()
	g := newGoogle(t, newBook("b", "Book", "Data"))
	d := open(t, g.settings())
	job := jobOf("b", connector.ModeSnapshot, columnsOf("id"), "sheet", "")
	job.Model.Name = "10:30"
	if err := d.Check(job); err != nil {
		t.Fatal(err)
	}
	run(t, d, job, texts("1"), texts("2"))
	run(t, d, job, texts("3"))
	same(t, "sheets", g.titles("b"), []string{"Data", "10_30 2026-03-04 05.06.07", "10_30 2026-03-04 05.06.07 (2)"})
	p := g.page("b", "10_30 2026-03-04 05.06.07")
	same(t, "rows", p.lines(), []string{"id", "1", "2"})
	if p.rows != 3 || p.columns != 1 {
		t.Errorf("%d rows, %d columns", p.rows, p.columns)
	}
}

// TestOverflow proves that what is more than a spreadsheet's cells continues in further spreadsheets of the same
// folder, which are emptied when they are not needed any more.
func TestOverflow(t *testing.T) {
	t.Parallel()
	g := newGoogle(t, newBook("b", "It's", "Data"))
	g.page("b", "Data").rows, g.page("b", "Data").columns = 4, 5
	d := small(t, g, 40)
	job := jobOf("b", connector.ModeAll, columnsOf("id", "name"), "overflow", true)
	var rows [][]value.Value
	for i := range 21 {
		rows = append(rows, texts(strconv.Itoa(i), "x"))
	}
	run(t, d, job, rows...)
	same(t, "first", g.page("b", "Data").lines(), strings.Fields("id|name 0|x 1|x 2|x 3|x 4|x 5|x 6|x 7|x 8|x"))
	same(t, "second", g.page("made-1", "Data").lines(), strings.Fields("id|name 9|x 10|x 11|x 12|x 13|x 14|x 15|x 16|x 17|x"))
	same(t, "third", g.page("made-2", "Data").lines(), strings.Fields("id|name 18|x 19|x 20|x"))
	if b := g.book("made-2"); b.title != "It's_2" || b.folder != "folder" || len(g.titles("made-2")) != 1 {
		t.Errorf("%+v", b)
	}
	run(t, d, job, rows[:11]...)
	same(t, "second", g.page("made-1", "Data").lines(), strings.Fields("id|name 9|x 10|x"))
	same(t, "third", g.page("made-2", "Data").lines(), []string{})
	if n := len(g.books); n != 3 {
		t.Errorf("%d spreadsheets", n)
	}

	job.Settings["overflow"] = false
	s := begin(t, d, job)
	if _, err := write(t, s, "1", rows...); !fault.Is(err, fault.CodeDestinationRejected) || !strings.Contains(fault.As(err).Hint(), "10 million cells") {
		t.Errorf("without further spreadsheets: %v", err)
	}
	g.book("b").folder = ""
	job.Settings["overflow"] = true
	s = begin(t, d, job)
	if _, err := write(t, s, "1", rows...); !fault.Is(err, fault.CodeDestinationDenied) || !strings.Contains(fault.As(err).Hint(), cloudtest.Email) {
		t.Errorf("a folder that is not shared: %v", err)
	}
}

// TestSnapshotOverflow proves that snapshots go to the first spreadsheet that has room.
func TestSnapshotOverflow(t *testing.T) {
	t.Parallel()
	g := newGoogle(t, newBook("b", "Book", "Data"))
	g.page("b", "Data").rows, g.page("b", "Data").columns = 4, 1
	d := small(t, g, 20)
	job := jobOf("b", connector.ModeSnapshot, columnsOf("id"), "overflow", true, "snapshotName", "S", "header", false)
	var rows [][]value.Value
	for i := range 24 {
		rows = append(rows, texts(strconv.Itoa(i)))
	}
	run(t, d, job, rows...)
	run(t, d, job, rows[:5]...)
	if a, b, c := g.page("b", "S"), g.page("made-1", "S"), g.page("made-2", "S"); len(a.lines()) != 16 || len(b.lines()) != 8 || len(c.lines()) != 3 {
		t.Errorf("%q, %q, %q", a.lines(), b.lines(), c.lines())
	}
	same(t, "second", g.page("made-1", "S (2)").lines(), []string{"0", "1"})
	job.Settings["overflow"] = false
	if _, err := d.Begin(t.Context(), job); !fault.Is(err, fault.CodeDestinationRejected) || !strings.Contains(fault.As(err).Hint(), "10 million") {
		t.Errorf("without further spreadsheets: %v", err)
	}
}

// TestOverflowRetried proves that a batch which failed after it began another spreadsheet is there once.
func TestOverflowRetried(t *testing.T) {
	t.Parallel()
	g := newGoogle(t, newBook("b", "Book", "Data"))
	g.page("b", "Data").rows, g.page("b", "Data").columns = 4, 1
	d := small(t, g, 20)
	s := begin(t, d, jobOf("b", connector.ModeAll, columnsOf("id"), "overflow", true))
	var rows [][]value.Value
	var want []string
	for i := range 15 {
		rows, want = append(rows, texts(strconv.Itoa(i))), append(want, strconv.Itoa(i))
	}
	g.mu.Lock()
	g.intrude = func(w http.ResponseWriter, s seen) bool {
		bad := s.is() == "write" && strings.Contains(s.path, "made-1") && !strings.Contains(s.body, "id")
		if bad {
			refuse(w, 503, "Try again")
		}
		return bad
	}
	g.mu.Unlock()
	if _, err := write(t, s, "1", rows...); fault.ClassOf(err) != fault.Retryable {
		t.Fatalf("%v: %v", fault.ClassOf(err), err)
	}
	g.mu.Lock()
	g.intrude = nil
	g.mu.Unlock()
	if _, err := write(t, s, "1", rows...); err != nil {
		t.Fatal(err)
	}
	if err := s.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := slices.Concat(g.page("b", "Data").lines()[1:], g.page("made-1", "Data").lines()[1:])
	same(t, "rows", got, want)
}

// TestWideSheet proves that columns without a use make room for rows, where nothing says that they must stay.
func TestWideSheet(t *testing.T) {
	t.Parallel()
	g := newGoogle(t, newBook("b", "Book", "Data"))
	g.page("b", "Data").rows, g.page("b", "Data").columns = 2, 26
	d := small(t, g, 120)
	var rows [][]value.Value
	for range 29 {
		rows = append(rows, texts("1", "2"))
	}
	run(t, d, jobOf("b", connector.ModeAll, columnsOf("a", "b")), rows...)
	if p := g.page("b", "Data"); len(p.lines()) != 30 || p.rows != 30 || p.columns != 2 {
		t.Errorf("%d lines, %d×%d", len(p.lines()), p.rows, p.columns)
	}
}

// TestAppend proves that rows are added after those that are there, under the names of the header row.
//
// Req: SY-18
func TestAppend(t *testing.T) {
	t.Parallel()
	b := newBook("b", "Book", "Data")
	b.sheets[0].fill([]any{"name", "note", "id"}, []any{"old", "", "1"}, nil, []any{"below"})
	g := newGoogle(t, b)
	d := open(t, g.settings())
	job := jobOf("b", connector.ModeInsert, columnsOf("id", "name"))
	s := begin(t, d, job)
	if l := s.Limits(); l.Deferred || l.Idempotency != connector.NotIdempotent || !slices.Equal(l.Operations, []connector.Operation{connector.Added}) {
		t.Errorf("%+v", l)
	}
	for _, row := range []string{"2", "3"} {
		if _, err := write(t, s, row, texts(row, "new")); err != nil {
			t.Fatal(err)
		}
	}
	same(t, "rows", g.page("b", "Data").lines(), []string{"name|note|id", "old||1", "new||2", "new||3", "", "below"})
	fields, err := d.(connector.FieldLister).TargetFields(t.Context(), job)
	if err != nil || len(fields) != 3 || fields[2].Name != "id" {
		t.Errorf("%+v, %v", fields, err)
	}
	if _, err := d.Begin(t.Context(), jobOf("b", connector.ModeInsert, columnsOf("email"))); !fault.Is(err, fault.CodeDestinationSchema) || !strings.Contains(err.Error(), `"email"`) {
		t.Errorf("a column that the header lacks: %v", err)
	}
}

// TestAppendPlaces proves where rows go in an empty sheet, in a range, and without a header.
func TestAppendPlaces(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		settings []any
		before   [][]any
		want     []string
	}{
		{"empty", nil, nil, []string{"id|name", "1|a", "2|b"}},
		{"range", []any{"range", "B2:C100"}, nil, []string{"", "|id|name", "|1|a", "|2|b"}},
		{"no header", []any{"header", false}, [][]any{{"9", "z"}}, []string{"9|z", "1|a", "2|b"}},
		{"no header, empty", []any{"header", false}, nil, []string{"1|a", "2|b"}},
		{"beside", []any{"range", "C1"}, [][]any{{"x", "", "id", "name"}, {"y"}}, []string{"x||id|name", "||1|a", "||2|b", "y"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBook("b", "Book", "Data")
			b.sheets[0].fill(c.before...)
			if c.name == "beside" {
				delete(b.sheets[0].cells, place{0, 1})
			}
			g := newGoogle(t, b)
			run(t, open(t, g.settings()), jobOf("b", connector.ModeInsert, columnsOf("id", "name"), c.settings...), texts("1", "a"), texts("2", "b"))
			same(t, "rows", g.page("b", "Data").lines(), c.want)
		})
	}
}

// TestAppendHeader proves that the names are there once when the answer to writing them is lost.
func TestAppendHeader(t *testing.T) {
	t.Parallel()
	for _, applied := range []bool{true, false} {
		b := newBook("b", "Book", "Data")
		b.sheets[0].columns = 1
		g := newGoogle(t, b)
		s := begin(t, open(t, g.settings()), jobOf("b", connector.ModeInsert, columnsOf("id", "name")))
		lost := 0
		lose := func(w http.ResponseWriter, s seen) bool {
			if s.is() != "append" || lost > 0 {
				return false
			}
			lost++
			refuse(w, http.StatusBadGateway, "Bad Gateway")
			return true
		}
		g.mu.Lock()
		if applied {
			g.after = lose
		} else {
			g.intrude = lose
		}
		g.mu.Unlock()
		if _, err := write(t, s, "1", texts("1", "a")); fault.ClassOf(err) != fault.Retryable {
			t.Errorf("%v: %v", fault.ClassOf(err), err)
		}
		if _, err := write(t, s, "1", texts("1", "a")); err != nil {
			t.Error(err)
		}
		same(t, "rows", g.page("b", "Data").lines(), []string{"id|name", "1|a"})
	}
}

// TestAppendOverflow proves that rows are added to the last of the further spreadsheets.
func TestAppendOverflow(t *testing.T) {
	t.Parallel()
	g := newGoogle(t, newBook("b", "Book", "Data"))
	g.page("b", "Data").rows, g.page("b", "Data").columns = 1, 2
	d := small(t, g, 24)
	for i := range 20 {
		job := jobOf("b", connector.ModeInsert, columnsOf("id", "name"), "overflow", true)
		run(t, d, job, texts(strconv.Itoa(i), "x"))
	}
	same(t, "first", g.page("b", "Data").lines(), strings.Fields("id|name 0|x 1|x 2|x 3|x 4|x 5|x 6|x 7|x 8|x 9|x 10|x"))
	if lines := g.page("made-1", "Data").lines(); lines[0] != "id|name" || lines[1] != "11|x" {
		t.Errorf("second: %q", lines)
	}
	s := begin(t, d, jobOf("b", connector.ModeInsert, columnsOf("id", "name")))
	if _, err := write(t, s, "1", texts("1", "x")); !fault.Is(err, fault.CodeDestinationRejected) || !strings.Contains(fault.As(err).Hint(), "further spreadsheets") {
		t.Errorf("without further spreadsheets: %v", err)
	}
}

// TestAppendInDoubt proves that nobody is told that rows were not added when that is not known.
func TestAppendInDoubt(t *testing.T) {
	t.Parallel()
	for status, class := range map[int]fault.Class{500: fault.Unknown, 502: fault.Unknown, 503: fault.Unknown, 429: fault.Throttled, 400: fault.Permanent} {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			t.Parallel()
			b := newBook("b", "Book", "Data")
			b.sheets[0].fill([]any{"id"})
			g := newGoogle(t, b)
			s := begin(t, open(t, g.settings()), jobOf("b", connector.ModeInsert, columnsOf("id")))
			g.mu.Lock()
			g.intrude = func(w http.ResponseWriter, s seen) bool {
				if s.is() == "append" {
					refuse(w, status, "Internal error encountered.")
				}
				return s.is() == "append"
			}
			g.mu.Unlock()
			if _, err := write(t, s, "1", texts("1")); fault.ClassOf(err) != class {
				t.Errorf("%v: %v", fault.ClassOf(err), err)
			}
		})
	}
}

// TestRefusals proves what is said about Google's words, and to whom a spreadsheet must be shared.
func TestRefusals(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status int
		words  string
		code   fault.Code
		class  fault.Class
		hint   string
	}{
		{400, "Unable to parse range: 'Gone'!A1", fault.CodeDestinationSchema, fault.Fatal, "renamed or deleted"},
		{400, "This operation is not supported for this document", fault.CodeDestinationSchema, fault.Fatal, "save it as Google Sheets"},
		{400, tooMany, fault.CodeDestinationRejected, fault.Fatal, "10 million cells"},
		{400, "Invalid values[1][2]: list_value {values {}}", fault.CodeDestinationRejected, fault.Permanent, "type to string"},
		{400, "Range ('Data'!A1:C9) exceeds grid limits. Max rows: 1, max columns: 1", fault.CodeDestinationDenied, fault.Fatal, "protected"},
		{400, "Invalid requests[0].updateCells: You are trying to edit a protected cell or object.", fault.CodeDestinationDenied, fault.Fatal, "Remove the protection"},
		{400, "Requested writing within range ['Example:Sheet'!A1], but tried writing to column [B]", fault.CodeDestinationSchema, fault.Fatal, "colons"},
		{403, "The caller does not have permission", fault.CodeDestinationDenied, fault.Fatal, "Share the spreadsheet with " + cloudtest.Email + " as Editor"},
		{404, "Requested entity was not found.", fault.CodeDestinationSchema, fault.Fatal, cloudtest.Email},
		{403, "Google Sheets API has not been used in project 1 before or it is disabled.", fault.CodeDestinationDenied, fault.Fatal, "Enable"},
		{403, "The user's Drive storage quota has been exceeded.", fault.CodeDestinationDenied, fault.Fatal, "shared drive"},
		{401, "Request had invalid authentication credentials.", fault.CodeDestinationAuth, fault.Fatal, "key"},
		{429, "Quota exceeded for quota metric 'Write requests'", fault.CodeDestinationThrottled, fault.Throttled, "one after the other"},
		{403, "User Rate Limit Exceeded", fault.CodeDestinationThrottled, fault.Throttled, "one after the other"},
		{500, "Internal error encountered.", fault.CodeDestinationUnreachable, fault.Retryable, "charts and pivot tables"},
		{400, "Something else", fault.CodeDestinationRejected, fault.Permanent, ""},
	} {
		g := newGoogle(t, newBook("b", "Book", "Data"))
		s := begin(t, open(t, g.settings()), jobOf("b", connector.ModeAll, columnsOf("id")))
		g.mu.Lock()
		g.intrude = func(w http.ResponseWriter, s seen) bool {
			if s.is() == "write" {
				refuse(w, c.status, c.words)
			}
			return s.is() == "write"
		}
		g.mu.Unlock()
		_, err := write(t, s, "1", texts("1"))
		if !fault.Is(err, c.code) || fault.ClassOf(err) != c.class || !strings.Contains(err.Error(), c.words) || !strings.Contains(fault.As(err).Hint(), c.hint) {
			t.Errorf("%d %s: %s %v %v\n%s", c.status, c.words, fault.As(err).Code, fault.ClassOf(err), err, fault.As(err).Hint())
		}
	}
	g := newGoogle(t, newBook("b", "Book", "Data"))
	g.book("b").closed = true
	if _, err := open(t, g.settings()).Begin(t.Context(), jobOf("b", connector.ModeAll, columnsOf("id"))); !fault.Is(err, fault.CodeDestinationDenied) {
		t.Errorf("a spreadsheet that is not shared: %v", err)
	}
	chart := newBook("b", "Book", "Data")
	chart.sheets[0].kind = "OBJECT"
	if _, err := open(t, newGoogle(t, chart).settings()).Begin(t.Context(), jobOf("b", connector.ModeAll, columnsOf("id"))); !fault.Is(err, fault.CodeDestinationSchema) {
		t.Errorf("a chart: %v", err)
	}
}

// TestLists proves that the pickers list what is shared, over all pages.
func TestLists(t *testing.T) {
	t.Parallel()
	g := newGoogle(t, newBook("3", "c", "x"), newBook("1", "A", "x"), newBook("2", "b", "One"))
	g.book("2").sheets = append(g.book("2").sheets, &page{id: 5, title: "Chart", kind: "OBJECT"}, newPage(6, "Two"))
	d := open(t, g.settings()).(connector.OptionLister)
	books, err := d.ListOptions(t.Context(), "spreadsheets", connector.SyncJob{})
	if err != nil || fmt.Sprint(books) != "[{1 A } {2 b } {3 c }]" {
		t.Errorf("%v, %v", books, err)
	}
	sheets, err := d.ListOptions(t.Context(), "sheets", jobOf("2", connector.ModeAll, nil))
	if err != nil || fmt.Sprint(sheets) != "[{One One } {Two Two }]" {
		t.Errorf("%v, %v", sheets, err)
	}
	if _, err := d.ListOptions(t.Context(), "sheets", connector.SyncJob{}); !fault.Is(err, fault.CodeInvalid) {
		t.Errorf("no spreadsheet: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := d.ListOptions(ctx, "spreadsheets", connector.SyncJob{}); !fault.Is(err, fault.CodeRunCancelled) {
		t.Errorf("cancelled: %v", err)
	}
}
