package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// result is how one command ended.
type result struct {
	out, err string
	code     int
}

// run runs the program with arguments against a server; p may be nil.
func run(t testing.TB, p *process, stdin string, args ...string) result {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, args...)
	cmd.Env = append(os.Environ(), "MILLRACE_API_KEY="+apiKey, "MILLRACE_HOME="+t.TempDir())
	if p != nil {
		cmd.Env = append(cmd.Env, "MILLRACE_SERVER="+p.base)
	}
	cmd.Stdin = strings.NewReader(stdin)
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	err = cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return result{out.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// expect checks the exit code and that the output has the texts.
func (r result) expect(t *testing.T, code int, texts ...string) {
	t.Helper()
	if r.code != code {
		t.Errorf("exit code %d, want %d\n%s%s", r.code, code, r.out, r.err)
	}
	for _, text := range texts {
		if !strings.Contains(r.out+r.err, text) {
			t.Errorf("the output does not say %q:\n%s%s", text, r.out, r.err)
		}
	}
	if strings.Contains(r.out+r.err, "goroutine ") {
		t.Errorf("the output has a stack trace:\n%s%s", r.out, r.err)
	}
}

// shop is documents of a sync from a folder to a folder.
func shop(dir, sql string) string {
	return fmt.Sprintf(`
kind: source
metadata: {slug: shop, name: Shop}
spec: {type: file, configuration: {path: %q}}
---
kind: model
metadata: {slug: orders, name: Orders}
spec: {source: shop, method: sql, sql: %q, primaryKey: id}
---
kind: destination
metadata: {slug: files, name: Files}
spec: {type: local, configuration: {path: out}}
---
kind: sync
metadata: {slug: orders-to-files, name: Orders to files}
spec:
  model: orders
  destination: files
  type: file
  mode: diff
  mappings: [{to: id, from: id}, {to: total, from: total}]
  settings: {format: csv, filename: "{X}{ms}-{operation}.csv", skipEmptyFiles: true}
`, dir, sql)
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// The verbs of the command line on a server: documents go in as files and come back as files, a run is
// followed, what is refused is listed.
//
// Req: SY-39, SY-71
func TestCommands(t *testing.T) {
	t.Parallel()
	home, data := t.TempDir(), t.TempDir()
	p := start(t, "MILLRACE_HOME="+home)
	write(t, filepath.Join(data, "orders.csv"), "id,total\n1,10\n2,20\n2,21\n")
	documents := shop(data, "SELECT id, total FROM orders")

	run(t, p, documents, "diff", "-f", "-").expect(t, 0, "sync/orders-to-files created")
	run(t, p, "", "get", "syncs").expect(t, 0, "SLUG")
	run(t, p, documents, "apply", "-f", "-").expect(t, 0, "source/shop created", "sync/orders-to-files created")
	run(t, p, documents, "apply", "-f", "-").expect(t, 0, "sync/orders-to-files unchanged")

	run(t, p, "", "run", "orders-to-files").expect(t, 8, "3 rows read", "2 refused", "millrace logs")
	id := p.runs("orders-to-files")[0].ID
	run(t, p, "", "logs", strconv.FormatInt(id, 10)).expect(t, 0, "KEY", "2 ", "Several rows")

	got := run(t, p, "", "get", "sync", "orders-to-files")
	got.expect(t, 0, "kind: sync", "mode: diff")
	run(t, p, got.out, "apply", "-f", "-").expect(t, 0, "sync/orders-to-files unchanged")
	insert := strings.Replace(got.out, "mode: diff", "mode: insert", 1)
	run(t, p, insert, "diff", "-f", "-").expect(t, 2, "{operation}", "spec.settings.filename") // the destination says so
	run(t, p, strings.Replace(insert, "-{operation}", "", 1), "diff", "-f", "-").expect(t, 0, `spec.mode: "diff" → "insert"`)

	run(t, p, "", "delete", "model", "orders").expect(t, 5, "orders-to-files")
	run(t, p, "", "delete", "sync", "orders-to-files").expect(t, 0, "deleted")
	run(t, p, "", "delete", "model", "orders").expect(t, 0, "deleted")
	run(t, p, "", "connector", "list").expect(t, 0, "postgres", "http-request", "s3", "local")
	run(t, p, "", "health").expect(t, 0, "ready")
}

// What a person gets who makes a mistake: the thing, and what to do next.
func TestMistakes(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	p := start(t, "MILLRACE_HOME="+t.TempDir())
	write(t, filepath.Join(data, "orders.csv"), "id,total\n1,10\n")

	run(t, p, shop(data, "SELEC id FROM orders"), "apply", "-f", "-").expect(t, 0)
	run(t, p, "", "run", "orders-to-files").expect(t, 7, "SELEC", "Correct the model's query")
	run(t, p, shop(data, "SELECT id, total FROM nowhere"), "apply", "-f", "-").expect(t, 0)
	run(t, p, "", "run", "orders-to-files").expect(t, 7, "nowhere")
	run(t, p, shop(data, "SELECT id FROM orders"), "apply", "-f", "-").expect(t, 0)
	run(t, p, "", "run", "orders-to-files").expect(t, 2, "total", "Map the field")
	run(t, p, shop(data+"/gone", "SELECT id, total FROM orders"), "apply", "-f", "-").expect(t, 0)
	run(t, p, "", "run", "orders-to-files").expect(t, 7, "gone")

	run(t, p, "", "get", "sync", "nothing").expect(t, 4, "nothing")
	run(t, p, "", "get", "planet").expect(t, 2, "planet", "source, dbt-project, destination, model, sync or sequence")
	run(t, p, "kind: sync\nspec: {", "apply", "-f", "-").expect(t, 2, "reading -")
	run(t, p, "kind: source\nmetadata: {slug: x}\nspec: {type: file, configuration: {path: \"${NOT_SET_ANYWHERE}\"}}", "apply", "-f", "-").expect(t, 2, "NOT_SET_ANYWHERE")
	run(t, p, "kind: source\nmetadata: {slug: x, name: X}\nspec: {type: oracel}", "apply", "-f", "-").expect(t, 2, "oracel")
	run(t, p, "kind: source\nmetadata: {slug: x, name: X}\nspec: {type: file, confguration: {}}", "apply", "-f", "-").expect(t, 2, "confguration")
	run(t, nil, "", "--server", "http://127.0.0.1:1", "get", "syncs").expect(t, 1, "is the server running")
	run(t, p, "", "--api-key", "wrong", "get", "syncs").expect(t, 3, "Token is invalid")
}

// Settings that cannot work are all named at once, and nothing is started.
func TestBadSettings(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	run(t, nil, "", "serve", "--home", home, "--workers", "none", "--log-level", "loud", "--roles", "worker").
		expect(t, 2, "workers", "loud", "SQLite serves one process")
	if _, err := os.Stat(filepath.Join(home, "millrace.db")); err == nil {
		t.Error("a server with bad settings made a database")
	}
	p := start(t, "MILLRACE_HOME="+home)
	if p.base == "" {
		t.Fatal(p.log)
	}
	run(t, nil, "", "serve", "--home", home, "--listen", "127.0.0.1:0").expect(t, 2, "in use", "PostgreSQL")
	run(t, nil, "", "config").expect(t, 0, "MILLRACE_DATABASE_URL", "MILLRACE_LEASE_TIME")
}

// SIGTERM lets batches in flight finish; what is left goes on after the next start, in a run of its own.
//
// Req: SY-03
func TestGracefulStop(t *testing.T) {
	t.Parallel()
	w := newWorld(t, http.MethodPut)
	w.receiver.at(5, true, func() bool {
		if err := w.server.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		return true
	})
	w.server.trigger(crashSync)
	if err := until(t.Context(), time.Minute, func() (bool, error) { return w.server.ended(), nil }); err != nil {
		t.Fatal(err)
	}
	if w.server.err != nil {
		t.Errorf("the process ended with %v\n%s", w.server.err, w.server.log)
	}
	mark := w.receiver.quiet()
	if mark >= len(w.people.rows) {
		t.Fatal("everything was sent before the process stopped")
	}
	w.restart()
	runs := w.server.settle(crashSync)
	if len(runs) != 2 || runs[1].State != "interrupted" || runs[1].InDoubt != 0 || runs[1].Succeeded.total() != int64(mark) {
		t.Errorf("%d rows were taken before the stop, and the runs are %+v", mark, runs)
	}
	w.checkNoResend(runs, nil, mark)
	w.check()
}

// The demo is the README's first command; it fails when what arrived is not what the model says.
//
// Req: S-37, S-85
func TestDemo(t *testing.T) {
	t.Parallel()
	run(t, nil, "", "demo", "--once", "--listen", "127.0.0.1:0").
		expect(t, 0, "First run: everything is new.", "Second run: only the difference is sent.", "Both destinations hold exactly")
}

// A full disk ends a run with a clear error and loses nothing: once there is room, the next run finishes.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=200m", "tmpfs", home).CombinedOutput(); err != nil {
		t.Skipf("a small file system is needed, and cannot be mounted: %v: %s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", "-l", home).CombinedOutput(); err != nil {
			t.Errorf("unmounting: %v: %s", err, out)
		}
	})
	data := t.TempDir()
	var rows strings.Builder
	rows.WriteString("id,total\n")
	for i := range 400_000 {
		fmt.Fprintf(&rows, "%d,%d-%x\n", i, i*7919%1_000_003, i*2_654_435_761)
	}
	write(t, filepath.Join(data, "orders.csv"), rows.String())
	p := start(t, "MILLRACE_HOME="+home)
	run(t, p, shop(data, "SELECT id, total FROM orders"), "apply", "-f", "-").expect(t, 0)

	ballast := filepath.Join(home, "ballast")
	fill(t, ballast, home)
	r := run(t, p, "", "run", "orders-to-files")
	r.expect(t, 10, "Free disk space")
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	run(t, p, "", "run", "orders-to-files").expect(t, 0, "400000 rows read", "400000 added")
	run(t, p, "", "run", "orders-to-files").expect(t, 0, "0 added, 0 changed, 0 removed")
}

// fill leaves two megabytes of room in a file system.
func fill(t *testing.T, path, dir string) {
	t.Helper()
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil {
		t.Fatal(err)
	}
	room := int64(fs.Bavail)*fs.Bsize - 2<<20
	if err := os.WriteFile(path, make([]byte, room), 0o600); err != nil {
		t.Fatal(err)
	}
}
