// Package model is the kind of document that says which rows of a source matter, and which column
// identifies them (M-01).
package model

import (
	"strings"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/dbt/manifest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/value"
)

// Spec is what a person configures of a model. It holds no data.
type Spec struct {
	Source      string           `json:"source"` // slug
	Method      Method           `json:"method"`
	SQL         string           `json:"sql,omitempty"`
	Table       *query.TableRef  `json:"table,omitempty"`
	File        *connector.File  `json:"file,omitempty"`
	Sheet       *connector.Sheet `json:"sheet,omitempty"`
	DBT         *DBT             `json:"dbt,omitempty"`
	BI          *BI              `json:"bi,omitempty"`
	PrimaryKey  string           `json:"primaryKey"`
	Columns     []Column         `json:"columns,omitempty"` // as the last preview found them (M-32)
	Description string           `json:"description,omitempty"`

	found found // of the methods dbt and bi
}

// DBT is a node of a dbt project.
type DBT struct {
	Project string          `json:"project"`        // slug
	Node    string          `json:"node"`           // unique ID, such as model.shop.customers
	Read    manifest.Access `json:"read,omitempty"` // empty: the table where there is one, otherwise the compiled SQL
}

// BI is something that people saved in a tool of business intelligence.
type BI struct {
	Tool string `json:"tool"` // slug
	Item string `json:"item"` // the number of a Look, or WORKBOOK/ELEMENT of Sigma
}

// found is what the project's manifest has of a node: its query, or why there is none.
type found struct {
	sql string
	err error
}

// Found returns the model with what its dbt project or BI tool says: the SQL, or why there is none. The document has
// neither, since both change without it.
func (s Spec) Found(sql string, err error) Spec {
	s.found = found{sql, err}
	return s
}

// Method is how a model's rows are described (M-02).
type Method string

// The modeling methods.
const (
	MethodSQL   Method = "sql"
	MethodTable Method = "table"
	MethodFile  Method = "file"
	MethodSheet Method = "sheet"
	MethodDBT   Method = "dbt"
	MethodBI    Method = "bi"
)

// Methods lists the modeling methods.
var Methods = []Method{MethodSQL, MethodTable, MethodFile, MethodSheet, MethodDBT, MethodBI}

// Column is one column of a model.
type Column struct {
	Name        string     `json:"name"`
	Type        value.Type `json:"type"`                  // as the source has it
	Native      string     `json:"native,omitempty"`      // the source's own name of the type
	Cast        value.Type `json:"cast,omitempty"`        // the type that mappings see instead (M-25)
	Description string     `json:"description,omitempty"` // the source's comment
	Override    string     `json:"override,omitempty"`    // a description written here, shown instead (M-14)
}

// Effective returns the type that mappings see.
func (c Column) Effective() value.Type {
	if c.Cast != "" {
		return c.Cast
	}
	return c.Type
}

// Column returns the named column.
func (s Spec) Column(name string) (Column, bool) {
	return named(s.Columns, name)
}

// Query returns what reads the model's rows from its source, which writes SQL in the dialect.
func (s Spec) Query(d query.Dialect) (connector.Query, error) {
	switch {
	case s.Method == MethodTable && s.Table != nil:
		return connector.Query{SQL: d.SelectTable(*s.Table)}, nil
	case s.Method == MethodSQL && strings.TrimSpace(query.Clean(s.SQL)) != "":
		return connector.Query{SQL: query.Clean(s.SQL)}, nil
	case s.Method == MethodFile && s.File != nil:
		return connector.Query{SQL: d.SelectTable(connector.RowsTable), File: s.File}, nil
	case s.Method == MethodSheet && s.Sheet != nil:
		return connector.Query{SQL: d.SelectTable(connector.RowsTable), Sheet: s.Sheet}, nil
	case s.Method == MethodDBT && s.DBT != nil, s.Method == MethodBI && s.BI != nil:
		return s.found.query()
	default:
		return connector.Query{}, fault.New(fault.CodeRequired, "the model has no %s", s.Method.wants()).WithPath(string(s.Method))
	}
}

func (f found) query() (connector.Query, error) {
	switch {
	case f.err != nil:
		return connector.Query{}, f.err
	case query.Clean(f.sql) == "":
		return connector.Query{}, fault.New(fault.CodeDBTMissing, "nothing is known of what the model reads")
	default:
		return connector.Query{SQL: query.Clean(f.sql)}, nil
	}
}

// wants says in words what a model of the method needs.
func (m Method) wants() string {
	if m == MethodSQL || m == "" {
		return "query"
	}
	if m == MethodDBT {
		return "dbt model"
	}
	return string(m)
}
