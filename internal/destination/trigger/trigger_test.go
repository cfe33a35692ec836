package trigger

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

// TestWhole: numbers and texts of whole numbers are whole numbers, everything else is none.
//
// Req: SY-27
func TestWhole(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		v    value.Value
		want int64
		is   bool
	}{
		{value.OfInt(7), 7, true}, {value.OfText(" 7 "), 7, true}, {value.OfFloat(7), 7, true}, {value.OfDecimal("7.0"), 7, true}, {value.OfText("7.0"), 7, true}, {value.OfText("-7"), -7, true},
		{value.OfFloat(7.5), 0, false}, {value.OfText("7.5"), 0, false}, {value.OfText("east"), 0, false}, {value.OfText(""), 0, false}, {value.Value{}, 0, false}, {value.OfBool(true), 0, false}, {value.OfText("1e300"), 0, false},
	} {
		if got, is := Whole(c.v); is != c.is || is && got != c.want {
			t.Errorf("%s %q: %d %v", c.v.Kind(), c.v.String(), got, is)
		}
	}
}

// sent answers for parts by their first rows.
type sent struct {
	answers map[int]error
	order   [][]int
}

func (s *sent) send(rows []int) ([]connector.Rejection, error) {
	s.order = append(s.order, slices.Clone(rows))
	err := s.answers[rows[0]]
	if err != nil && err.Error() == "one" {
		return []connector.Rejection{{Row: rows[0], Reason: "one"}}, nil
	}
	return nil, err
}

// TestSendParts: what became of a batch that was sent in parts.
//
// Req: SY-76, SY-78
func TestSendParts(t *testing.T) {
	t.Parallel()
	of := func(class fault.Class) error { return fault.Reclass(errors.New("no"), class) }
	parts := [][]int{{0, 1}, {2, 3}, {4}}
	for name, c := range map[string]struct {
		answers map[int]error
		refused []int // negative: worth another attempt, less one
		class   fault.Class
		fails   bool
		calls   int
	}{
		"all taken":            {calls: 3},
		"one row":              {answers: map[int]error{2: errors.New("one")}, refused: []int{2}, calls: 3},
		"a part is refused":    {answers: map[int]error{0: of(fault.Permanent)}, refused: []int{0, 1}, calls: 3},
		"the first throttles":  {answers: map[int]error{0: of(fault.Throttled)}, class: fault.Throttled, fails: true, calls: 1},
		"the second throttles": {answers: map[int]error{2: of(fault.Throttled)}, refused: []int{-3, -4, -5}, calls: 2},
		"refused, then fatal":  {answers: map[int]error{0: of(fault.Permanent), 2: of(fault.Fatal)}, class: fault.Fatal, fails: true, calls: 2},
		"the last is lost":     {answers: map[int]error{4: of(fault.Unknown)}, class: fault.Unknown, fails: true, calls: 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &sent{answers: c.answers}
			result, err := SendParts([]connector.Rejection{{Row: 9, Reason: "before"}}, parts, nil, s.send)
			if c.fails != (err != nil) || c.fails && fault.ClassOf(err) != c.class || len(s.order) != c.calls {
				t.Fatalf("%v after %v", err, s.order)
			}
			if c.fails {
				return
			}
			var got []int
			for _, r := range result.Rejected[1:] {
				if r.Retry {
					got = append(got, -r.Row-1)
				} else {
					got = append(got, r.Row)
				}
			}
			if result.Rejected[0].Row != 9 || !slices.Equal(got, c.refused) {
				t.Errorf("refused %+v", result.Rejected)
			}
		})
	}
}

// TestHalves: a part that is refused for one of its rows is sent in halves, in the order of the rows.
//
// Req: SY-78
func TestHalves(t *testing.T) {
	t.Parallel()
	var order []string
	result, err := SendParts(nil, [][]int{{0, 1, 2, 3}, {4, 5}}, func(error) bool { return true }, func(rows []int) ([]connector.Rejection, error) {
		var text strings.Builder
		for _, r := range rows {
			text.WriteRune(rune('a' + r))
		}
		order = append(order, text.String())
		if slices.Contains(rows, 2) {
			return nil, fault.Reclass(errors.New("c is bad"), fault.Permanent)
		}
		return nil, nil
	})
	if err != nil || len(result.Rejected) != 1 || result.Rejected[0].Row != 2 || result.Rejected[0].Retry {
		t.Errorf("%+v %v", result.Rejected, err)
	}
	if got := strings.Join(order, " "); got != "abcd ab cd c d ef" {
		t.Errorf("sent %s", got)
	}
}

// TestFeed: what is about the whole run is the same in all limits, and all of them together promise the least.
//
// Req: SY-75
func TestFeed(t *testing.T) {
	t.Parallel()
	job := connector.SyncJob{Settings: connector.Settings{"initial": InitialSkip}}
	f := Feed{
		connector.Added:   Pace{RateLimit: 100, RateWindow: PerMinute, Concurrency: 3, Retry: RetryNow, Retries: 2}.Limits(job, connector.Idempotent),
		connector.Removed: Pace{Concurrency: 5, Retry: RetryNext}.Limits(job, connector.Keyed),
	}
	f.Share(true)
	l := f.LimitsOf(connector.Added)
	if l.Rates[0] != (connector.Rate{Requests: 98, Window: time.Minute}) || l.Retry.Attempts != 3 || !l.NeedSource || !l.SkipInitial || !slices.Equal(l.Operations, []connector.Operation{connector.Removed, connector.Added}) {
		t.Errorf("of added: %+v", l)
	}
	all := f.Limits()
	if all.Concurrency != 3 || all.Retry.Attempts != 1 || all.Idempotency != connector.Keyed || len(all.Rates) != 1 || f.Concurrency() != 5 {
		t.Errorf("of all: %+v", all)
	}
}

// TestProperties: names are checked, and a secret cannot be a part of a sync.
func TestProperties(t *testing.T) {
	t.Parallel()
	var issues fault.Issues
	c := &Compiler{Path: "spec.settings.added", Issues: &issues}
	c.Properties("headers", []Pair{{Name: "a", Value: "x"}, {Name: "a", Value: "y"}, {Name: "", Value: "x"}, {Name: "s", Value: "x", Secret: true}, {Name: "bad", Value: "{{"}}, func(name string) string {
		if name == "bad" {
			return "is bad"
		}
		return ""
	})
	if len(issues) != 5 {
		t.Errorf("%d issues: %v", len(issues), issues)
	}
	if c.Source {
		t.Error("fixed texts need no rows")
	}
	if c.Property("key", "{{ row.id }}"); !c.Source {
		t.Error("a template of the row needs rows")
	}
}
