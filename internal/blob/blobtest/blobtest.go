// Package blobtest is what every provider of storage is held to.
package blobtest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/millrace/millrace/internal/blob"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/secret"
	gocloud "gocloud.dev/blob"
	"golang.org/x/sync/errgroup"
)

// Store is a provider under test.
type Store struct {
	Place   func(prefix string) blob.Place // in one bucket that exists and is empty
	Missing blob.Place                     // in a bucket that does not exist; nil where there is no such thing
	Blind   bool                           // reading does not tell an absent bucket from an absent object
	Open    func(t *testing.T) *blob.Bucket
	Raw     *gocloud.Bucket // the same bucket without prefix and seal
	Listing func(r *http.Request) bool
	Page    string // the parameter that sets the size of a page, for stores that are slow with a thousand objects
	Folders bool   // the store is a folder: its directories are no entries
}

// prefix is what the places under test have.
const prefix = "env/prod"

// Run holds a provider to what every one must do.
func Run(t *testing.T, s Store) {
	t.Helper()
	t.Run("objects", func(t *testing.T) { objects(t, s) })
	t.Run("seal", func(t *testing.T) { seal(t, s) })
	t.Run("listing", func(t *testing.T) { listing(t, s) })
	t.Run("probe", func(t *testing.T) { probe(t, s) })
	if s.Missing != nil {
		t.Run("missing bucket", func(t *testing.T) { missing(t, s) })
		t.Run("unreachable", func(t *testing.T) { unreachable(t, s) })
	}
}

