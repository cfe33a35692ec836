package replay

import (
	"context"
	"encoding/json"
	"net/http"
	"regexp"
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

	expires bool   // instead, the token of that request has expired, which is known by then
	token   Answer // the last answer with a token
	where   string // the path of the request for it
}

// Asked is a request.
type Asked struct {
	Method, Path string
	Batch        int  // which batch it was made for; -1 where for none
	Token        bool // it was answered with an access token
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

// Renewed is what ends the token that a vendor gives for one that has expired.
const Renewed = "-renewed"

// Expire replays the case against a vendor for which the token of one request has expired: it answers 401 once, and gives
// another token.
func (c *Case) Expire(ctx context.Context, info connector.DestinationInfo, at int) (*Watch, Outcome) {
	w := &Watch{within: -1, from: at, expires: true}
	expired := *c
	expired.watch = w
	return w, expired.Run(ctx, info, nil)
}

// instead is what the vendor answers in place of the case's next answer, which the case keeps; nil for nothing.
func (w *Watch) instead(r *http.Request) *Answer {
	if w == nil || !w.expires {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case len(w.Asked) == w.from:
		return &Answer{Status: http.StatusUnauthorized, Body: map[string]any{"message": "the token has expired"}}
	case len(w.Asked) > w.from && r.URL.Path == w.where:
		renewed := w.token
		text, _ := json.Marshal(w.token.Body) //nolint:errcheck,errchkjson // it came from YAML
		renewed.Text = accessToken.ReplaceAllString(string(text), "${1}"+Renewed+`"`)
		renewed.Headers = map[string]string{"Content-Type": "application/json"}
		return &renewed
	default:
		return nil
	}
}

var accessToken = regexp.MustCompile(`("access_token":"[^"]*)"`)

// asked notes a request with its answer, and returns a bad answer where it is time.
func (w *Watch) asked(r *http.Request, a Answer) *Answer {
	if w == nil {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	text, _ := json.Marshal(a.Body) //nolint:errcheck,errchkjson // it came from YAML
	gives := accessToken.Match(text)
	if gives {
		w.token, w.where = a, r.URL.Path
	}
	w.Asked = append(w.Asked, Asked{r.Method, r.URL.Path, w.within, gives})
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
