package athena

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/aws/aws-sdk-go-v2/aws"
	awsathena "github.com/aws/aws-sdk-go-v2/service/athena"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/source/stream"
	"github.com/millrace/millrace/internal/source/trino/trinotype"
	"github.com/millrace/millrace/internal/value"
)

// Schemas returns the schemas that Millrace writes in.
func (s *Source) Schemas() connector.Schemas { return s.schemas }

// Execute runs commands one after the other: Athena has no transactions of several.
func (s *Source) Execute(ctx context.Context, commands ...connector.Query) (written int64, err error) {
	for _, c := range commands {
		if written, err = s.execute(ctx, c); err != nil {
			return 0, err
		}
	}
	return written, nil
}

func (s *Source) execute(ctx context.Context, c connector.Query) (written int64, err error) {
	own := query.Clean(c.SQL)
	t := stream.Text{Sent: query.Comment(strings.ReplaceAll(c.Tag, "\n", " ")) + own, Own: own}
	x, err := s.statements.Begin(ctx)
	if err != nil {
		return 0, err
	}
	defer s.statements.Settle()
	defer x.End()
	e, err := s.client.start(x, t.Sent)
	if err != nil {
		err = s.client.explain(x, err, t)
		x.Stop(err)
		return 0, err
	}
	o, err := s.client.athena.GetQueryResults(x.Context(), &awsathena.GetQueryResultsInput{QueryExecutionId: &e.id, MaxResults: aws.Int32(1)})
	if err != nil {
		return 0, s.client.explain(x, err, t)
	}
	if result, ok := objectOf(e.output); ok && (strings.HasSuffix(result.key, ".csv") || strings.HasSuffix(result.key, ".txt")) {
		s.client.remove(x.Context(), result)
	}
	return aws.ToInt64(o.UpdateCount), nil
}

// columnsSQL names the types of a table's columns as queries do.
func (s *Source) columnsSQL(table query.TableRef) string {
	return "SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = " + s.dialect.Text(table.Schema) +
		" AND table_name = " + s.dialect.Text(table.Name) + " ORDER BY ordinal_position"
}

// Columns returns the columns of a table.
func (s *Source) Columns(ctx context.Context, table query.TableRef) (value.Schema, error) {
	var found value.Schema
	err := s.each(ctx, s.columnsSQL(table), func(c []cell) {
		found = append(found, value.Column{Name: c[0].text, Type: named(c[1].text).Value(), Native: c[1].text, Nullable: true})
	})
	return found, err
}

// OwnTables lists the tables of a schema whose names begin with the prefix.
func (s *Source) OwnTables(ctx context.Context, schema, prefix string) ([]string, error) {
	var names []string
	err := s.each(ctx, "SELECT table_name FROM information_schema.tables WHERE table_schema = "+s.dialect.Text(schema), func(c []cell) {
		if strings.HasPrefix(c[0].text, prefix) {
			names = append(names, c[0].text)
		}
	})
	return names, err
}

// Load creates or replaces a table.
func (s *Source) Load(ctx context.Context, table query.TableRef, r array.RecordReader) error {
	columns, err := newColumns(r.Schema())
	if err != nil {
		return err
	}
	if err := s.makeSchema(ctx, table.Schema); err != nil {
		return err
	}
	if err := s.commands(ctx, query.DropTable{Table: table}, query.CreateTable{Table: table, Columns: columns}); err != nil {
		return err
	}
	if err := s.insert(ctx, table, columns, r); err != nil {
		return errors.Join(err, s.commands(context.WithoutCancel(ctx), query.DropTable{Table: table}))
	}
	return nil
}

// newColumns are the columns of a table. Integers are decimals there, since BIGINT is read as text.
func newColumns(schema *arrow.Schema) ([]query.NewColumn, error) {
	columns, err := trinotype.NewColumns(schema)
	for i := range columns {
		if columns[i].Type == query.TypeInteger {
			columns[i].Type = query.TypeDecimal(integerDigits, 0)
		}
	}
	return columns, err
}

// integerDigits is how many a 64-bit integer has.
const integerDigits = 19

// makeSchema makes a schema that does not exist: who may write in one may seldom make one.
func (s *Source) makeSchema(ctx context.Context, name string) error {
	if !s.hasLocation {
		return fault.New(fault.CodeSourceDenied, "the source has no location for tables").WithPath("tableLocation").WithSuggestion("Give the source a location of tables in S3, or a query output location.")
	}
	found := false
	err := s.ask(ctx, func(ctx context.Context) error {
		databases, err := s.databases(ctx)
		for _, d := range databases {
			found = found || strings.EqualFold(d, name)
		}
		return err
	})
	if err != nil || found {
		return err
	}
	return s.commands(ctx, query.CreateSchema{Name: name})
}

// Append adds rows with one statement, which is all or none, from a table of its own, where they are gathered.
func (s *Source) Append(ctx context.Context, table query.TableRef, r array.RecordReader) error {
	columns, err := newColumns(r.Schema())
	if err != nil {
		return err
	}
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.Name
	}
	held := query.TableRef{Schema: table.Schema, Name: table.Name + "_" + strings.ToLower(rand.Text()[:8])}
	if err := s.commands(ctx, query.CreateTable{Table: held, Columns: columns}); err != nil {
		return err
	}
	from := query.Table(held).As("t")
	if err = s.insert(ctx, held, columns, r); err == nil {
		err = s.commands(ctx, query.InsertQuery{Table: table, Columns: names, Query: query.From(from).Select(from.Cols(names...)...)})
	}
	return errors.Join(err, s.commands(context.WithoutCancel(ctx), query.DropTable{Table: held}))
}

// commands runs commands of our own.
func (s *Source) commands(ctx context.Context, all ...query.Command) error {
	for _, c := range all {
		if _, err := s.Execute(ctx, connector.Query{SQL: s.dialect.Command(c)}); err != nil {
			return err
		}
	}
	return nil
}

// insert adds rows, in statements that Athena takes.
func (s *Source) insert(ctx context.Context, table query.TableRef, columns []query.NewColumn, r array.RecordReader) error {
	return trinotype.Inserts(s.dialect, table, columns, r, func(command string) error {
		_, err := s.Execute(ctx, connector.Query{SQL: command})
		return err
	})
}
