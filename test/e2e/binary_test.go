package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// apiKey is the bootstrap key of the servers under test.
const apiKey = "e2e-bootstrap-key-0123456789"

// binary builds the program with failpoints, once for all tests.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := filepath.Abs(filepath.Join("..", "..", ".cache", "e2e"))
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "millrace")
	cmd := exec.Command("go", "build", "-o", path, "../../cmd/millrace")
	cmd.Env = append(os.Environ(), "GOFLAGS=-tags=duckdb_arrow,failpoints")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the program: %w: %s", err, out)
	}
	return path, nil
})

// process is a running server.
type process struct {
	t    testing.TB
	cmd  *exec.Cmd
	base string
	log  *bytes.Buffer
	done chan struct{}
	err  error
}

// start runs `millrace serve` with further settings, and waits until it serves or has ended.
func start(t testing.TB, env ...string) *process {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "serve", "--listen", "127.0.0.1:0")
	cmd.Env = append(os.Environ(), append([]string{
		"MILLRACE_ADMIN_PASSWORD=correct-horse-battery", "MILLRACE_BOOTSTRAP_API_KEY=" + apiKey, "MILLRACE_LOG_LEVEL=warn",
	}, env...)...)
	p := &process{t: t, cmd: cmd, log: &bytes.Buffer{}, done: make(chan struct{})}
	out, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = in, p.log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if err := in.Close(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.err = cmd.Wait()
		close(p.done)
	}()
	t.Cleanup(p.kill)
	p.base = address(out)
	return p
}

// address reads the server's output up to the line that tells its address; "" when it ends before.
func address(out io.ReadCloser) string {
	defer out.Close() //nolint:errcheck // a pipe that was read
	var text []byte
	buffer := make([]byte, 512)
	for {
		n, err := out.Read(buffer)
		text = append(text, buffer[:n]...)
		for line := range strings.Lines(string(text)) {
			if base, ok := strings.CutPrefix(line, "Millrace is on "); ok && strings.HasSuffix(line, "\n") {
				return strings.TrimSpace(base)
			}
		}
		if err != nil {
			return ""
		}
	}
}

// kill ends the process as a power cut would, and waits until it is gone.
func (p *process) kill() {
	_ = p.cmd.Process.Signal(syscall.SIGKILL) //nolint:errcheck // it may be gone already
	_ = p.cmd.Process.Signal(syscall.SIGCONT) //nolint:errcheck // a stopped process dies too
	<-p.done
}

// stop asks the process to end, and waits until it has.
func (p *process) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	<-p.done
	return p.err
}

// ended reports whether the process is over.
func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

var client = &http.Client{Timeout: time.Minute}

// call makes one request of the API.
func (p *process) call(method, path string, in, out any) error {
	var body io.Reader = http.NoBody
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(p.t.Context(), method, p.base+path, body)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+apiKey)
	req.Header.Set("Content-Type", "application/json")
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close() //nolint:errcheck // a body that was read
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("%s %s: %s: %s", method, path, res.Status, text)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(text, out)
}

// must is call where an error ends the test.
func (p *process) must(method, path string, in, out any) {
	p.t.Helper()
	if err := p.call(method, path, in, out); err != nil {
		p.t.Fatalf("%v\n%s", err, p.log)
	}
}

// runView is what these tests read of a run.
type runView struct {
	ID        int64
	State     string
	Status    string
	Trigger   string
	Engine    string
	Migrated  bool
	RowsRead  int64
	Planned   opCounts
	Succeeded opCounts
	Failed    opCounts
	Aborted   opCounts
	InDoubt   int64
	Error     *struct{ Code, Message, Suggestion string }
}

type opCounts struct{ Added, Changed, Removed int64 }

func (c opCounts) total() int64 { return c.Added + c.Changed + c.Removed }

func (r runView) over() bool {
	switch r.State {
	case "committed", "failed", "cancelled", "interrupted":
		return true
	default:
		return false
	}
}

// runs lists the runs of a sync, the newest first.
func (p *process) runs(sync string) []runView {
	p.t.Helper()
	var page struct{ Items []runView }
	p.must(http.MethodGet, "/api/syncs/"+sync+"/runs?limit=500", nil, &page)
	return page.Items
}

// trigger starts a run.
func (p *process) trigger(sync string) runView {
	p.t.Helper()
	var made struct{ Run runView }
	p.must(http.MethodPost, "/api/syncs/"+sync+"/trigger", map[string]any{}, &made)
	return made.Run
}

// errTooLong says that something did not happen in the time that it may take at most.
var errTooLong = errors.New("it takes too long")

// pollEvery keeps polling well below the API's limit of 200 requests in 10 seconds.
const pollEvery = 100 * time.Millisecond

// until polls a condition.
func until(ctx context.Context, limit time.Duration, met func() (bool, error)) error {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, errTooLong)
	defer cancel()
	t := time.NewTicker(pollEvery)
	defer t.Stop()
	for {
		ok, err := met()
		if err != nil || ok {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-t.C:
		}
	}
}

// settle waits until no run of a sync is under way or waits.
func (p *process) settle(sync string) []runView {
	p.t.Helper()
	var all []runView
	err := until(p.t.Context(), 2*time.Minute, func() (bool, error) {
		all = p.runs(sync)
		for _, r := range all {
			if !r.over() {
				return false, nil
			}
		}
		return true, nil
	})
	if err != nil {
		p.t.Fatalf("waiting for the runs of %s: %v: %+v\n%s", sync, err, all, p.log)
	}
	return all
}

// rowView is one row of a run.
type rowView struct {
	Key, Operation, Status, Reason string
}

// rows lists the rows of a run with a status.
func (p *process) rows(run int64, status string) []rowView {
	p.t.Helper()
	var all []rowView
	for cursor := ""; ; {
		var page struct {
			Items      []rowView
			NextCursor *string
		}
		p.must(http.MethodGet, fmt.Sprintf("/api/runs/%d/rows?limit=500&status=%s&cursor=%s", run, status, cursor), nil, &page)
		all = append(all, page.Items...)
		if page.NextCursor == nil || *page.NextCursor == "" {
			return all
		}
		cursor = *page.NextCursor
	}
}
