// Package log keeps what a run sent and got: requests and answers of every batch, compressed into
// segments that are sealed with the workspace's key when they reach storage (SY-68, SY-74). They are
// customer data and expire with the retention setting.
package log

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"github.com/klauspost/compress/zstd"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/delivery"
)

// Segment is one sealed file of entries.
type Segment struct {
	Seq   int
	Path  string // object's key
	First int64  // lowest ordinal of its entries
	Last  int64  // highest
	Rows  int64
	Bytes int64
}

// Sink stores segments and their index.
type Sink interface {
	// Seal moves the local file to storage and notes the segment.
	Seal(ctx context.Context, s Segment, localPath string) error
}

// Entry is what one attempt of one batch sent and got.
type Entry struct {
	Batch     uint32               `json:"batch"`
	Operation connector.Operation  `json:"operation"`
	Rows      []delivery.Range     `json:"rows"`
	Exchanges []connector.Exchange `json:"exchanges"`
}

// covers reports whether the entry's batch holds the ordinal.
func (e Entry) covers(ordinal int64) bool {
	for _, r := range e.Rows {
		if ordinal >= r.From && ordinal < r.To {
			return true
		}
	}
	return false
}

// segmentBytes is how much uncompressed JSON a segment holds before it is sealed.
const segmentBytes = 16 << 20

// Writer takes the exchanges of a run's batches. Record hands over to one goroutine; when that falls
// behind by more than its queue, lanes wait, so that nothing is lost and memory stays bounded.
type Writer struct {
	ctx    context.Context
	sink   Sink
	dir    string
	prefix string
	queue  chan delivery.BatchExchanges
	done   chan struct{}

	once sync.Once
	err  error // of the goroutine; read after done

	seq   int
	open  *openSegment
	named Segment
}

type openSegment struct {
	file  *os.File
	zip   *zstd.Encoder
	bytes int64
}

var _ delivery.Exchanges = (*Writer)(nil)

// NewWriter starts a writer that spools in dir and names its objects prefix/NNNNNN.zst.
func NewWriter(ctx context.Context, sink Sink, dir, prefix string) *Writer {
	w := &Writer{ctx: ctx, sink: sink, dir: dir, prefix: prefix, queue: make(chan delivery.BatchExchanges, 256), done: make(chan struct{})}
	go w.loop()
	return w
}

// Continue numbers the segments from the one after last on. Call it before the first Record.
func (w *Writer) Continue(last int) { w.seq = last }

// Record queues the exchanges of one batch.
func (w *Writer) Record(x delivery.BatchExchanges) { w.queue <- x }

// Close seals what is open and returns the first error. Record must not be called afterwards.
func (w *Writer) Close() error {
	w.once.Do(func() { close(w.queue) })
	<-w.done
	return w.err
}

func (w *Writer) loop() {
	defer close(w.done)
	for x := range w.queue {
		if w.err == nil {
			w.err = w.write(x)
		}
	}
	if err := w.seal(); w.err == nil {
		w.err = err
	}
}

func (w *Writer) write(x delivery.BatchExchanges) error {
	if w.open == nil {
		if err := w.begin(); err != nil {
			return err
		}
	}
	line, err := json.Marshal(Entry(x))
	if err != nil {
		return fmt.Errorf("encoding an exchange: %w", err)
	}
	if _, err := w.open.zip.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("writing the request log: %w", err)
	}
	w.note(x, int64(len(line)))
	if w.open.bytes < segmentBytes {
		return nil
	}
	return w.seal()
}

func (w *Writer) note(x delivery.BatchExchanges, size int64) {
	w.open.bytes += size
	for _, r := range x.Rows {
		if w.named.Rows == 0 || r.From < w.named.First {
			w.named.First = r.From
		}
		w.named.Last = max(w.named.Last, r.To-1)
		w.named.Rows += r.Len()
	}
}

func (w *Writer) begin() error {
	w.seq++
	w.named = Segment{Seq: w.seq, Path: fmt.Sprintf("%s/%06d.zst", w.prefix, w.seq)}
	f, err := os.Create(filepath.Join(w.dir, fmt.Sprintf("exchanges-%06d.zst", w.seq)))
	if err != nil {
		return fmt.Errorf("opening the request log: %w", err)
	}
	zip, err := zstd.NewWriter(f, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return errors.Join(fmt.Errorf("opening the request log: %w", err), f.Close())
	}
	w.open = &openSegment{file: f, zip: zip}
	return nil
}

func (w *Writer) seal() error {
	if w.open == nil {
		return nil
	}
	o := w.open
	w.open = nil
	name := o.file.Name()
	if err := errors.Join(o.zip.Close(), o.file.Close()); err != nil {
		return fmt.Errorf("closing the request log: %w", err)
	}
	w.named.Bytes = o.bytes
	if err := w.sink.Seal(w.ctx, w.named, name); err != nil {
		return fmt.Errorf("storing the request log: %w", err)
	}
	return os.Remove(name)
}

// Find returns the entries of a segment whose batches hold the ordinal, in the order of the attempts.
func Find(r io.Reader, ordinal int64) ([]Entry, error) {
	zip, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1))
	if err != nil {
		return nil, fmt.Errorf("opening the request log: %w", err)
	}
	defer zip.Close()
	var found []Entry
	d := json.NewDecoder(bufio.NewReaderSize(zip, 1<<16))
	for {
		var e Entry
		err := d.Decode(&e)
		if errors.Is(err, io.EOF) {
			return found, nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading the request log: %w", err)
		}
		if e.covers(ordinal) {
			found = append(found, e)
		}
	}
}
