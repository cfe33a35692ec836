package audiencesize

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/resource"
	"github.com/millrace/millrace/internal/value"
)

// writing is one attempt to write a snapshot into a warehouse.
type writing struct {
	warehouse connector.Warehouse
	row       reportRow
	info      connector.DestinationInfo
	dest      resource.Document
	table     query.TableRef // of the destination's snapshots
	staged    query.TableRef // of the attempt
	prefix    string         // of the destination's own tables in the planner schema
	tag       string
	views     []view
	check     func() error // the lease still holds
	reach     func(point string)
}

func newWriting(w connector.Warehouse, row reportRow, d resource.Document, info connector.DestinationInfo, instance string) *writing {
	schemas := w.Schemas()
	x := &writing{warehouse: w, row: row, info: info, dest: d, prefix: fmt.Sprintf("mr_%s_sizes_%d_", instance, d.ID)}
	x.table = TableOf(schemas, info.Slug, d.ID)
	x.staged = query.TableRef{Schema: schemas.Planner, Name: x.prefix + strings.ReplaceAll(row.Lease, "-", "")[:12]}
	x.tag = fmt.Sprintf("millrace destination %d audience sizes", d.ID)
	return x
}

// TableOf is the table that a destination's snapshots are appended to.
func TableOf(s connector.Schemas, slug string, id int64) query.TableRef {
	return query.TableRef{Schema: s.Audit, Name: fmt.Sprintf("%s_%d_audiences", strings.ReplaceAll(slug, "-", "_"), id)}
}

// tableName is the form of the names of such tables.
var tableName = regexp.MustCompile(`^[a-z][a-z0-9_]*_[0-9]+_audiences$`)

// columns are the columns of the destination's table: the same ones first in every table, then what the vendor tells.
func (x *writing) columns() []connector.OwnColumn {
	text, number := query.TypeText, query.TypeInteger
	all := []connector.OwnColumn{
		{Name: "ad_account_id", Kind: text, Is: value.TypeString}, {Name: "audience_id", Kind: text, Is: value.TypeString},
		{Name: "audience_name", Kind: text, Is: value.TypeString}, {Name: "audience_size", Kind: number, Is: value.TypeNumber},
		{Name: "fetched_at", Kind: query.TypeTimestamp, Is: value.TypeTimestamp}, {Name: "destination", Kind: text, Is: value.TypeString},
		{Name: "destination_id", Kind: number, Is: value.TypeNumber}, {Name: "sync_id", Kind: number, Is: value.TypeNumber},
		{Name: "snapshot_id", Kind: text, Is: value.TypeString},
	}
	for _, c := range x.info.Audiences.Columns {
		all = append(all, connector.OwnColumn{Name: c.Name, Kind: kindOf(c), Is: c.Type})
	}
	return all
}

func kindOf(c connector.AudienceColumn) query.Type {
	switch {
	case c.Whole:
		return query.TypeInteger
	case c.Type == value.TypeNumber:
		return query.TypeFloat
	case c.Type == value.TypeBoolean:
		return query.TypeBoolean
	case c.Type == value.TypeTimestamp:
		return query.TypeTimestamp
	case c.Type == value.TypeObject:
		return query.TypeJSON
	default:
		return query.TypeText
	}
}

// write appends what was found, unless an earlier attempt did (A2), and brings the views up to date.
func (x *writing) write(ctx context.Context, f *found) error {
	if err := x.clean(ctx); err != nil { // A3
		return err
	}
	t := connector.OwnTable{Ref: x.table, Columns: x.columns(), Tag: x.tag, Probe: x.staged.Name}
	if err := t.Ensure(ctx, x.warehouse); err != nil {
		return err
	}
	written, err := x.written(ctx)
	if err != nil {
		return err
	}
	if !written && len(f.audiences) > 0 {
		if err := x.append(ctx, f); err != nil {
			x.discard(ctx)
			return err
		}
	}
	x.reach("snapshot-written")
	return x.replaceViews(ctx)
}

// clean removes the tables that earlier attempts left. One whose transaction is under way is waited for; the others find
// that theirs is gone.
func (x *writing) clean(ctx context.Context) error {
	found, err := x.warehouse.OwnTables(ctx, x.staged.Schema, x.prefix)
	if err != nil || len(found) == 0 {
		return err
	}
	commands := make([]query.Command, len(found))
	for i, name := range found {
		commands[i] = query.DropTable{Table: query.TableRef{Schema: x.staged.Schema, Name: name}}
	}
	return connector.ExecuteAll(ctx, x.warehouse, x.tag, commands...)
}

// discardTime is how long an attempt that failed may take to remove its table.
const discardTime = 10 * time.Second

