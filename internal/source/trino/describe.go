package trino

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/source/stream"
	"github.com/millrace/millrace/internal/value"
)

// output is a column of a statement that the server has described.
type output struct {
	name, kind string
	table      query.TableRef // that the column is taken from, where it is
	aliased    bool           // under another name
}

// prepareWords stand before a statement that is to be described, on its first line.
const prepareWords = "PREPARE millrace FROM "

// describe lets the server analyse a statement, which does not run it.
// https://trino.io/docs/current/sql/describe-output.html
func (s *Source) describe(ctx context.Context, q connector.Query, t stream.Text) ([]output, error) {
	sent := stream.Text{Sent: prepareWords + t.Sent, Own: t.Own}
	r, err := s.run(ctx, sent, request{sql: sent.Sent, tag: q.Tag, class: q.Class})
	if err != nil {
		return nil, err
	}
	if err := r.finish(func([]string) {}); err != nil {
		return nil, err
	}
	const sql = "DESCRIBE OUTPUT millrace"
	d, err := s.run(ctx, t, request{sql: sql, tag: q.Tag, class: q.Class, prepared: r.prepared})
	if err != nil {
		return nil, err
	}
	var all []output
	return all, d.finish(func(c []string) { // name, catalogue, schema, table, type, size, aliased
		all = append(all, output{name: c[0], kind: c[4], table: query.TableRef{Database: c[1], Schema: c[2], Name: c[3]}, aliased: c[6] == "true"})
	})
}

// Describe returns the columns of a query.
func (s *Source) Describe(ctx context.Context, q connector.Query) (*arrow.Schema, error) {
	t, err := s.textOf(q)
	if err != nil {
		return nil, err
	}
	found, err := s.describe(ctx, q, t)
	if err != nil {
		return nil, err
	}
	columns := make([]pageColumn, len(found))
	for i, o := range found {
		columns[i] = pageColumn{o.name, o.kind}
	}
	return schemaOf(columns, nil)
}

// comments are what the server says of the columns that a statement takes from tables under their own names.
func (s *Source) comments(ctx context.Context, q connector.Query, t stream.Text) (map[string]string, error) {
	if !wrappable(t.Own) {
		return map[string]string{}, nil
	}
	found, err := s.describe(ctx, q, t)
	if err != nil {
		return nil, err
	}
	said, asked := map[string]string{}, map[query.TableRef]map[string]string{}
	for _, o := range found {
		if o.aliased || o.table.Name == "" {
			continue
		}
		if asked[o.table] == nil {
			asked[o.table] = map[string]string{}
			err := s.columns(ctx, s.only(o.table), func(_ query.TableRef, c value.Column) { asked[o.table][c.Name] = c.Description })
			if err != nil {
				return nil, err
			}
		}
		said[o.name] = asked[o.table][o.name]
	}
	return said, nil
}
