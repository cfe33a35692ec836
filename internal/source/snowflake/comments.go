package snowflake

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"

	"github.com/millrace/millrace/internal/connector"
)

// origin is the column of a table that a result's column is taken from. Snowflake says so of columns that are taken as
// they are (ResultSetMetaData.getTableName of its own client:
// https://docs.snowflake.com/en/developer-guide/jdbc/jdbc-api); under which name the table has it, it does not say, so
// that a column with an alias has no comment, unless the table has a column of that name too.
type origin struct {
	Name     string `json:"name"`
	Database string `json:"database"`
	Schema   string `json:"schema"`
	Table    string `json:"table"`
}

// origins are noted while the answer to a statement passes, since the driver drops them.
type origins struct{ columns []origin }

type originsKey struct{}

// note reads the columns out of an answer. It is asked of statements that are only described: the answer is small.
func (o *origins) note(r *http.Request, resp *http.Response) (*http.Response, error) {
	if !answers(r.URL.Path) || resp.StatusCode != http.StatusOK {
		return resp, nil
	}
	body, err := io.ReadAll(resp.Body)
	if closeErr := resp.Body.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return nil, err
	}
	var answer struct {
		Data struct {
			RowType []origin `json:"rowtype"`
		} `json:"data"`
	}
	if json.Unmarshal(body, &answer) == nil && answer.Data.RowType != nil {
		o.columns = answer.Data.RowType
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}

// answers reports whether a path is one that tells the columns of a statement: at once, or where it took longer, when it
// is asked for again.
func answers(path string) bool {
	return path == "/queries/v1/query-request" || strings.HasPrefix(path, "/queries/") && strings.HasSuffix(path, "/result")
}

// plan asks what the user's own text yields: two columns of one name are an error that a limit around it would hide. It
// returns what the source says of the columns that people see.
func (s *Source) plan(ctx context.Context, x *session, st statement, class connector.Workload) (map[string]string, error) {
	if class != connector.WorkloadInteractive && st.text == st.own {
		return map[string]string{}, nil
	}
	var o origins
	rows, err := x.stream(context.WithValue(ctx, originsKey{}, &o), statement{text: st.own, own: st.own, tag: st.tag, plan: true})
	if err != nil {
		return nil, s.explainOwn(ctx, err, st)
	}
	if _, err := columnsOf(rows, nil); err != nil {
		return nil, err
	}
	if class != connector.WorkloadInteractive {
		return map[string]string{}, nil
	}
	return s.comments(ctx, x, o.columns)
}

// comments returns the comments of columns that are taken from tables, by the columns' names.
func (s *Source) comments(ctx context.Context, x *session, columns []origin) (map[string]string, error) {
	tables := map[origin][]string{}
	for _, c := range columns {
		if c.Table != "" {
			t := origin{Database: c.Database, Schema: c.Schema, Table: c.Table}
			tables[t] = append(tables[t], c.Name)
		}
	}
	said := map[string]string{}
	for t, names := range tables {
		of, err := s.commentsOf(ctx, x, t)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			if text := of[name]; text != "" {
				said[name] = text
			}
		}
	}
	return said, nil
}

// explainOwn is for the user's own text, which nothing stands before.
func (s *Source) explainOwn(ctx context.Context, err error, st statement) error {
	if forgotten(err) {
		return err
	}
	st.text, st.shift = st.own, 0
	return s.explain(ctx, err, st)
}

// commentsOf reads the comments of a table's columns. Without a right to the catalog of another database there are none.
func (s *Source) commentsOf(ctx context.Context, x *session, t origin) (map[string]string, error) {
	sql := "SELECT COLUMN_NAME AS \"name\", COMMENT AS \"comment\" FROM " + s.dialect.Ident(t.Database) + ".INFORMATION_SCHEMA.COLUMNS WHERE TABLE_SCHEMA = " +
		s.dialect.Text(t.Schema) + " AND TABLE_NAME = " + s.dialect.Text(t.Table) + " AND COMMENT IS NOT NULL"
	rows, err := s.texts(ctx, x, sql)
	if err != nil {
		if ctx.Err() != nil || forgotten(err) || strings.EqualFold(t.Database, s.settings.Database) {
			return nil, err
		}
		return map[string]string{}, nil // a preview without comments is better than none
	}
	of := map[string]string{}
	for _, row := range rows {
		of[row[0]] = row[1]
	}
	return of, nil
}
