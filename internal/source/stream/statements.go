// Package stream is what sources that answer row by row have in common: rows that are made into batches, and, where
// they are spoken to over HTTP, statements that end at the server when their context ends.
package stream

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/millrace/millrace/internal/fault"
)

// stopTimeout is how long a server may take to be told that a statement is not wanted any more.
const stopTimeout = 10 * time.Second

// Why a statement ended early.
var (
	ErrClosed   = errors.New("the source was closed")
	ErrReleased = errors.New("the rows were released")
)

// Statements are the running statements of a source. It is safe for concurrent use.
type Statements struct {
	// Idle closes connections that nobody uses. It is called when the source has been closed.
	Idle func()

	mu     sync.Mutex
	open   map[*Statement]bool
	closed bool
}

// Begin registers a statement. Its context ends with ctx, with the source, and when it is stopped.
func (s *Statements) Begin(ctx context.Context) (*Statement, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, fault.Wrap(ErrClosed, fault.CodeSourceUnreachable, "")
	}
	x := &Statement{owner: s}
	x.ctx, x.cancel = context.WithCancelCause(ctx)
	x.forget = context.AfterFunc(ctx, func() { x.Stop(context.Cause(ctx)) })
	if s.open == nil {
		s.open = map[*Statement]bool{}
	}
	s.open[x] = true
	return x, nil
}

// Close stops every statement and returns once the server has been told.
func (s *Statements) Close() {
	s.mu.Lock()
	s.closed = true
	open := make([]*Statement, 0, len(s.open))
	for x := range s.open {
		open = append(open, x)
	}
	s.mu.Unlock()
	for _, x := range open {
		x.Stop(ErrClosed)
	}
	s.Settle()
}

// Settle closes the connections that nobody uses, where the source has been closed: what is asked of the server after
// that would leave one open.
func (s *Statements) Settle() {
	s.mu.Lock()
	closed := s.closed
	s.mu.Unlock()
	if closed && s.Idle != nil {
		s.Idle()
	}
}

// Statement is one statement that runs at a server.
type Statement struct {
	owner  *Statements
	ctx    context.Context // of the statement, which outlives the call that begins it
	cancel context.CancelCauseFunc
	forget func() bool

	mu    sync.Mutex
	stop  func(ctx context.Context) // tells the server
	ended bool
	early bool
}

// Context ends when the statement does.
func (x *Statement) Context() context.Context { return x.ctx }

// OnStop says how the server is told to stop the statement. It replaces what was said before, and is done at once
// where the statement has been stopped already.
func (x *Statement) OnStop(stop func(ctx context.Context)) {
	x.mu.Lock()
	late := x.early && x.stop == nil
	x.stop = stop
	x.mu.Unlock()
	if late {
		x.tell(stop)
	}
}

// End says that the statement has ended at the server.
func (x *Statement) End() { x.finish(nil, false) }

// Stop ends the statement here and at the server.
func (x *Statement) Stop(cause error) { x.finish(cause, true) }

func (x *Statement) finish(cause error, early bool) {
	x.mu.Lock()
	if x.ended {
		x.mu.Unlock()
		return
	}
	x.ended, x.early = true, early
	stop := x.stop
	x.mu.Unlock()
	x.cancel(cause)
	x.forget()
	if early && stop != nil {
		x.tell(stop)
	}
	x.owner.mu.Lock()
	delete(x.owner.open, x)
	x.owner.mu.Unlock()
	x.owner.Settle()
}

// tell asks the server to stop, whatever became of the statement's own context.
func (x *Statement) tell(stop func(ctx context.Context)) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(x.ctx), stopTimeout)
	defer cancel()
	stop(ctx)
	x.owner.Settle()
}

// Explain is the error of a statement whose context ended, or nil where it did not.
func (x *Statement) Explain() error {
	if x.ctx.Err() == nil {
		return nil
	}
	cause := context.Cause(x.ctx)
	if errors.Is(cause, ErrClosed) {
		return fault.Wrap(cause, fault.CodeSourceUnreachable, "")
	}
	return fault.Wrap(cause, fault.CodeSourceTimeout, "the query was stopped")
}

// Call asks the server for something that begins a statement. It is asked to its end, within a time, even when nobody
// wants the statement any more: the server's answer says by what name it is stopped, which learned is given.
func Call[T any](x *Statement, within time.Duration, ask func(ctx context.Context) (T, error), learned func(T)) (T, error) {
	type answer struct {
		value T
		err   error
	}
	var none T
	if x.ctx.Err() != nil {
		return none, context.Cause(x.ctx)
	}
	answers := make(chan answer, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(x.ctx), within)
		defer cancel()
		value, err := ask(ctx)
		if err == nil {
			learned(value)
		}
		answers <- answer{value, err}
	}()
	select {
	case a := <-answers:
		return a.value, a.err
	case <-x.ctx.Done():
		return none, context.Cause(x.ctx)
	}
}
