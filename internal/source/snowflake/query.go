package snowflake

import (
	"context"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/source/stream"
	"github.com/snowflakedb/gosnowflake"
)

// Query streams the rows of one statement. Several in one text are refused by Snowflake.
func (s *Source) Query(ctx context.Context, q connector.Query) (array.RecordReader, error) {
	st := s.statementOf(q)
	if err := reads(st.own); err != nil {
		return nil, err
	}
	for tries := 0; ; tries++ {
		ctx, end, x, err := s.begin(ctx, q.Class)
		if err != nil {
			return nil, err
		}
		r, err := s.rows(ctx, x, st, q.Class)
		if err == nil {
			r.end = end
			return r, nil
		}
		x.leave(ctx, err)
		again := !x.used && forgotten(err) && ctx.Err() == nil && tries < idleSessions
		if !again {
			err = s.explain(ctx, err, st)
		}
		end(nil)
		if !again {
			return nil, err
		}
	}
}

// rows starts a query. People see the comments of columns; runs have no use for them.
func (s *Source) rows(ctx context.Context, x *session, st statement, class connector.Workload) (*reader, error) {
	said, err := s.plan(ctx, x, st, class)
	if err != nil {
		return nil, err
	}
	rows, err := x.stream(ctx, st)
	if err != nil {
		return nil, err
	}
	columns, err := columnsOf(rows, said)
	if err != nil {
		return nil, err
	}
	batches, err := batchesOf(rows)
	if err != nil {
		return nil, err
	}
	return newReader(ctx, s, x, st, columns, batches), nil
}

// batchesOf returns the parts of a result. Only a SELECT has its result as Arrow.
func batchesOf(rows gosnowflake.ArrowStreamLoader) ([]gosnowflake.ArrowStreamBatch, error) {
	if len(rows.JSONData()) > 0 {
		return nil, fault.New(fault.CodeSourceQuery, "Snowflake answers this statement as it answers commands, without types").WithSuggestion("Write the model as a SELECT of tables and views.")
	}
	return rows.GetBatches()
}

// statementOf limits a query. The user's text begins in the first line of what is sent, so that Snowflake's words about
// lines are true of it.
func (s *Source) statementOf(q connector.Query) statement {
	own := query.Clean(q.SQL)
	st := statement{text: own, own: own, tag: q.Tag}
	if q.Limit <= 0 {
		return st
	}
	st.text = s.dialect.Limit(own, q.Limit)
	if before, after, ok := strings.Cut(st.text, "\n"+own); ok {
		st.text, st.shift = before+own+after, utf8.RuneCountInString(before)
	}
	return st
}

// Describe lets Snowflake compile the query, which does not run it.
func (s *Source) Describe(ctx context.Context, q connector.Query) (schema *arrow.Schema, err error) {
	st := s.statementOf(q)
	st.plan = true
	err = s.with(ctx, q.Class, func(ctx context.Context, x *session) error {
		said, err := s.plan(ctx, x, st, q.Class)
		if err != nil {
			return s.explain(ctx, err, st)
		}
		rows, err := x.stream(ctx, st)
		if err != nil {
			if forgotten(err) {
				return err
			}
			return s.explain(ctx, err, st)
		}
		columns, err := columnsOf(rows, said)
		if err != nil {
			return err
		}
		schema = schemaOf(columns)
		return nil
	})
	return schema, err
}

func schemaOf(columns []column) *arrow.Schema {
	fields := make([]arrow.Field, len(columns))
	for i, c := range columns {
		fields[i] = c.field
	}
	return arrow.NewSchema(fields, nil)
}

// reading are the words that statements which change nothing begin with: in Snowflake WITH stands before SELECT alone
// (https://docs.snowflake.com/en/sql-reference/constructs/with). There are no read-only transactions that would refuse
// the others.
var reading = []string{"(", "SELECT", "WITH", "VALUES", "SHOW", "DESCRIBE", "DESC"}

// pipe hands the result of a statement to another one, which may be any
// (https://docs.snowflake.com/en/sql-reference/operators-flow).
const pipe = "->>"

func reads(sql string) error {
	if slices.Contains(reading, stream.FirstWord(sql)) && !strings.Contains(sql, pipe) {
		return nil
	}
	return fault.New(fault.CodeSourceQuery, "the statement is no query").WithSuggestion("A model reads and cannot change data: write it as a SELECT.")
}
