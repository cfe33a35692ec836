package sourcetest

import (
	"cmp"
	"context"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/millrace/millrace/internal/connector"
)

// Bucket is a bucket that a stand-in of a warehouse writes into.
type Bucket struct {
	dir     string
	fetched atomic.Int64
	fail    atomic.Bool
}

// NewBucket makes an empty bucket.
func NewBucket(t testing.TB) *Bucket {
	t.Helper()
	return &Bucket{dir: t.TempDir()}
}

// BucketName is what warehouses are told.
const BucketName = "acme-results"

// Put stores a file.
func (b *Bucket) Put(bucket, name, path string) error {
	if bucket != BucketName {
		return errors.New("there is no bucket " + bucket)
	}
	to := filepath.Join(b.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	return copyFile(path, to)
}

func copyFile(from, to string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// Fail makes every fetching fail from now on.
func (b *Bucket) Fail() { b.fail.Store(true) }

// Fetched is how many files were read.
func (b *Bucket) Fetched() int64 { return b.fetched.Load() }

// Results is a new folder of the bucket.
func (b *Bucket) Results(t testing.TB, provider, folder string) *connector.Results {
	t.Helper()
	prefix := "prod/w/1/syncs/7/runs/" + folder + "/results/"
	return &connector.Results{
		Provider: provider, Bucket: BucketName, Prefix: prefix, Region: "eu-central-1", Dir: t.TempDir(),
		Files: bucketFolder{b, filepath.Join(b.dir, filepath.FromSlash(prefix))},
		Grant: func(context.Context) (connector.Grant, error) {
			return connector.Grant{AccessKeyID: "ASIAGRANTED", SecretAccessKey: "granted secret", SessionToken: "granted token"}, nil
		},
	}
}

type bucketFolder struct {
	bucket *Bucket
	dir    string
}

var _ connector.ResultFiles = bucketFolder{}

func (f bucketFolder) List(context.Context) ([]string, error) {
	files, err := os.ReadDir(f.dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	names := make([]string, len(files))
	for i, file := range files {
		names[i] = file.Name()
	}
	return names, err
}

func (f bucketFolder) Fetch(_ context.Context, name, path string) error {
	if f.bucket.fail.Load() {
		return errors.New("the bucket does not answer")
	}
	f.bucket.fetched.Add(1)
	return copyFile(filepath.Join(f.dir, name), path)
}

// Results proves that rows which a warehouse writes into a bucket are those that it sends. open returns a source whose
// stand-in writes into the bucket, and one whose stand-in may not. written are the names of values that are written.
func Results(t *testing.T, f Fixture, provider string, written []string, open func(t *testing.T, b *Bucket) (may, mayNot connector.Source)) {
	w := world{Fixture: f, dir: t.TempDir()}
	b := NewBucket(t)
	may, mayNot := open(t, b)
	queries := map[string]string{
		"rows": w.Rows(20_000), "limited": w.Rows(5_000),
		"empty": "SELECT id, name FROM (" + w.Rows(1) + ") AS r WHERE id < 0", "values": w.everything(),
	}
	var single []string
	for _, c := range w.cases() {
		single = append(single, c.Name)
		queries[c.Name] = "SELECT 1 AS id, " + c.SQL + " AS v"
	}
	for _, name := range written {
		if queries[name] == "" {
			t.Errorf("the suite has no value %q", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(queries)) {
		t.Run(name, func(t *testing.T) {
			q := connector.Query{SQL: queries[name], Class: connector.WorkloadBatch}
			if name == "limited" {
				q.Limit = 100
			}
			want, before := Read(t, w.query(t, mayNot, q)), b.Fetched()
			q.Results = b.Results(t, provider, name)
			sameRows(t, Read(t, w.query(t, may, q)), want)
			if b.Fetched() == before && slices.Contains(append(written, "rows"), name) {
				t.Error("no file was read")
			}
			checkEmpty(t, q.Results.Dir)
			if slices.Contains(single, name) {
				return // refusals do not depend on the type
			}
			q.Results, before = b.Results(t, provider, name+"-refused"), b.Fetched()
			sameRows(t, Read(t, w.query(t, mayNot, q)), want)
			if b.Fetched() != before {
				t.Error("a warehouse that may not write wrote")
			}
		})
	}
	t.Run("errors", func(t *testing.T) {
		for _, sql := range []string{"SELECT * FROM no_such_table", "SELECT FROM WHERE"} {
			_, want := may.Query(t.Context(), connector.Query{SQL: sql})
			_, err := may.Query(t.Context(), connector.Query{SQL: sql, Results: b.Results(t, provider, "errors")})
			if err == nil || want == nil || err.Error() != want.Error() {
				t.Errorf("%s: %v, want %v", sql, err, want)
			}
		}
	})
	t.Run("elsewhere", func(t *testing.T) {
		q, before := connector.Query{SQL: w.Rows(5_000), Results: b.Results(t, "another", "elsewhere")}, b.Fetched()
		if got := Read(t, w.query(t, may, q)); len(got.Rows) != 5_000 || b.Fetched() != before {
			t.Errorf("%d rows; a warehouse wrote into another provider's bucket", len(got.Rows))
		}
	})
	t.Run("unreadable", func(t *testing.T) {
		b.Fail()
		q := connector.Query{SQL: w.Rows(5_000), Results: b.Results(t, provider, "unreadable")}
		if got := Read(t, w.query(t, may, q)); len(got.Rows) != 5_000 {
			t.Errorf("%d rows were sent instead", len(got.Rows))
		}
	})
	t.Run("cancelled", func(t *testing.T) { w.cancelResults(t, may, b.Results(t, provider, "cancelled")) })
}

func checkEmpty(t *testing.T, dir string) {
	t.Helper()
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("%d files are left here: %v", len(left), err)
	}
}

// cancelResults: a statement that writes ends with whoever waits for it.
func (w world) cancelResults(t *testing.T, s connector.Source, r *connector.Results) {
	t.Helper()
	ctx, cancel := context.WithCancelCause(t.Context())
	done := make(chan error, 1)
	tag := newTag()
	go func() {
		rows, err := s.Query(ctx, connector.Query{SQL: w.Endless, Tag: tag, Results: r})
		if err == nil {
			rows.Release()
		}
		done <- err
	}()
	w.awaitRunning(t, tag, true)
	cancel(errors.New("the test has had enough"))
	if err := <-done; err == nil {
		t.Error("an endless statement ended")
	}
	w.awaitRunning(t, tag, false)
}

// sameRows compares schemas and rows, in any order of these: files have none.
func sameRows(t *testing.T, got, want Table) {
	t.Helper()
	for i, c := range want.Schema {
		if i >= len(got.Schema) || got.Schema[i].Name != c.Name || got.Schema[i].Type != c.Type || got.Schema[i].Native != c.Native {
			t.Fatalf("the columns are %v, want %v", got.Schema, want.Schema)
		}
	}
	if len(got.Rows) != len(want.Rows) {
		t.Fatalf("%d rows, want %d", len(got.Rows), len(want.Rows))
	}
	g, v := textsOf(got), textsOf(want)
	for i := range v {
		if g[i] != v[i] {
			t.Fatalf("row %d is %s, want %s", i, g[i], v[i])
		}
	}
}

func textsOf(t Table) []string {
	all := make([]string, len(t.Rows))
	for i, row := range t.Rows {
		var text strings.Builder
		for _, v := range row {
			text.WriteString(v.Kind().String() + " " + v.String() + "|")
		}
		all[i] = text.String()
	}
	slices.SortFunc(all, cmp.Compare[string])
	return all
}
