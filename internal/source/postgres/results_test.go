package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"github.com/jackc/pgx/v5"
	"github.com/millrace/millrace/internal/blob"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/sourcetest"
	"github.com/millrace/millrace/internal/source/postgres/postgrestest"
)

// unloadStatement is what Redshift is asked. The credentials are those of the folder.
var unloadStatement = regexp.MustCompile(`(?s)^(/\*.*?\*/ )?UNLOAD \('(.*)'\) TO 's3://([^/']+)/([^']*/)' ACCESS_KEY_ID 'ASIAGRANTED' SECRET_ACCESS_KEY 'granted secret' SESSION_TOKEN 'granted token' FORMAT PARQUET MAXFILESIZE 256 MB REGION 'eu-central-1'$`)

// unloading is a face of Redshift that writes into a bucket; without one it may not.
func unloading(config *pgx.ConnConfig, b *sourcetest.Bucket) postgrestest.Face {
	face := redshiftFace(func(string) {})
	inner := face.Statement
	face.Statement = func(sql string) (string, error) {
		if !strings.Contains(sql, "UNLOAD (") {
			return inner(sql)
		}
		m := unloadStatement.FindStringSubmatch(sql)
		if m == nil {
			return "", errors.New("Redshift does not know this UNLOAD")
		}
		if b == nil {
			return "", errors.New("S3ServiceException:Access Denied,Status 403")
		}
		text := strings.ReplaceAll(strings.ReplaceAll(m[2], "''", "'"), `\\`, `\`)
		text, err := inner(text)
		if err != nil || strings.Contains(text, endless) {
			return m[1] + text, err // the server itself runs what is to be cancelled
		}
		return m[1] + "SELECT 1", write(config, text, func(path string) error { return b.Put(m[3], m[4]+"0000_part_00.parquet", path) })
	}
	return face
}

// write makes a file of a result.
func write(config *pgx.ConnConfig, sql string, put func(path string) error) error {
	ctx := context.Background()
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return err
	}
	defer conn.Close(ctx) //nolint:errcheck // the test's own
	if _, err := conn.Exec(ctx, "SET timezone TO 'UTC'; SET standard_conforming_strings = off; SET escape_string_warning = off"); err != nil {
		return err
	}
	rows, err := conn.Query(ctx, sql)
	if err != nil {
		return err
	}
	defer rows.Close()
	var b *array.RecordBuilder
	for rows.Next() {
		cells, err := rows.Values()
		if err != nil {
			return err
		}
		if b == nil {
			b = array.NewRecordBuilder(memory.DefaultAllocator, fileSchema(rows))
		}
		for i, cell := range cells {
			appendCell(b.Field(i), cell)
		}
	}
	if rows.Err() != nil || b == nil { // nothing is written where there are no rows
		return rows.Err()
	}
	dir, err := os.MkdirTemp("", "unload")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // the test's own
	path := filepath.Join(dir, "file")
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w, err := pqarrow.NewFileWriter(b.Schema(), f, parquet.NewWriterProperties(), pqarrow.DefaultWriterProps())
	if err == nil {
		err = errors.Join(w.Write(b.NewRecordBatch()), w.Close())
	}
	if err != nil {
		return err
	}
	return put(path)
}

// fileSchema are the columns of a file: https://docs.aws.amazon.com/redshift/latest/dg/r_UNLOAD.html
func fileSchema(rows pgx.Rows) *arrow.Schema {
	types := map[string]arrow.DataType{
		"bool": arrow.FixedWidthTypes.Boolean, "int4": arrow.PrimitiveTypes.Int32, "int8": arrow.PrimitiveTypes.Int64, "float8": arrow.PrimitiveTypes.Float64,
		"varchar": arrow.BinaryTypes.String, "text": arrow.BinaryTypes.String,
	}
	var fields []arrow.Field
	for _, d := range rows.FieldDescriptions() {
		known, _ := rows.Conn().TypeMap().TypeForOID(d.DataTypeOID)
		fields = append(fields, arrow.Field{Name: d.Name, Type: types[known.Name], Nullable: true})
	}
	return arrow.NewSchema(fields, nil)
}

func appendCell(b array.Builder, cell any) {
	switch v := cell.(type) {
	case nil:
		b.AppendNull()
	case bool:
		b.(*array.BooleanBuilder).Append(v)
	case int32:
		b.(*array.Int32Builder).Append(v)
	case int64:
		b.(*array.Int64Builder).Append(v)
	case float64:
		b.(*array.Float64Builder).Append(v)
	case string:
		b.(*array.StringBuilder).Append(v)
	default:
		panic(fmt.Sprintf("a cell of %T", cell))
	}
}

// unloaded are values of every type that Redshift writes.
var unloaded = []string{
	"true", "smallest smallint", "largest integer", "largest bigint", "real", "double", "not a number", "decimal", "decimal with zeros", "largest decimal", "text", "lines", "unicode",
	"date", "first date", "timestamp", "first timestamp", "timestamp with a zone",
}

// What Redshift writes into a bucket, with credentials for one folder of it, is what it sends. Where it may not write, it
// sends.
//
// Req: S-80
func TestUnload(t *testing.T) {
	t.Parallel()
	info := redshift().describe()
	settings, config := place(t, redshiftSetup)
	f := sourcetest.Fixture{
		Info: info, Rows: rowsOf, Endless: endless, NoDigits: true,
		SQL: map[string]string{"object": "", "empty object": "", "list": "", "list of texts": "", "list of lists": "", "list of booleans": ""},
		Running: func(t *testing.T, tag string) bool {
			return number(t, config, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '/* ' || $1 || ' */%'", tag) > 0
		},
	}
	sourcetest.Results(t, f, blob.ProviderS3, unloaded, func(t *testing.T, b *sourcetest.Bucket) (may, mayNot connector.Source) {
		open := func(b *sourcetest.Bucket) connector.Source {
			host, port := postgrestest.Start(t, net.JoinHostPort(config.Host, strconv.Itoa(int(config.Port))), unloading(config, b))
			s, err := info.Open(connector.SourceOptions{Settings: with(with(settings, "host", host), "port", port).WithDefaults(info.Fields)})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = s.Close() }) //nolint:errcheck // the test is over
			return s
		}
		return open(b), open(nil)
	})
}
