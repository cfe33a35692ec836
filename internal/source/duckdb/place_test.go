package duckdb

import (
	"testing"

	"github.com/millrace/millrace/internal/fault"
)

// Req: M-30
func TestPlaceIn(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, statement, message string
		want                     fault.Place
	}{
		{"the first line", "SELEC 1", "Parser Error: syntax error at or near \"SELEC\"\n\nLINE 1: SELEC 1\n        ^", fault.Place{Line: 1, Column: 1}},
		{"another line", "SELECT\n  nam FROM t", "Binder Error: x\n\nLINE 2:   nam FROM t\n          ^", fault.Place{Line: 2, Column: 3}},
		{"a part of a long line", "SELECT aaaaaaaaaaaaaaaaaaaa, nam FROM t", "x\n\nLINE 1: ...aaaaa, nam FROM t\n                  ^", fault.Place{Line: 1, Column: 30}},
		{"no place", "SELECT 1", "Catalog Error: no", fault.Place{}},
		{"a line that the statement lacks", "SELECT 1", "x\nLINE 9: SELECT\n        ^", fault.Place{}},
		{"a caret beyond the line", "SELECT 1", "x\nLINE 1: SELECT 1\n                                ^", fault.Place{Line: 1}},
	} {
		if got := placeIn(tt.statement, tt.message); got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
	}
}
