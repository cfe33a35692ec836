package lightning

import (
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/engine/sync/plan"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/query/dialecttest"
	"github.com/millrace/millrace/internal/value"
)

// natives are the types of a model's columns in the words of each database that the engine plans in: a whole number,
// a text, a decimal, an instant, an object and a boolean. Lakebase speaks PostgreSQL's dialect.
var natives = map[string][6]string{
	"duckdb":            {"BIGINT", "VARCHAR", "DECIMAL(12,2)", "TIMESTAMP WITH TIME ZONE", "STRUCT(a INTEGER)", "BOOLEAN"},
	"postgres":          {"bigint", "text", "numeric(12,2)", "timestamp with time zone", "jsonb", "boolean"},
	"greenplum":         {"bigint", "text", "numeric(12,2)", "timestamp with time zone", "jsonb", "boolean"},
	"redshift":          {"bigint", "character varying(256)", "numeric(12,2)", "timestamp with time zone", "super", "boolean"},
	"synapse":           {"bigint", "nvarchar(100)", "decimal(12,2)", "datetimeoffset(7)", "nvarchar(max)", "bit"},
	"fabric":            {"bigint", "varchar(100)", "decimal(12,2)", "datetimeoffset(7)", "varchar(max)", "bit"},
	"snowflake":         {"NUMBER(38,0)", "VARCHAR(16777216)", "NUMBER(12,2)", "TIMESTAMP_TZ(9)", "VARIANT", "BOOLEAN"},
	"snowflake_iceberg": {"NUMBER(38,0)", "VARCHAR(16777216)", "NUMBER(12,2)", "TIMESTAMP_TZ(9)", "VARIANT", "BOOLEAN"},
	"bigquery":          {"INT64", "STRING", "NUMERIC(12, 2)", "TIMESTAMP", "STRUCT<a INT64>", "BOOL"},
	"databricks":        {"BIGINT", "STRING", "DECIMAL(12,2)", "TIMESTAMP", "STRUCT<a: INT>", "BOOLEAN"},
	"databricks_ansi":   {"BIGINT", "STRING", "DECIMAL(12,2)", "TIMESTAMP", "STRUCT<a: INT>", "BOOLEAN"},
	"trino":             {"bigint", "varchar", "decimal(12,2)", "timestamp(3) with time zone", "row(a integer)", "boolean"},
	"trino_hive":        {"bigint", "varchar", "decimal(12,2)", "timestamp(3) with time zone", "row(a integer)", "boolean"},
	"trino_iceberg":     {"bigint", "varchar", "decimal(12,2)", "timestamp(3) with time zone", "row(a integer)", "boolean"},
	"trino_postgres":    {"bigint", "varchar", "decimal(12,2)", "timestamp(3) with time zone", "row(a integer)", "boolean"},
	"athena":            {"bigint", "varchar", "decimal(12,2)", "timestamp(3) with time zone", "json", "boolean"},
}

// The SQL of a whole run in every dialect of a source that the engine plans in: staging, comparing with every verdict,
// settling with every state, forgetting. The conformance suite executes the same queries on DuckDB and PostgreSQL.
//
// Req: SY-46, SY-48
func TestGolden(t *testing.T) {
	t.Parallel()
	for _, d := range query.Dialects {
		types, planned := natives[d.Name]
		if !planned {
			continue
		}
		t.Run(d.Name, func(t *testing.T) {
			t.Parallel()
			g := &golden{dialect: d}
			g.run(newRun(d, types))
			dialecttest.Golden(t, filepath.Join("testdata", d.Name+".txtar"), txtar.Format(&g.archive))
		})
	}
}

// warehouse only says how it is written.
type warehouse struct {
	connector.Warehouse

	dialect query.Dialect
}

func (w warehouse) Dialect() query.Dialect { return w.dialect }

func (w warehouse) Schemas() connector.Schemas {
	return connector.Schemas{Planner: query.PlannerSchema, Audit: query.AuditSchema}
}

// run is the seventh run of a sync. The sixth settled the rows before it; the fifth knew another model.
type run struct {
	*Planner

	staged plan.StageInput
	now    plan.Staged
	same   *plan.Baseline // with today's columns
	other  *plan.Baseline // without the last columns, and with a text where a decimal is now
}

const model = "SELECT id, name, paid, seen, doc, vip FROM shop.people"

