package plan

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

// Batch is consecutive rows of one operation. It is valid until the next call of Rows.Next or SeekTo;
// to keep a record longer, retain it.
type Batch struct {
	First    int64             // ordinal of the first row
	Keys     *array.String     // primary keys as text
	Values   arrow.RecordBatch // the columns of Plan.Schema, under their names
	Before   arrow.RecordBatch // changed rows: the columns of Plan.Before, as settled before; otherwise nil
	Attempts *array.List       // of structs with Plan.Schema's columns: sent before, outcome unknown; or nil
}

// Len is the number of rows.
func (b Batch) Len() int { return b.Keys.Len() }

// Last returns the ordinal after the last row.
func (b Batch) Last() int64 { return b.First + int64(b.Len()) }

// Rows reads the rows of one operation in the order of their ordinals. It is not safe for concurrent
// use; open one for each reader.
type Rows struct {
	plan    *Plan
	section Section
	first   int64 // ordinal of the section's first row
	keyOnly bool

	next    int64 // ordinal of the row to read next
	file    int   // index of the open file
	open    *parquetFile
	records array.RecordReader
	record  arrow.RecordBatch // read last, or nil
	at      int64             // ordinal of the first row after record
	batch   Batch
	err     error
}

// Open reads an operation's rows from the first one. The files are opened when they are needed.
func (p *Plan) Open(op connector.Operation) (*Rows, error) {
	return p.rows(*p.section(op), p.First(op), false)
}

// OpenDuplicates reads the rows that were refused because their key is not unique. Their ordinals
// follow those of the planned rows.
func (p *Plan) OpenDuplicates() (*Rows, error) {
	return p.rows(p.Duplicates, p.Total(), false)
}

func (p *Plan) rows(s Section, first int64, keyOnly bool) (*Rows, error) {
	for _, f := range s.Files {
		if _, err := local(p.Dir, f.Name); err != nil {
			return nil, err
		}
	}
	return &Rows{plan: p, section: s, first: first, next: first, file: -1, keyOnly: keyOnly}, nil
}

// SeekTo makes the row with the ordinal the next one. Rows that are passed over are not decoded where
// whole row groups can be left out; going a little back costs nothing.
func (r *Rows) SeekTo(ordinal int64) error {
	if ordinal < r.first || ordinal > r.first+r.section.Rows {
		return fault.New(fault.CodeInternal, "the plan has no row %d among %d to %d", ordinal, r.first, r.first+r.section.Rows)
	}
	if ordinal == r.next {
		return nil
	}
	r.drop()
	r.next = ordinal
	if r.records == nil || r.inRecord() || ordinal >= r.at && r.group(r.at) == r.group(ordinal) {
		return nil
	}
	return r.closeFile()
}

// inRecord reports whether the next row is in the record that was read last.
func (r *Rows) inRecord() bool {
	return r.record != nil && r.next >= r.at-r.record.NumRows() && r.next < r.at
}

// group identifies the row group of a row; -1 is none of the open file's.
func (r *Rows) group(ordinal int64) int {
	end := r.fileFirst(r.file)
	if ordinal < end {
		return -1
	}
	for i, n := range r.open.groups() {
		if end += n; ordinal < end {
			return i
		}
	}
	return -1
}

// fileFirst is the ordinal of a file's first row.
func (r *Rows) fileFirst(file int) int64 {
	first := r.first
	for _, f := range r.section.Files[:file] {
		first += f.Rows
	}
	return first
}

// Next reads a batch. It returns false at the end of the rows and after an error.
func (r *Rows) Next() bool {
	r.drop()
	for r.err == nil && r.next < r.first+r.section.Rows {
		if r.err = r.locate(); r.err != nil {
			return false
		}
		if !r.inRecord() && !r.advance() {
			continue
		}
		if r.inRecord() {
			r.err = r.take()
			return r.err == nil
		}
	}
	return false
}

// advance reads the next record of the file.
func (r *Rows) advance() bool {
	r.forget()
	if !r.records.Next() {
		r.err = r.ended()
		return false
	}
	r.record = r.records.RecordBatch()
	r.record.Retain()
	r.at += r.record.NumRows()
	return true
}

