package delivery

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
)

// Record is one entry of a run's journal.
type Record struct {
	Kind    RecordKind
	Batch   uint32    // numbers the batches of a run from 1
	Rows    []Range   // intent: the ordinals that the batch sends
	State   State     // answer: what became of the rows that Refused does not list
	Reason  string    // answer: why, where State is Rejected or InDoubt
	Refused []Refusal // answer: rows with a reason of their own
	Token   string    // checkpoint: what the destination can look up later; name: the batch's id
}

// RecordKind says what a record notes.
type RecordKind uint8

// The kinds of record.
const (
	RecordIntent     RecordKind = 1 // the batch is about to be sent
	RecordAnswer     RecordKind = 2 // what became of it
	RecordCheckpoint RecordKind = 3 // a token of the batch
	RecordName       RecordKind = 4 // its id, where that does not follow from its rows; empty where no later run may repeat it
)

// Refusal is one refused row.
type Refusal struct {
	Ordinal int64
	Reason  string
}

// errJournal marks a frame that was not written whole or was damaged.
var errJournal = errors.New("the journal's frame is damaged")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// appendFrame appends the records as one frame: length, checksum, content. A frame is read whole or
// not at all.
func appendFrame(dst []byte, records []Record) []byte {
	head := len(dst)
	dst = append(dst, 0, 0, 0, 0, 0, 0, 0, 0)
	for _, r := range records {
		dst = appendRecord(dst, r)
	}
	content := dst[head+8:]
	binary.LittleEndian.PutUint32(dst[head:], uint32(len(content))) // a frame is far below 4 GiB
	binary.LittleEndian.PutUint32(dst[head+4:], crc32.Checksum(content, castagnoli))
	return dst
}

func appendRecord(dst []byte, r Record) []byte {
	dst = append(dst, byte(r.Kind))
	dst = binary.AppendUvarint(dst, uint64(r.Batch))
	switch r.Kind {
	case RecordIntent:
		dst = binary.AppendUvarint(dst, uint64(len(r.Rows)))
		var last int64
		for _, span := range r.Rows {
			dst = binary.AppendVarint(dst, span.From-last)
			dst = binary.AppendVarint(dst, span.Len())
			last = span.To
		}
	case RecordAnswer:
		dst = append(dst, byte(r.State))
		dst = appendText(dst, r.Reason)
		dst = binary.AppendUvarint(dst, uint64(len(r.Refused)))
		for _, f := range r.Refused {
			dst = binary.AppendVarint(dst, f.Ordinal)
			dst = appendText(dst, f.Reason)
		}
	case RecordCheckpoint, RecordName:
		dst = appendText(dst, r.Token)
	}
	return dst
}

func appendText(dst []byte, s string) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(s)))
	return append(dst, s...)
}

// DecodeFrames reads the records of whole frames, in order, and calls f for each.
func DecodeFrames(data []byte, f func(Record) error) error {
	for len(data) > 0 {
		if len(data) < 8 {
			return errJournal
		}
		n := binary.LittleEndian.Uint32(data)
		sum := binary.LittleEndian.Uint32(data[4:])
		data = data[8:]
		if uint64(n) > uint64(len(data)) || crc32.Checksum(data[:n], castagnoli) != sum {
			return errJournal
		}
		if err := decodeRecords(data[:n], f); err != nil {
			return err
		}
		data = data[n:]
	}
	return nil
}

func decodeRecords(content []byte, f func(Record) error) error {
	d := decoder{data: content}
	for len(d.data) > 0 && d.err == nil {
		r := d.record()
		if d.err != nil {
			break
		}
		if err := f(r); err != nil {
			return err
		}
	}
	return d.err
}

type decoder struct {
	data []byte
	err  error
}

func (d *decoder) record() Record {
	r := Record{Kind: RecordKind(d.byte())}
	r.Batch = uint32(d.uvarint(math.MaxUint32)) // bounded
	switch r.Kind {
	case RecordIntent:
		r.Rows = d.ranges()
	case RecordAnswer:
		r.State = State(d.byte())
		if int(r.State) >= stateCount {
			d.fail()
		}
		r.Reason = d.text()
		r.Refused = d.refusals()
	case RecordCheckpoint, RecordName:
		r.Token = d.text()
	default:
		d.err = fmt.Errorf("%w: there is no record kind %d", errJournal, r.Kind)
	}
	return r
}

func (d *decoder) ranges() []Range {
	n := d.uvarint(uint64(len(d.data)))
	spans := make([]Range, 0, n)
	var last int64
	for range n {
		from := last + d.varint()
		to := from + d.varint()
		spans = append(spans, Range{from, to})
		last = to
	}
	return spans
}

func (d *decoder) refusals() []Refusal {
	n := d.uvarint(uint64(len(d.data)))
	if n == 0 {
		return nil
	}
	list := make([]Refusal, 0, n)
	for range n {
		ordinal := d.varint()
		list = append(list, Refusal{ordinal, d.text()})
	}
	return list
}

func (d *decoder) fail() {
	if d.err == nil {
		d.err = errJournal
	}
	d.data = nil
}

func (d *decoder) byte() byte {
	if len(d.data) == 0 {
		d.fail()
		return 0
	}
	b := d.data[0]
	d.data = d.data[1:]
	return b
}

func (d *decoder) uvarint(limit uint64) uint64 {
	v, n := binary.Uvarint(d.data)
	if n <= 0 || v > limit {
		d.fail()
		return 0
	}
	d.data = d.data[n:]
	return v
}

func (d *decoder) varint() int64 {
	v, n := binary.Varint(d.data)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.data = d.data[n:]
	return v
}

func (d *decoder) text() string {
	n := d.uvarint(uint64(len(d.data)))
	s := string(d.data[:n])
	d.data = d.data[n:]
	return s
}
