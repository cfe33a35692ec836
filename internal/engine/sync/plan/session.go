package plan

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/duckdb/duckdb-go/v2"

	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
)

// session is one DuckDB with one connection, for one call of the engine.
type session struct {
	db    *sql.DB
	conn  *sql.Conn
	spill string
	views []func() // releases what they read
}

// open starts a DuckDB that spills below dir.
func (e *Engine) open(ctx context.Context, dir string) (*session, error) {
	if e.options.TempDir != "" {
		dir = e.options.TempDir
	}
	spill, err := os.MkdirTemp(dir, ".spill-*")
	if err != nil {
		return nil, failure(ctx, err, "making a folder to spill to")
	}
	connector, err := duckdb.NewConnector("", e.configure(spill))
	if err != nil {
		return nil, errors.Join(failure(ctx, err, "starting DuckDB"), os.RemoveAll(spill))
	}
	s := &session{db: sql.OpenDB(connector), spill: spill}
	s.db.SetMaxOpenConns(1)
	if s.conn, err = s.db.Conn(ctx); err != nil {
		return nil, errors.Join(failure(ctx, err, "starting DuckDB"), s.db.Close(), os.RemoveAll(spill))
	}
	return s, nil
}

func (e *Engine) configure(spill string) func(driver.ExecerContext) error {
	settings := []string{
		"memory_limit='" + strconv.FormatInt(e.options.MemoryLimit/1000, 10) + "KB'",
		"threads=" + strconv.Itoa(e.options.Threads),
		"temp_directory=" + literal(spill),
		"preserve_insertion_order=false",
		"autoinstall_known_extensions=false",
		"autoload_known_extensions=false",
		"TimeZone='UTC'",
		"lock_configuration=true",
	}
	return func(x driver.ExecerContext) error {
		for _, setting := range settings {
			if _, err := x.ExecContext(context.Background(), "SET "+setting, nil); err != nil {
				return fmt.Errorf("setting %s: %w", strings.SplitN(setting, "=", 2)[0], err)
			}
		}
		return nil
	}
}

// close ends the DuckDB and removes what it spilled. What views read is released last: a query that failed may hold on
// to it until its connection ends.
func (s *session) close() error {
	err := errors.Join(s.conn.Close(), s.db.Close(), os.RemoveAll(s.spill))
	for _, release := range s.views {
		release()
	}
	return err
}

// exec runs a statement and returns how many rows it wrote.
func (s *session) exec(ctx context.Context, statement string) (int64, error) {
	result, err := s.conn.ExecContext(ctx, statement)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// run executes statements in order.
func (s *session) run(ctx context.Context, statements ...string) error {
	for _, statement := range statements {
		if _, err := s.exec(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// number returns the one number that a query yields.
func (s *session) number(ctx context.Context, statement string) (int64, error) {
	var n int64
	err := s.conn.QueryRowContext(ctx, statement).Scan(&n)
	return n, err
}

// view makes r readable once as a table.
func (s *session) view(name string, r array.RecordReader) error {
	return s.conn.Raw(func(c any) error {
		arrow, err := duckdb.NewArrowFromConn(c.(driver.Conn)) //nolint:forcetypeassert // database/sql's contract
		if err != nil {
			return err
		}
		release, err := arrow.RegisterView(r, name)
		if err != nil {
			return err
		}
		s.views = append(s.views, release)
		return nil
	})
}

// write copies a query's rows to a Parquet file, which appears only when it is complete, and returns
// their number.
func (s *session) write(ctx context.Context, rows, path string) (int64, error) {
	part := path + ".part"
	n, err := s.exec(ctx, "COPY ("+rows+") TO "+literal(part)+" ("+parquetOptions+")")
	if err == nil {
		err = publish(part, path)
	}
	if err != nil {
		return 0, errors.Join(err, removeIfThere(part))
	}
	return n, nil
}

// Row groups are bounded by bytes as well, so that wide rows neither fill the memory of the writer nor
// that of the reader (FLD-17).
const parquetOptions = "FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 122880, ROW_GROUP_SIZE_BYTES '32MB'"

// publish gives a complete file its name once its content is on disk.
func publish(part, path string) error {
	f, err := os.Open(part) //nolint:gosec // a path of our own
	if err != nil {
		return err
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(part, path)
}

func removeIfThere(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// parquet is the expression that reads files as a table.
func parquet(paths ...string) string {
	quoted := make([]string, len(paths))
	for i, p := range paths {
		quoted[i] = literal(p)
	}
	return "read_parquet([" + strings.Join(quoted, ", ") + "])"
}

func literal(text string) string { return query.DuckDB.Text(text) }

// failure gives an error its code. A run that was stopped keeps the reason that its context has.
func failure(ctx context.Context, err error, doing string) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("%s: %w", doing, context.Cause(ctx))
	case isDiskFull(err):
		return fault.Wrap(err, fault.CodeDiskFull, "%s", doing)
	case isOutOfMemory(err):
		return fault.Wrap(err, fault.CodeInternal, "%s", doing).
			WithSuggestion("Give the planner more memory: some of the model's rows need more than it has.")
	}
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return fault.Wrap(err, fault.CodeInternal, "%s", doing)
}

// isDiskFull knows the operating system's error and DuckDB's, which has it only as words.
func isDiskFull(err error) bool {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return true
	}
	var d *duckdb.Error
	if !errors.As(err, &d) {
		return false
	}
	return strings.Contains(d.Msg, syscall.ENOSPC.Error()) || strings.Contains(strings.ToLower(d.Msg), syscall.ENOSPC.Error()) ||
		strings.Contains(d.Msg, "max_temp_directory_size")
}

func isOutOfMemory(err error) bool {
	var d *duckdb.Error
	return errors.As(err, &d) && d.Type == duckdb.ErrorTypeOutOfMemory
}

// local joins a name from a description to its folder and refuses one that leads out of it.
func local(dir, name string) (string, error) {
	if !filepath.IsLocal(name) {
		return "", fault.New(fault.CodeInternal, "the file name %q leads out of its folder", name)
	}
	return filepath.Join(dir, name), nil
}
