package databricks

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/value"
)

// introspectSQL lists the tables and views of a schema (S-58). It shows what the user has a privilege on.
// https://docs.databricks.com/aws/en/sql/language-manual/information-schema/columns
const introspectSQL = "SELECT t.table_name, CASE WHEN t.table_type LIKE '%%VIEW' THEN 'view' ELSE 'table' END AS kind, " +
	"c.column_name, c.full_data_type, c.is_nullable, coalesce(c.comment, '') AS comment, t.table_schema " +
	"FROM information_schema.tables AS t JOIN information_schema.columns AS c " +
	"ON c.table_schema = t.table_schema AND c.table_name = t.table_name " +
	"WHERE lower(t.table_schema) = lower(%s) ORDER BY t.table_name, c.ordinal_position"

// Introspect lists the tables and views of the schema.
func (s *Source) Introspect(ctx context.Context) ([]connector.Table, error) {
	var tables []connector.Table
	err := s.each(ctx, "discovery", filled(introspectSQL, s.settings.Schema), func(row []string) {
		ref := query.TableRef{Schema: row[6], Name: row[0]}
		if s.schemas.Own(ref.Schema) {
			return
		}
		if n := len(tables); n == 0 || tables[n-1].Ref != ref {
			tables = append(tables, connector.Table{Ref: ref, Kind: row[1]})
		}
		last := &tables[len(tables)-1]
		last.Columns = append(last.Columns, columnOf(row[2], row[3], row[5], row[4] != "NO"))
	})
	return tables, err
}

// each runs SQL of ours, in the dialect of Databricks, and gives out its rows as texts.
func (s *Source) each(ctx context.Context, tag, sql string, row func([]string)) error {
	x, err := s.connect(ctx, connector.WorkloadInteractive)
	if err != nil {
		return err
	}
	q := connector.Query{SQL: sql, Tag: tag}
	r, err := x.query(statement{prefix: query.Comment(tag), own: sql}, statement{prefix: query.Comment(tag) + describe, own: sql}, q)
	if err != nil {
		err = x.explain(err)
		x.end(errReleased)
		return err
	}
	defer r.Release()
	for r.Next() {
		if err := eachRow(r.RecordBatch(), row); err != nil {
			return err
		}
	}
	return r.Err()
}

func eachRow(b arrow.RecordBatch, row func([]string)) error {
	read := make([]value.Reader, b.NumCols())
	for i, f := range b.Schema().Fields() {
		r, err := value.NewReader(f, b.Column(i))
		if err != nil {
			return err
		}
		read[i] = r
	}
	for n := range int(b.NumRows()) {
		texts := make([]string, len(read))
		for i, r := range read {
			texts[i] = string(r(n).AppendText(nil)) // a copy: the batch ends
		}
		row(texts)
	}
	return nil
}
