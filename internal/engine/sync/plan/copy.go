package plan

import (
	"context"
	"errors"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/millrace/millrace/internal/fault"
)

// ReadFiles streams the rows of the baseline's files (_k, _h, c0 …), for a planner that keeps them elsewhere. Columns
// have the metadata that says what their text holds.
func (b *Baseline) ReadFiles(dir string) (array.RecordReader, error) {
	return b.read(dir, b.Files)
}

// ReadOverlay streams the baseline's exceptions (_k, _state, _held, _op, _h, c0 …, _attempts, a list of objects with
// c0 …).
func (b *Baseline) ReadOverlay(dir string) (array.RecordReader, error) {
	return b.read(dir, []string{b.Overlay})
}

func (b *Baseline) read(dir string, names []string) (array.RecordReader, error) {
	if err := b.check(dir); err != nil {
		return nil, err
	}
	paths, err := locals(dir, names)
	if err != nil {
		return nil, err
	}
	c := &chain{layout: b.Layout, paths: paths}
	if !c.open() {
		return nil, errors.Join(c.err, fault.New(fault.CodeRunBaseline, "the baseline has no files"))
	}
	return c, nil
}

// chain reads files one after another.
type chain struct {
	array.RecordReader

	layout Layout
	paths  []string
	schema *arrow.Schema
	file   *parquetFile
	batch  arrow.RecordBatch
	err    error
}

// open goes on to the next file.
func (c *chain) open() bool {
	c.closeFile()
	if c.err != nil || len(c.paths) == 0 {
		return false
	}
	p, err := openParquet(c.paths[0])
	if err != nil {
		c.err = failure(context.Background(), err, "reading the baseline")
		return false
	}
	c.file, c.paths = p, c.paths[1:]
	groups := make([]int, len(p.groups()))
	for i := range groups {
		groups[i] = i
	}
	if c.RecordReader, err = p.GetRecordReader(context.Background(), p.leaves(func(string) bool { return true }), groups); err != nil {
		c.err = failure(context.Background(), err, "reading the baseline")
		return false
	}
	if c.schema == nil {
		c.schema = c.layout.describe(p.schema)
	}
	return true
}

// describe gives the kept columns the metadata that their text needs.
func (l Layout) describe(s *arrow.Schema) *arrow.Schema {
	fields := append([]arrow.Field(nil), s.Fields()...)
	for i, f := range fields {
		if len(f.Name) < 2 || f.Name[0] != 'c' {
			continue
		}
		if at, err := strconv.Atoi(f.Name[1:]); err == nil && at < len(l.Schema) {
			described := labelled(l.Schema[at], f.Type)
			fields[i].Metadata, fields[i].Nullable = described.Metadata, true
		}
	}
	return arrow.NewSchema(fields, nil)
}

func (c *chain) closeFile() {
	c.drop()
	if c.RecordReader != nil {
		c.RecordReader.Release()
		c.RecordReader = nil
	}
	if c.file != nil {
		c.err = errors.Join(c.err, c.file.Close())
		c.file = nil
	}
}

// Schema returns the columns.
func (c *chain) Schema() *arrow.Schema { return c.schema }

// Next reads a batch.
func (c *chain) Next() bool {
	c.drop()
	for c.err == nil && c.RecordReader != nil {
		if c.RecordReader.Next() {
			in := c.RecordReader.RecordBatch()
			c.batch = array.NewRecordBatch(c.schema, in.Columns(), in.NumRows())
			return true
		}
		c.err = c.RecordReader.Err()
		c.open()
	}
	return false
}

// RecordBatch returns the batch that Next read.
func (c *chain) RecordBatch() arrow.RecordBatch { return c.batch }

// Record is RecordBatch under its former name.
func (c *chain) Record() arrow.RecordBatch { return c.batch }

// Err returns what ended the rows early.
func (c *chain) Err() error { return c.err }

// Retain does nothing: whoever opened the reader releases it.
func (c *chain) Retain() {}

// Release closes the files.
func (c *chain) Release() { c.closeFile() }

func (c *chain) drop() {
	if c.batch != nil {
		c.batch.Release()
		c.batch = nil
	}
}

var _ array.RecordReader = (*chain)(nil)
