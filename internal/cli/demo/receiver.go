package demo

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"time"
)

// receiver is a small API that keeps contacts: PUT /contacts/{id} and DELETE /contacts/{id}.
type receiver struct {
	url    string
	server *http.Server

	mu       sync.Mutex
	contacts map[string]record
}

func listen() (*receiver, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // closed with the demo
	if err != nil {
		return nil, fmt.Errorf("starting the demo's receiver: %w", err)
	}
	r := &receiver{url: "http://" + l.Addr().String(), contacts: map[string]record{}}
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /contacts/{id}", r.put)
	mux.HandleFunc("DELETE /contacts/{id}", r.remove)
	r.server = &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		if err := r.server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			fmt.Fprintln(os.Stderr, "the demo's receiver:", err)
		}
	}()
	return r, nil
}

func (r *receiver) close() {
	if err := r.server.Close(); err != nil {
		fmt.Fprintln(os.Stderr, "closing the demo's receiver:", err)
	}
}

func (r *receiver) put(w http.ResponseWriter, q *http.Request) {
	var c record
	if err := json.NewDecoder(q.Body).Decode(&c); err != nil {
		http.Error(w, `{"error":"that is not a contact"}`, http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	r.contacts[q.PathValue("id")] = c
	r.mu.Unlock()
	fmt.Fprintln(w, `{"ok":true}`)
}

func (r *receiver) remove(w http.ResponseWriter, q *http.Request) {
	r.mu.Lock()
	delete(r.contacts, q.PathValue("id"))
	r.mu.Unlock()
	fmt.Fprintln(w, `{"ok":true}`)
}

func (r *receiver) records() map[string]record {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make(map[string]record, len(r.contacts))
	maps.Copy(all, r.contacts)
	return all
}

// readDrop replays the diff files of the folder, oldest run first, as a reader of them would.
func readDrop(dir string) (map[string]record, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.ndjson"))
	if err != nil {
		return nil, err
	}
	sort.Strings(files)
	all := map[string]record{}
	for _, f := range files {
		text, err := os.ReadFile(f) //nolint:gosec // the demo's own folder
		if err != nil {
			return nil, fmt.Errorf("reading what arrived: %w", err)
		}
		d := json.NewDecoder(strings.NewReader(string(text)))
		for d.More() {
			var c record
			if err := d.Decode(&c); err != nil {
				return nil, fmt.Errorf("reading %s: %w", f, err)
			}
			if strings.Contains(filepath.Base(f), "removed") {
				delete(all, c.ID)
			} else {
				all[c.ID] = c
			}
		}
	}
	return all, nil
}
