package e2e

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// receiver is an API that keeps contacts and records every request.
type receiver struct {
	*httptest.Server

	mu       sync.Mutex
	contacts map[string]string
	requests []string // "PUT 17", in the order in which they were answered
	hook     func(n int) (answer bool)
	refuse   func(id string) bool
	before   bool // the hook is called before the request takes effect
	count    int
}

func newReceiver(t testing.TB) *receiver {
	r := &receiver{contacts: map[string]string{}}
	r.Server = httptest.NewServer(r)
	t.Cleanup(r.Close)
	return r
}

// ServeHTTP takes PUT, POST and DELETE of /contacts/{id}.
func (r *receiver) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	body, err := io.ReadAll(q.Body)
	if err != nil {
		return // the sender was killed while it sent: nothing took effect
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.count++
	id := strings.TrimPrefix(q.URL.Path, "/contacts/")
	if r.refuse != nil && r.refuse(id) {
		w.WriteHeader(http.StatusUnprocessableEntity)
		fmt.Fprintf(w, `{"error":"contact %s is not wanted"}`, id)
		return
	}
	if r.hook != nil && r.before && !r.hook(r.count) {
		panic(http.ErrAbortHandler)
	}
	r.requests = append(r.requests, q.Method+" "+id)
	if q.Method == http.MethodDelete {
		delete(r.contacts, id)
	} else {
		r.contacts[id] = string(body)
	}
	if r.hook != nil && !r.before && !r.hook(r.count) {
		panic(http.ErrAbortHandler)
	}
	fmt.Fprintln(w, `{"ok":true}`)
}

// at calls hook when the nth request from now arrives, before or after it takes effect. An answer is sent
// only where hook returns true.
func (r *receiver) at(n int, before bool, hook func() bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	nth := r.count + n
	r.before = before
	r.hook = func(n int) bool { return n != nth || hook() }
}

// quiet removes the hook, and returns how many requests were taken so far.
func (r *receiver) quiet() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hook = nil
	return len(r.requests)
}

// since returns the requests that were taken after the first n.
func (r *receiver) since(n int) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.requests[n:]...)
}

func (r *receiver) state() map[string]string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.contacts)
}

// people is the source: rows that tests change, in a file or, for the Lightning engine, in a database.
type people struct {
	dir  string
	db   *database
	at   *place
	rows map[int]int // version by id
}

func (p *people) save(t testing.TB) {
	t.Helper()
	switch {
	case p.at != nil:
		p.at.save(t, p.rows)
		return
	case p.db != nil:
		p.insert()
		return
	}
	var b strings.Builder
	for id, version := range p.rows {
		fmt.Fprintf(&b, "{\"id\":\"%d\",\"name\":\"person %d\",\"version\":%d}\n", id, id, version)
	}
	path := filepath.Join(p.dir, "people.ndjson")
	if err := os.WriteFile(path+".part", []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".part", path); err != nil {
		t.Fatal(err)
	}
}

// insert replaces the rows of the database at once.
func (p *people) insert() {
	var b strings.Builder
	b.WriteString("BEGIN; DELETE FROM people; ")
	for id, version := range p.rows {
		fmt.Fprintf(&b, "INSERT INTO people VALUES ('%d', 'person %d', %d); ", id, id, version)
	}
	p.db.exec(b.String() + "COMMIT")
}

// want is what the receiver holds when it mirrors the model.
func (p *people) want() map[string]string {
	all := map[string]string{}
	for id, version := range p.rows {
		all[strconv.Itoa(id)] = fmt.Sprintf(`{"id":"%d","name":"person %d","version":%d}`, id, id, version)
	}
	return all
}
