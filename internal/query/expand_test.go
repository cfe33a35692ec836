package query_test

import (
	"testing"

	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/value"
)

// Req: SY-91
func TestArrayOf(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		t      value.Type
		native string
		want   query.ArrayKind
	}{
		{value.TypeObject, "text[]", query.NativeArray},
		{value.TypeObject, "character varying(20)[]", query.NativeArray},
		{value.TypeObject, "INTEGER[3]", query.NativeArray},
		{value.TypeObject, "DECIMAL(10,2)[]", query.NativeArray},
		{value.TypeObject, "VARCHAR[][]", query.NoArray},
		{value.TypeObject, "STRUCT(a VARCHAR[])", query.NoArray},
		{value.TypeObject, "STRUCT(a INTEGER)[]", query.NoArray},
		{value.TypeObject, "MAP(VARCHAR, INTEGER)", query.NoArray},
		{value.TypeObject, "jsonb[]", query.NoArray},
		{value.TypeObject, "JSON", query.JSONArray},
		{value.TypeObject, "jsonb", query.JSONArray},
		{value.TypeString, "character varying(20)", query.TextArray},
		{value.TypeString, "VARCHAR", query.TextArray},
		{value.TypeString, "uuid", query.NoArray},
		{value.TypeNumber, "integer", query.NoArray},
		{value.TypeString, "bytea", query.NoArray},
		{value.TypeObject, "ARRAY<STRING>", query.NativeArray},
		{value.TypeObject, "ARRAY<INT64>", query.NativeArray},
		{value.TypeObject, "array(varchar(20))", query.NativeArray},
		{value.TypeObject, "ARRAY(NUMBER(38,0))", query.NativeArray},
		{value.TypeObject, "ARRAY<STRUCT<a INT64>>", query.NoArray},
		{value.TypeObject, "ARRAY<ARRAY<STRING>>", query.NoArray},
		{value.TypeObject, "array(row(a integer))", query.NoArray},
		{value.TypeObject, "array(json)", query.NoArray},
		{value.TypeObject, "ARRAY", query.JSONArray},
		{value.TypeObject, "VARIANT", query.JSONArray},
		{value.TypeObject, "arrayed", query.NoArray},
	} {
		if got := query.ArrayOf(c.t, c.native); got != c.want {
			t.Errorf("%s is %d, want %d", c.native, got, c.want)
		}
	}
}
