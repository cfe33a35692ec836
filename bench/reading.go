package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/source/duckdb"
	"github.com/millrace/millrace/internal/source/file"
	"github.com/millrace/millrace/internal/source/objects"
	"github.com/millrace/millrace/internal/source/postgres"
)

// How long sources may take, as multiples of what their drivers and engines take alone.
const (
	postgresRead = 1.3
	parquetRead  = 1.2
)

const visitsOfPostgres = `CREATE TABLE visits AS
SELECT g::bigint AS id, 'customer' || g || '@example.com' AS email, 'First Last ' || g AS name, 'Springfield' AS city, (g * 1.25)::numeric(12, 2) AS amount,
       g % 3 = 0 AS active, g / 7.0::float8 AS score, g % 1000 AS visits, DATE '2020-01-01' + g % 2000 AS day, TIMESTAMPTZ '2020-01-01 00:00:00Z' + g * INTERVAL '1 second' AS seen
FROM generate_series(1, `

// fromPostgres reads rows through the source, beside COPY in binary form that the driver decodes.
func fromPostgres(ctx context.Context, b *bench) (err error) {
	s, err := startServer(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop(ctx)) }()
	total := b.size(1_000_000)
	if err := s.exec(ctx, fmt.Sprintf("%s%d) g", visitsOfPostgres, total), "VACUUM ANALYZE visits", "CHECKPOINT"); err != nil {
		return err
	}
	info := postgres.Info()
	from, err := info.Open(connector.SourceOptions{Settings: s.settings().WithDefaults(info.Fields), Dir: b.dir})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	reads, err := pair{rounds: 2*b.rounds + 1, meter: s.meter(), peer: func() error { return copyOut(ctx, s.conn, total) }, ours: func() error { return readAll(ctx, from, readVisits, total) }}.run()
	if err != nil {
		return err
	}
	b.add(reads.atMost(postgresRead, total, "source", "PostgreSQL, read of 10 columns, beside COPY in binary form"))
	return memoryOfReading(ctx, b, s, total)
}

// copyOut reads the rows by COPY, and lets the driver decode every value.
func copyOut(ctx context.Context, c *pgx.Conn, want int64) error {
	var id int64
	var email, name, city string
	var amount pgtype.Numeric
	var active bool
	var score float64
	var visits int32
	var day, seen time.Time
	d := &copied{into: []any{&id, &email, &name, &city, &amount, &active, &score, &visits, &day, &seen}}
	for i, oid := range []uint32{
		pgtype.Int8OID, pgtype.TextOID, pgtype.TextOID, pgtype.TextOID, pgtype.NumericOID,
		pgtype.BoolOID, pgtype.Float8OID, pgtype.Int4OID, pgtype.DateOID, pgtype.TimestamptzOID,
	} {
		d.plans = append(d.plans, c.TypeMap().PlanScan(oid, pgtype.BinaryFormatCode, d.into[i]))
	}
	if _, err := c.PgConn().CopyTo(ctx, d, "COPY ("+readVisits+") TO STDOUT (FORMAT binary)"); err != nil {
		return err //nolint:wrapcheck // the command's end
	}
	if d.rows != want {
		return fmt.Errorf("%d rows of %d were read", d.rows, want)
	}
	return nil
}

// copied decodes COPY's binary form: https://www.postgresql.org/docs/current/sql-copy.html.
type copied struct {
	plans []pgtype.ScanPlan
	into  []any
	rest  []byte // of a row that has not come as a whole
	rows  int64
	began bool
}

// copyHeader is the signature, the flags and the length of an extension, which no server sends yet.
const copyHeader = 11 + 4 + 4

