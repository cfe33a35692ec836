package connector

import (
	"context"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/value"
)

// OwnTable is a table that Millrace keeps in a warehouse for people.
type OwnTable struct {
	Ref     query.TableRef
	Columns []OwnColumn
	Tag     string // of the statements, for the warehouse's own log
	Probe   string // the name of a table that may be made and dropped in the same schema
}

// OwnColumn is one of its columns.
type OwnColumn struct {
	Name string
	Kind query.Type
	Is   value.Type // what a column that is there already must be
}

// Ensure makes the table where there is none, with its schema, and the columns that it lacks. A column of another type is
// an error that says what to do.
func (t OwnTable) Ensure(ctx context.Context, w Warehouse) error {
	if err := t.ensure(ctx, w); err != nil {
		return fmt.Errorf("preparing the table %s: %w", t.Ref, err)
	}
	return nil
}

func (t OwnTable) ensure(ctx context.Context, w Warehouse) error {
	found, err := w.Columns(ctx, t.Ref)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return t.create(ctx, w)
	}
	var missing []query.Command
	for _, c := range t.Columns {
		at := found.Index(c.Name)
		if at < 0 {
			missing = append(missing, query.AddColumn{Table: t.Ref, Column: query.NewColumn{Name: c.Name, Type: c.Kind}})
			continue
		}
		if !c.fits(w.Dialect(), found[at].Type) {
			return fault.New(fault.CodeSourceType, "its column %s is %s and must be %s", c.Name, found[at].Native, w.Dialect().Type(c.Kind)).
				WithSuggestion("Rename or drop the table, so that Millrace makes its own, or change the type of the column.")
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return t.denied(t.execute(ctx, w, missing...))
}

// fits reports whether a column of a type will do. Where a database has no type for objects, they are texts.
func (c OwnColumn) fits(d query.Dialect, found value.Type) bool {
	return found == c.Is || c.Is == value.TypeObject && found == value.TypeString && d.Type(c.Kind) == d.Type(query.TypeText)
}

// create makes the table. Where another process made it meanwhile, that is as well.
func (t OwnTable) create(ctx context.Context, w Warehouse) error {
	if err := t.createSchema(ctx, w); err != nil {
		return t.denied(err)
	}
	c := query.CreateTable{Table: t.Ref}
	for _, column := range t.Columns {
		c.Columns = append(c.Columns, query.NewColumn{Name: column.Name, Type: column.Kind})
	}
	err := t.execute(ctx, w, c)
	if err == nil {
		return nil
	}
	if found, again := w.Columns(ctx, t.Ref); again == nil && len(found) > 0 {
		return nil
	}
	return t.denied(err)
}

// createSchema makes the schema where there is none: loading rows does, without asking for a right that users of a
// schema seldom have.
func (t OwnTable) createSchema(ctx context.Context, w Warehouse) error {
	probe := query.TableRef{Schema: t.Ref.Schema, Name: t.Probe}
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema([]arrow.Field{{Name: "id", Type: arrow.PrimitiveTypes.Int64, Nullable: true}}, nil))
	defer b.Release()
	none := b.NewRecordBatch()
	defer none.Release()
	r, err := array.NewRecordReader(none.Schema(), []arrow.RecordBatch{none})
	if err != nil {
		return err
	}
	defer r.Release()
	if err := w.Load(ctx, probe, r); err != nil {
		return err
	}
	return t.execute(ctx, w, query.DropTable{Table: probe})
}

func (t OwnTable) execute(ctx context.Context, w Warehouse, commands ...query.Command) error {
	return ExecuteAll(ctx, w, t.Tag, commands...)
}

// denied says how a missing right is found.
func (t OwnTable) denied(err error) error {
	if !fault.Is(err, fault.CodeSourceDenied) {
		return err
	}
	return fault.Wrap(err, fault.CodeSourceDenied, "writing in the schema %q", t.Ref.Schema).
		WithSuggestion("Test the source's connection: it names the grant that is missing.")
}

// ExecuteAll executes commands in a warehouse in their order, all of them or none where it has transactions.
func ExecuteAll(ctx context.Context, w Warehouse, tag string, commands ...query.Command) error {
	all := make([]Query, len(commands))
	for i, c := range commands {
		all[i] = Query{SQL: w.Dialect().Command(c), Class: WorkloadBatch, Tag: tag}
	}
	_, err := w.Execute(ctx, all...)
	return err
}