// Key is a master key for tests.
func Key(t testing.TB) *secret.Key {
	t.Helper()
	k, err := secret.NewKey(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// Recorder is a transport that remembers requests, and answers them as the test says.
type Recorder struct {
	Answer func(r *http.Request) (*http.Response, error) // nil results send the request on; nil sends all

	mu       sync.Mutex
	requests []*http.Request
}

// RoundTrip sends a request, unless the test answers it.
func (r *Recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	r.mu.Lock()
	r.requests = append(r.requests, req.Clone(context.Background()))
	r.mu.Unlock()
	if r.Answer != nil {
		res, err := r.Answer(req)
		if res != nil || err != nil {
			if req.Body != nil {
				_, _ = io.Copy(io.Discard, req.Body) //nolint:errcheck // what is sent does not matter
				_ = req.Body.Close()                 //nolint:errcheck // as above
			}
			return res, err
		}
	}
	return http.DefaultTransport.RoundTrip(req)
}

// Requests returns what was sent so far.
func (r *Recorder) Requests() []*http.Request {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.requests)
}

// Respond is an answer with a body.
func Respond(req *http.Request, status int, body string, headers ...string) *http.Response {
	h := http.Header{"Content-Type": {"application/xml"}}
	for i := 0; i+1 < len(headers); i += 2 {
		h.Set(headers[i], headers[i+1])
	}
	return &http.Response{
		StatusCode: status, Status: fmt.Sprintf("%d %s", status, http.StatusText(status)), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: h, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: req,
	}
}

// open opens the store under test.
func open(t *testing.T, s Store, transport http.RoundTripper) *blob.Bucket {
	t.Helper()
	if s.Open != nil {
		return s.Open(t)
	}
	return Open(t, s.Place(prefix), transport)
}

// Open opens a place for the time of a test.
func Open(t *testing.T, p blob.Place, transport http.RoundTripper) *blob.Bucket {
	t.Helper()
	b, err := blob.OpenPlace(t.Context(), p, blob.Options{Transport: transport, Egress: []string{"192.0.2.7"}}, Key(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
	})
	return b
}

// file writes a local file.
func file(t *testing.T, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// objects go in and come out as they were, each for its workspace alone.
func objects(t *testing.T, s Store) {
	b := open(t, s, nil)
	large := make([]byte, 6<<20) // more than one part of an upload
	if _, err := rand.Read(large); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"large": large, "small": []byte("x"), "empty": nil} {
		key := "syncs/1/" + name
		must(t, b.Upload(t.Context(), 1, key, file(t, content)))
		to := filepath.Join(t.TempDir(), "to")
		must(t, b.Download(t.Context(), 1, key, to))
		if got, err := os.ReadFile(to); err != nil || !bytes.Equal(got, content) {
			t.Errorf("%s: %d bytes came back of %d: %v", name, len(got), len(content), err)
		}
		if err := b.Download(t.Context(), 2, key, to); !fault.Is(err, fault.CodeNotFound) {
			t.Errorf("%s: another workspace reads it: %v", name, err)
		}
	}
	must(t, b.Upload(t.Context(), 1, "syncs/10/small", file(t, []byte("x"))))
	must(t, b.Upload(t.Context(), 2, "syncs/1/small", file(t, []byte("x"))))
	must(t, b.DeletePrefix(t.Context(), 1, "syncs/1/"))
	for ws, want := range map[int64]string{1: "syncs/10/small", 2: "syncs/1/small"} {
		if keys, err := b.List(t.Context(), ws, ""); err != nil || !slices.Equal(keys, []string{want}) {
			t.Errorf("workspace %d has %v: %v", ws, keys, err)
		}
		must(t, b.DeletePrefix(t.Context(), ws, "syncs/"))
	}
	for _, nothing := range []string{"", "/"} {
		if err := b.DeletePrefix(t.Context(), 1, nothing); err == nil {
			t.Error("everything may be deleted at once")
		}
	}
	must(t, b.Check(t.Context()))
	if err := b.Upload(t.Context(), 1, "syncs/1/x", filepath.Join(t.TempDir(), "absent")); err == nil {
		t.Error("a file that is not there was stored")
	}
}

// seal: what lies in the store cannot be read there, and cannot be changed unnoticed.
func seal(t *testing.T, s Store) {
	b := open(t, s, nil)
	const text = "customer@example.com"
	must(t, b.Upload(t.Context(), 1, "syncs/1/sealed", file(t, bytes.Repeat([]byte(text), 10_000))))
	found := ""
	for name, content := range All(t, s.Raw) {
		if strings.HasSuffix(name, "w/1/syncs/1/sealed") {
			found = name
			if bytes.Contains(content, []byte(text)) {
				t.Error("the object can be read in the store")
			}
		}
	}
	if found == "" {
		t.Fatal("the object is not in the store")
	}
	to := filepath.Join(t.TempDir(), "to")
	raw, err := s.Raw.ReadAll(t.Context(), found)
	must(t, err)
	must(t, s.Raw.WriteAll(t.Context(), strings.Replace(found, "w/1/", "w/2/", 1), raw, nil))
	if err := b.Download(t.Context(), 2, "syncs/1/sealed", to); err == nil || fault.Is(err, fault.CodeNotFound) {
		t.Errorf("another workspace's key opens it: %v", err)
	}
	raw[len(raw)/2]++
	must(t, s.Raw.WriteAll(t.Context(), found, raw, nil))
	if err := b.Download(t.Context(), 1, "syncs/1/sealed", to); err == nil || fault.Is(err, fault.CodeNotFound) {
		t.Errorf("a changed object was taken: %v", err)
	}
	if _, err := os.Stat(to); err == nil {
		t.Error("a part of a changed object is there")
	}
	must(t, b.DeletePrefix(t.Context(), 1, "syncs/"))
	must(t, b.DeletePrefix(t.Context(), 2, "syncs/"))
}

// All reads every object of a store as it lies there.
func All(t *testing.T, raw *gocloud.Bucket) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	it := raw.List(nil)
	for {
		o, err := it.Next(t.Context())
		if errors.Is(err, io.EOF) {
			return all
		}
		must(t, err)
		if !o.IsDir {
			content, err := raw.ReadAll(t.Context(), o.Key)
			must(t, err)
			all[o.Key] = content
		}
	}
}

// more returns a number of objects that is more than one page of a listing.
func (s Store) more() int {
	if s.Page != "" {
		return 2*smallPage + 1
	}
	return 1_001
}

// smallPage is how many objects a page has where the test sets it.
const smallPage = 30

// paged makes the listings of a slow store have small pages.
func (s Store) paged(r *http.Request) (*http.Response, error) {
	if s.Page != "" && s.Listing(r) {
		q := r.URL.Query()
		q.Set(s.Page, strconv.Itoa(smallPage))
		r.URL.RawQuery = q.Encode()
	}
	return nil, nil
}

