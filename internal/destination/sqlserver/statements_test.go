package sqlserver

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/query"
)

var update = flag.Bool("update", false, "rewrite golden files")

// people is a table with what tables have.
func people() *table {
	return &table{
		ref: query.TableRef{Schema: "dbo", Name: "peo]ple"},
		columns: []column{
			{name: "id", base: "int", notNull: true},
			{name: "email", base: "varchar", length: 100, collation: collation},
			{name: "name", base: "nvarchar", length: 40, collation: collation},
			{name: "balance", base: "decimal", precision: 12, scale: 2, fallback: "((0))", defaults: true},
			{name: "seen", base: "datetimeoffset", scale: 3},
			{name: "photo", base: "varbinary", length: -1},
			{name: "note", base: "text", length: 16, collation: collation},
		},
		keys: []key{{columns: []string{"id"}, primary: true}, {columns: []string{"email"}}, {columns: []string{"name", "seen"}}},
	}
}

// TestStatements shows what is sent, for a person to read: what each mode writes, by which keys.
//
// Req: SY-15, SY-18, SY-21, SY-25
func TestStatements(t *testing.T) {
	t.Parallel()
	all := []string{"id", "email", "name", "balance", "seen", "photo", "note"}
	var got strings.Builder
	for _, c := range []struct {
		name string
		job  connector.SyncJob
		edit func(*connector.SyncJob)
		op   connector.Operation
	}{
		{name: "upsert by a number", job: job("", connector.ModeUpsert, "id", all...), op: connector.Added},
		{name: "upsert by a text", job: job("", connector.ModeUpsert, "email", "email", "name"), op: connector.Changed},
		{name: "upsert of the key alone", job: job("", connector.ModeUpsert, "id", "id"), op: connector.Added},
		{name: "upsert by a key that is not mapped", job: job("", connector.ModeUpsert, "id", "name"), op: connector.Added},
		{name: "upsert that leaves nulls out", job: job("", connector.ModeUpsert, "id", "id", "name", "balance"), op: connector.Added, edit: func(j *connector.SyncJob) { j.Columns[1].Omit, j.Columns[2].Omit = true, true }},
		{name: "upsert by another value than the column is filled with", job: job("", connector.ModeUpsert, "", "name", "email"), op: connector.Changed, edit: func(j *connector.SyncJob) {
			j.Match = []connector.MatchPair{{From: "old_email", To: "email"}}
		}},
		{name: "update by two columns", job: job("", connector.ModeUpdate, "name seen", "name", "seen", "balance"), op: connector.Changed},
		{name: "insert", job: job("", connector.ModeInsert, "", "id", "note"), op: connector.Added},
		{name: "delete", job: job("", connector.ModeUpsert, "id", "id", "name"), op: connector.Removed, edit: func(j *connector.SyncJob) { j.Delete = connector.DeleteRecord }},
		{name: "clear", job: job("", connector.ModeUpsert, "email", "email", "name", "balance"), op: connector.Removed, edit: func(j *connector.SyncJob) { j.Delete = connector.DeleteClear }},
	} {
		if c.edit != nil {
			c.edit(&c.job)
		}
		got.WriteString("-- " + c.name + "\n" + newBuilder(people(), c.job, true).program(c.op).batch + "\n\n")
	}
	r := receipt{Schema: "dbo", Session: "s", Batch: "b"}
	got.WriteString("-- receipts\n" + r.create() + "\n" + r.insert() + "\n" + r.forget() + "\n")
	file := filepath.Join("testdata", "statements.golden.sql")
	if *update {
		if err := os.WriteFile(file, []byte(got.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("the statements differ from %s (-update rewrites it):\n%s", file, got.String())
	}
}
