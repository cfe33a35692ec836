package destinationtest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

// Run runs the whole suite.
func Run(t *testing.T, f Fixture) {
	for _, c := range []struct {
		name string
		test func(*testing.T, Fixture)
	}{
		{"description", testDescription},
		{"test succeeds", testSucceeds},
		{"test fails", testFails},
		{"check", testCheck},
		{"lifecycle", testLifecycle},
		{"empty run", testEmpty},
		{"texts", testTexts},
		{"kinds", testKinds},
		{"nulls", testNulls},
		{"refused rows", testRefused},
		{"cancelled", testCancelled},
		{"unfinished", testUnfinished},
		{"sent again", testSentAgain},
		{"removed", testRemoved},
		{"concurrent", testConcurrent},
		{"exchanges", testExchanges},
		{"audience", testAudience},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.test(t, f)
		})
	}
}

func testDescription(t *testing.T, f Fixture) {
	i := f.Info
	if i.Slug == "" || i.Name == "" || i.Category == "" || i.Summary == "" || i.Open == nil || len(i.SyncTypes) == 0 {
		t.Errorf("slug, name, category, summary, Open and a sync type must be given: %+v", i)
	}
	checkFields(t, "settings", i.Fields)
	for _, s := range i.SyncTypes {
		if s.Slug == "" || s.Name == "" || len(s.Modes) == 0 || s.Compare == "" {
			t.Errorf("sync type %q: slug, name, modes and compare must be given", s.Slug)
		}
		checkFields(t, s.Slug, s.Fields)
		checkIdentifiers(t, s)
	}
}

func checkFields(t *testing.T, where string, fields []connector.Field) {
	t.Helper()
	seen := map[string]bool{}
	for _, field := range fields {
		if field.Name == "" || field.Label == "" || field.Type == "" || seen[field.Name] {
			t.Errorf("%s: field %q needs a name of its own, a label and a type", where, field.Name)
		}
		if field.Type == connector.FieldSecret && !field.Secret {
			t.Errorf("%s: field %q is of type secret but would not be stored as one", where, field.Name)
		}
		seen[field.Name] = true
	}
}

func testSucceeds(t *testing.T, f Fixture) {
	target := f.Target(t, columnsWith(value.TypeString, false))
	d := f.open(t, target.Settings)
	if err := d.Test(t.Context()); err != nil {
		t.Fatalf("Test: %v", err)
	}
	if got := target.Read(t); len(got) != 0 {
		t.Errorf("Test left %d rows", len(got))
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := d.Test(ctx); err == nil {
		t.Error("Test worked with a cancelled context")
	} else {
		f.checkError(t, target.Settings, err)
	}
}

func testFails(t *testing.T, f Fixture) {
	for _, c := range f.Failing {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			err := f.open(t, c.Settings).Test(t.Context())
			if err == nil {
				t.Fatal("Test did not fail")
			}
			f.checkError(t, c.Settings, err)
			if !fault.Is(err, c.Code) {
				t.Errorf("code %s, want %s: %v", fault.As(err).Code, c.Code, err)
			}
			if !strings.Contains(err.Error(), c.Says) {
				t.Errorf("the error does not say %q: %v", c.Says, err)
			}
			if fault.As(err).Hint() == "" {
				t.Error("the error does not say what to do next")
			}
		})
	}
}

func testCheck(t *testing.T, f Fixture) {
	good := f.Target(t, columnsWith(value.TypeString, false))
	if err := f.open(t, good.Settings).Check(good.Job); err != nil {
		t.Errorf("Check refuses a good job: %v", err)
	}
	for _, c := range f.Invalid {
		t.Run(c.Name, func(t *testing.T) { f.checkInvalid(t, c) })
	}
}

func (f Fixture) checkInvalid(t *testing.T, c Invalid) {
	target := f.Target(t, columnsWith(value.TypeString, false))
	settings, job := target.Settings, target.Job
	if c.Settings != nil {
		settings = c.Settings
	}
	job.Settings = job.Settings.WithDefaults(nil)
	if c.Edit != nil {
		c.Edit(&job)
	}
	err := f.open(t, settings).Check(job)
	if err == nil {
		t.Fatal("Check accepts it")
	}
	issues := issuesOf(err)
	for _, want := range c.Paths {
		if !names(issues, want) {
			t.Errorf("no issue names %s:\n%v", want, err)
		}
	}
	for _, issue := range issues {
		f.checkError(t, settings, issue)
	}
}

func issuesOf(err error) fault.Issues {
	if issues, ok := errors.AsType[fault.Issues](err); ok {
		return issues
	}
	return fault.Issues{fault.As(err)}
}

func names(issues fault.Issues, path string) bool {
	for _, i := range issues {
		if i.Path == path {
			return true
		}
	}
	return false
}

// checkError proves that an error can be shown: a registered destination code, no secret.
func (f Fixture) checkError(t *testing.T, s connector.Settings, err error) {
	t.Helper()
	if code := fault.As(err).Code; code == fault.CodeInternal {
		t.Errorf("the error has no code of its own: %v", err)
	}
	f.checkSecrets(t, s, err.Error()+fault.As(err).Suggestion)
}

