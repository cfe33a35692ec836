package connector

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
)

// TestWarehouse proves that Millrace may do in both schemas what the Lightning engine does: make a table, write rows
// to it, read them and drop it. It names what is missing with the SQL that grants it.
func TestWarehouse(ctx context.Context, s Source, info SourceInfo, settings Settings) error {
	w, ok := s.(Warehouse)
	if !ok {
		return fault.New(fault.CodeInvalid, "%s has no Lightning engine", info.Name).WithPath("spec.engine")
	}
	schemas := w.Schemas()
	for _, schema := range []string{schemas.Planner, schemas.Audit} {
		if err := testSchema(ctx, w, schema); err != nil {
			return needs(err, schema, GrantsFor(info, settings))
		}
	}
	return nil
}

// needs tells which schema cannot be written in, and what grants it.
func needs(err error, schema, grants string) error {
	if fault.Is(err, fault.CodeSourceUnreachable) || fault.Is(err, fault.CodeSourceTimeout) {
		return err
	}
	f := fault.Wrap(err, fault.CodeSourceDenied, "the Lightning engine cannot write in the schema %q", schema)
	if grants == "" {
		return f
	}
	return f.WithSuggestion("Let an administrator of the source run:\n\n%s", grants)
}

// GrantsFor returns the SQL that an administrator of a source runs, for the names that its settings have.
func GrantsFor(info SourceInfo, settings Settings) string {
	schemas := SchemasOf(settings)
	names := settings.WithDefaults(info.Fields)
	names[FieldPlannerSchema], names[FieldAuditSchema] = schemas.Planner, schemas.Audit
	text := "'" + strings.ReplaceAll(names.Text("user"), "'", "''") + "'" // where a name stands as a text
	sql := strings.NewReplacer("'{user}'", text, "{planner}", quoted(schemas.Planner), "{audit}", quoted(schemas.Audit), "{user}", quoted(names.Text("user")))
	return sql.Replace(info.Grants)
}

// quoted is a name for the inside of double quotes.
func quoted(name string) string { return strings.ReplaceAll(name, `"`, `""`) }

func testSchema(ctx context.Context, w Warehouse, schema string) error {
	table := query.TableRef{Schema: schema, Name: "millrace_test_" + strings.ToLower(rand.Text()[:12])}
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema([]arrow.Field{{Name: "id", Type: arrow.PrimitiveTypes.Int64, Nullable: true}}, nil))
	defer b.Release()
	b.Field(0).(*array.Int64Builder).Append(1) //nolint:forcetypeassert // made above
	row := b.NewRecordBatch()
	defer row.Release()
	r, err := array.NewRecordReader(row.Schema(), []arrow.RecordBatch{row})
	if err != nil {
		return err
	}
	defer r.Release()
	if err := w.Load(ctx, table, r); err != nil {
		return err
	}
	d := w.Dialect()
	_, err = w.Execute(ctx, Query{SQL: d.Command(query.CreateTableAs{
		Table: query.TableRef{Schema: schema, Name: table.Name + "_2"}, Query: query.From(query.Table(table)),
	})})
	return errors.Join(err, dropTest(ctx, w, table.Name, schema))
}

// dropTest removes what the test made, even when the test's time is over.
func dropTest(ctx context.Context, w Warehouse, name, schema string) error {
	drop := func(name string) Query {
		return Query{SQL: w.Dialect().Command(query.DropTable{Table: query.TableRef{Schema: schema, Name: name}})}
	}
	_, err := w.Execute(context.WithoutCancel(ctx), drop(name), drop(name+"_2"))
	return err
}
