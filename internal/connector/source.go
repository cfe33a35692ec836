package connector

import (
	"cmp"
	"context"
	"log/slog"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/value"
)

// SourceInfo describes a kind of source.
type SourceInfo struct {
	Slug     string        `json:"slug"`
	Name     string        `json:"name"`
	Category string        `json:"category"` // warehouse, database, file, sample
	Summary  string        `json:"summary"`
	Fields   []Field       `json:"fields"`
	Methods  []string      `json:"methods"`          // modeling methods: sql, table, file, sheet; New adds dbt and bi where there is sql
	Files    *FileRules    `json:"files,omitempty"`  // with the method file
	Books    bool          `json:"books,omitempty"`  // with the method sheet: a model chooses a workbook besides
	Engines  []string      `json:"engines"`          // EngineBasic, EngineLightning
	Grants   string        `json:"grants,omitempty"` // what an administrator of the source runs for Lightning; see GrantsFor
	Sample   bool          `json:"sample"`           // built-in data: no credentials, no test, not metered (S-85)
	Queries  []SampleQuery `json:"queries,omitempty"`
	SyncLogs bool          `json:"syncLogs"` // with the Lightning engine, what became of rows can be written into it (SY-53)
	Verified bool          `json:"verified"` // proved against the real server by our tests
	Results  bool          `json:"results"`  // its warehouse can write a result into a bucket (Query.Results)
	Tunnels  bool          `json:"tunnels"`  // it can be reached through a tunnel: New sets it where the fields name one server

	// Tag is the build tag without which a build cannot have the source; empty where every build has it.
	Tag string `json:"-"`
	// Missing says what this build lacks for the source, and how to have it: then nothing can be connected. Empty where it
	// has everything.
	Missing string `json:"missing,omitempty"`

	// Authorize says when a person must allow the access at the vendor: while all of these hold. Then what Open returns is
	// an Authorizer. Empty means never.
	Authorize []ShowIf `json:"authorize,omitempty"`

	// Open reads the settings and returns a source. It does not connect.
	Open func(SourceOptions) (Source, error) `json:"-"`
}

// SampleQuery is a ready-made query of a sample dataset (S-87).
type SampleQuery struct {
	Title string `json:"title"`
	SQL   string `json:"sql"`
}

// SourceOptions is what a source is opened with.
type SourceOptions struct {
	Settings Settings     // with secrets and defaults
	Dir      string       // a private folder that outlives the process; created by the caller
	Network  Network      // how the place is reached
	State    State        // what others learned of this connection; nil where it is not saved
	Log      *slog.Logger // ids only, never values
}

// NeedsAuthorization reports whether a person must allow the access at the vendor with these settings.
func (i SourceInfo) NeedsAuthorization(s Settings) bool {
	return allHold(i.Authorize, s.WithDefaults(i.Fields))
}

// The sync engines.
const (
	EngineBasic     = "basic"     // Millrace compares rows on its own machine
	EngineLightning = "lightning" // the source compares them
)

// Workload classes a query, so that sources with several compute endpoints can route it (S-07).
type Workload string

// The workload classes.
const (
	WorkloadInteractive Workload = "interactive"
	WorkloadBatch       Workload = "batch"
)

// Table is one table or view that discovery found.
type Table struct {
	Ref     query.TableRef `json:"ref"`
	Kind    string         `json:"kind"` // table, view
	Columns value.Schema   `json:"columns"`
	Rows    *int64         `json:"rows,omitempty"` // an estimate, where the source knows one cheaply
}

// Query asks for rows.
type Query struct {
	SQL   string   // in the source's own dialect, without a trailing semicolon
	File  *File    // which SQL reads as the table RowsTable; nil where the source's models choose none
	Sheet *Sheet   // likewise
	Limit int64    // at most this many rows; 0 means all
	Class Workload // which compute to use
	Tag   string   // an identifier for the source's own query log, such as "sync 12 run 34"

	// Results is where the warehouse may write the rows instead of sending them; nil: nowhere. The rows are the same, also
	// where it does not or may not: whoever asks need not know (S-80).
	Results *Results
}

