package delivery

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Appender stores journal frames. Append returns when the frame would survive a power loss, and fails
// with fault.CodeRunFenced when another worker has taken the run over.
type Appender interface {
	Append(ctx context.Context, frame []byte) error
}

// Journal writes records durably, many waiting lanes sharing one write (group commit), and folds
// them into the ledger once they are durable.
type Journal struct {
	appender Appender
	ledger   *Ledger
	incoming chan entry
	done     chan struct{}
	stop     sync.Once

	broken atomic.Bool

	lanes atomic.Int64  // how many write at a time; 0 where nobody has said
	sizes [2]int        // of the last two groups
	write time.Duration // what the last write took
}

type entry struct {
	records []Record
	result  chan error
}

// maxGroup is how many lanes share one write at most.
const maxGroup = 1024

// maxGather bounds how long a write waits for more lanes.
const maxGather = 2 * time.Millisecond

// NewJournal starts a journal. Close ends it. The context bounds the writes, not single records.
func NewJournal(ctx context.Context, appender Appender, ledger *Ledger) *Journal {
	j := &Journal{appender: appender, ledger: ledger, incoming: make(chan entry, maxGroup), done: make(chan struct{})}
	go j.loop(ctx)
	return j
}

// Write returns when the records are durable and folded into the ledger (D1, D2).
func (j *Journal) Write(records ...Record) error {
	e := entry{records: records, result: make(chan error, 1)}
	j.incoming <- e
	return <-e.result
}

// Close waits for the writes under way. Write must not be called afterwards.
func (j *Journal) Close() {
	j.stop.Do(func() { close(j.incoming) })
	<-j.done
}

// Broken reports whether a write failed: what it held may be durable, and the ledger does not have it.
func (j *Journal) Broken() bool { return j.broken.Load() }

func (j *Journal) loop(ctx context.Context) {
	defer close(j.done)
	var frame []byte
	group := make([]entry, 0, maxGroup)
	for first := range j.incoming {
		group = append(group[:0], first)
		group = j.gather(group)
		var err error
		began := time.Now()
		frame, err = j.commit(ctx, frame[:0], group)
		j.sizes, j.write = [2]int{j.sizes[1], len(group)}, time.Since(began)
		for _, e := range group {
			e.result <- err
		}
	}
}

// gather takes what is waiting already. Lanes whose requests are fast come back soon after the write that answered
// them: they are waited for, up to half of what a write takes, since otherwise each write would have a part of the
// lanes only, and the run would pay for more of them.
func (j *Journal) gather(group []entry) []entry {
	group = j.waiting(group)
	lanes := min(j.sizes[0]+j.sizes[1], int(j.lanes.Load()), maxGroup)
	patience := min(j.write/2, maxGather)
	if len(group) >= lanes || patience <= 0 {
		return group
	}
	t := time.NewTimer(patience)
	defer t.Stop()
	for len(group) < lanes {
		select {
		case e, open := <-j.incoming:
			if !open {
				return group
			}
			group = append(group, e)
		case <-t.C:
			return group
		}
	}
	return group
}

// waiting takes what is waiting already.
func (j *Journal) waiting(group []entry) []entry {
	for len(group) < maxGroup {
		select {
		case e, open := <-j.incoming:
			if !open {
				return group
			}
			group = append(group, e)
		default:
			return group
		}
	}
	return group
}

func (j *Journal) commit(ctx context.Context, frame []byte, group []entry) ([]byte, error) {
	var all []Record
	for _, e := range group {
		all = append(all, e.records...)
	}
	frame = appendFrame(frame, all)
	if err := j.appender.Append(ctx, frame); err != nil {
		j.broken.Store(true)
		return frame, fmt.Errorf("writing the run's journal: %w", err)
	}
	for _, r := range all {
		if err := j.ledger.Apply(r); err != nil {
			return frame, err
		}
	}
	return frame, nil
}
