package replay

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// vendor answers as the case says, and writes down what it was asked.
type vendor struct {
	mu      sync.Mutex
	answers []Answer
	log     strings.Builder
	judge   Judge
	faults  []string
	watch   *Watch
	count   int    // of the requests so far
	last    string // method and path of the last one
}

// waitedFor says what a case was waiting for.
func (v *vendor) waitedFor() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.count == 0 {
		return "before its first request"
	}
	return fmt.Sprintf("after request %d, %s", v.count, v.last)
}

// Serve starts a server that gives answers in order, and {} after the last one; asked returns what it was asked.
func Serve(answers ...Answer) (server *httptest.Server, asked func() string) {
	v := &vendor{answers: answers}
	return httptest.NewServer(v), func() string {
		v.mu.Lock()
		defer v.mu.Unlock()
		return v.log.String()
	}
}

// quiet are headers that are the same in every request.
var quiet = []string{"Accept-Encoding", "Content-Length", "User-Agent", "Accept", "Connection"}

// ServeHTTP writes one request down and gives the next answer.
func (v *vendor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.count, v.last = v.count+1, r.Method+" "+r.URL.RequestURI()
	v.note(r, body)
	if v.judge != nil {
		if problem := v.judge.Problem(r, body); problem != "" {
			v.faults = append(v.faults, r.Method+" "+r.URL.Path+": "+problem)
		}
	}
	a := v.answer(r)
	a.write(w, "http://"+r.Host)
}

// answer is what a request gets: the case's next answer, unless somebody who watches lets the vendor fail.
func (v *vendor) answer(r *http.Request) Answer {
	if a := v.watch.instead(r); a != nil {
		v.watch.asked(r, *a)
		return *a
	}
	a := Answer{}
	if len(v.answers) > 0 {
		a, v.answers = v.answers[0], v.answers[1:]
	}
	if bad := v.watch.asked(r, a); bad != nil {
		a = *bad
	}
	return a
}

func (v *vendor) note(r *http.Request, body []byte) {
	fmt.Fprintf(&v.log, "%s %s\n", r.Method, r.URL.RequestURI())
	names := make([]string, 0, len(r.Header))
	for name := range r.Header {
		if !slices.Contains(quiet, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(&v.log, "%s: %s\n", name, strings.Join(r.Header[name], ", "))
	}
	if len(body) > 0 {
		fmt.Fprintf(&v.log, "\n%s\n", pretty(body))
	}
	v.log.WriteString("\n")
}

// pretty indents JSON, so that a person can read it and a difference is one line.
func pretty(body []byte) string {
	var b bytes.Buffer
	if json.Valid(body) && json.Indent(&b, body, "", "  ") == nil {
		return b.String()
	}
	return strings.TrimRight(string(body), "\n")
}

// vendorName is the address that the server has in cases.
const vendorName = "http://vendor"

func (a Answer) write(w http.ResponseWriter, address string) {
	for name, text := range a.Headers {
		w.Header().Set(name, text)
	}
	status := a.Status
	if status == 0 {
		status = http.StatusOK
	}
	text := []byte(a.Text)
	if a.Text == "" {
		if w.Header().Get("Content-Type") == "" {
			w.Header().Set("Content-Type", "application/json")
		}
		body := a.Body
		if body == nil && status != http.StatusNoContent {
			body = map[string]any{}
		}
		if body != nil {
			text, _ = json.Marshal(body) //nolint:errcheck,errchkjson // it came from YAML
		}
	}
	text = bytes.ReplaceAll(text, []byte(vendorName), []byte(address)) // of a further page
	if a.Cut {
		w.Header().Set("Content-Length", strconv.Itoa(len(text)+10))
	}
	w.WriteHeader(status)
	w.Write(text) //nolint:errcheck,gosec // the client sees, and it is a test's
}