// listing goes by a folder of the workspace, page after page, and passes directories over.
func listing(t *testing.T, s Store) {
	recorder := &Recorder{Answer: s.paged}
	b := open(t, s, recorder)
	many := s.more()
	root := prefix + "/w/1/syncs/5/"
	if s.Folders {
		root = "w/1/syncs/5/"
	}
	var g errgroup.Group
	g.SetLimit(16)
	for i := range many {
		g.Go(func() error { return s.Raw.WriteAll(t.Context(), fmt.Sprintf("%s%05d", root, i), []byte("x"), nil) })
	}
	must(t, g.Wait())
	must(t, s.Raw.WriteAll(t.Context(), "other/w/1/syncs/5/x", []byte("x"), nil))
	if !s.Folders { // as stores with a hierarchical namespace list directories, and as consoles make them
		for _, directory := range []string{root + "part", root, root + "part/"} {
			must(t, s.Raw.WriteAll(t.Context(), directory, nil, nil))
		}
	}
	keys, err := b.List(t.Context(), 1, "syncs/5/")
	if err != nil || len(keys) != many || keys[many-1] != fmt.Sprintf("syncs/5/%05d", many-1) {
		t.Fatalf("%d keys: %v", len(keys), err)
	}
	must(t, b.DeletePrefix(t.Context(), 1, "syncs/5"))
	if keys, err := b.List(t.Context(), 1, ""); err != nil || len(keys) != 0 {
		t.Errorf("%d objects are left: %v", len(keys), err)
	}
	if ok, err := s.Raw.Exists(t.Context(), "other/w/1/syncs/5/x"); err != nil || !ok {
		t.Errorf("an object outside of the prefix is gone: %v", err)
	}
	if s.Listing != nil {
		checkListings(t, s, recorder)
	}
	for name := range All(t, s.Raw) {
		must(t, s.Raw.Delete(t.Context(), name))
	}
}

// checkListings: a policy may allow listings below the prefix only.
func checkListings(t *testing.T, s Store, recorder *Recorder) {
	t.Helper()
	listings := 0
	for _, r := range recorder.Requests() {
		if !s.Listing(r) {
			continue
		}
		listings++
		if got := r.URL.Query().Get("prefix"); !strings.HasPrefix(got, prefix+"/w/1/") || !strings.HasSuffix(got, "/") {
			t.Errorf("a listing goes by the prefix %q", got)
		}
	}
	if listings < 4 { // two pages, before and while deleting
		t.Errorf("only %d listings were made", listings)
	}
}

// probe leaves nothing behind.
func probe(t *testing.T, s Store) {
	b := open(t, s, nil)
	must(t, b.Probe(t.Context(), 1))
	if left := All(t, s.Raw); len(left) != 0 {
		t.Errorf("%d objects are left", len(left))
	}
}

// missing: a bucket that is not there is no absent object. Whoever takes it for one thinks that what was synced
// before is lost.
func missing(t *testing.T, s Store) {
	b := Open(t, s.Missing, nil)
	to := filepath.Join(t.TempDir(), "to")
	for doing, err := range map[string]error{
		"probing": b.Probe(t.Context(), 1), "reading": b.Download(t.Context(), 1, "syncs/1/x", to),
	} {
		if doing == "reading" && s.Blind {
			continue
		}
		if !fault.Is(err, fault.CodeStorageMissing) || fault.As(err).Hint() == "" {
			t.Errorf("%s: %v", doing, err)
		}
	}
}

// unreachable: neither is a name that does not resolve.
func unreachable(t *testing.T, s Store) {
	b := Open(t, s.Place(prefix), &Recorder{Answer: func(*http.Request) (*http.Response, error) {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: "store.invalid", IsNotFound: true}}
	}})
	to := filepath.Join(t.TempDir(), "to")
	for doing, err := range map[string]error{
		"probing": b.Probe(t.Context(), 1), "reading": b.Download(t.Context(), 1, "syncs/1/x", to), "deleting": b.DeletePrefix(t.Context(), 1, "syncs/1/"),
	} {
		hint := ""
		if err != nil {
			hint = fault.As(err).Hint()
		}
		if !fault.Is(err, fault.CodeStorageUnreachable) || !strings.Contains(hint, "store.invalid") || !strings.Contains(hint, "192.0.2.7") {
			t.Errorf("%s: %v (%s)", doing, err, hint)
		}
	}
}
