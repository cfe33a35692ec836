package file

import (
	"io"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/millrace/millrace/internal/connector"
)

// format encodes rows and lays out files. Encoding is pure and runs concurrently; a layout belongs
// to one file.
type format interface {
	// encode returns the rows that can be written, and a rejection of each other row.
	encode(rows []connector.Row) (chunk, []connector.Rejection)
	// layout starts a file.
	layout(w io.Writer) (layout, error)
	// contentType is what HTTP calls the format.
	contentType() string
}

// layout is the inside of one file.
type layout interface {
	// append adds the rows from … to-1 of a chunk.
	append(c chunk, from, to int) error
	// close writes what ends the file. It does not close the writer.
	close() error
}

// chunk is encoded rows: text for most formats, a record for Parquet.
type chunk struct {
	text   []byte
	ends   []int // where each row's text ends
	record arrow.RecordBatch
}

func (c chunk) rows() int {
	if c.record != nil {
		return int(c.record.NumRows())
	}
	return len(c.ends)
}

// slice returns the text of the rows from … to-1.
func (c chunk) slice(from, to int) []byte {
	start := 0
	if from > 0 {
		start = c.ends[from-1]
	}
	return c.text[start:c.ends[to-1]]
}

func (c chunk) release() {
	if c.record != nil {
		c.record.Release()
	}
}

// newFormat returns the format that the settings ask for.
func newFormat(s settings, job connector.SyncJob) format {
	switch s.Format {
	case formatJSON:
		return newJSON(job.Columns, true)
	case formatNDJSON:
		return newJSON(job.Columns, false)
	case formatXML:
		return newXML(job.Columns)
	case formatParquet:
		return newParquet(job, s.Gzip)
	default:
		return newCSV(job.Columns, s)
	}
}

// textLayout is a file of text: what starts it, the rows, what ends it.
type textLayout struct {
	w     io.Writer
	end   string
	skip  int // bytes before the first row's text that only separate it from the row before
	began bool
}

func newTextLayout(w io.Writer, start, end string, skip int) (layout, error) {
	if _, err := io.WriteString(w, start); err != nil {
		return nil, err
	}
	return &textLayout{w: w, end: end, skip: skip}, nil
}

func (l *textLayout) append(c chunk, from, to int) error {
	text := c.slice(from, to)
	if !l.began {
		text, l.began = text[l.skip:], true
	}
	_, err := l.w.Write(text)
	return err
}

func (l *textLayout) close() error {
	_, err := io.WriteString(l.w, l.end)
	return err
}
