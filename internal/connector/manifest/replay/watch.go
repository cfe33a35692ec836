package replay

import (
	"context"
	"net/http"
	"sync"

	"github.com/millrace/millrace/internal/connector"
)

// Watch is what happened in a case, request by request and batch by batch.
type Watch struct {
	Asked   []Asked
	Batches []Written
	Err     error // the first one that is about no batch

	Deferred bool // rows count only at the end of the run

	mu     sync.Mutex
	within int     // the batch under way; -1 outside of batches
	from   int     // the request from which on the vendor fails
	bad    *Answer // how; nil: it does not
}

// Asked is a request.
type Asked struct {
	Method, Path string
	Batch        int // which batch it was made for; -1 where for none
}

// Written is what became of a batch.
type Written struct {
	Batch  *connector.Batch
	Result connector.Result
	Err    error
}

// Taken returns how many rows of the batch count as taken.
func (w Written) Taken() int {
	if w.Err != nil {
		return 0
	}
	refused := map[int]bool{}
	for _, r := range w.Result.Rejected {
		refused[r.Row] = true
	}
	return len(w.Batch.Rows) - len(refused)
}

// Break replays the case against a vendor that gives a bad answer to a request and to every one after it. Without an
// answer the vendor does not fail.
func (c *Case) Break(ctx context.Context, info connector.DestinationInfo, from int, bad *Answer) *Watch {
	w := &Watch{within: -1, from: from, bad: bad}
	broken := *c
	broken.watch = w
	broken.Run(ctx, info, nil)
	return w
}

// asked notes a request, and returns a bad answer where it is time.
func (w *Watch) asked(r *http.Request) *Answer {
	if w == nil {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.Asked = append(w.Asked, Asked{r.Method, r.URL.Path, w.within})
	if len(w.Asked) <= w.from {
		return nil
	}
	return w.bad
}

// failed notes an error and returns it.
func (w *Watch) failed(err error) error {
	if w != nil && w.Err == nil {
		w.Err = err
	}
	return err
}

func (w *Watch) limited(l connector.Limits) {
	if w != nil {
		w.Deferred = l.Deferred
	}
}

func (w *Watch) begin() {
	if w == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.within = len(w.Batches)
}

func (w *Watch) end(b *connector.Batch, result connector.Result, err error) {
	if w == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.within = -1
	w.Batches = append(w.Batches, Written{b, result, err})
}
