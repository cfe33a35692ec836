package file

import (
	"context"
	"errors"
	"runtime"
	"strconv"
	"sync"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
)

// Place is where finished files go.
type Place interface {
	// Publish makes the file appear under the name, replacing what is there: all of it or nothing.
	Publish(ctx context.Context, name string, f *Staged) error
	// URL is how the request log calls the file.
	URL(name string) string
}

// Options are what a run of any file destination needs.
type Options struct {
	Place     Place
	PublicKey string // the destination's PGP key, or empty
	Dir       string // the destination's private folder
	Clock     clock.Clock
	Extra     []connector.Field // settings of a sync that the destination adds
}

// Session writes the files of one run.
//
// It is idempotent: a batch that comes again within the run is not written twice, and a run that
// follows a crashed one writes the same rows again. Files with the same name are then replaced;
// where the name has the time or the run, files that the crashed run had already published stay.
type Session struct {
	options  Options
	settings settings
	job      connector.SyncJob
	format   format
	keys     bool
	stage    *stage
	lanes    []*lane

	mu       sync.Mutex
	answered map[string]connector.Result

	publishing sync.Mutex
	queue      []finished // completed files that are not published yet, set by Finish
	completed  bool
}

var _ connector.Session = (*Session)(nil)

// Begin starts a run. Staging files that an unfinished run of the sync left are deleted.
func Begin(o Options, job connector.SyncJob) (*Session, error) {
	if err := Check(job, o.PublicKey, o.Extra...); err != nil {
		return nil, fault.Reclass(fault.Wrap(err, fault.CodeInvalid, "the sync's settings"), fault.Fatal)
	}
	settings, err := decode(job)
	if err != nil {
		return nil, err
	}
	naming, err := newNaming(settings, job)
	if err != nil {
		return nil, err
	}
	keys, err := parseKey(o.PublicKey)
	if err != nil {
		return nil, err
	}
	stage, err := newStage(o.Dir, job.SyncID)
	if err != nil {
		return nil, err
	}
	s := &Session{
		options: o, settings: settings, job: job, format: newFormat(settings, job), keys: keys != nil,
		stage: stage, answered: map[string]connector.Result{},
	}
	f := &factory{settings: settings, format: s.format, keys: keys, stage: stage, job: job}
	for _, op := range operations(job.Mode) {
		s.lanes = append(s.lanes, &lane{op: op, factory: f, naming: naming, limit: int(settings.RowsPerFile)})
	}
	return s, nil
}

// Sizes of batches: large enough to encode fast, small enough that a few in flight are cheap.
const (
	batchRows      = 2000
	batchBytes     = 4 << 20
	maxConcurrency = 4
)

// Limits says how batches are made. Batches may come concurrently: rows have no order (M-11).
func (s *Session) Limits() connector.Limits {
	return connector.Limits{
		Rows:        batchRows,
		Bytes:       batchBytes,
		Concurrency: min(maxConcurrency, runtime.GOMAXPROCS(0)),
		Operations:  operations(s.job.Mode),
		Idempotency: connector.Idempotent,
		Retry:       connector.RetryPolicy{Attempts: 1},
		Deferred:    true,
		OneKind:     true,
	}
}

// Write encodes the rows and adds them to the file of their operation.
func (s *Session) Write(ctx context.Context, b *connector.Batch) (connector.Result, error) {
	if err := ctx.Err(); err != nil {
		return connector.Result{}, fault.Wrap(err, fault.CodeRunCancelled, "the run was cancelled before the rows were written")
	}
	l := s.lane(b.Operation)
	if l == nil {
		return connector.Result{}, fault.New(fault.CodeInvalid, "the mode %s does not write %s rows", s.job.Mode, b.Operation)
	}
	if result, again := s.answer(b.ID); again {
		s.record(b, l, chunk{})
		return result, nil
	}
	c, rejected := s.format.encode(b.Rows)
	defer c.release()
	if err := l.append(c); err != nil {
		return connector.Result{}, err
	}
	s.record(b, l, c)
	return s.remember(b.ID, connector.Result{Rejected: rejected}), nil
}

func (s *Session) lane(op connector.Operation) *lane {
	for _, l := range s.lanes {
		if l.op == op {
			return l
		}
	}
	return nil
}

func (s *Session) answer(batch string) (connector.Result, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.answered[batch]
	return r, ok
}

func (s *Session) remember(batch string, r connector.Result) connector.Result {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answered[batch] = r
	return r
}

// loggedBytes is how much of a batch's text the request log shows.
const loggedBytes = 64 << 10

// record notes the batch for the request log. The text itself is shown only where a run writes
// differences (SY-68), and never when the file is encrypted.
func (s *Session) record(b *connector.Batch, l *lane, c chunk) {
	x := connector.Exchange{
		Method:    "PUT FILE",
		URL:       s.options.Place.URL(l.currentName()),
		StartedAt: s.options.Clock.Now(),
		RequestHeaders: []connector.Header{
			{Name: "Content-Type", Value: s.format.contentType()},
			{Name: "Rows", Value: strconv.Itoa(c.rows())},
		},
	}
	if s.logsText() && len(c.text) > 0 {
		x.RequestBody = string(c.text[:min(len(c.text), loggedBytes)])
	}
	if len(c.text) > loggedBytes {
		x.RequestHeaders = append(x.RequestHeaders, connector.Header{Name: "Bytes", Value: strconv.Itoa(len(c.text))})
	}
	b.Record(x)
}

func (s *Session) logsText() bool {
	return !s.keys && (s.job.Mode == connector.ModeInsert || s.job.Mode == connector.ModeDiff)
}

// Finish completes the files and publishes them, then the indicator file. After an error it may be
// called again: files that were published are not published twice.
func (s *Session) Finish(ctx context.Context) error {
	s.publishing.Lock()
	defer s.publishing.Unlock()
	if err := s.complete(); err != nil {
		return err
	}
	for len(s.queue) > 0 {
		if err := ctx.Err(); err != nil {
			return fault.Wrap(err, fault.CodeRunCancelled, "the run was cancelled before %s was written", s.queue[0].name)
		}
		if err := s.options.Place.Publish(ctx, s.queue[0].name, s.queue[0].file); err != nil {
			return err
		}
		s.queue = s.queue[1:]
	}
	return nil
}

// complete closes every file and queues them, the indicator last.
func (s *Session) complete() error {
	if s.completed {
		return nil
	}
	rows := int64(0)
	var queue []finished
	for _, l := range s.lanes {
		if err := l.complete(s.settings.SkipEmpty); err != nil {
			return err
		}
		rows += l.rows
		queue = append(queue, l.files...)
	}
	if s.settings.Indicator != "" && rows > 0 {
		name, err := indicatorName(s.settings, s.job)
		if err != nil {
			return err
		}
		queue = append(queue, finished{name: name, file: &Staged{ContentType: "application/octet-stream"}})
	}
	s.queue, s.completed = queue, true
	return nil
}

// Close deletes the staging files. What was not published is lost, as it must be.
func (s *Session) Close() error {
	var err error
	for _, l := range s.lanes {
		err = errors.Join(err, l.abandon())
	}
	return errors.Join(err, s.stage.close())
}
