package sqlserver

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
)

// table is the table that rows go to, as the server's catalogue describes it.
type table struct {
	ref     query.TableRef
	columns []column
	keys    []key
}

// column is one column of a table.
type column struct {
	name      string
	base      string // the system type's name: int, nvarchar …
	length    int    // bytes; -1 is MAX
	precision int
	scale     int
	collation string
	notNull   bool
	fallback  string // the default as SQL; empty where there is none, or where it may not be seen
	defaults  bool   // it has a default
	identity  bool
	generated bool // computed, or a period of a temporal table
	links     string
	comment   string
}

// key is a unique index of whole rows.
type key struct {
	columns []string
	primary bool
}

// columnsQuery reads the columns. A type of CLR has no system type.
// https://learn.microsoft.com/en-us/sql/relational-databases/system-catalog-views/sys-columns-transact-sql
const columnsQuery = `SELECT c.name, COALESCE(b.name, u.name), c.max_length, c.precision, c.scale, COALESCE(c.collation_name, N''), c.is_nullable,
	COALESCE(d.definition, N''), CAST(CASE WHEN c.default_object_id <> 0 THEN 1 ELSE 0 END AS BIT), c.is_identity,
	CAST(CASE WHEN c.is_computed = 1 OR c.generated_always_type <> 0 THEN 1 ELSE 0 END AS BIT), COALESCE(CONVERT(NVARCHAR(4000), p.value), N'')
FROM sys.columns AS c
JOIN sys.types AS u ON u.user_type_id = c.user_type_id
LEFT JOIN sys.types AS b ON b.user_type_id = c.system_type_id
LEFT JOIN sys.default_constraints AS d ON d.object_id = c.default_object_id
LEFT JOIN sys.extended_properties AS p ON p.class = 1 AND p.major_id = c.object_id AND p.minor_id = c.column_id AND p.name = N'MS_Description'
WHERE c.object_id = @p1 ORDER BY c.column_id`

// keysQuery reads the unique indexes that hold for all rows, and are in use.
// https://learn.microsoft.com/en-us/sql/relational-databases/system-catalog-views/sys-indexes-transact-sql
const keysQuery = `SELECT i.index_id, i.is_primary_key, c.name
FROM sys.indexes AS i
JOIN sys.index_columns AS k ON k.object_id = i.object_id AND k.index_id = i.index_id AND k.is_included_column = 0
JOIN sys.columns AS c ON c.object_id = k.object_id AND c.column_id = k.column_id
WHERE i.object_id = @p1 AND i.is_unique = 1 AND i.has_filter = 0 AND i.is_disabled = 0 AND i.is_hypothetical = 0
ORDER BY i.is_primary_key DESC, i.index_id, k.key_ordinal`

const linksQuery = `SELECT c.name, o.name
FROM sys.foreign_key_columns AS f
JOIN sys.columns AS c ON c.object_id = f.parent_object_id AND c.column_id = f.parent_column_id
JOIN sys.objects AS o ON o.object_id = f.referenced_object_id
WHERE f.parent_object_id = @p1`

const tableQuery = `SELECT t.object_id FROM sys.tables AS t JOIN sys.schemas AS s ON s.schema_id = t.schema_id WHERE s.name = @p1 AND t.name = @p2`

// find describes the table, or says that it is not there.
func (d *destination) find(ctx context.Context, c *sql.Conn, ref query.TableRef) (*table, error) {
	t := &table{ref: ref}
	var id int64
	err := c.QueryRowContext(ctx, tableQuery, ref.Schema, ref.Name).Scan(&id)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, fault.New(fault.CodeDestinationSchema, "there is no table %s that the login may see", ref).
			WithPath("spec.settings.table").WithSuggestion("Create the table or grant the login SELECT, INSERT, UPDATE and DELETE on it, or choose another one. A view is no table.")
	case err != nil:
		return nil, d.translate(ctx, err, "looking up the table "+ref.String())
	}
	if t.columns, err = d.columns(ctx, c, id); err != nil {
		return nil, d.translate(ctx, err, "reading the columns")
	}
	if t.keys, err = d.keys(ctx, c, id); err != nil {
		return nil, d.translate(ctx, err, "reading the indexes")
	}
	if err := d.links(ctx, c, id, t.columns); err != nil {
		return nil, d.translate(ctx, err, "reading the foreign keys")
	}
	return t, nil
}

