package warehousetest

import (
	"errors"
	"strings"
	"testing"
)

func TestEngine(t *testing.T) {
	t.Parallel()
	e := New(t, Options{
		Setup: []string{"CREATE TABLE people (id BIGINT, name VARCHAR)"},
		Rewrite: func(s string) (string, error) {
			if strings.Contains(s, "MERGE") {
				return "", errors.New("no merge here")
			}
			return strings.ReplaceAll(s, "`", `"`), nil
		},
	})
	if n, err := e.Execute(t.Context(), "INSERT INTO `people` VALUES (1, 'Ann'), (2, 'Ben')"); err != nil || n != 2 {
		t.Fatalf("inserting: %d rows, %v", n, err)
	}
	r, err := e.Query(t.Context(), "SELECT * FROM `people` ORDER BY id")
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Append(t.Context(), "people", r); err != nil {
		t.Fatal(err)
	}
	r.Release()
	r, err = e.Query(t.Context(), "SELECT count(*) AS n FROM `people`")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	batches, err := Rows(r)
	if err != nil || len(batches) != 1 || batches[0].Column(0).ValueStr(0) != "4" {
		t.Errorf("after appending: %v, %v", batches, err)
	}
	names, types, err := e.Columns(t.Context(), "SELECT * FROM `people`")
	if err != nil || strings.Join(names, ",") != "id,name" || strings.Join(types, ",") != "BIGINT,VARCHAR" {
		t.Errorf("columns %v of %v, %v", names, types, err)
	}
	if _, err := e.Execute(t.Context(), "MERGE INTO people"); err == nil {
		t.Error("a statement that cannot be rewritten ran")
	}
	if got := e.Statements(); len(got) != 5 || !strings.Contains(got[0], "`people`") {
		t.Errorf("the log is %q", got)
	}
}
