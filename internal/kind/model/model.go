// Package model is the kind of document that says which rows of a source matter, and which column
// identifies them (M-01).
package model

import (
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/value"
)

// Spec is what a person configures of a model. It holds no data.
type Spec struct {
	Source      string          `json:"source"` // slug
	Method      Method          `json:"method"`
	SQL         string          `json:"sql,omitempty"`
	Table       *query.TableRef `json:"table,omitempty"`
	PrimaryKey  string          `json:"primaryKey"`
	Columns     []Column        `json:"columns,omitempty"` // as the last preview found them (M-32)
	Description string          `json:"description,omitempty"`
}

// Method is how a model's rows are described (M-02).
type Method string

// The modeling methods.
const (
	MethodSQL   Method = "sql"
	MethodTable Method = "table"
)

// Methods lists the modeling methods.
var Methods = []Method{MethodSQL, MethodTable}

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