func (r *Rows) forget() {
	if r.record != nil {
		r.record.Release()
		r.record = nil
	}
}

// ended goes on to the next file, or tells why there is none.
func (r *Rows) ended() error {
	if err := r.records.Err(); err != nil {
		return failure(context.Background(), err, "reading the plan")
	}
	if r.next < r.fileFirst(r.file)+r.section.Files[r.file].Rows {
		return fault.New(fault.CodeStorage, "the plan's file %q is shorter than it was", r.section.Files[r.file].Name)
	}
	return r.closeFile()
}

// locate opens the file that has the next row, at the row group that has it.
func (r *Rows) locate() error {
	if r.records != nil {
		return nil
	}
	file := 0
	for r.next >= r.fileFirst(file)+r.section.Files[file].Rows {
		file++
	}
	return failure(context.Background(), r.openFile(file), "reading the plan")
}

func (r *Rows) openFile(file int) (err error) {
	path, err := local(r.plan.Dir, r.section.Files[file].Name)
	if err != nil {
		return err
	}
	if r.open, err = openParquet(path); err != nil {
		return err
	}
	r.file, r.at = file, r.fileFirst(file)
	var groups []int
	for i, n := range r.open.groups() {
		if len(groups) == 0 && r.at+n <= r.next {
			r.at += n
			continue
		}
		groups = append(groups, i)
	}
	r.records, err = r.open.GetRecordReader(context.Background(), r.open.leaves(r.wanted), groups)
	if err != nil {
		return errors.Join(err, r.closeFile())
	}
	return nil
}

func (r *Rows) wanted(column string) bool {
	return column == "_k" || !r.keyOnly && column != "_h" && column != "_n"
}

// take makes the record's rows from the next one on the current batch.
func (r *Rows) take() error {
	rec := r.record.NewSlice(r.next-(r.at-r.record.NumRows()), r.record.NumRows())
	defer rec.Release()
	batch, err := r.batchOf(rec)
	if err != nil {
		return err
	}
	r.batch, r.next = batch, r.at
	return nil
}

func (r *Rows) batchOf(rec arrow.RecordBatch) (Batch, error) {
	b := Batch{First: r.next}
	names := map[string]arrow.Array{}
	for i, f := range rec.Schema().Fields() {
		names[f.Name] = rec.Column(i)
	}
	keys, ok := names["_k"].(*array.String)
	if !ok {
		return b, fault.New(fault.CodeStorage, "the plan's file %q has no keys", r.section.Files[r.file].Name)
	}
	if !r.keyOnly {
		if err := r.fill(&b, names, rec.NumRows()); err != nil {
			return b, err
		}
	}
	b.Keys = keys
	b.Keys.Retain()
	return b, nil
}

func (r *Rows) fill(b *Batch, names map[string]arrow.Array, rows int64) (err error) {
	if b.Values, err = record(r.plan.Schema, "c", names, rows); err != nil {
		return err
	}
	if _, changed := names["b0"]; changed {
		if b.Before, err = record(r.plan.beforeSchema(), "b", names, rows); err != nil {
			b.Values.Release()
			return err
		}
	}
	if attempts, ok := names["_attempts"].(*array.List); ok {
		attempts.Retain()
		b.Attempts = attempts
	}
	return nil
}

// beforeSchema describes the previous values.
func (p *Plan) beforeSchema() value.Schema {
	s := make(value.Schema, len(p.Before))
	for i, name := range p.Before {
		s[i] = value.Column{Name: name, Type: value.TypeString, Nullable: true}
		if at := p.Schema.Index(name); at >= 0 {
			s[i] = p.Schema[at]
		}
	}
	return s
}

