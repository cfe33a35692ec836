// Package sample is the two built-in datasets: data to try the product with, generated on this machine, the
// same everywhere and always (S-37, S-85 to S-88).
package sample

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/duckdb/duckdb-go/v2"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
	source "github.com/millrace/millrace/internal/source/duckdb"
)

// edition counts the versions of the generated data: a new one makes new files.
const edition = 2

// dataset is one of the two.
type dataset struct {
	slug, name, summary string
	statements          []string
	queries             []connector.SampleQuery
}

// Infos describes the two sources.
func Infos() []connector.SourceInfo {
	infos := make([]connector.SourceInfo, 0, 2)
	for _, d := range []dataset{b2b, b2c} {
		infos = append(infos, connector.SourceInfo{
			Slug: d.slug, Name: d.name, Category: "sample", Summary: d.summary, Fields: []connector.Field{},
			Methods: []string{"sql", "table"}, Engines: []string{"basic"}, Sample: true, Queries: d.queries, Verified: true,
			Open: d.open,
		})
	}
	return infos
}

func (d dataset) open(o connector.SourceOptions) (connector.Source, error) {
	path := filepath.Join(filepath.Dir(o.Dir), fmt.Sprintf("%s-%d.duckdb", d.slug, edition))
	return source.New(source.Options{Dir: o.Dir, Attach: path, Check: func() error { return d.ensure(path) }}), nil
}

// making keeps two connections from generating one file at once.
var making sync.Mutex

// ensure generates the data where the file does not exist. It appears whole or not at all.
func (d dataset) ensure(path string) error {
	making.Lock()
	defer making.Unlock()
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fault.Wrap(err, fault.CodeStorage, "making the sample's folder")
	}
	part := fmt.Sprintf("%s.%d.part", path, os.Getpid())
	if err := d.generate(context.Background(), part); err != nil {
		return errors.Join(fault.Wrap(err, fault.CodeInternal, "generating the sample dataset"), os.RemoveAll(part))
	}
	return os.Rename(part, path)
}

func (d dataset) generate(ctx context.Context, path string) (err error) {
	c, err := duckdb.NewConnector("", func(e driver.ExecerContext) error {
		_, err := e.ExecContext(ctx, "SET threads=2", nil)
		return err
	})
	if err != nil {
		return err
	}
	db := sql.OpenDB(c)
	db.SetMaxOpenConns(1)
	defer func() { err = errors.Join(err, db.Close()) }()
	all := append([]string{
		"ATTACH " + query.DuckDB.Text(path) + " AS sample", "USE sample", "CREATE SCHEMA public", "USE sample.public",
	}, helpers...)
	all = append(append(all, d.statements...), dropHelpers...)
	for _, s := range append(all, "USE memory", "DETACH sample") {
		if _, err := db.ExecContext(ctx, s); err != nil {
			return fmt.Errorf("%.60s: %w", s, err)
		}
	}
	return nil
}
