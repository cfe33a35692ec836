package postgres

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
)

// table is the table that rows go to, as the server's catalogue describes it.
type table struct {
	ref     query.TableRef
	kind    string // pg_class.relkind: r table, p partitioned table, v view, f foreign table
	secured bool   // row-level security applies to this role
	columns []column
	keys    []key
}

// column is one column of a table.
type column struct {
	name     string
	native   string // the type with its modifiers, as SQL writes it
	collate  string // the quoted collation where it is not the type's own
	base     string // the name of the type below all domains
	category string // pg_type.typcategory of that type
	links    string // the table that a foreign key of the column refers to; empty where there is none
	array    bool
	element  string // the base name of an array's elements
	notNull  bool
	fallback string // the default as SQL; empty where there is none
	always   bool   // the server alone fills it
	comment  string
}

// key is a unique index that ON CONFLICT can name.
type key struct {
	columns []string
	primary bool
}

// writable are the kinds of relations that rows can be written to.
const writable = `('r', 'p', 'v', 'f')`

// find describes the table, or says which part of its name is wrong.
func (d *destination) find(ctx context.Context, c *pgx.Conn, ref query.TableRef) (*table, error) {
	t := &table{ref: ref}
	var oid uint32
	var usage bool
	err := c.QueryRow(ctx, `SELECT c.oid, c.relkind::text, row_security_active(c.oid), has_schema_privilege(n.oid, 'USAGE')
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN `+writable, ref.Schema, ref.Name).Scan(&oid, &t.kind, &t.secured, &usage)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil, fault.New(fault.CodeDestinationSchema, "there is no table %s in the database %q", ref, d.settings.Database).
			WithPath("spec.settings.table").WithSuggestion("Create the table, or choose another one.")
	case err != nil:
		return nil, d.translate(ctx, err, "looking up the table "+ref.String())
	case !usage:
		return nil, d.lacks("USAGE", "SCHEMA "+sql.Ident(ref.Schema))
	}
	if t.columns, err = d.columns(ctx, c, oid); err != nil {
		return nil, err
	}
	t.keys, err = d.keys(ctx, c, oid)
	return t, err
}

// lacks says which permission is missing, and how to grant it.
func (d *destination) lacks(permission, object string) error {
	return fault.New(fault.CodeDestinationDenied, "the role %q lacks the permission %s on %s", d.settings.User, permission, object).
		WithSuggestion("Run: GRANT %s ON %s TO %s", permission, object, sql.Ident(d.settings.User))
}

// columnsQuery reads the columns. What later versions added to pg_attribute (identity in 10, generated in 12)
// is read through JSON, which simply lacks it in earlier ones.
const columnsQuery = `
WITH RECURSIVE types(root, oid, depth) AS (
	SELECT DISTINCT t.oid, t.oid, 0 FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid WHERE a.attrelid = $1
	UNION ALL
	SELECT b.root, t.typbasetype, b.depth + 1 FROM types b JOIN pg_type t ON t.oid = b.oid WHERE t.typtype = 'd'
), base AS (
	SELECT DISTINCT ON (root) root, oid FROM types ORDER BY root, depth DESC
)
SELECT a.attname,
	format_type(a.atttypid, a.atttypmod),
	CASE WHEN a.attcollation <> t.typcollation AND a.attcollation <> 0 THEN
		(SELECT quote_ident(n.nspname) || '.' || quote_ident(l.collname) FROM pg_collation l JOIN pg_namespace n ON n.oid = l.collnamespace WHERE l.oid = a.attcollation)
	ELSE '' END,
	b.typname,
	b.typcategory,
	coalesce((SELECT f.confrelid::regclass::text FROM pg_constraint f WHERE f.conrelid = a.attrelid AND f.contype = 'f' AND a.attnum = ANY (f.conkey)
		ORDER BY cardinality(f.conkey), f.oid LIMIT 1), ''),
	b.typcategory = 'A',
	coalesce(eb.typname, e.typname, ''),
	a.attnotnull OR t.typnotnull,
	CASE WHEN coalesce(j.row->>'attidentity', '') <> '' THEN format('nextval(%L)', pg_get_serial_sequence(format('%I.%I', s.nspname, c.relname), a.attname))
	ELSE coalesce(pg_get_expr(d.adbin, d.adrelid), '') END,
	coalesce(j.row->>'attidentity', '') = 'a' OR coalesce(j.row->>'attgenerated', '') <> '',
	coalesce(col_description(a.attrelid, a.attnum), '')
FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid
JOIN pg_namespace s ON s.oid = c.relnamespace
JOIN pg_type t ON t.oid = a.atttypid
JOIN base ON base.root = t.oid
JOIN pg_type b ON b.oid = base.oid
LEFT JOIN pg_type e ON e.oid = b.typelem AND b.typcategory = 'A'
LEFT JOIN pg_type eb ON eb.oid = e.typbasetype
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
CROSS JOIN LATERAL (SELECT to_jsonb(a) AS row) j
WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum`