// record puts the columns under the names and with the types that people know them by.
func record(schema value.Schema, prefix string, columns map[string]arrow.Array, rows int64) (arrow.RecordBatch, error) {
	fields := make([]arrow.Field, len(schema))
	arrays := make([]arrow.Array, len(schema))
	for i, c := range schema {
		col := columns[fmt.Sprintf("%s%d", prefix, i)]
		if col == nil {
			return nil, fault.New(fault.CodeStorage, "a file of the plan lacks the column %q", c.Name)
		}
		fields[i], arrays[i] = labelled(c, col.DataType()), col
	}
	return array.NewRecordBatch(arrow.NewSchema(fields, nil), arrays, rows), nil
}

// labelled is the Arrow field of a column, with the metadata that says what its text holds.
func labelled(c value.Column, t arrow.DataType) arrow.Field {
	keys, values := []string{value.MetaNative}, []string{c.Native}
	text := t.ID() == arrow.STRING || t.ID() == arrow.LARGE_STRING
	if text && (c.Type == value.TypeObject || c.Type == value.TypeNumber) {
		keys, values = append(keys, value.MetaType), append(values, string(c.Type))
	}
	return arrow.Field{Name: c.Name, Type: t, Nullable: true, Metadata: arrow.NewMetadata(keys, values)}
}

// Batch returns the rows that Next read.
func (r *Rows) Batch() Batch { return r.batch }

// Err returns what ended the rows early.
func (r *Rows) Err() error { return r.err }

// Close closes the files.
func (r *Rows) Close() error {
	r.drop()
	return r.closeFile()
}

func (r *Rows) closeFile() error {
	r.forget()
	if r.records != nil {
		r.records.Release()
		r.records = nil
	}
	if r.open == nil {
		return nil
	}
	err := r.open.Close()
	r.open = nil
	return err
}

func (r *Rows) drop() {
	b := r.batch
	r.batch = Batch{}
	if b.Keys != nil {
		b.Keys.Release()
	}
	if b.Values != nil {
		b.Values.Release()
	}
	if b.Before != nil {
		b.Before.Release()
	}
	if b.Attempts != nil {
		b.Attempts.Release()
	}
}

// AttemptReader returns a reader of what was sent in doubt before: for a row, a list of objects with
// the columns of the plan's schema, oldest first. It returns nil where the batch has none.
func (p *Plan) AttemptReader(b Batch) (func(row int) [][]value.Value, error) {
	if b.Attempts == nil {
		return nil, nil //nolint:nilnil // documented
	}
	items, ok := b.Attempts.ListValues().(*array.Struct)
	if !ok {
		return nil, fault.New(fault.CodeStorage, "the plan's attempts are not objects")
	}
	readers := make([]value.Reader, len(p.Schema))
	for i, c := range p.Schema {
		r, err := value.NewReader(labelled(c, items.Field(i).DataType()), items.Field(i))
		if err != nil {
			return nil, err
		}
		readers[i] = r
	}
	return func(row int) [][]value.Value {
		if b.Attempts.IsNull(row) {
			return nil
		}
		start, end := b.Attempts.ValueOffsets(row)
		var all [][]value.Value
		for i := start; i < end; i++ {
			all = append(all, values(readers, int(i)))
		}
		return all
	}, nil
}

// values reads one row; texts are copied, so that they outlive the batch.
func values(readers []value.Reader, row int) []value.Value {
	out := make([]value.Value, len(readers))
	for i, read := range readers {
		out[i] = owned(read(row))
	}
	return out
}

func owned(v value.Value) value.Value {
	switch v.Kind() {
	case value.Text:
		return value.OfText(strings.Clone(v.Raw()))
	case value.JSON:
		return value.OfJSON(strings.Clone(v.Raw()))
	case value.Decimal:
		return value.OfDecimal(strings.Clone(v.Raw()))
	default:
		return v
	}
}

// readersOf returns a reader for each column of a record.
func readersOf(rec arrow.RecordBatch) ([]value.Reader, error) {
	if rec == nil {
		return nil, nil
	}
	readers := make([]value.Reader, rec.NumCols())
	for i, f := range rec.Schema().Fields() {
		r, err := value.NewReader(f, rec.Column(i))
		if err != nil {
			return nil, err
		}
		readers[i] = r
	}
	return slices.Clip(readers), nil
}