// Write decodes the rows that are whole.
func (d *copied) Write(p []byte) (int, error) {
	in := p
	if len(d.rest) > 0 {
		d.rest = append(d.rest, p...)
		in = d.rest
	}
	if !d.began {
		if len(in) < copyHeader {
			d.rest = append(d.rest[:0], in...)
			return len(p), nil
		}
		in, d.began = in[copyHeader:], true
	}
	for {
		n, err := d.row(in)
		if err != nil {
			return 0, err
		}
		if n == 0 {
			d.rest = append(d.rest[:0], in...)
			return len(p), nil
		}
		in = in[n:]
	}
}

// row decodes one row and returns its size; 0 where it is not whole, or the end.
func (d *copied) row(in []byte) (size int, err error) {
	if len(in) < 2 || in[0] == 0xff {
		return 0, nil
	}
	size = 2
	for i, plan := range d.plans {
		if len(in) < size+4 {
			return 0, nil
		}
		length := int(int32(binary.BigEndian.Uint32(in[size:])))
		size += 4
		if len(in) < size+max(length, 0) {
			return 0, nil
		}
		var value []byte
		if length >= 0 {
			value = in[size : size+length]
			size += length
		}
		if err := plan.Scan(value, d.into[i]); err != nil {
			return 0, err //nolint:wrapcheck // the command's end
		}
	}
	d.rows++
	return size, nil
}

// readAll reads a query to its end.
func readAll(ctx context.Context, s connector.Source, sql string, want int64) error {
	r, err := s.Query(ctx, connector.Query{SQL: sql})
	if err != nil {
		return err
	}
	defer r.Release()
	var n int64
	for r.Next() {
		n += r.RecordBatch().NumRows()
	}
	if n != want {
		return errors.Join(fmt.Errorf("%d rows of %d were read", n, want), r.Err())
	}
	return r.Err()
}

// readCommand is the first argument of a process that reads rows of PostgreSQL, and prints the most memory that it held.
const readCommand = "read-and-weigh"

// memoryOfReading measures what processes need that read a tenth of the rows, and all of them.
func memoryOfReading(ctx context.Context, b *bench, s *server, rows int64) error {
	settings, err := json.Marshal(s.settings())
	if err != nil {
		return fmt.Errorf("encoding settings: %w", err)
	}
	few, err := weigh(ctx, readCommand, string(settings), b.dir, strconv.FormatInt(rows/10, 10))
	if err != nil {
		return err
	}
	all, err := weigh(ctx, readCommand, string(settings), b.dir, strconv.FormatInt(rows, 10))
	if err != nil {
		return err
	}
	b.add(growth("source", "PostgreSQL", rows, few, all))
	return nil
}

func readAndWeigh(ctx context.Context, args []string, out io.Writer) (err error) {
	if len(args) != 3 {
		return fmt.Errorf("usage: %s SETTINGS DIR ROWS", readCommand)
	}
	var settings connector.Settings
	var rows int64
	if err := errors.Join(json.Unmarshal([]byte(args[0]), &settings), json.Unmarshal([]byte(args[2]), &rows)); err != nil {
		return fmt.Errorf("reading the arguments: %w", err)
	}
	info := postgres.Info()
	from, err := info.Open(connector.SourceOptions{Settings: settings.WithDefaults(info.Fields), Dir: args[1]})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	if err := readAll(ctx, from, fmt.Sprintf("%s LIMIT %d", readVisits, rows), rows); err != nil {
		return err
	}
	return printPeak(out)
}

// visitsOfDuck is the SQL of the same rows.
const visitsOfDuck = `SELECT i AS id, 'customer' || i || '@example.com' AS email, 'First Last ' || i AS name, 'Springfield' AS city, (i * 1.25)::DECIMAL(12, 2) AS amount,
	i %% 3 = 0 AS active, i / 7.0::DOUBLE AS score, (i %% 1000)::INTEGER AS visits, DATE '2020-01-01' + (i %% 2000)::INTEGER AS day, TIMESTAMPTZ '2020-01-01 00:00:00Z' + to_seconds(i) AS seen
	FROM range(%d) t(i)`

