package trino

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/source/stream"
	"github.com/millrace/millrace/internal/source/trino/trinotype"
	"github.com/millrace/millrace/internal/value"
)

// Schemas returns the schemas that Millrace writes in.
func (s *Source) Schemas() connector.Schemas { return s.schemas }

// Execute runs commands one after the other: few connectors have transactions.
func (s *Source) Execute(ctx context.Context, commands ...connector.Query) (written int64, err error) {
	for _, c := range commands {
		own := query.Clean(c.SQL)
		r, err := s.run(ctx, stream.Text{Sent: own, Own: own}, request{sql: own, tag: c.Tag, class: c.Class})
		if err != nil {
			return 0, err
		}
		if err := r.finish(func([]string) {}); err != nil {
			return 0, err
		}
		written = r.updated
	}
	return written, nil
}

// Columns returns the columns of a table.
func (s *Source) Columns(ctx context.Context, table query.TableRef) (value.Schema, error) {
	var found value.Schema
	err := s.columns(ctx, s.only(table), func(_ query.TableRef, c value.Column) { found = append(found, c) })
	return found, err
}

// OwnTables lists the tables of a schema whose names begin with the prefix.
func (s *Source) OwnTables(ctx context.Context, schema, prefix string) ([]string, error) {
	var names []string
	sql := "SELECT table_name FROM system.jdbc.tables WHERE " + s.only(query.TableRef{Schema: schema})
	err := s.each(ctx, sql, func(c []string) {
		if strings.HasPrefix(c[0], prefix) {
			names = append(names, c[0])
		}
	})
	return names, err
}

// Load creates or replaces a table.
func (s *Source) Load(ctx context.Context, table query.TableRef, r array.RecordReader) error {
	columns, err := trinotype.NewColumns(r.Schema())
	if err != nil {
		return err
	}
	if err := s.makeSchema(ctx, table.Schema); err != nil {
		return err
	}
	if err := s.commands(ctx, query.DropTable{Table: table}, query.CreateTable{Table: table, Columns: columns}); err != nil {
		return err
	}
	if err := s.insert(ctx, table, r); err != nil {
		return errors.Join(err, s.commands(context.WithoutCancel(ctx), query.DropTable{Table: table}))
	}
	return nil
}

// makeSchema makes a schema that does not exist: who may write in one may seldom make one.
func (s *Source) makeSchema(ctx context.Context, name string) error {
	if s.catalog == "" {
		return fault.New(fault.CodeSourceDenied, "the source has no default catalogue to write in").WithSuggestion("Give the source a default catalogue.").WithPath("catalog")
	}
	found := false
	if err := s.each(ctx, "SHOW SCHEMAS FROM "+s.dialect.Ident(s.catalog), func(c []string) { found = found || strings.EqualFold(c[0], name) }); err != nil || found {
		return err
	}
	return s.commands(ctx, query.CreateSchema{Name: name})
}

// Append adds rows with one statement, which is all or none, from a table of its own, where they are gathered.
func (s *Source) Append(ctx context.Context, table query.TableRef, r array.RecordReader) error {
	names := make([]string, r.Schema().NumFields())
	for i, f := range r.Schema().Fields() {
		names[i] = f.Name
	}
	held := query.TableRef{Database: table.Database, Schema: table.Schema, Name: table.Name + "_" + strings.ToLower(rand.Text()[:8])}
	empty := query.From(query.Table(table).As("t")).Where(query.Int(1).Eq(query.Int(0)))
	err := s.commands(ctx, query.CreateTableAs{Table: held, Query: empty})
	if err != nil {
		return err
	}
	from := query.Table(held).As("t")
	if err = s.insert(ctx, held, r); err == nil {
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

// insert adds rows, in statements that the server takes.
func (s *Source) insert(ctx context.Context, table query.TableRef, r array.RecordReader) error {
	columns, err := trinotype.NewColumns(r.Schema())
	if err != nil {
		return err
	}
	return trinotype.Inserts(s.dialect, table, columns, r, func(command string) error {
		_, err := s.Execute(ctx, connector.Query{SQL: command})
		return err
	})
}