func (d *destination) columns(ctx context.Context, c *sql.Conn, id int64) ([]column, error) {
	rows, err := c.QueryContext(ctx, columnsQuery, id)
	return collect(rows, err, func(r *sql.Rows) (k column, err error) {
		var nullable bool
		err = r.Scan(&k.name, &k.base, &k.length, &k.precision, &k.scale, &k.collation, &nullable, &k.fallback, &k.defaults, &k.identity, &k.generated, &k.comment)
		k.notNull = !nullable
		k.generated = k.generated || k.base == "timestamp" // also called rowversion
		return k, err
	})
}

func (d *destination) keys(ctx context.Context, c *sql.Conn, id int64) ([]key, error) {
	type part struct {
		index   int64
		primary bool
		column  string
	}
	rows, err := c.QueryContext(ctx, keysQuery, id)
	parts, err := collect(rows, err, func(r *sql.Rows) (p part, err error) {
		err = r.Scan(&p.index, &p.primary, &p.column)
		return p, err
	})
	var keys []key
	last := int64(-1)
	for _, p := range parts {
		if p.index != last {
			keys, last = append(keys, key{primary: p.primary}), p.index
		}
		k := &keys[len(keys)-1]
		k.columns = append(k.columns, p.column)
	}
	return keys, err
}