func (d *destination) columns(ctx context.Context, c *pgx.Conn, oid uint32) ([]column, error) {
	rows, err := c.Query(ctx, columnsQuery, oid)
	if err != nil {
		return nil, d.translate(ctx, err, "reading the columns")
	}
	columns, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (column, error) {
		var k column
		err := r.Scan(&k.name, &k.native, &k.collate, &k.base, &k.category, &k.links, &k.array, &k.element, &k.notNull, &k.fallback, &k.always, &k.comment)
		return k, err
	})
	if err != nil {
		return nil, d.translate(ctx, err, "reading the columns")
	}
	return columns, nil
}

// keysQuery reads the unique indexes that ON CONFLICT can use: of plain columns, of all rows, and checked at
// once. Columns that an index only includes (version 11) are no part of its key.
const keysQuery = `
SELECT array_agg(a.attname::text ORDER BY k.place), i.indisprimary
FROM pg_index i
CROSS JOIN LATERAL unnest(i.indkey::int[]) WITH ORDINALITY AS k(attnum, place)
JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
WHERE i.indrelid = $1 AND i.indisunique AND i.indimmediate AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
	AND k.place <= coalesce((to_jsonb(i)->>'indnkeyatts')::int, i.indnatts)
GROUP BY i.indexrelid, i.indisprimary
ORDER BY i.indisprimary DESC, i.indexrelid`

func (d *destination) keys(ctx context.Context, c *pgx.Conn, oid uint32) ([]key, error) {
	rows, err := c.Query(ctx, keysQuery, oid)
	if err != nil {
		return nil, d.translate(ctx, err, "reading the indexes")
	}
	keys, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (key, error) {
		var k key
		err := r.Scan(&k.columns, &k.primary)
		return k, err
	})
	if err != nil {
		return nil, d.translate(ctx, err, "reading the indexes")
	}
	return keys, nil
}

// column finds a column by its name.
func (t *table) column(name string) (column, bool) {
	i := slices.IndexFunc(t.columns, func(c column) bool { return c.name == name })
	if i < 0 {
		return column{}, false
	}
	return t.columns[i], true
}

// unique reports whether a unique index has exactly these columns, in any order.
func (t *table) unique(names []string) bool {
	want := slices.Sorted(slices.Values(names))
	return slices.ContainsFunc(t.keys, func(k key) bool { return slices.Equal(slices.Sorted(slices.Values(k.columns)), want) })
}

// direct reports whether COPY can write into the table itself.
// Source: https://www.postgresql.org/docs/current/sql-copy.html#SQL-COPY-NOTES
func (t *table) direct() bool { return (t.kind == "r" || t.kind == "p") && !t.secured }

// check refuses a job that does not fit the table.
func (t *table) check(job connector.SyncJob) error {
	var issues fault.Issues
	schema := func(path, format string, args ...any) {
		issues.Add(path, fault.CodeDestinationSchema, format, args...)
	}
	for _, m := range job.Match {
		switch k, ok := t.column(m.To); {
		case !ok:
			schema("spec.match", "the table %s has no column %q", t.ref, m.To)
		case k.always && job.Mode == connector.ModeUpsert:
			schema("spec.match", "the column %q of %s is filled by the server alone: rows that are new would not be found again", m.To, t.ref)
		}
	}
	for _, c := range job.Columns {
		switch k, ok := t.column(c.Name); {
		case !ok:
			schema("spec.mappings", "the table %s has no column %q", t.ref, c.Name)
		case k.always && (job.Mode != connector.ModeUpdate || !slices.Contains(job.Match, connector.MatchPair{From: c.From, To: c.Name})):
			schema("spec.mappings", "the column %q of %s is filled by the server alone", c.Name, t.ref)
		}
	}
	return issues.Err()
}

// types translates base types to the names that mappings show (M-24).
var types = map[string]string{
	"bool": "boolean",
	"int2": "number", "int4": "number", "int8": "number", "float4": "number", "float8": "number", "numeric": "number", "money": "number", "oid": "number",
	"timestamp": "timestamp", "timestamptz": "timestamp", "date": "date",
	"json": "object", "jsonb": "object", "hstore": "object",
	"uuid": "string", "xml": "string",
}

// textual are the categories of types whose values people write as plain text: strings, enumerations, network
// addresses, times of day and intervals. Source: https://www.postgresql.org/docs/current/catalog-pg-type.html
const textual = "SEIDT"

func (c column) typeName() string {
	t := types[c.base]
	switch {
	case c.array:
		return "array"
	case c.links != "":
		return "reference"
	case t != "":
		return t
	case strings.Contains(textual, c.category):
		return "string"
	default:
		return "unknown"
	}
}

// comparable reports whether rows can be matched by the column at all.
func (c column) comparable() bool {
	return !slices.Contains([]string{"json", "xml", "point", "box", "polygon", "path", "line", "lseg", "circle"}, c.base)
}

// TargetFields lists the table's columns. Those of unique indexes can be matched by; where the table has none,
// every column that can be compared.
func (d *destination) TargetFields(ctx context.Context, job connector.SyncJob) ([]connector.TargetField, error) {
	s, err := decode(job)
	if err != nil {
		return nil, err
	}
	c, err := d.acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer c.Release()
	t, err := d.find(ctx, c.Conn(), s.ref())
	if err != nil {
		return nil, err
	}
	fields := make([]connector.TargetField, len(t.columns))
	for i, k := range t.columns {
		fields[i] = t.field(k)
	}
	return fields, nil
}

