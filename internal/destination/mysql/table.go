package mysql

import (
	"context"
	"database/sql"
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
)

// table is the table that rows go to, as the server's catalogue describes it.
type table struct {
	ref           query.TableRef
	transactional bool // its engine undoes what a transaction did not commit
	columns       []column
	keys          []key
}

// column is one column of a table.
type column struct {
	name      string
	base      string // the type's name: int, varchar …
	native    string // the type with its modifiers, as SQL writes it
	precision int    // digits of a fraction of a second
	scale     int    // digits behind the point of a DECIMAL
	notNull   bool
	fallback  bool // it has a default
	counts    bool // AUTO_INCREMENT
	generated bool // the server alone fills it
	document  bool // JSON, also where that is a text with a check
	links     string
	comment   string
	members   []string // of ENUM and SET, in small letters
	length    int      // characters or bytes that it holds; 0 where that is not said
}

// key is a unique index.
type key struct {
	name    string
	columns []string
	plain   bool // of whole columns, and visible: rows can be matched by it
}

func (k key) primary() bool { return k.name == "PRIMARY" }

// tables are the kinds of tables that have keys. https://mariadb.com/kb/en/information-schema-tables-table/
const tables = "('BASE TABLE', 'SYSTEM VERSIONED')"

// find describes the table, or says that it is not there.
func (d *destination) find(ctx context.Context, c *sql.Conn, name string) (*table, error) {
	t := &table{ref: d.ref(name)}
	var engine string
	err := c.QueryRowContext(ctx, "SELECT coalesce(ENGINE, '') FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? AND TABLE_TYPE IN "+tables, t.ref.Schema, t.ref.Name).Scan(&engine)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, fault.New(fault.CodeDestinationSchema, "there is no table %s that the user %q may see", t.ref, d.settings.User).
			WithPath("spec.settings.table").WithSuggestion("Create the table or grant the user SELECT, INSERT, UPDATE and DELETE on it, or choose another one. A view is no table.")
	case err != nil:
		return nil, d.translate(ctx, err, "looking up the table "+t.ref.String())
	}
	err = c.QueryRowContext(ctx, "SELECT coalesce(TRANSACTIONS = 'YES', FALSE) FROM information_schema.ENGINES WHERE ENGINE = ?", engine).Scan(&t.transactional)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, d.translate(ctx, err, "looking up the engine "+engine)
	}
	if t.columns, err = d.columns(ctx, c, t.ref); err != nil {
		return nil, err
	}
	t.keys, err = d.keys(ctx, c, t.ref)
	return t, err
}

// columnsQuery reads the columns. EXTRA says DEFAULT_GENERATED of an expression that is only a default. MariaDB's JSON is
// a LONGTEXT with a check.
// https://dev.mysql.com/doc/refman/8.4/en/information-schema-columns-table.html
// https://mariadb.com/kb/en/json-data-type/
const columnsQuery = `
SELECT c.COLUMN_NAME, lower(c.DATA_TYPE), c.COLUMN_TYPE, coalesce(c.DATETIME_PRECISION, 0), coalesce(c.NUMERIC_SCALE, 0), coalesce(c.CHARACTER_MAXIMUM_LENGTH, 0),
	c.IS_NULLABLE = 'NO', c.COLUMN_DEFAULT IS NOT NULL, c.EXTRA LIKE '%auto_increment%', coalesce(c.GENERATION_EXPRESSION, '') <> '',
	c.COLUMN_COMMENT
FROM information_schema.COLUMNS c WHERE c.TABLE_SCHEMA = ? AND c.TABLE_NAME = ? ORDER BY c.ORDINAL_POSITION`

func (d *destination) columns(ctx context.Context, c *sql.Conn, ref query.TableRef) ([]column, error) {
	rows, err := c.QueryContext(ctx, columnsQuery, ref.Schema, ref.Name)
	columns, err := collect(rows, err, func(r *sql.Rows) (k column, err error) {
		var length uint64 // of a LONGBLOB it is more than an int of 32 bits
		err = r.Scan(&k.name, &k.base, &k.native, &k.precision, &k.scale, &length, &k.notNull, &k.fallback, &k.counts, &k.generated, &k.comment)
		k.length, k.document = int(length), k.base == "json"
		if k.base == "enum" || k.base == "set" {
			k.members = membersOf(k.native)
		}
		return k, err
	})
	if err != nil {
		return nil, d.translate(ctx, err, "reading the columns")
	}
	if err := d.links(ctx, c, ref, columns); err != nil {
		return nil, err
	}
	return columns, d.documents(ctx, c, ref, columns)
}

// links notes what foreign keys refer to.
func (d *destination) links(ctx context.Context, c *sql.Conn, ref query.TableRef, columns []column) error {
	type link struct{ column, table string }
	rows, err := c.QueryContext(ctx, "SELECT COLUMN_NAME, REFERENCED_TABLE_NAME FROM information_schema.KEY_COLUMN_USAGE WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? AND REFERENCED_TABLE_NAME IS NOT NULL", ref.Schema, ref.Name)
	links, err := collect(rows, err, func(r *sql.Rows) (l link, err error) {
		err = r.Scan(&l.column, &l.table)
		return l, err
	})
	if err != nil {
		return d.translate(ctx, err, "reading the foreign keys")
	}
	for _, l := range links {
		for i := range columns {
			if columns[i].name == l.column {
				columns[i].links = l.table
			}
		}
	}
	return nil
}