func (d *destination) links(ctx context.Context, c *sql.Conn, id int64, columns []column) error {
	type link struct{ column, table string }
	rows, err := c.QueryContext(ctx, linksQuery, id)
	links, err := collect(rows, err, func(r *sql.Rows) (l link, err error) {
		err = r.Scan(&l.column, &l.table)
		return l, err
	})
	for _, l := range links {
		for i := range columns {
			if columns[i].name == l.column {
				columns[i].links = l.table
			}
		}
	}
	return err
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

// check refuses a job that does not fit the table.
func (t *table) check(job connector.SyncJob) error {
	var issues fault.Issues
	schema := func(path, format string, args ...any) {
		issues.Add(path, fault.CodeDestinationSchema, format, args...)
	}
	matched := make([]string, len(job.Match))
	for i, m := range job.Match {
		matched[i] = m.To
		switch c, ok := t.column(m.To); {
		case !ok:
			schema("spec.match", "the table %s has no column %q", t.ref, m.To)
		case c.base == "real":
			schema("spec.match", "the column %q of %s is a REAL, which nothing is equal to for certain", m.To, t.ref)
		case (c.identity || c.generated) && job.Mode == connector.ModeUpsert:
			schema("spec.match", "the column %q of %s is filled by the server alone: rows that are new would not be found again", m.To, t.ref)
		}
	}
	if len(job.Match) > 0 && len(issues) == 0 && !t.unique(matched) {
		schema("spec.match", "%s is not a primary key or unique in the table %s; what is: %s", strings.Join(matched, ", "), t.ref, t.keyNames())
	}
	for _, c := range job.Columns {
		k, ok := t.column(c.Name)
		switch {
		case !ok:
			schema("spec.mappings", "the table %s has no column %q", t.ref, c.Name)
		case k.generated || k.identity && !passedOver(job, c):
			schema("spec.mappings", "the column %q of %s is filled by the server alone", c.Name, t.ref)
		case k.base == "sql_variant":
			schema("spec.mappings", "the column %q of %s is a SQL_VARIANT, which has no type to write by", c.Name, t.ref)
		case c.Omit && strings.Contains(strings.ToUpper(k.fallback), "NEXT VALUE FOR"):
			schema("spec.mappings", "a null of %q cannot be left out: its default takes the next value of a sequence, which a condition may not", c.Name)
		}
	}
	return issues.Err()
}

// passedOver reports whether a column only finds rows in an update, and is not set.
func passedOver(job connector.SyncJob, c connector.TargetColumn) bool {
	return job.Mode == connector.ModeUpdate && slices.Contains(job.Match, connector.MatchPair{From: c.From, To: c.Name})
}

func (t *table) keyNames() string {
	var names []string
	for _, k := range t.keys {
		names = append(names, "("+strings.Join(k.columns, ", ")+")")
	}
	if len(names) == 0 {
		return "nothing; add a key, such as ALTER TABLE " + dialect.Table(t.ref) + " ADD UNIQUE (…)"
	}
	return strings.Join(names, ", ")
}

// native is the column's type as SQL writes it.
func (c column) native() string {
	name := strings.ToUpper(c.base)
	length := c.length
	switch c.base {
	case "nchar", "nvarchar":
		length /= 2
		fallthrough
	case "char", "varchar", "binary", "varbinary":
		if c.length < 0 {
			return name + "(MAX)"
		}
		return fmt.Sprintf("%s(%d)", name, length)
	case "decimal", "numeric":
		return fmt.Sprintf("%s(%d,%d)", name, c.precision, c.scale)
	case "datetime2", "datetimeoffset", "time":
		return fmt.Sprintf("%s(%d)", name, c.scale)
	default:
		return name
	}
}

// types translates the server's types to the names that mappings show (M-24).
var types = map[string]string{
	"bit":     "boolean",
	"tinyint": "number", "smallint": "number", "int": "number", "bigint": "number", "decimal": "number", "numeric": "number", "money": "number", "smallmoney": "number", "float": "number", "real": "number",
	"date": "date", "datetime": "timestamp", "datetime2": "timestamp", "smalldatetime": "timestamp", "datetimeoffset": "timestamp",
	"char": "string", "varchar": "string", "nchar": "string", "nvarchar": "string", "text": "string", "ntext": "string", "xml": "string",
	"uniqueidentifier": "string", "time": "string", "binary": "string", "varbinary": "string", "image": "string", "json": "object",
}

func (c column) typeName() string {
	switch t := types[c.base]; {
	case c.links != "":
		return "reference"
	case t != "":
		return t
	default:
		return "unknown"
	}
}

// TargetFields lists the table's columns. Those of primary keys and unique indexes can be matched by, but for what the
// server numbers.
func (d *destination) TargetFields(ctx context.Context, job connector.SyncJob) ([]connector.TargetField, error) {
	s, err := decode(job)
	if err != nil {
		return nil, err
	}
	c, err := d.acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer d.release(c)
	t, err := d.find(ctx, c, s.ref())
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
		Name: c.name, Type: c.typeName(), Native: c.native(), ReadOnly: c.identity || c.generated,
		Required: c.notNull && !c.defaults && !c.identity && !c.generated,
	}
	var help []string
	if c.comment != "" {
		help = append(help, c.comment)
	}
	if c.links != "" {
		help = append(help, "Refers to "+c.links)
	}
	if classOf(c.base) == classBytes {
		help = append(help, "Takes bytes, or a text in base64")
	}
	for _, k := range t.keys {
		if !slices.Contains(k.columns, c.name) {
			continue
		}
		f.Match = c.base != "real" && !c.identity && !c.generated
		name := "Unique"
		if k.primary {
			name = "Primary key"
		}
		if others := slices.DeleteFunc(slices.Clone(k.columns), func(n string) bool { return n == c.name }); len(others) > 0 {
			name += " together with " + strings.Join(others, ", ")
		}
		help = append(help, name)
	}
	f.Help = strings.Join(help, "; ")
	return f
}

const schemasQuery = `SELECT DISTINCT s.name FROM sys.tables AS t JOIN sys.schemas AS s ON s.schema_id = t.schema_id WHERE t.is_ms_shipped = 0 ORDER BY s.name`

const tablesQuery = `SELECT t.name FROM sys.tables AS t JOIN sys.schemas AS s ON s.schema_id = t.schema_id
WHERE t.is_ms_shipped = 0 AND s.name = @p1 AND t.name <> @p2 ORDER BY t.name`

// ListOptions lists the schemas with tables that the login may see, and the tables of the chosen schema.
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
	defer d.release(c)
	rows, err := c.QueryContext(ctx, statement, args...)
	options, err := collect(rows, err, func(r *sql.Rows) (o connector.Option, err error) {
		err = r.Scan(&o.Value)
		o.Label = o.Value
		return o, err
	})
	if err != nil {
		return nil, d.translate(ctx, err, "listing "+list)
	}
	return slices.DeleteFunc(options, func(o connector.Option) bool { return list == listSchemas && query.IsOwnSchema(o.Value) }), nil
}
