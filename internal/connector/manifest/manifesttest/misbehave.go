package manifesttest

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/manifest/replay"
	"github.com/millrace/millrace/internal/fault"
)

// vendorsWords are what the failing vendor says.
const vendorsWords = "the words of the vendor"

// misbehaviour is a way in which a vendor fails, and what the engine must be told.
type misbehaviour struct {
	name    string
	answer  replay.Answer
	classes []fault.Class // what an error of a batch, or of anything else, may be
	again   bool          // rows that are refused by themselves are worth another attempt
	words   bool          // the vendor says something, which is repeated
	gone    bool          // what the request is about is not there

	test     bool   // the case tests the connection: a request that is refused for what it lacks may show that it works
	first    bool   // the case is about a sync's first run
	clears   bool   // the case empties the target, which is asked for again until it is done
	late     string // why a failure shows only when the run is over
	manifest string // its text: a manifest may have words of its own for an answer
}

// repeats reports whether a text has the vendor's words, or those that the manifest has for them.
func (m misbehaviour) repeats(text string) bool {
	return !m.words || strings.Contains(text, vendorsWords) || strings.Contains(m.manifest, text)
}

func says(status int, headers map[string]string) replay.Answer {
	return replay.Answer{Status: status, Headers: headers, Body: map[string]any{"message": vendorsWords}}
}

// misbehaviours are the failures that every vendor's API can have.
var misbehaviours = []misbehaviour{
	{name: "401", answer: says(401, nil), classes: []fault.Class{fault.Fatal}, words: true},
	{name: "400", answer: says(400, nil), classes: []fault.Class{fault.Permanent, fault.Fatal}, words: true},
	{name: "404", answer: says(404, nil), classes: []fault.Class{fault.Permanent, fault.Fatal}, words: true, gone: true},
	{name: "410", answer: says(410, nil), classes: []fault.Class{fault.Permanent, fault.Fatal}, words: true, gone: true},
	{name: "422", answer: says(422, nil), classes: []fault.Class{fault.Permanent, fault.Fatal}, words: true},
	{name: "403", answer: says(403, nil), classes: []fault.Class{fault.Permanent, fault.Fatal}, words: true},
	{name: "413", answer: says(413, nil), classes: []fault.Class{fault.Permanent, fault.Fatal}, words: true},
	{name: "414", answer: says(414, nil), classes: []fault.Class{fault.Permanent, fault.Fatal}, words: true},
	{name: "429", answer: says(429, nil), classes: []fault.Class{fault.Throttled}, again: true, words: true},
	{name: "429 with Retry-After", answer: says(429, map[string]string{"Retry-After": "7"}), classes: []fault.Class{fault.Throttled}, again: true, words: true},
	{name: "500", answer: says(500, nil), classes: []fault.Class{fault.Retryable, fault.Throttled, fault.Unknown}, again: true, words: true},
	{name: "a web page", answer: replay.Answer{Headers: map[string]string{"Content-Type": "text/html"}, Text: "<!DOCTYPE html><html><body>Sign in</body></html>"}, classes: []fault.Class{fault.Retryable, fault.Unknown, fault.Fatal}, again: true},
	{name: "cut", answer: replay.Answer{Body: map[string]any{"message": vendorsWords}, Cut: true}, classes: []fault.Class{fault.Retryable, fault.Unknown, fault.Fatal}, again: true},
}

// late are cases whose failures show only when the run is over, and why.
var late = map[string]string{
	"salesforce/merge-insert.txtar": "the records were made, and Finish says that they could not be merged",
}

// Misbehave replays a destination's cases against a vendor that fails, from each kind of request on and in every way.
// No row counts as taken that the vendor did not take, each error has its class, the vendor's words and a remedy.
func Misbehave(t *testing.T, info connector.DestinationInfo, folder string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s has no cases: %v", folder, err)
	}
	seen := map[string]bool{}
	manifest, err := os.ReadFile(filepath.Join(folder, "..", "manifest.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		c := readCase(t, file)
		clean := c.Break(t.Context(), info, 0, nil)
		for i, asked := range clean.Asked {
			kind := kindOf(c, asked)
			if seen[kind] {
				continue
			}
			seen[kind] = true
			for _, m := range misbehaviours {
				t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar")+" "+asked.Method+" "+asked.Path+" "+m.name, func(t *testing.T) {
					m.test, m.first, m.manifest, m.clears, m.late = c.Job.Test, c.Job.First, string(manifest), c.Job.Clear, late[info.Slug+"/"+filepath.Base(file)]
					m.check(t, clean, c.Break(t.Context(), info, i, &m.answer), i)
				})
			}
		}
	}
	t.Run("cancelled", func(t *testing.T) { cancelled(t, info, files) })
	t.Run("expired", func(t *testing.T) { expired(t, info, files, string(manifest)) })
}

func readCase(t *testing.T, file string) *replay.Case {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	c, err := replay.Read(text)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return c
}

var varying = regexp.MustCompile(`[0-9a-f]*[0-9][0-9a-f-]*`)