func newRun(d query.Dialect, types [6]string) run {
	r := run{Planner: New(warehouse{dialect: d}, Run{Instance: "demo", Workspace: 1, Sync: 2, ID: 7, Epoch: 1}, "")}
	schema := value.Schema{
		{Name: "id", Type: value.TypeNumber, Native: types[0]}, {Name: "name", Type: value.TypeString, Native: types[1]},
		{Name: "paid", Type: value.TypeNumber, Native: types[2]}, {Name: "seen", Type: value.TypeTimestamp, Native: types[3]},
		{Name: "doc", Type: value.TypeObject, Native: types[4]}, {Name: "vip", Type: value.TypeBoolean, Native: types[5]},
	}
	r.staged = plan.StageInput{Schema: schema, PrimaryKey: "id", Compare: []string{"doc", "name", "paid", "seen", "vip"}}
	table := r.table(planTable)
	layout := plan.Layout{Schema: schema, Compare: r.staged.Compare, PrimaryKey: "id", KeyType: types[0], HashVersion: "now"}
	for _, c := range schema {
		_, native := d.Stored(query.Col(c.Name), c.Native)
		layout.Physical = append(layout.Physical, native)
	}
	r.now = plan.Staged{Table: &table, Layout: layout, Read: 100, Kept: 100}
	r.same = baseline(r.Planner, 6, layout)
	old := layout
	old.Schema = append(value.Schema{}, schema[:4]...)
	old.Schema[2] = value.Column{Name: "paid", Type: value.TypeString, Native: types[1]}
	old.Physical = append([]string{}, layout.Physical[:4]...)
	old.Physical[2] = layout.Physical[1]
	old.HashVersion = "then"
	r.other = baseline(r.Planner, 5, old)
	return r
}

func baseline(p *Planner, id int64, l plan.Layout) *plan.Baseline {
	before := *p
	before.run.ID = id
	return &plan.Baseline{
		Tables: &plan.Tables{Plan: before.table(planTable), Rejections: before.table(rejectionsTable)}, Layout: l, Rows: 100, Overlap: 3, Dirty: 1,
	}
}

func (r run) differ(b *plan.Baseline, identify ...string) *differ {
	in := plan.DiffInput{
		Staged: r.now, Baseline: b, Before: []string{"name"}, Identify: identify,
		Rules: plan.ModeRules{AddedActs: true, ChangedActs: true, RemovedActs: true},
	}
	d := &differ{Planner: r.Planner, in: in, plan: plan.NewPlan(in), now: query.Table(*r.now.Table).As("n"), verdict: query.Table(r.table(diffTable)).As("v"), claimed: true}
	if b != nil {
		d.base = base{baseline: b, now: r.now.Layout, previous: d.plan.Before, compare: r.now.CompareWith(b.Layout)}
		d.plan.Attempts = true
	}
	return d
}

func (r run) settler(b *plan.Baseline, mapping bool) *settler {
	p := plan.NewPlan(plan.DiffInput{Staged: r.now, Baseline: b, MappingChanged: mapping})
	return &settler{Planner: r.Planner, in: plan.SettleInput{Staged: r.now, Plan: &p, Old: b}, rejections: r.table(rejectionsTable), compares: b != nil}
}

// golden gathers statements.
type golden struct {
	dialect query.Dialect
	archive txtar.Archive
}

func (g *golden) command(name string, c query.Command) { g.add(name, g.dialect.Command(c)) }

func (g *golden) query(name string, q query.Query) { g.add(name, g.dialect.SQL(q)) }

func (g *golden) add(name, sql string) {
	g.archive.Files = append(g.archive.Files, txtar.File{Name: name, Data: []byte(laidOut(sql) + "\n")})
}

func (g *golden) run(r run) {
	g.command("stage: the model's rows", query.CreateTableAs{Table: *r.now.Table, Query: staged(g.dialect, model, r.staged, r.now.Layout)})
	g.query("stage: rows, and rows with a key", measured(*r.now.Table))
	g.diff("", r.differ(r.same, "name", "doc"))
	g.diff(", of other columns", r.differ(r.other, "name", "paid"))
	first := r.differ(nil)
	g.command("first run: keys that appear twice", query.CreateTableAs{Table: first.table(diffTable), Query: first.repeated()})
	g.query("first run: added rows", first.added(true))
	g.settle(r)
	g.command("forget: a table", query.DropTable{Table: r.same.Tables.Plan})
}

func (g *golden) diff(of string, d *differ) {
	g.command("diff: verdicts"+of, query.CreateTableAs{Table: d.table(diffTable), Query: d.compared(d.ungrouped())})
	if of == "" {
		g.query("diff: keys and rows of each verdict", d.tallied())
		g.query("diff: keys of the baseline", d.settled())
		g.query("diff: added rows, and their keys", d.fresh())
		g.command("diff: verdicts where keys repeat", query.CreateTableAs{Table: d.table(diffTable), Query: d.compared(d.keys())})
	}
	g.command("diff: removals that another row claims"+of, query.CreateTableAs{Table: d.table(claimedTable), Query: d.claims()})
	if of == "" {
		g.query("diff: removed rows", d.removed(true))
		g.query("diff: changed rows", d.changed(true))
		g.query("diff: added rows", d.added(true))
		g.query("diff: rows that share a key", d.duplicates(true))
	}
}