// documents marks the columns of MariaDB that JSON is checked in. Servers that have no such catalogue have no such columns.
func (d *destination) documents(ctx context.Context, c *sql.Conn, ref query.TableRef, columns []column) error {
	if !slices.ContainsFunc(columns, func(k column) bool { return k.base == "longtext" }) {
		return nil
	}
	rows, err := c.QueryContext(ctx, "SELECT CHECK_CLAUSE FROM information_schema.CHECK_CONSTRAINTS WHERE CONSTRAINT_SCHEMA = ? AND TABLE_NAME = ?", ref.Schema, ref.Name)
	clauses, err := collect(rows, err, func(r *sql.Rows) (s string, err error) {
		err = r.Scan(&s)
		return s, err
	})
	if answered(err) { // MySQL: its table has no column TABLE_NAME, and JSON is a type
		return nil
	}
	if err != nil {
		return d.translate(ctx, err, "reading the checks")
	}
	for i := range columns {
		columns[i].document = columns[i].document || slices.Contains(clauses, "json_valid("+dialect.Ident(columns[i].name)+")")
	}
	return nil
}

// member is one value of enum('a','it”s').
var member = regexp.MustCompile(`'((?:[^']|'')*)'`)

// membersOf reads the values of enum('a','b').
func membersOf(native string) []string {
	var members []string
	for _, m := range member.FindAllStringSubmatch(native, -1) {
		members = append(members, strings.ToLower(strings.ReplaceAll(m[1], "''", "'")))
	}
	return members
}

// keysQuery reads the unique indexes. A part of a column has SUB_PART, an expression no name.
// https://dev.mysql.com/doc/refman/8.4/en/information-schema-statistics-table.html
const keysQuery = `
SELECT INDEX_NAME, coalesce(COLUMN_NAME, ''), SUB_PART IS NULL AND COLUMN_NAME IS NOT NULL
FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? AND NON_UNIQUE = 0
ORDER BY INDEX_NAME <> 'PRIMARY', INDEX_NAME, SEQ_IN_INDEX`

func (d *destination) keys(ctx context.Context, c *sql.Conn, ref query.TableRef) ([]key, error) {
	type part struct {
		index, column string
		plain         bool
	}
	rows, err := c.QueryContext(ctx, keysQuery, ref.Schema, ref.Name)
	parts, err := collect(rows, err, func(r *sql.Rows) (p part, err error) {
		err = r.Scan(&p.index, &p.column, &p.plain)
		return p, err
	})
	if err != nil {
		return nil, d.translate(ctx, err, "reading the indexes")
	}
	var keys []key
	for _, p := range parts {
		if len(keys) == 0 || keys[len(keys)-1].name != p.index {
			keys = append(keys, key{name: p.index, plain: true})
		}
		k := &keys[len(keys)-1]
		k.columns, k.plain = append(k.columns, p.column), k.plain && p.plain
	}
	return keys, nil
}

