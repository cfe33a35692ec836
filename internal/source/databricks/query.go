package databricks

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
)

// Query streams the rows of one statement, which is described first: what is no query is refused before it runs. A
// limit is given beside the statement, which stays as it was written: some subqueries with an order fail (S-61).
// https://docs.databricks.com/aws/en/sql/language-manual/sql-ref-syntax-aux-describe-query
func (s *Source) Query(ctx context.Context, q connector.Query) (array.RecordReader, error) {
	x, err := s.connect(ctx, q.Class)
	if err != nil {
		return nil, err
	}
	r, err := x.query(s.statementOf(q, ""), s.statementOf(q, describe), q)
	if err != nil {
		err = x.explain(err)
		x.end(errReleased)
		return nil, err
	}
	return r, nil
}

func (x *session) query(st, described statement, q connector.Query) (*reader, error) {
	schema, err := x.describe(described, q)
	if err != nil {
		return nil, err
	}
	a, err := x.run(st, request{Disposition: dispositionLinks, Format: formatArrow, RowLimit: q.Limit, Tags: tagsOf(q.Tag)})
	if err != nil {
		return nil, err
	}
	return newReader(x, a, schema, q.Limit)
}

// describe is what makes a statement tell its columns and not run.
const describe = "DESCRIBE QUERY "

// statementOf puts the tag before the query, where the history of queries shows it.
func (s *Source) statementOf(q connector.Query, before string) statement {
	own := query.Clean(q.SQL)
	if s.settings.Dialect == dialectANSI {
		own = fromANSI(own)
	}
	return statement{prefix: query.Comment(q.Tag) + before, own: own}
}

// describe returns the columns of a query with the comments that they have in tables.
func (x *session) describe(st statement, q connector.Query) (*arrow.Schema, error) {
	_, rows, err := x.rows(st, q.Tag)
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, fault.New(fault.CodeSourceQuery, "the statement returns no columns").WithSuggestion("Write the model as a SELECT.")
	}
	fields, names := make([]arrow.Field, len(rows)), make([]string, len(rows))
	for i, row := range rows {
		if len(row) < 3 || row[0] == nil || row[1] == nil {
			return nil, fault.New(fault.CodeSourceQuery, "the warehouse describes the query in a form that is not known")
		}
		names[i] = *row[0]
		comment := ""
		if row[2] != nil && q.Class == connector.WorkloadInteractive {
			comment = *row[2]
		}
		if fields[i], err = fieldOf(*row[0], *row[1], comment); err != nil {
			return nil, err
		}
	}
	if err := connector.DistinctColumns(names); err != nil {
		return nil, err
	}
	return arrow.NewSchema(fields, nil), nil
}