// kindOf names what is the same of requests that differ in their values only.
func kindOf(c *replay.Case, a replay.Asked) string {
	what := "other"
	switch {
	case c.Job.Test:
		what = "test"
	case c.Job.Fields:
		what = "fields"
	case c.Job.List != "":
		what = c.Job.List
	case c.Job.Audiences:
		what = "audiences"
	case c.Job.Quality:
		what = "quality"
	case a.Batch >= 0:
		what = "write"
	}
	return strings.Join([]string{what, c.Job.Type, string(c.Job.Mode), a.Method, varying.ReplaceAllString(a.Path, "#")}, " ")
}

// check compares what came of a case with a vendor that failed at a request with what came of it otherwise.
func (m misbehaviour) check(t *testing.T, clean, broken *replay.Watch, at int) {
	t.Helper()
	within, method := clean.Asked[at].Batch, clean.Asked[at].Method
	if within < 0 || within >= len(broken.Batches) {
		if optional := m.classes[0] == fault.Permanent && (method == http.MethodGet || m.test); broken.Err == nil && !optional {
			t.Error("nothing says that it failed")
		}
		if broken.Err != nil && !m.clears {
			m.checkError(t, broken.Err, false)
		}
		return
	}
	for i, b := range broken.Batches[:within] {
		if b.Taken() != clean.Batches[i].Taken() {
			t.Errorf("%d rows of an earlier batch count as taken, want %d", b.Taken(), clean.Batches[i].Taken())
		}
	}
	b := broken.Batches[within]
	if b.Err != nil {
		m.checkError(t, b.Err, wrote(clean, at))
		return
	}
	was := clean.Batches[within]
	if was.Err != nil {
		return // the case says less of single rows
	}
	absent := m.gone && (method == http.MethodGet || method == http.MethodDelete || b.Batch.Operation == connector.Removed)
	if absent && len(b.Result.Rejected) == 0 {
		return // what is looked for is made, and what is to go is gone
	}
	whole := was.Taken() == len(was.Batch.Rows) && !clean.Deferred && m.late == ""
	if whole && b.Taken() >= was.Taken() || b.Taken() > was.Taken() {
		t.Errorf("%d rows count as taken, as if nothing had failed", b.Taken())
	}
	if m.gone {
		m.words = false // a row that nothing has the value of is told so
	}
	m.checkRefused(t, clean, b)
}

// wrote reports whether a request of the batch that may have changed something came before.
func wrote(clean *replay.Watch, at int) bool {
	return slices.ContainsFunc(clean.Asked[:at], func(a replay.Asked) bool {
		return a.Batch == clean.Asked[at].Batch && a.Method != http.MethodGet
	})
}

func (m misbehaviour) checkError(t *testing.T, err error, wrote bool) {
	t.Helper()
	class := fault.ClassOf(err)
	soon := m.gone && m.first && class == fault.Throttled // what was just made may not be there yet
	if !slices.Contains(m.classes, class) && (!wrote || class != fault.Unknown) && !soon {
		t.Errorf("the error is %s, want %v: %v", class, m.classes, err)
	}
	e := fault.As(err)
	if late := e.Code == fault.CodeDestinationTimeout; !m.repeats(e.Error()) && !late {
		t.Errorf("the vendor's words are lost: %v", err)
	}
	if e.Code == fault.CodeInternal || e.Hint() == "" {
		t.Errorf("no remedy: %s: %v", e.Code, err)
	}
	if m.name == "429 with Retry-After" && class == fault.Throttled && e.After.Seconds() != 7 {
		t.Errorf("the wait is %s: %v", e.After, err)
	}
}

// checkRefused looks at rows that were refused by themselves.
func (m misbehaviour) checkRefused(t *testing.T, clean *replay.Watch, b replay.Written) {
	t.Helper()
	if m.classes[0] == fault.Fatal && b.Result.Stop == nil && m.late == "" {
		t.Error("the run goes on")
	}
	for _, r := range b.Result.Rejected {
		if refusedAnyway(clean, b.Batch.Rows[r.Row].Key) {
			continue
		}
		if !m.repeats(r.Reason) {
			t.Errorf("the vendor's words are lost: row %d: %s", r.Row, r.Reason)
		}
		if m.again && !r.Retry {
			t.Errorf("row %d is refused for good: %s", r.Row, r.Reason)
		}
	}
}

func refusedAnyway(clean *replay.Watch, key string) bool {
	return slices.ContainsFunc(clean.Batches, func(w replay.Written) bool {
		return slices.ContainsFunc(w.Result.Rejected, func(r connector.Rejection) bool { return w.Batch.Rows[r.Row].Key == key })
	})
}

// cancelled: where nobody waits any more, no row counts as taken.
func cancelled(t *testing.T, info connector.DestinationInfo, files []string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, file := range files {
		w := readCase(t, file).Break(ctx, info, 0, nil)
		for _, b := range w.Batches {
			if b.Err == nil && b.Taken() > 0 && !w.Deferred {
				t.Errorf("%s: %d rows count as taken", filepath.Base(file), b.Taken())
			}
		}
	}
}
