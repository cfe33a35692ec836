package duckdb

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
)

// selection is what counts here of a parsed SELECT, as DuckDB serializes it.
type selection struct {
	Type  string `json:"type"`
	From  *from  `json:"from_table"`
	Items []item `json:"select_list"`
	CTEs  struct {
		Map []json.RawMessage `json:"map"`
	} `json:"cte_map"`
}

// from is what a SELECT reads.
type from struct {
	Type    string   `json:"type"`
	Alias   string   `json:"alias"`
	Schema  string   `json:"schema_name"`
	Table   string   `json:"table_name"`
	Renamed []string `json:"column_name_alias"`
	Left    *from    `json:"left"`
	Right   *from    `json:"right"`
}

// item is what a SELECT yields.
type item struct {
	Type     string            `json:"type"`
	Alias    string            `json:"alias"`
	Path     []string          `json:"column_names"`
	Relation string            `json:"relation_name"` // of a star
	Replaced []json.RawMessage `json:"replace_list"`
	Renamed  []json.RawMessage `json:"rename_list"`
}

// comment fills in what the database says of the columns that a statement takes from its tables as they are. A column
// whose table cannot be told for certain has no comment.
func (d *database) comment(ctx context.Context, parsed json.RawMessage, columns []described) error {
	var s selection
	if json.Unmarshal(parsed, &s) != nil || s.Type != "SELECT_NODE" || len(s.CTEs.Map) > 0 {
		return nil //nolint:nilerr // what it reads are not tables of the database, or not only
	}
	tables := s.From.tables()
	if len(tables) == 0 {
		return nil
	}
	said := map[string]string{}
	for _, t := range tables {
		comments, err := d.commentsOf(ctx, t)
		if err != nil {
			return err
		}
		for _, it := range s.Items {
			it.take(t, len(tables) == 1, comments, said)
		}
	}
	for _, it := range s.Items {
		if it.Type != "STAR" && it.Type != "COLUMN_REF" {
			delete(said, strings.ToLower(it.Alias)) // computed, under the name of a column that a star leaves out
		}
	}
	for i, c := range columns {
		columns[i].comment = said[strings.ToLower(c.name)]
	}
	return nil
}

// tables lists the tables that are read; none where something else is among them.
func (f *from) tables() []*from {
	switch {
	case f == nil:
		return nil
	case f.Type == "BASE_TABLE" && len(f.Renamed) == 0:
		return []*from{f}
	case f.Type == "JOIN":
		left, right := f.Left.tables(), f.Right.tables()
		if left == nil || right == nil {
			return nil
		}
		return slices.Concat(left, right)
	default:
		return nil
	}
}

// called reports whether a name in the statement means the table.
func (f *from) called(name string) bool {
	if f.Alias != "" {
		return strings.EqualFold(name, f.Alias)
	}
	return strings.EqualFold(name, f.Table)
}

// commentsOf reads the comments of a table's columns, by their names in lower case.
func (d *database) commentsOf(ctx context.Context, t *from) (_ map[string]string, err error) {
	rows, err := d.conn.QueryContext(ctx, `SELECT lower(column_name), comment FROM duckdb_columns()
		WHERE database_name = current_database() AND lower(schema_name) = lower(CASE WHEN ? = '' THEN current_schema() ELSE ? END)
		  AND lower(table_name) = lower(?) AND comment IS NOT NULL`, t.Schema, t.Schema, t.Table)
	if err != nil {
		return nil, explain(ctx, err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	comments := map[string]string{}
	for rows.Next() {
		var name, comment string
		if err := rows.Scan(&name, &comment); err != nil {
			return nil, explain(ctx, err)
		}
		comments[name] = comment
	}
	return comments, explain(ctx, rows.Err())
}

// take notes the comments of what an item takes from a table, which may be the only one.
func (it item) take(t *from, only bool, comments, said map[string]string) {
	switch it.Type {
	case "STAR":
		if len(it.Replaced)+len(it.Renamed) > 0 || it.Relation == "" && !only || it.Relation != "" && !t.called(it.Relation) {
			return
		}
		maps.Copy(said, comments)
	case "COLUMN_REF":
		if n := len(it.Path); n == 0 || n > 2 || n == 1 && !only || n == 2 && !t.called(it.Path[0]) {
			return
		}
		name := it.Path[len(it.Path)-1]
		shown := it.Alias
		if shown == "" {
			shown = name
		}
		if comment := comments[strings.ToLower(name)]; comment != "" {
			said[strings.ToLower(shown)] = comment
		}
	}
}
