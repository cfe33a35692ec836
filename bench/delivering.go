package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/db"
	"github.com/millrace/millrace/internal/delivery"
	"github.com/millrace/millrace/internal/kind/model"
	"github.com/millrace/millrace/internal/kind/sync"
	"github.com/millrace/millrace/internal/mapping"
	"github.com/millrace/millrace/internal/value"
)

// rows are a model's rows in memory with their mapping, as a run has them when it delivers.
type rows struct {
	batches []arrow.RecordBatch
	schema  value.Schema
	mapping *mapping.Mapping
	vars    *mapping.Variables
	total   int64
}

// loadRows reads a Parquet file into memory and maps every column to its own name.
func loadRows(ctx context.Context, path, key string, match []connector.MatchPair) (*rows, error) {
	r, done, err := openRows(ctx, path)
	if err != nil {
		return nil, err
	}
	all := &rows{vars: &mapping.Variables{ModelID: 1, ModelName: "People", SyncID: 1, RunID: 1, Now: time.Now()}}
	if all.schema, err = value.SchemaOf(r.Schema()); err != nil {
		return nil, errors.Join(err, done())
	}
	for r.Next() {
		b := r.RecordBatch()
		b.Retain()
		all.batches = append(all.batches, b)
		all.total += b.NumRows()
	}
	if err := errors.Join(r.Err(), done()); err != nil {
		return nil, err
	}
	in := mapping.Input{PrimaryKey: key, Match: match}
	for _, c := range all.schema {
		in.Columns = append(in.Columns, model.Column{Name: c.Name, Type: c.Type, Native: c.Native})
		in.Mappings = append(in.Mappings, sync.Mapping{To: c.Name, From: c.Name})
	}
	all.mapping, err = mapping.Compile(in)
	return all, err
}

func (r *rows) release() {
	for _, b := range r.batches {
		b.Release()
	}
}

// bind returns a reader of one batch.
func (r *rows) bind(b arrow.RecordBatch) (*mapping.Binding, error) {
	readers := make([]value.Reader, b.NumCols())
	for i, f := range b.Schema().Fields() {
		read, err := value.NewReader(f, b.Column(i))
		if err != nil {
			return nil, err
		}
		readers[i] = read
	}
	return r.mapping.Bind(r.schema, readers, r.vars), nil
}

// chunks hands the rows to a delivery as added ones.
type chunks struct {
	*rows

	next  int
	first int64
}

var _ delivery.Chunks = (*chunks)(nil)

// Next returns the next batch.
func (c *chunks) Next(_ context.Context, op connector.Operation) (*delivery.Chunk, error) {
	if op != connector.Added || c.next == len(c.batches) {
		return nil, nil //nolint:nilnil // the contract
	}
	b, first := c.batches[c.next], c.first
	keys, ok := b.Column(0).(*array.String)
	if !ok {
		return nil, errors.New("the first column is not the key")
	}
	if _, err := c.bind(b); err != nil {
		return nil, err
	}
	c.next++
	c.first += b.NumRows()
	return &delivery.Chunk{First: first, Rows: int(b.NumRows()), Bind: func() delivery.RowReader {
		binding, _ := c.bind(b) //nolint:errcheck // it worked above
		return &mapped{binding, keys, first}
	}}, nil
}

// mapped maps the rows of one batch.
type mapped struct {
	binding *mapping.Binding
	keys    *array.String
	first   int64
}

// Read fills a row.
func (m *mapped) Read(i int, row *connector.Row) (err error) {
	row.Ordinal, row.Key = m.first+int64(i), m.keys.Value(i)
	m.binding.Row(i, connector.Added)
	if row.Values, err = m.binding.Values(row.Values); err != nil {
		return err
	}
	row.Match, err = m.binding.Match(row.Match)
	return err
}

// journal is a database as the server has it, with the sync that the journal's frames belong to.
type journal struct {
	db     *db.DB
	insert *sql.Stmt
	run    int64
}

const (
	benchSync  = 1
	benchEpoch = 1
)

func openJournal(ctx context.Context, dir string) (*journal, error) {
	d, err := db.Open(ctx, db.Config{Home: filepath.Join(dir, "journal")})
	if err != nil {
		return nil, err
	}
	j := &journal{db: d}
	if err := d.Migrate(ctx); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	if _, err := d.ExecContext(ctx, "INSERT INTO sync_state (sync_id, workspace_id, epoch) VALUES (?, 1, ?)", benchSync, benchEpoch); err != nil {
		return nil, errors.Join(fmt.Errorf("making the sync's state: %w", err), d.Close())
	}
	j.insert, err = d.DB.DB.PrepareContext(ctx, `INSERT INTO run_journal (run_id, seq, epoch, data)
		SELECT ?, ?, ?, ? FROM sync_state WHERE sync_id = ? AND epoch = ?`)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("preparing the journal: %w", err), d.Close())
	}
	return j, nil
}

func (j *journal) close() error { return errors.Join(j.insert.Close(), j.db.Close()) }

// frames are the journal of one run. They are stored by the statement that runs use, prepared as theirs is.
type frames struct {
	insert   *sql.Stmt
	run, seq int64
}

var _ delivery.Appender = (*frames)(nil)

// Append returns when the frame is on disk.
func (f *frames) Append(ctx context.Context, frame []byte) error {
	f.seq++
	_, err := f.insert.ExecContext(ctx, f.run, f.seq, benchEpoch, frame, benchSync, benchEpoch)
	return err //nolint:wrapcheck // the journal says what it was doing
}

// deliver brings all rows to a destination, as a run does, and makes sure that all were taken.
func (r *rows) deliver(ctx context.Context, j *journal, d connector.Destination, job connector.SyncJob, log delivery.Exchanges) (err error) {
	job.Columns, job.Rows = r.mapping.Columns(), r.total
	session, err := d.Begin(ctx, job)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, session.Close()) }()
	ledger := delivery.NewLedger(0, 0, r.total)
	j.run++
	writer := delivery.NewJournal(ctx, &frames{insert: j.insert, run: j.run}, ledger)
	defer writer.Close()
	work := &delivery.Delivery{
		PlanID: fmt.Sprintf("bench-%d-%d", j.run, time.Now().UnixNano()), Job: job, Session: session, Chunks: &chunks{rows: r},
		Journal: writer, Ledger: ledger, Exchanges: log, Clock: clock.System{}, Log: slog.New(slog.DiscardHandler),
	}
	if err := work.Run(ctx, ctx); err != nil {
		return err
	}
	if taken := ledger.Total(delivery.Accepted); taken != r.total {
		_, reason := ledger.State(0)
		return fmt.Errorf("%d of %d rows were taken: %s", taken, r.total, reason)
	}
	return nil
}
