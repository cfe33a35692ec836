package destinationtest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/value"
)

// checkIdentifiers: a field belongs to one group.
func checkIdentifiers(t *testing.T, s connector.SyncType) {
	t.Helper()
	seen := map[string]bool{}
	for _, group := range s.Identifiers {
		if len(group) == 0 {
			t.Errorf("sync type %q has a group of identifiers without fields", s.Slug)
		}
		for _, field := range group {
			if field == "" || seen[field] {
				t.Errorf("sync type %q: the identifier %q has no name or is in two groups", s.Slug, field)
			}
			seen[field] = true
		}
	}
}

// testAudience proves that a sync type with identifiers takes several records of one row, which share their ordinal and
// key, and takes back single ones of them (SY-92).
func testAudience(t *testing.T, f Fixture) {
	declared := slices.ContainsFunc(f.Info.SyncTypes, func(s connector.SyncType) bool { return len(s.Identifiers) > 0 })
	if f.Audience == nil {
		if declared {
			t.Error("a sync type has identifiers, and the fixture makes no audience")
		}
		t.Skip("no sync type has identifiers")
	}
	target := f.Audience(t)
	f.checkAudience(t, target)
	d := f.open(t, target.Settings)
	people := recordsOf(target.Job, 3, 1, 2)
	s := begin(t, d, target.Job)
	if l := s.Limits(); l.Deferred || l.Idempotency == connector.Transactional || !l.NeedBefore {
		t.Errorf("what became of a part of a row must be known at once, and what a row lost from what it had before: %+v", l)
	}
	f.write(t, target, s, "add", connector.Added, people)
	finish(t, s)
	f.checkMembers(t, target, people)
	s = begin(t, d, target.Job)
	f.write(t, target, s, "remove", connector.Removed, []connector.Row{people[1], people[3]})
	f.write(t, target, s, "change", connector.Changed, []connector.Row{people[0], people[2], people[4]})
	finish(t, s)
	f.checkMembers(t, target, []connector.Row{people[0], people[2], people[4], people[5]})
	f.checkClear(t, d, target)
}

// checkClear proves that an audience which can be emptied is (SY-13), also one that is empty already.
func (f Fixture) checkClear(t *testing.T, d connector.Destination, target Target) {
	t.Helper()
	kind, err := f.Info.SyncType(target.Job.Type)
	if err != nil {
		t.Fatal(err)
	}
	s := begin(t, d, target.Job)
	c, clears := s.(connector.Clearer)
	if clears != kind.Clears {
		t.Errorf("the sync type %q can be emptied: %v, its sessions: %v", kind.Slug, kind.Clears, clears)
	}
	if !clears {
		finish(t, s)
		return
	}
	for range 2 {
		if err := c.Clear(t.Context()); err != nil {
			t.Errorf("emptying: %v", err)
		}
		f.checkMembers(t, target, nil)
	}
	people := recordsOf(target.Job, 1)
	f.write(t, target, s, "fill", connector.Added, people)
	finish(t, s)
	f.checkMembers(t, target, people)
}

// checkAudience: the job maps identifiers of its sync type.
func (f Fixture) checkAudience(t *testing.T, target Target) {
	t.Helper()
	kind, err := f.Info.SyncType(target.Job.Type)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range target.Job.Columns {
		if !slices.ContainsFunc(kind.Identifiers, func(group []string) bool { return slices.Contains(group, c.Name) }) {
			t.Errorf("the column %q is no identifier of the sync type %q", c.Name, kind.Slug)
		}
	}
}

// recordsOf makes rows that have so many records each.
func recordsOf(job connector.SyncJob, counts ...int) []connector.Row {
	var all []connector.Row
	for row, count := range counts {
		for n := range count {
			r := connector.Row{Ordinal: int64(row), Record: n, Key: fmt.Sprintf("row-%d", row)}
			for i := range job.Columns {
				r.Values = append(r.Values, value.OfText(fmt.Sprintf("member-%d-%d-%d@example.com", row, n, i)))
			}
			all = append(all, r)
		}
	}
	return all
}

// checkMembers compares the members with records.
func (f Fixture) checkMembers(t *testing.T, target Target, records []connector.Row) {
	t.Helper()
	var got, want []string
	for _, member := range target.Read(t) {
		got = append(got, memberText(target.Job, func(i int) value.Value { return member[target.Job.Columns[i].Name] }))
	}
	for _, r := range records {
		want = append(want, memberText(target.Job, func(i int) value.Value { return r.Values[i] }))
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("the members are %q, want %q", got, want)
	}
}

func memberText(job connector.SyncJob, of func(i int) value.Value) string {
	texts := make([]string, len(job.Columns))
	for i := range job.Columns {
		texts[i] = of(i).String()
	}
	return strings.Join(texts, " ")
}