func (g *golden) settle(r run) {
	outcomes := r.table(outcomesTable)
	text := query.TypeText
	g.command("settle: the table of outcomes", query.CreateTable{Table: outcomes, Columns: []query.NewColumn{
		{Name: "_k", Type: text}, {Name: "op", Type: text}, {Name: "state", Type: text}, {Name: "attempts", Type: text},
	}})
	row := func(key, op, state string, attempts query.Expr) []query.Expr {
		return []query.Expr{query.Text(key), query.Text(op), query.Text(state), attempts}
	}
	g.command("settle: outcomes of each state", query.Insert{Table: outcomes, Columns: []string{"_k", "op", "state", "attempts"}, Rows: [][]query.Expr{
		row("1", string(connector.Added), string(plan.Rejected), query.Null(text)), row("2", string(connector.Removed), string(plan.Aborted), query.Null(text)),
		row("3", string(connector.Changed), string(plan.Dirty), query.Text(`[{"id":3}]`)), row("4", "", string(plan.Duplicate), query.Null(text)),
	}})
	g.command("settle: the overlay's table", rejections(r.table(rejectionsTable), r.now.Layout))
	g.command("settle: the overlay", r.settler(r.same, false).inserted())
	g.command("settle: the overlay, of other columns", r.settler(r.other, false).inserted())
	g.command("settle: the overlay when the mapping changed", r.settler(r.same, true).inserted())
	g.command("settle: the overlay of a first run", r.settler(nil, false).inserted())
	g.query("settle: rows in doubt that share a key now", r.settler(r.same, false).doubtful())
	g.query("settle: the overlay's rows", counted(r.table(rejectionsTable)))
}

// laidOut puts the clauses of a statement's queries on lines of their own. It reads quotes, nothing else.
func laidOut(sql string) string {
	l := &layout{sql: sql, selected: strings.HasPrefix(sql, "SELECT ")}
	for l.at < len(l.sql) {
		l.step()
	}
	return strings.TrimSpace(l.out.String())
}

type layout struct {
	sql      string
	at       int
	out      strings.Builder
	queries  []bool // of the parentheses that are open: whether a query stands in them
	selected bool   // there was a SELECT outside of parentheses
}

var clauses = []string{"FROM ", "WHERE ", "GROUP BY ", "HAVING ", "UNION ALL ", "JOIN ", "LEFT JOIN ", "FULL JOIN ", "SELECT DISTINCT ", "SELECT ", "WITH DATA", "WITH NO DATA"}

func (l *layout) step() {
	rest := l.sql[l.at:]
	switch c := rest[0]; {
	case strings.IndexByte("'\"`[", c) >= 0:
		l.quoted(c)
	case c == '(':
		inner := strings.TrimLeft(rest[1:], "\n")
		isQuery := strings.HasPrefix(inner, "SELECT ") || strings.HasPrefix(inner, "WITH ")
		l.queries = append(l.queries, isQuery)
		l.take(len(rest) - len(inner))
		if isQuery {
			l.line(0)
		}
	case c == ')':
		last := len(l.queries) - 1
		isQuery := l.queries[last]
		l.queries = l.queries[:last]
		if isQuery {
			l.line(0)
		}
		l.take(1)
	case c == '\n':
		l.at++
	case c == ' ' && l.clause(rest[1:]) != "":
		l.at++
		l.line(0)
		l.take(len(strings.TrimSuffix(l.clause(rest[1:]), " ")))
	case strings.HasPrefix(rest, ", ") && l.inQuery():
		l.out.WriteString(",")
		l.at += 2
		l.line(1)
	default:
		l.take(1)
	}
}

// inQuery reports whether what is read next belongs to a query, and not to a function's arguments or a table's columns.
func (l *layout) inQuery() bool {
	if len(l.queries) == 0 {
		return l.selected
	}
	return l.queries[len(l.queries)-1]
}

// clause is the word that begins a clause, if one begins here.
func (l *layout) clause(rest string) string {
	if len(l.queries) > 0 && !l.inQuery() || strings.HasSuffix(l.out.String(), "DISTINCT") {
		return ""
	}
	for _, word := range clauses {
		if strings.HasPrefix(rest, word) {
			l.selected = l.selected || strings.HasPrefix(word, "SELECT ")
			return word
		}
	}
	return ""
}

func (l *layout) take(n int) {
	l.out.WriteString(strings.Trim(l.sql[l.at:l.at+n], "\n"))
	l.at += n
}

func (l *layout) line(more int) {
	depth := more
	for _, is := range l.queries {
		if is {
			depth++
		}
	}
	l.out.WriteString("\n" + strings.Repeat("  ", depth))
}

// quoted takes what stands between quotes as it is. A backslash hides what follows it where the dialect has such.
func (l *layout) quoted(open byte) {
	end := open
	if open == '[' {
		end = ']'
	}
	n := 1
	for l.sql[l.at+n] != end {
		n++
	}
	l.out.WriteString(l.sql[l.at : l.at+n+1])
	l.at += n + 1
}