// collect reads all rows of a query.
func collect[T any](rows *sql.Rows, err error, scan func(*sql.Rows) (T, error)) (all []T, failed error) {
	if err != nil {
		return nil, err
	}
	defer func() { failed = errors.Join(failed, rows.Close()) }()
	for rows.Next() {
		one, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}

// column finds a column by its name, which the server knows in capital and small letters alike.
func (t *table) column(name string) (column, bool) {
	i := slices.IndexFunc(t.columns, func(c column) bool { return c.name == name })
	if i < 0 {
		return column{}, false
	}
	return t.columns[i], true
}

// unique reports whether rows can be matched by exactly these columns, in any order.
func (t *table) unique(names []string) bool {
	want := slices.Sorted(slices.Values(names))
	return slices.ContainsFunc(t.keys, func(k key) bool { return k.plain && slices.Equal(slices.Sorted(slices.Values(k.columns)), want) })
}

// rivals are the keys besides the matched one that a row could be found to be a duplicate in: all of whose columns are
// filled, or have a value by themselves that is no new number and no null.
func (t *table) rivals(matched, filled []string) []key {
	var rivals []key
	want := slices.Sorted(slices.Values(matched))
	for _, k := range t.keys {
		if k.plain && slices.Equal(slices.Sorted(slices.Values(k.columns)), want) {
			continue
		}
		free := slices.ContainsFunc(k.columns, func(name string) bool {
			c, ok := t.column(name)
			return ok && !slices.Contains(filled, name) && !c.generated && (c.counts || !c.notNull && !c.fallback)
		})
		if !free {
			rivals = append(rivals, k)
		}
	}
	return rivals
}

// check refuses a job that does not fit the table.
func (t *table) check(job connector.SyncJob, s syncSettings) error {
	var issues fault.Issues
	schema := func(path, format string, args ...any) {
		issues.Add(path, fault.CodeDestinationSchema, format, args...)
	}
	matched := make([]string, len(job.Match))
	for i, m := range job.Match {
		matched[i] = m.To
		c, ok := t.column(m.To)
		switch {
		case !ok:
			schema("spec.match", "the table %s has no column %q", t.ref, m.To)
		case c.base == "float":
			schema("spec.match", "the column %q of %s is a FLOAT, which nothing is equal to for certain", m.To, t.ref)
		case c.generated && job.Mode == connector.ModeUpsert:
			schema("spec.match", "the column %q of %s is filled by the server alone: rows that are new would not be found again", m.To, t.ref)
		}
	}
	if len(job.Match) > 0 && len(issues) == 0 && !t.unique(matched) {
		schema("spec.match", "%s is not a primary or unique key of the table %s; its keys are %s", strings.Join(matched, ", "), t.ref, t.keyNames())
	}
	for _, c := range job.Columns {
		switch k, ok := t.column(c.Name); {
		case !ok:
			schema("spec.mappings", "the table %s has no column %q", t.ref, c.Name)
		case k.generated:
			schema("spec.mappings", "the column %q of %s is filled by the server alone", c.Name, t.ref)
		}
	}
	t.checkEngine(job, s, matched, schema)
	return issues.Err()
}

// checkEngine refuses what could do harm in this table.
func (t *table) checkEngine(job connector.SyncJob, s syncSettings, matched []string, schema func(path, format string, args ...any)) {
	if job.Mode == connector.ModeInsert && !t.transactional {
		schema("spec.mode", "the engine of the table %s has no transactions: a batch that fails half-way would be added twice. Use the mode upsert", t.ref)
	}
	if !s.loads() {
		return
	}
	filled := slices.Clone(matched)
	for _, c := range job.Columns {
		filled = append(filled, c.Name)
	}
	for _, k := range t.rivals(matched, filled) {
		schema("spec.settings.statement", "LOAD DATA would also delete rows that are equal in the unique key %q (%s): choose INSERT", k.name, strings.Join(k.columns, ", "))
	}
}

func (t *table) keyNames() string {
	var names []string
	for _, k := range t.keys {
		if k.plain {
			names = append(names, "("+strings.Join(k.columns, ", ")+")")
		}
	}
	if len(names) == 0 {
		return "none: add one, such as ALTER TABLE " + dialect.Table(t.ref) + " ADD UNIQUE (…)"
	}
	return strings.Join(names, ", ")
}

// types translates the server's types to the names that mappings show (M-24).
var types = map[string]string{
	"tinyint": "number", "smallint": "number", "mediumint": "number", "int": "number", "bigint": "number", "year": "number",
	"decimal": "number", "float": "number", "double": "number",
	"date": "date", "datetime": "timestamp", "timestamp": "timestamp",
	"char": "string", "varchar": "string", "tinytext": "string", "text": "string", "mediumtext": "string", "longtext": "string", "enum": "string", "set": "string",
	"time": "string", "uuid": "string", "inet4": "string", "inet6": "string",
	"binary": "string", "varbinary": "string", "tinyblob": "string", "blob": "string", "mediumblob": "string", "longblob": "string",
}

func (c column) typeName() string {
	t := types[c.base]
	switch {
	case c.links != "":
		return "reference"
	case c.document:
		return "object"
	case strings.HasPrefix(c.native, "tinyint(1)"), c.native == "bit(1)":
		return "boolean"
	case c.base == "bit":
		return "number"
	case t != "":
		return t
	default:
		return "unknown"
	}
}

// TargetFields lists the table's columns. Those of primary and unique keys can be matched by.
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
	t, err := d.find(ctx, c, s.Table)
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
		Name: c.name, Type: c.typeName(), Native: c.native, ReadOnly: c.generated,
		Required: c.notNull && !c.fallback && !c.counts && !c.generated,
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
		if !k.plain || !slices.Contains(k.columns, c.name) {
			continue
		}
		f.Match = c.base != "float"
		name := "Unique"
		if k.primary() {
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

// ListOptions lists the tables of the database that the user may see.
func (d *destination) ListOptions(ctx context.Context, list string, _ connector.SyncJob) ([]connector.Option, error) {
	if list != listTables {
		return nil, fault.New(fault.CodeInvalid, "there is no list %q", list)
	}
	c, err := d.acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer d.release(c)
	rows, err := c.QueryContext(ctx, "SELECT TABLE_NAME, TABLE_COMMENT FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_NAME <> ? AND TABLE_TYPE IN "+tables+" ORDER BY TABLE_NAME",
		d.settings.Database, receipts)
	options, err := collect(rows, err, func(r *sql.Rows) (o connector.Option, err error) {
		err = r.Scan(&o.Value, &o.Help)
		o.Label = o.Value
		return o, err
	})
	if err != nil {
		return nil, d.translate(ctx, err, "listing "+list)
	}
	return options, nil
}