func (x *writing) discard(ctx context.Context) {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), discardTime)
	defer stop()
	_ = connector.ExecuteAll(ctx, x.warehouse, x.tag, query.DropTable{Table: x.staged}) //nolint:errcheck // the attempt has failed already
}

// written reports whether an earlier attempt wrote the snapshot.
func (x *writing) written(ctx context.Context) (bool, error) {
	t := query.Table(x.table).As("t")
	sql := x.warehouse.Dialect().SQL(query.From(t).Where(t.Col("snapshot_id").Eq(query.Text(x.row.Snapshot))).Limit(1).Select(t.Col("snapshot_id")))
	r, err := x.warehouse.Query(ctx, connector.Query{SQL: sql, Class: connector.WorkloadBatch, Tag: x.tag})
	if err != nil {
		return false, err
	}
	defer r.Release()
	some := false
	for r.Next() {
		some = some || r.RecordBatch().NumRows() > 0
	}
	return some, r.Err()
}

// append adds the rows in one transaction, which reads the attempt's own table (A3).
func (x *writing) append(ctx context.Context, f *found) error {
	columns := x.columns()
	rows, err := x.rows(columns, f)
	if err != nil {
		return err
	}
	defer rows.Release()
	if err := x.warehouse.Load(ctx, x.staged, rows); err != nil {
		return err
	}
	s := query.Table(x.staged).As("s")
	names, selected := make([]string, len(columns)), make([]query.Expr, len(columns))
	for i, c := range columns {
		names[i], selected[i] = c.Name, s.Col(c.Name)
		if c.Is == value.TypeObject {
			selected[i] = query.Cast(s.Col(c.Name), c.Kind).As(c.Name)
		}
	}
	if err := x.check(); err != nil { // A1
		return err
	}
	x.reach("snapshot-staged")
	return connector.ExecuteAll(ctx, x.warehouse, x.tag,
		query.InsertQuery{Table: x.table, Columns: names, Query: query.From(s).Select(selected...)}, query.DropTable{Table: x.staged})
}

// view is a version of the combined view (SY-95).
type view struct {
	name    string
	columns []query.NewColumn
}

// views are the versions of the combined view. A version never changes; what is told otherwise is another one, and the
// older ones go on.
var views = []view{{ViewName, []query.NewColumn{
	{Name: "ad_account_id", Type: query.TypeText}, {Name: "audience_id", Type: query.TypeText}, {Name: "audience_name", Type: query.TypeText},
	{Name: "audience_size", Type: query.TypeInteger}, {Name: "fetched_at", Type: query.TypeTimestamp}, {Name: "destination", Type: query.TypeText},
	{Name: "destination_id", Type: query.TypeInteger}, {Name: "sync_id", Type: query.TypeInteger},
}}}

// ViewName is the newest version of the combined view, in the audit schema.
const ViewName = "external_audiences_metadata_v1"

// replaceViews makes the views read all tables of snapshots. Another process may have made a table meanwhile, and have
// replaced a view before this one did: it is looked again until nothing is new (A5).
func (x *writing) replaceViews(ctx context.Context) error {
	tables, err := x.tables(ctx)
	if err != nil {
		return err
	}
	for {
		for _, v := range x.views {
			c := query.CreateView{View: query.TableRef{Schema: x.table.Schema, Name: v.name}, Query: v.over(x.table.Schema, tables)}
			if err := connector.ExecuteAll(ctx, x.warehouse, x.tag, c); err != nil {
				return fmt.Errorf("replacing the view %s: %w", c.View, err)
			}
		}
		again, err := x.tables(ctx)
		if err != nil || slices.Equal(again, tables) {
			return err
		}
		tables = again
	}
}

// tables lists the tables of snapshots in the audit schema.
func (x *writing) tables(ctx context.Context) ([]string, error) {
	found, err := x.warehouse.OwnTables(ctx, x.table.Schema, "")
	if err != nil {
		return nil, err
	}
	found = slices.DeleteFunc(found, func(name string) bool { return !tableName.MatchString(name) })
	slices.Sort(found)
	return found, nil
}

// over is the view's query of the tables.
func (v view) over(schema string, tables []string) query.Query {
	parts := make([]query.Query, len(tables))
	for i, name := range tables {
		t := query.Table(query.TableRef{Schema: schema, Name: name}).As("t")
		columns := make([]query.Expr, len(v.columns))
		for j, c := range v.columns {
			columns[j] = query.Cast(t.Col(c.Name), c.Type).As(c.Name)
		}
		parts[i] = query.From(t).Select(columns...)
	}
	if len(parts) == 1 {
		return parts[0]
	}
	return query.Union(parts...)
}