func (f Fixture) checkSecrets(t *testing.T, s connector.Settings, text string) {
	t.Helper()
	for _, field := range f.Info.Fields {
		secret := s.Text(field.Name)
		if field.Secret && len(secret) > 3 && strings.Contains(text, secret) {
			t.Errorf("the secret %q appears in: %.300s", field.Name, strings.ReplaceAll(text, secret, "[the secret]"))
		}
	}
}

func testLifecycle(t *testing.T, f Fixture) {
	target := f.Target(t, columnsWith(value.TypeString, false))
	s := begin(t, f.open(t, target.Settings), target.Job)
	checkLimits(t, s.Limits())
	f.checkDeferred(t, target.Job, s.Limits())
	rows := rowsOf(target.Job, numbered("value", 25))
	f.write(t, target, s, "lifecycle", connector.Added, rows)
	finish(t, s)
	f.checkArrived(t, target, rows)
}

func checkLimits(t *testing.T, l connector.Limits) {
	t.Helper()
	if l.Rows < 1 || l.Concurrency < 1 || len(l.Operations) == 0 || l.Idempotency == "" {
		t.Errorf("limits must say rows, concurrency, operations and idempotency: %+v", l)
	}
}

// checkDeferred proves that the description says before a run begins whether its rows count only at its end: then
// no row may be tried by itself.
func (f Fixture) checkDeferred(t *testing.T, job connector.SyncJob, l connector.Limits) {
	t.Helper()
	kind, err := f.Info.SyncType(job.Type)
	if err != nil {
		t.Fatal(err)
	}
	whole := job.Mode == connector.ModeAll || job.Mode == connector.ModeSnapshot
	if l.Deferred && !kind.Deferred && !whole {
		t.Errorf("the session of the mode %s is deferred, and the sync type %s does not say so", job.Mode, kind.Slug)
	}
	if kind.Deferred && !l.Deferred {
		t.Errorf("the sync type %s says that it is deferred, and the session of the mode %s is not", kind.Slug, job.Mode)
	}
}

// write sends rows in batches as large as the limits allow; every row must be taken.
func (f Fixture) write(t *testing.T, target Target, s connector.Session, id string, op connector.Operation, rows []connector.Row) {
	t.Helper()
	limits := s.Limits()
	for len(rows) > 0 {
		n := batchSize(rows, limits)
		b := newBatch(fmt.Sprintf("%s-%s", id, rows[0].Key), op, rows[:n])
		result, err := s.Write(t.Context(), b)
		if err != nil {
			f.checkError(t, target.Settings, err)
			t.Fatalf("writing: %v", err)
		}
		for _, r := range result.Rejected {
			t.Errorf("row %s was refused: %s", b.Rows[r.Row].Key, r.Reason)
		}
		rows = rows[n:]
	}
}

func finish(t *testing.T, s connector.Session) {
	t.Helper()
	if err := s.Finish(t.Context()); err != nil {
		t.Fatalf("finishing: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatalf("closing the session: %v", err)
	}
}

func testEmpty(t *testing.T, f Fixture) {
	target := f.Target(t, columnsWith(value.TypeString, false))
	finish(t, begin(t, f.open(t, target.Settings), target.Job))
	if got := target.Read(t); len(got) != 0 {
		t.Errorf("a run without rows left %d rows", len(got))
	}
}

// checkArrived compares the target with the rows that were sent and not refused.
func (f Fixture) checkArrived(t *testing.T, target Target, sent []connector.Row) {
	t.Helper()
	got := map[string]Record{}
	records := target.Read(t)
	for _, r := range records {
		got[r["id"].String()] = r
	}
	if len(got) != len(records) {
		t.Errorf("%d rows arrived with %d ids", len(records), len(got))
	}
	want := 0
	for _, row := range sent {
		if f.checkRow(t, target.Job, row, got[row.Key]) {
			want++
		}
	}
	if len(records) != want {
		t.Errorf("%d rows arrived, want %d", len(records), want)
	}
}

// checkRow compares one row and reports whether it should be in the target.
func (f Fixture) checkRow(t *testing.T, job connector.SyncJob, row connector.Row, got Record) bool {
	t.Helper()
	column, sent := job.Columns[1], row.Values[1]
	want := f.arrival(column, sent)
	if want.Skip || want.Refused {
		if want.Refused && got != nil {
			t.Errorf("row %s arrived although it was to be refused", row.Key)
		}
		return got != nil
	}
	if got == nil {
		t.Errorf("row %s did not arrive", row.Key)
		return true
	}
	v, there := got[column.Name]
	switch {
	case want.Absent && there:
		t.Errorf("row %s: the value was to be left out and is %s", row.Key, show(v))
	case !want.Absent && !there:
		t.Errorf("row %s: the value is missing, want %s", row.Key, show(want.Value))
	case !want.Absent && !same(v, want.Value):
		t.Errorf("row %s: sent %s, got %s, want %s", row.Key, show(sent), show(v), show(want.Value))
	}
	return true
}

// same is Equal that also tells integers apart that one float would hold.
func same(a, b value.Value) bool {
	if a.Kind() == value.Int && b.Kind() == value.Decimal || a.Kind() == value.Decimal && b.Kind() == value.Int {
		return a.String() == b.String()
	}
	return a.Equal(b)
}

func show(v value.Value) string { return fmt.Sprintf("%s %.80q", v.Kind(), v.String()) }
