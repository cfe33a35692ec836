package audit

import (
	"context"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/engine/sync/run"
	"github.com/millrace/millrace/internal/value"
)

// stagedSchema is the columns of an attempt's table. The fields are JSON as text.
var stagedSchema = arrow.NewSchema([]arrow.Field{
	{Name: "op_type", Type: arrow.BinaryTypes.String},
	{Name: "row_id", Type: arrow.BinaryTypes.String},
	{Name: "status", Type: arrow.BinaryTypes.String},
	{Name: "failure_reason", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "fields", Type: arrow.BinaryTypes.String, Nullable: true},
}, nil)

// load brings the outcomes into the attempt's table. A run that had nothing to do kept none.
func (x *writing) load(ctx context.Context, rows *run.Outcomes) error {
	r := &stagedRows{
		rows: rows, removed: x.row.Changelog, fields: x.row.Changelog || x.run.Pinned.EveryRow, longest: x.warehouse.Dialect().Longest(),
	}
	defer r.Release()
	return errors.Join(x.warehouse.Load(ctx, x.staged, r), r.Err())
}

// stagedRows streams what became of the rows.
type stagedRows struct {
	rows    *run.Outcomes // nil has none
	removed bool          // also of removed rows
	fields  bool          // with the rows' values
	longest int           // bytes of a text; 0 is any number

	readers []value.Reader // of the plan's batch
	next    int            // row of it
	end     int
	batch   arrow.RecordBatch
	err     error
}

var _ array.RecordReader = (*stagedRows)(nil)

// Schema returns the columns.
func (s *stagedRows) Schema() *arrow.Schema { return stagedSchema }

// batchRows is how many rows make a batch: those of the plan are larger, and their values as JSON take more room.
const batchRows = 4096

// Next makes a batch of the rows that follow.
func (s *stagedRows) Next() bool {
	s.drop()
	if s.rows == nil || s.err != nil {
		return false
	}
	if s.next == s.end && !s.advance() {
		return false
	}
	s.batch = s.build(min(s.next+batchRows, s.end))
	return true
}

// advance goes to the next batch of the plan that is wanted.
func (s *stagedRows) advance() bool {
	for s.rows.Next() {
		if s.rows.Operation() == connector.Removed && !s.removed {
			continue
		}
		s.next, s.end = 0, s.rows.Batch().Len()
		s.err = s.open()
		return s.err == nil
	}
	s.err = s.rows.Err()
	return false
}

// open makes readers of the values of the plan's batch.
func (s *stagedRows) open() error {
	s.readers = s.readers[:0]
	if !s.fields {
		return nil
	}
	values := s.rows.Batch().Values
	for i, f := range values.Schema().Fields() {
		read, err := value.NewReader(f, values.Column(i))
		if err != nil {
			return err
		}
		s.readers = append(s.readers, read)
	}
	return nil
}

// build makes a batch of the rows up to, not including, to.
func (s *stagedRows) build(to int) arrow.RecordBatch {
	keys := s.rows.Batch().Keys
	b := array.NewRecordBuilder(memory.DefaultAllocator, stagedSchema)
	defer b.Release()
	members := make([]value.Field, len(s.readers))
	for ; s.next < to; s.next++ {
		status, reason := s.rows.Outcome(s.next)
		appendText(b, 0, string(s.rows.Operation()))
		appendText(b, 1, keys.Value(s.next)) // it comes from the warehouse, and is to be found there
		appendText(b, 2, string(status))
		appendText(b, 3, clean(reason, s.longest))
		for at, read := range s.readers {
			members[at] = value.Field{Name: s.rows.Plan.Schema[at].Name, Value: read(s.next)}
		}
		appendText(b, 4, s.object(members))
	}
	return b.NewRecordBatch()
}

// object is a row's values as JSON; empty where they are not asked for.
func (s *stagedRows) object(members []value.Field) string {
	if !s.fields {
		return ""
	}
	for i, m := range members {
		if m.Value.Kind() == value.Text {
			members[i].Value = value.OfText(clean(m.Value.Raw(), 0))
		}
	}
	return strings.ReplaceAll(shorten(members, s.longest), `\u0000`, `\ufffd`)
}

// appendText appends a text; an empty one is null where the column can be.
func appendText(b *array.RecordBuilder, at int, text string) {
	column := b.Field(at).(*array.StringBuilder) //nolint:forcetypeassert // stagedSchema
	if text == "" && stagedSchema.Field(at).Nullable {
		column.AppendNull()
		return
	}
	column.Append(text)
}

// mark ends a text that is not whole.
const mark = " … (truncated)"

// clean is a text as a warehouse can hold it: valid UTF-8 without NUL characters, and not longer than longest bytes (0:
// of any length).
func clean(text string, longest int) string {
	text = strings.ReplaceAll(strings.ToValidUTF8(text, "\ufffd"), "\x00", "\ufffd")
	if longest == 0 || len(text) <= longest {
		return text
	}
	end := max(longest-len(mark), 0)
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + mark
}

// truncatedMember tells in an object that values of it were cut or left out.
const truncatedMember = "_millrace_truncated"

// shorten is an object as JSON of at most longest bytes (0: of any length). The longest texts are cut first; where that
// does not do, members are left out from the end. Either way the object says so.
func shorten(members []value.Field, longest int) string {
	whole := string(value.OfMap(members).AppendJSON(nil))
	if longest == 0 || len(whole) <= longest {
		return whole
	}
	kept := append([]value.Field{{Name: truncatedMember, Value: value.OfBool(true)}}, members...)
	for each := longest / 2; each >= minCut; each /= 2 {
		for i, m := range kept {
			if text := m.Value.String(); len(text) > each && !m.Value.IsNull() {
				kept[i].Value = value.OfText(clean(text, each))
			}
		}
		if text := string(value.OfMap(kept).AppendJSON(nil)); len(text) <= longest {
			return text
		}
	}
	for len(kept) > 1 {
		kept = kept[:len(kept)-1]
		if text := string(value.OfMap(kept).AppendJSON(nil)); len(text) <= longest {
			return text
		}
	}
	return "{}"
}

// minCut is the length below which no text is cut.
const minCut = 64

// RecordBatch returns what Next made.
func (s *stagedRows) RecordBatch() arrow.RecordBatch { return s.batch }

// Record is RecordBatch under its former name.
func (s *stagedRows) Record() arrow.RecordBatch { return s.batch }

// Err returns what ended the rows early.
func (s *stagedRows) Err() error { return s.err }

// Retain does nothing: who made the rows releases them.
func (s *stagedRows) Retain() {}

// Release frees the last batch. It may be called again.
func (s *stagedRows) Release() { s.drop() }

func (s *stagedRows) drop() {
	if s.batch != nil {
		s.batch.Release()
		s.batch = nil
	}
}
