package sheet

import (
	"context"
	"database/sql"
	"errors"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/source/duckdb"
	"golang.org/x/sync/semaphore"
)

// Place is where workbooks are. Its errors are *fault.Error with a code of sources, or of the context.
type Place interface {
	connector.WorkbookLister

	// Test proves that workbooks can be listed.
	Test(ctx context.Context) error
	// Read gives the rows of a sheet to use, with the rule of where its table ends.
	Read(ctx context.Context, sheet connector.Sheet, use func(Rows, Rule) error) error
	// Close ends every connection.
	Close() error
}

// Source is a source whose models choose a sheet. A sheet is fetched once for every source that is opened, so that all
// queries of a run see one state of it.
type Source struct {
	connector.WorkbookLister

	place Place
	name  string
	dir   string

	turn *semaphore.Weighted // one fetch at a time
	read map[connector.Sheet]*Spooled
}

var (
	_ connector.Source         = (*Source)(nil)
	_ connector.Unloader       = (*Source)(nil)
	_ connector.WorkbookLister = (*Source)(nil)
	_ connector.Authorizer     = (*Source)(nil)
)

// NewSource returns the source of a place; dir is its private folder.
func NewSource(name string, p Place, dir string) *Source {
	return &Source{WorkbookLister: p, place: p, name: name, dir: dir, turn: semaphore.NewWeighted(1), read: map[connector.Sheet]*Spooled{}}
}

// Test connects and lists.
func (s *Source) Test(ctx context.Context) error { return stopped(ctx, s.place.Test(ctx)) }

// Introspect finds nothing: models choose sheets.
func (s *Source) Introspect(ctx context.Context) ([]connector.Table, error) { return nil, s.Test(ctx) }

// Dialect is DuckDB's, which reads what was fetched.
func (s *Source) Dialect() query.Dialect { return query.DuckDB }

// Close ends the connections and removes what was fetched.
func (s *Source) Close() error {
	if err := s.turn.Acquire(context.Background(), 1); err != nil {
		return err
	}
	defer s.turn.Release(1)
	errs := []error{s.place.Close()}
	for key, f := range s.read {
		errs = append(errs, f.Remove())
		delete(s.read, key)
	}
	return errors.Join(errs...)
}

// Query streams the rows of a sheet.
func (s *Source) Query(ctx context.Context, q connector.Query) (array.RecordReader, error) {
	d, err := s.open(ctx, q)
	if err != nil {
		return nil, err
	}
	return d.Query(ctx, q)
}

// Unload writes the rows of a sheet to a Parquet file.
func (s *Source) Unload(ctx context.Context, q connector.Query, path string) (int64, error) {
	d, err := s.open(ctx, q)
	if err != nil {
		return 0, err
	}
	return d.Unload(ctx, q, path)
}

// open returns what reads the sheet of a query.
func (s *Source) open(ctx context.Context, q connector.Query) (*duckdb.Source, error) {
	if q.Sheet == nil || q.Sheet.Name == "" {
		return nil, fault.New(fault.CodeSourceQuery, "a model of %s reads a sheet", s.name).
			WithSuggestion("Choose the method sheet, and a sheet of a workbook.")
	}
	f, err := s.fetch(ctx, *q.Sheet)
	if err != nil {
		return nil, stopped(ctx, err)
	}
	return duckdb.New(duckdb.Options{
		Dir: s.dir, Files: []string{f.Path}, Views: func(ctx context.Context, c *sql.Conn, _ string) error {
			_, err := c.ExecContext(ctx, "CREATE VIEW "+query.DuckDB.Ident(connector.RowsTable.Name)+" AS SELECT * FROM "+f.SQL)
			return err
		},
	}), nil
}

// fetch brings a sheet to this machine, unless that was done already.
func (s *Source) fetch(ctx context.Context, sheet connector.Sheet) (*Spooled, error) {
	if err := s.turn.Acquire(ctx, 1); err != nil {
		return nil, err
	}
	defer s.turn.Release(1)
	if f := s.read[sheet]; f != nil {
		return f, nil
	}
	err := s.place.Read(ctx, sheet, func(rows Rows, rule Rule) (err error) {
		s.read[sheet], err = Spool(ctx, s.dir, rows, rule)
		return err
	})
	if err != nil {
		delete(s.read, sheet)
		return nil, err
	}
	return s.read[sheet], nil
}

// stopped says that the caller's time is over, where it is.
func stopped(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return fault.Wrap(context.Cause(ctx), fault.CodeSourceTimeout, "reading the sheet was stopped")
	}
	return err
}
