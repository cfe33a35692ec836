package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// processRows is the size of the sync whose process is measured, unless another one is asked for.
const processRows = 2_000_000

// process runs the program itself: a sync of a file to an HTTP API, every row first and then the difference.
// What counts is the most memory that it held. It has no goal of its own.
func process(ctx context.Context, b *bench) (err error) {
	dir := filepath.Join(b.dir, "process")
	m, err := makeModel(ctx, dir, b.rows)
	if err != nil {
		return err
	}
	api := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body) //nolint:errcheck // the client sees
	}))
	defer api.Close()
	files := filepath.Join(dir, "files")
	if err := errors.Join(remake(files), os.Link(m.before, filepath.Join(files, "people.parquet"))); err != nil {
		return fmt.Errorf("laying the file out: %w", err)
	}
	p, err := startProgram(ctx, b.millrace, filepath.Join(dir, "home"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	if err := p.configure(ctx, files, api.URL); err != nil {
		return err
	}
	for _, pass := range []struct{ file, what string }{{m.before, "every row"}, {m.after, "1% changed"}} {
		if err := errors.Join(os.Remove(filepath.Join(files, "people.parquet")), os.Link(pass.file, filepath.Join(files, "people.parquet"))); err != nil {
			return fmt.Errorf("laying the file out: %w", err)
		}
		took, err := meter{server: func() time.Duration { return processCPU(p.cmd.Process.Pid, false) }}.time(func() error { return p.sync(ctx) })
		if err != nil {
			return err
		}
		peak, err := peakMemory(p.cmd.Process.Pid)
		if err != nil {
			return err
		}
		b.add(result{
			group: "process", what: "peak memory of the program, " + pass.what + " over HTTP", rows: m.rows, ours: megabytes(peak), peer: "–",
			wall: fmt.Sprintf("%.1f s", wall(took)), cpu: fmt.Sprintf("%.1f s", cpu(took)), ok: info,
		})
	}
	return nil
}

// program is a running server.
type program struct {
	cmd  *exec.Cmd
	base string
}

const programKey = "bench-bootstrap-key-0123456789"

func startProgram(ctx context.Context, path, home string) (*program, error) {
	cmd := exec.CommandContext(ctx, path, "serve", "--listen", "127.0.0.1:0")
	cmd.Env = append(os.Environ(), "MILLRACE_HOME="+home, "MILLRACE_BOOTSTRAP_API_KEY="+programKey, "MILLRACE_LOG_LEVEL=warn")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("starting the program: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting the program: %w", err)
	}
	p := &program{cmd: cmd}
	if p.base, err = readAddress(out); err != nil {
		return nil, errors.Join(err, p.stop())
	}
	return p, nil
}

// readAddress reads what the program prints up to its address.
func readAddress(out io.Reader) (string, error) {
	var text []byte
	part := make([]byte, 512)
	for {
		n, err := out.Read(part)
		text = append(text, part[:n]...)
		for line := range strings.Lines(string(text)) {
			if base, ok := strings.CutPrefix(line, "Millrace is on "); ok && strings.HasSuffix(line, "\n") {
				return strings.TrimSpace(base), nil
			}
		}
		if err != nil {
			return "", fmt.Errorf("waiting for the program: %w", err)
		}
	}
}

func (p *program) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("stopping the program: %w", err)
	}
	return p.cmd.Wait()
}

func (p *program) call(ctx context.Context, method, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("encoding a request: %w", err)
	}
	r, err := http.NewRequestWithContext(ctx, method, p.base+path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("making a request: %w", err)
	}
	r.Header.Set("Authorization", "Bearer "+programKey)
	r.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	text, err := io.ReadAll(answer.Body)
	if err := errors.Join(err, answer.Body.Close()); err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	if answer.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("%s %s: %s: %s", method, path, answer.Status, text)
	}
	return json.Unmarshal(text, out)
}

const programSync = "people-to-api"

func (p *program) configure(ctx context.Context, files, api string) error {
	document := func(kind, slug string, spec map[string]any) map[string]any {
		return map[string]any{"kind": kind, "metadata": map[string]any{"slug": slug, "name": slug}, "spec": spec}
	}
	var mappings []any
	for _, c := range peopleColumns {
		mappings = append(mappings, map[string]any{"to": c, "from": c})
	}
	send := map[string]any{"enabled": true, "method": http.MethodPut, "url": "/people", "body": "mapped", "rows": "batch", "batchSize": 1000, "rateLimit": 0, "concurrency": inFlight}
	return p.call(ctx, http.MethodPost, "/api/apply", map[string]any{"documents": []any{
		document("source", "people", map[string]any{"type": "file", "configuration": map[string]any{"path": files}}),
		document("model", "people", map[string]any{"source": "people", "method": "table", "table": map[string]any{"name": "people"}, "primaryKey": "id"}),
		document("destination", "api", map[string]any{"type": "http-request", "configuration": map[string]any{"baseUrl": api}}),
		document("sync", programSync, map[string]any{
			"model": "people", "destination": "api", "mode": "trigger", "mappings": mappings,
			"settings": map[string]any{"added": send, "changed": send, "removed": send},
		}),
	}}, &struct{}{})
}

// pollEvery is how often the program is asked whether its run is over.
const pollEvery = 100 * time.Millisecond

// sync runs the sync once.
func (p *program) sync(ctx context.Context) error {
	if err := p.call(ctx, http.MethodPost, "/api/syncs/"+programSync+"/trigger", struct{}{}, &struct{}{}); err != nil {
		return err
	}
	t := time.NewTicker(pollEvery)
	defer t.Stop()
	for {
		var page struct {
			Items []struct {
				State string
				Error *struct{ Message string }
			}
		}
		if err := p.call(ctx, http.MethodGet, "/api/syncs/"+programSync+"/runs?limit=1", struct{}{}, &page); err != nil {
			return err
		}
		switch last := page.Items[0]; last.State {
		case "committed":
			return nil
		case "failed", "cancelled", "interrupted":
			return fmt.Errorf("the run is %s: %+v", last.State, last.Error)
		}
		select {
		case <-t.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