// fromParquet reads a file through the sources, from a folder and from a bucket, as a run does: into a Parquet file for
// the planner. DuckDB by hand does the same.
func fromParquet(ctx context.Context, b *bench) (err error) {
	folder, total := filepath.Join(b.dir, "parquet"), b.size(1_000_000)
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return fmt.Errorf("making a folder: %w", err)
	}
	d, err := openDuck(ctx, filepath.Join(b.dir, "spill"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.close()) }()
	path, out := filepath.Join(folder, "visits.parquet"), filepath.Join(b.dir, "read.parquet")
	if err := d.copyTo(ctx, fmt.Sprintf(visitsOfDuck, total), path); err != nil {
		return err
	}
	scan := func() error {
		return d.exec(ctx, "COPY (SELECT * FROM read_parquet("+query.DuckDB.Text(path)+")) TO "+query.DuckDB.Text(out)+" (FORMAT parquet, COMPRESSION zstd)")
	}
	bucket, err := serveFile(path)
	if err != nil {
		return err
	}
	defer bucket.Close()
	for _, c := range []struct {
		what string
		ours func() error
	}{
		{"Parquet in a folder", func() error { return unloadFolder(ctx, b, folder, out, total) }},
		{"Parquet in a bucket, fetched each time", func() error { return unloadBucket(ctx, b, bucket.URL, out, total) }},
	} {
		reads, err := pair{rounds: b.rounds, peer: scan, ours: c.ours}.run()
		if err != nil {
			return err
		}
		b.add(reads.atMost(parquetRead, total, "parquet", c.what+", beside DuckDB's own scan"))
	}
	return nil
}

func unloadFolder(ctx context.Context, b *bench, folder, out string, want int64) error {
	info := file.Info(duckdb.Reach{})
	from, err := info.Open(connector.SourceOptions{Settings: connector.Settings{"path": folder}.WithDefaults(info.Fields), Dir: filepath.Join(b.dir, "folder")})
	if err != nil {
		return err
	}
	return errors.Join(unload(ctx, from, connector.Query{SQL: "SELECT * FROM visits"}, out, want), from.Close())
}

func unloadBucket(ctx context.Context, b *bench, address, out string, want int64) error {
	info := objects.S3()
	settings := connector.Settings{
		"credential": map[string]any{"auth": "keys", "accessKeyId": "key", "secretAccessKey": "secret"},
		"bucket":     "visits", "region": "us-east-1", "endpoint": address, "pathStyle": true,
	}
	from, err := info.Open(connector.SourceOptions{Settings: settings, Dir: filepath.Join(b.dir, "bucket")})
	if err != nil {
		return err
	}
	q := connector.Query{SQL: from.Dialect().SelectTable(connector.RowsTable), File: &connector.File{Path: "visits.parquet"}}
	return errors.Join(unload(ctx, from, q, out, want), from.Close())
}

func unload(ctx context.Context, s connector.Source, q connector.Query, out string, want int64) error {
	u, ok := s.(connector.Unloader)
	if !ok {
		return errors.New("the source writes no files")
	}
	n, err := u.Unload(ctx, q, out)
	if err == nil && n != want {
		err = fmt.Errorf("%d rows of %d were read", n, want)
	}
	return err
}

// serveFile serves a store that speaks S3, with one file in one bucket.
func serveFile(path string) (*httptest.Server, error) {
	content, err := os.ReadFile(path) //nolint:gosec // a file of our own
	if err != nil {
		return nil, fmt.Errorf("reading the file: %w", err)
	}
	store := s3mem.New()
	if err := store.CreateBucket("visits"); err != nil {
		return nil, fmt.Errorf("making a bucket: %w", err)
	}
	if _, err := store.PutObject("visits", filepath.Base(path), map[string]string{}, bytes.NewReader(content), int64(len(content)), nil); err != nil {
		return nil, fmt.Errorf("filling the bucket: %w", err)
	}
	return httptest.NewServer(gofakes3.New(store, gofakes3.WithLogger(gofakes3.DiscardLog())).Server()), nil
}