func (t *table) field(c column) connector.TargetField {
	f := connector.TargetField{
		Name: c.name, Type: c.typeName(), Native: c.native, ReadOnly: c.always,
		Required: c.notNull && c.fallback == "" && !c.always,
		Match:    len(t.keys) == 0 && c.comparable(),
	}
	help := []string{}
	if c.comment != "" {
		help = append(help, c.comment)
	}
	if c.links != "" {
		help = append(help, "Refers to "+c.links)
	}
	for _, k := range t.keys {
		if !slices.Contains(k.columns, c.name) {
			continue
		}
		f.Match = true
		if name := "Unique"; len(k.columns) > 1 {
			help = append(help, name+" together with "+strings.Join(slices.DeleteFunc(slices.Clone(k.columns), func(n string) bool { return n == c.name }), ", "))
		} else if k.primary {
			help = append(help, "Primary key")
		} else {
			help = append(help, name)
		}
	}
	f.Help = strings.Join(help, "; ")
	return f
}

// ListOptions lists the schemas and the tables of the chosen schema, with what this role may not do to them.
func (d *destination) ListOptions(ctx context.Context, list string, job connector.SyncJob) ([]connector.Option, error) {
	s, err := decode(job)
	if err != nil {
		return nil, err
	}
	statement, args := schemasQuery, []any{}
	switch list {
	case listSchemas:
	case listTables:
		statement, args = tablesQuery, []any{s.Schema, receipts}
	default:
		return nil, fault.New(fault.CodeInvalid, "there is no list %q", list)
	}
	c, err := d.acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer c.Release()
	rows, err := c.Query(ctx, statement, args...)
	if err != nil {
		return nil, d.translate(ctx, err, "listing "+list)
	}
	options, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (connector.Option, error) {
		var o connector.Option
		err := r.Scan(&o.Value, &o.Help)
		o.Label = o.Value
		return o, err
	})
	if err != nil {
		return nil, d.translate(ctx, err, "listing "+list)
	}
	return slices.DeleteFunc(options, func(o connector.Option) bool { return list == listSchemas && query.IsOwnSchema(o.Value) }), nil
}

const schemasQuery = `
SELECT n.nspname, CASE WHEN has_schema_privilege(n.oid, 'USAGE') THEN '' ELSE 'No permission: USAGE' END
FROM pg_namespace n
WHERE n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\_%'
ORDER BY n.nspname`

const tablesQuery = `
SELECT c.relname, concat_ws(', ',
	CASE c.relkind WHEN 'v' THEN 'View' WHEN 'f' THEN 'Foreign table' END,
	'No permission: ' || nullif(concat_ws(', ',
		CASE WHEN NOT has_any_column_privilege(c.oid, 'SELECT') THEN 'SELECT' END,
		CASE WHEN NOT has_any_column_privilege(c.oid, 'INSERT') THEN 'INSERT' END,
		CASE WHEN NOT has_any_column_privilege(c.oid, 'UPDATE') THEN 'UPDATE' END,
		CASE WHEN NOT has_table_privilege(c.oid, 'DELETE') THEN 'DELETE' END), ''))
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relname <> $2 AND c.relkind IN ` + writable + `
	AND coalesce(to_jsonb(c)->>'relispartition', 'false') = 'false'
ORDER BY c.relname`

// permit names a permission that the job needs and this role lacks.
func (d *destination) permit(ctx context.Context, c *pgx.Conn, t *table, job connector.SyncJob) error {
	name := sql.Table(t.ref)
	for _, permission := range permissions(job) {
		test := "has_any_column_privilege"
		if permission == "DELETE" {
			test = "has_table_privilege"
		}
		var granted bool
		if err := c.QueryRow(ctx, "SELECT "+test+"($1, $2)", name, permission).Scan(&granted); err != nil {
			return d.translate(ctx, err, "asking for the permission "+permission)
		}
		if !granted {
			return d.lacks(permission, "TABLE "+name)
		}
	}
	return nil
}

// permissions lists what a job needs on its table. Matching reads columns.
// Source: https://www.postgresql.org/docs/current/sql-insert.html, sql-update.html, sql-delete.html
func permissions(job connector.SyncJob) []string {
	var need []string
	switch job.Mode { //nolint:exhaustive // Check refuses the others
	case connector.ModeInsert:
		need = []string{"INSERT"}
	case connector.ModeUpdate:
		need = []string{"SELECT", "UPDATE"}
	case connector.ModeUpsert:
		need = []string{"SELECT", "INSERT", "UPDATE"}
	case connector.ModeAll:
		return []string{"SELECT", "INSERT", "DELETE"}
	}
	switch job.Delete {
	case connector.DeleteRecord:
		need = append(need, "SELECT", "DELETE")
	case connector.DeleteClear:
		need = append(need, "SELECT", "UPDATE")
	case connector.DeleteNothing:
	}
	return need
}