// Source reads from one place where customer data lives. Implementations are safe for concurrent
// use. Errors are *fault.Error with a source.* code and carry the driver's own words unchanged (M-30).
type Source interface {
	// Test connects and reads, and returns what the driver says when it cannot.
	Test(ctx context.Context) error
	// Introspect lists tables and views with their columns, sorted by schema and name. Schemas that
	// Millrace itself writes (query.OwnSchemas, Schemas) never appear (S-04).
	Introspect(ctx context.Context) ([]Table, error)
	// Query streams the rows of one statement under one snapshot. It never holds the whole result in
	// memory, stops the statement at the source when ctx ends, and reports types that
	// value.SchemaOf accepts. Interactive queries also report the comments of columns that the statement takes
	// from a table as they are (value.MetaDescription), where the source can tell. An error about the statement
	// says where in it, where the source does (fault.Error.Place). The caller releases the reader.
	Query(ctx context.Context, q Query) (array.RecordReader, error)
	// Dialect is how SQL is written for this source.
	Dialect() query.Dialect
	// Close ends every connection.
	Close() error
}

// Unloader is a source that can write a result to a local Parquet file faster than it can stream it.
type Unloader interface {
	// Unload runs the query and writes its rows to path. It returns the number of rows.
	Unload(ctx context.Context, q Query, path string) (int64, error)
}

// Loader is a source that rows can be written to.
type Loader interface {
	// Load creates or replaces a table from the rows of r, and its schema where there is none.
	Load(ctx context.Context, table query.TableRef, r array.RecordReader) error
	// Append adds the rows of r to a table that Load made of the same columns: all of them or none.
	Append(ctx context.Context, table query.TableRef, r array.RecordReader) error
}

// Warehouse is a source that the Lightning engine can plan in: Millrace may write in the two schemas that
// Schemas names.
type Warehouse interface {
	Source
	Loader

	// Schemas returns the names of the schemas that Millrace writes in.
	Schemas() Schemas
	// Describe returns the columns of a query as Query would yield them, without running it.
	Describe(ctx context.Context, q Query) (*arrow.Schema, error)
	// Execute runs commands in their order, all of them or none where the source has transactions, and
	// returns how many rows the last one wrote. Values read as text are written as in Query.
	Execute(ctx context.Context, commands ...Query) (int64, error)
	// Columns returns the columns of a table; Native can be cast to. A table that does not exist has none.
	Columns(ctx context.Context, table query.TableRef) (value.Schema, error)
	// OwnTables lists the tables of one of our schemas whose names begin with the prefix, in any order.
	OwnTables(ctx context.Context, schema, prefix string) ([]string, error)
}

// SourceOptionLister is a source with pick-lists that are loaded (Field.OptionsFrom). It needs only the settings that a
// list depends on.
type SourceOptionLister interface {
	// ListOptions returns the entries of a list, sorted by their labels.
	ListOptions(ctx context.Context, list string) ([]Option, error)
}

// Schemas are the schemas of a warehouse that Millrace writes in (SY-49).
type Schemas struct {
	Planner string // what was settled last, and work in progress
	Audit   string // what became of rows
}

// The fields of a source that name its Schemas.
const (
	FieldPlannerSchema = "plannerSchema"
	FieldAuditSchema   = "auditSchema"
)

// SchemaFields are the fields of a source that the Lightning engine can plan in.
func SchemaFields() []Field {
	return []Field{
		{
			Name: FieldPlannerSchema, Label: "Planner schema", Type: FieldString, Default: query.PlannerSchema, Advanced: true,
			Help: "Where the Lightning engine keeps what was synced. It belongs to Millrace alone.",
		},
		{
			Name: FieldAuditSchema, Label: "Audit schema", Type: FieldString, Default: query.AuditSchema, Advanced: true,
			Help: "Where Millrace writes what became of rows. People read it.",
		},
	}
}

// SchemasOf reads the schemas' names from a source's settings.
func SchemasOf(s Settings) Schemas {
	return Schemas{
		Planner: cmp.Or(s.Text(FieldPlannerSchema), query.PlannerSchema),
		Audit:   cmp.Or(s.Text(FieldAuditSchema), query.AuditSchema),
	}
}

// Own reports whether discovery hides a schema: it is one of these, or of those that Millrace writes where nobody
// says otherwise (S-04).
func (s Schemas) Own(schema string) bool {
	return query.IsOwnSchema(schema) || strings.EqualFold(schema, s.Planner) || strings.EqualFold(schema, s.Audit)
}

// DistinctColumns returns an error that names the first column whose name occurs twice, in any case of
// letters: later steps, which know columns by their names, could not tell the two apart.
func DistinctColumns(names []string) error {
	seen := make(map[string]bool, len(names))
	for _, name := range names {
		folded := strings.ToLower(name)
		if seen[folded] {
			return fault.New(fault.CodeSourceQuery, "the query has two columns %s", strconv.Quote(name)).
				WithSuggestion("Give each column a name of its own with AS.")
		}
		seen[folded] = true
	}
	return nil
}
