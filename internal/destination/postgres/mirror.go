package postgres

import (
	"context"
	"errors"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
)

// shadow is the temporary table in which a complete replacement is gathered.
const shadow = "_millrace_mirror"

// mirror gathers all rows in a table like the target's, with its constraints and unique indexes, so that bad rows
// are refused one by one as they come. Finish then replaces the target's rows in one transaction: readers see the
// rows before or the rows after.
type mirror struct {
	d       *destination
	table   *table
	limits  connector.Limits
	program *program

	mu      sync.Mutex
	conn    *pgxpool.Conn // holds the temporary table; nil after Close
	sheet   sheet
	answers map[string]connector.Result // by Batch.ID: a batch that comes again is not gathered again
}

var _ connector.Session = (*mirror)(nil)

// mirror begins a run that replaces everything. The connection stays with it.
func (d *destination) mirror(ctx context.Context, c *pgxpool.Conn, t *table, job connector.SyncJob, settings syncSettings) (connector.Session, error) {
	m := &mirror{d: d, table: t, conn: c, limits: settings.Limits(), program: newBuilder(t, job).shadow(), answers: map[string]connector.Result{}}
	m.limits.Concurrency, m.limits.Deferred = 1, true
	m.limits.Operations, m.limits.Idempotency = []connector.Operation{connector.Added}, connector.Idempotent
	if err := m.prepare(ctx); err != nil {
		return nil, d.translate(ctx, err, "making a table like "+t.ref.String())
	}
	return m, nil
}

// prepare makes the shadow. Indexes that are not unique refuse nothing and are dropped.
func (m *mirror) prepare(ctx context.Context) error {
	c := m.conn.Conn()
	if _, err := c.Exec(ctx, "CREATE TEMPORARY TABLE "+shadow+" (LIKE "+sql.Table(m.table.ref)+" INCLUDING ALL)"); err != nil {
		return err
	}
	rows, err := c.Query(ctx, "SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE i.indrelid = '"+shadow+"'::regclass AND NOT i.indisunique AND NOT i.indisexclusion")
	if err != nil {
		return err
	}
	indexes, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(indexes) == 0 {
		return err
	}
	_, err = c.Exec(ctx, "DROP INDEX "+strings.Join(indexes, ", "))
	return err
}

// Limits says how batches are made.
func (m *mirror) Limits() connector.Limits { return m.limits }

// Write gathers a batch. When the connection is lost, what was gathered is lost with it, and the run cannot go on.
func (m *mirror) Write(ctx context.Context, b *connector.Batch) (connector.Result, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.conn == nil {
		return connector.Result{}, fault.New(fault.CodeInternal, "the session is closed")
	}
	if answer, again := m.answers[b.ID]; again {
		return answer, nil
	}
	refused := m.sheet.fill(b, m.program)
	t := &transaction{d: m.d, table: m.table, program: m.program, sheet: &m.sheet, batch: b, refused: refused}
	err := t.run(ctx, m.conn.Conn().PgConn())
	if err != nil && m.conn.Conn().IsClosed() {
		return connector.Result{}, fault.Reclass(err, fault.Fatal)
	}
	if err != nil {
		return connector.Result{}, err
	}
	m.answers[b.ID] = connector.Result{Rejected: t.refused}
	return m.answers[b.ID], nil
}

// Finish replaces the rows of the target.
func (m *mirror) Finish(ctx context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.conn == nil {
		return fault.New(fault.CodeInternal, "the session is closed")
	}
	tx, err := m.conn.Begin(ctx)
	if err != nil {
		return m.d.translate(ctx, err, "beginning to replace "+m.table.ref.String())
	}
	if err := m.replace(ctx, tx); err != nil {
		e := m.d.translate(ctx, err, "replacing the rows of "+m.table.ref.String())
		if err := tx.Rollback(context.WithoutCancel(ctx)); err != nil && !errors.Is(err, pgx.ErrTxClosed) {
			m.d.log.Debug("rolling back", "error", m.d.said(err))
		}
		return e
	}
	return m.commit(ctx, tx)
}

func (m *mirror) replace(ctx context.Context, tx pgx.Tx) error {
	target, columns := sql.Table(m.table.ref), idents(m.columns())
	var statements []string
	if s := m.d.settings.StatementTimeout; s > 0 {
		statements = append(statements, timeout(s))
	}
	if m.table.kind == "r" || m.table.kind == "p" {
		statements = append(statements, "LOCK TABLE "+target+" IN SHARE ROW EXCLUSIVE MODE")
	}
	statements = append(statements, "DELETE FROM "+target, "INSERT INTO "+target+" ("+columns+") SELECT "+columns+" FROM "+shadow)
	for _, s := range statements {
		if _, err := tx.Exec(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

func (m *mirror) columns() []string {
	names := make([]string, len(m.program.cells))
	for i, c := range m.program.cells {
		names[i] = c.column.name
	}
	return names
}

func (m *mirror) commit(ctx context.Context, tx pgx.Tx) error {
	err := tx.Commit(ctx)
	switch {
	case err == nil:
		return nil
	case m.conn.Conn().IsClosed():
		return fault.Wrap(errors.New(m.d.said(err)), fault.CodeDestinationUnknown, "replacing the rows of %s", m.table.ref)
	default:
		return m.d.translate(ctx, err, "replacing the rows of "+m.table.ref.String())
	}
}

// Close ends the connection, and with it the temporary table.
func (m *mirror) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.conn == nil {
		return nil
	}
	c := m.conn.Hijack()
	m.conn = nil
	ctx, cancel := context.WithTimeout(context.Background(), rollbackTime)
	defer cancel()
	if err := c.Close(ctx); err != nil {
		return m.d.translate(ctx, err, "closing the connection")
	}
	return nil
}
