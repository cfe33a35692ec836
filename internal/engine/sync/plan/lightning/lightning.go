// Package lightning is the planner that works in the warehouse (SY-46): the model's rows are staged as a table, SQL
// compares them with those that were settled last, and only the difference leaves the warehouse. It makes the same
// plans as the Basic planner of the package plan, whose comment says what they are and what adds up.
//
// # Tables
//
// A run makes two tables in the planner schema and never changes them: one whose name ends in _plan, with the model's
// rows (_k, the key as text; _h, the hash of the compared columns; c0 …, the kept columns in the warehouse's own
// types; of an expanded array also _e, the element, and _o, its occurrence, and only the first has a key), and one whose name ends in _rejections, the overlay of the next baseline:
//
//	_k         key
//	_state     absent, kept or dirty
//	_held      1 where c0 … were settled; 0 where nothing was, and they are what was sent in doubt last
//	_op        the operation in doubt
//	_h         hash, null where the row must be planned whatever its values are
//	_attempts  what was sent in doubt, oldest first, as JSON
//	c0 …       values
//
// Names carry the instance, the workspace, the sync, the run and its epoch, so that neither two installations nor a
// worker that lost its run and the one that took it over can meet in one table. Further tables, which live for one
// call, carry the same names.
package lightning

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/value"
)

// Run names the run that plans.
type Run struct {
	Instance  string // of this installation: letters and digits
	Workspace int64
	Sync      int64
	ID        int64
	Epoch     int64
}

// prefix begins the names of all tables of the sync.
func (r Run) prefix() string { return fmt.Sprintf("mr_%s_%d_%d_", r.Instance, r.Workspace, r.Sync) }

func (r Run) table(what string) string {
	return fmt.Sprintf("%s%d_%d_%s", r.prefix(), r.ID, r.Epoch, what)
}

// runOf reads the run's id from the name of one of the sync's tables.
func (r Run) runOf(table string) (id int64, ok bool) {
	rest, ours := strings.CutPrefix(table, r.prefix())
	text, _, found := strings.Cut(rest, "_")
	id, err := strconv.ParseInt(text, 10, 64)
	return id, ours && found && err == nil
}

// Planner plans one run in a warehouse.
type Planner struct {
	warehouse connector.Warehouse
	run       Run
	schema    string
	tag       string
}

// New returns a planner. The tag shows in the warehouse's own query log.
func New(w connector.Warehouse, r Run, tag string) *Planner {
	return &Planner{warehouse: w, run: r, schema: w.Schemas().Planner, tag: tag}
}

// The kinds of tables.
const (
	planTable       = "plan"
	rejectionsTable = "rejections"
	diffTable       = "diff"     // verdicts; for one Diff
	claimedTable    = "claimed"  // removals that do not happen; for one Diff
	outcomesTable   = "outcomes" // of rows that were not accepted; for one Settle
	copiedPlan      = "copied_plan"
	copiedRejection = "copied_rejections"
)

func (p *Planner) table(what string) query.TableRef {
	return query.TableRef{Schema: p.schema, Name: p.run.table(what)}
}

// execute runs commands in order.
func (p *Planner) execute(ctx context.Context, commands ...query.Command) error {
	all := make([]connector.Query, len(commands))
	for i, c := range commands {
		all[i] = connector.Query{SQL: p.warehouse.Dialect().Command(c), Class: connector.WorkloadBatch, Tag: p.tag}
	}
	_, err := p.warehouse.Execute(ctx, all...)
	return err
}

// create makes a table of a query's rows. Its name is new: each epoch of a run has names of its own.
func (p *Planner) create(ctx context.Context, t query.TableRef, rows query.Query) error {
	return p.execute(ctx, query.CreateTableAs{Table: t, Query: rows})
}

// drop removes tables, even when the call that needed them is over its time.
func (p *Planner) drop(ctx context.Context, tables ...query.TableRef) error {
	commands := make([]query.Command, len(tables))
	for i, t := range tables {
		commands[i] = query.DropTable{Table: t}
	}
	return p.execute(context.WithoutCancel(ctx), commands...)
}

func (p *Planner) query(q query.Query) connector.Query {
	return connector.Query{SQL: p.warehouse.Dialect().SQL(q), Class: connector.WorkloadBatch, Tag: p.tag}
}

// rows streams the rows of a query as flat columns.
func (p *Planner) rows(ctx context.Context, q query.Query) (array.RecordReader, error) {
	r, err := p.warehouse.Query(ctx, p.query(q))
	if err != nil {
		return nil, err
	}
	defer r.Release()
	return value.Flatten(r, nil)
}

// fields are the flat columns that a query would have.
func (p *Planner) fields(ctx context.Context, q query.Query) ([]arrow.Field, error) {
	schema, err := p.warehouse.Describe(ctx, p.query(q))
	if err != nil {
		return nil, err
	}
	none, err := array.NewRecordReader(schema, nil)
	if err != nil {
		return nil, err
	}
	defer none.Release()
	flat, err := value.Flatten(none, nil)
	if err != nil {
		return nil, err
	}
	defer flat.Release()
	return flat.Schema().Fields(), nil
}

// read calls f with each row of a small result; null is the empty text.
func (p *Planner) read(ctx context.Context, q query.Query, f func(row []string) error) error {
	r, err := p.rows(ctx, q)
	if err != nil {
		return err
	}
	defer r.Release()
	for r.Next() {
		if err := eachRow(r.RecordBatch(), f); err != nil {
			return err
		}
	}
	return r.Err()
}

func eachRow(b arrow.RecordBatch, f func(row []string) error) error {
	readers := make([]value.Reader, b.NumCols())
	for i, field := range b.Schema().Fields() {
		read, err := value.NewReader(field, b.Column(i))
		if err != nil {
			return err
		}
		readers[i] = read
	}
	for n := range int(b.NumRows()) {
		row := make([]string, len(readers))
		for i, read := range readers {
			row[i] = strings.Clone(read(n).String())
		}
		if err := f(row); err != nil {
			return err
		}
	}
	return nil
}

// numbers reads the one row of a query whose columns are numbers; null is 0.
func (p *Planner) numbers(ctx context.Context, q query.Query, into ...*int64) error {
	return p.read(ctx, q, func(row []string) error {
		for i, text := range row {
			n, err := count(text)
			if err != nil {
				return err
			}
			*into[i] = n
		}
		return nil
	})
}

// count reads a whole number, which a warehouse may have as a decimal.
func count(text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	whole, _, _ := strings.Cut(text, ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return 0, fault.Wrap(err, fault.CodeInternal, "the warehouse counted %q", text)
	}
	return n, nil
}

// failure says what the planner was doing. A run that was stopped keeps the reason that its context has.
func failure(ctx context.Context, err error, doing string) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("%s: %w", doing, context.Cause(ctx))
	}
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return fault.Wrap(err, fault.CodeInternal, "%s", doing)
}

// column is the name of a kept column in our tables.
func column(i int) string { return "c" + strconv.Itoa(i) }

// columns are the names of the first n kept columns.
func columns(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = column(i)
	}
	return names
}
