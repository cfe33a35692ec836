package redis

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
)

const (
	maxBatchBytes = 8 << 20  // of one pipeline, which both sides hold in memory
	keepBody      = 64 << 10 // bytes of commands and answers that the request log gets
	clusterTxs    = 16       // transactions of a cluster's keys under way at a time
)

// session writes the rows of one run, each batch as a pipeline.
type session struct {
	d       *destination
	client  goredis.UniversalClient
	program program
	limits  connector.Limits
	clear   bool // removed rows are emptied, not removed
}

var _ connector.Session = (*session)(nil)

// Begin connects and works out how rows become commands.
func (d *destination) Begin(ctx context.Context, job connector.SyncJob) (connector.Session, error) {
	s, err := decode(job)
	if err != nil {
		return nil, err
	}
	c, err := commandOf(job, s)
	if err != nil {
		return nil, err
	}
	client, err := d.client()
	if err != nil {
		return nil, err
	}
	if err := client.Ping(ctx).Err(); err != nil {
		return nil, d.translate(ctx, err, "connecting to "+d.settings.address())
	}
	return &session{
		d: d, client: client, clear: job.Delete == connector.DeleteClear,
		program: c.program(base{command: c.name, columns: job.Columns, update: job.Mode == connector.ModeUpdate, ttl: int64(s.TTL)}),
		limits: connector.Limits{
			Rows: max(int(s.BatchSize), 1), Bytes: maxBatchBytes, Concurrency: min(max(int(s.Parallel), 1), maxParallel),
			Operations: operations(job), Idempotency: connector.Idempotent, Split: true, NeedBefore: c.replaces,
		},
	}, nil
}

// operations returns what a job acts on; other changes are passed over (SY-75).
func operations(job connector.SyncJob) []connector.Operation {
	ops := []connector.Operation{connector.Changed, connector.Added}
	if job.Delete == connector.DeleteRecord || job.Delete == connector.DeleteClear {
		ops = append([]connector.Operation{connector.Removed}, ops...)
	}
	return ops
}

// Limits says how batches are made.
func (s *session) Limits() connector.Limits { return s.limits }

// sent is a call of a row with its answer.
type sent struct {
	row int
	call
	cmd *goredis.Cmd
}

// Write sends a batch's commands at once and reads the answer of each.
func (s *session) Write(ctx context.Context, b *connector.Batch) (connector.Result, error) {
	var result connector.Result
	var all []sent
	for i, row := range b.Rows {
		calls, err := s.calls(b.Operation, row)
		if err != nil {
			result.Rejected = append(result.Rejected, connector.Rejection{Row: i, Reason: err.Error()})
			continue
		}
		for _, c := range calls {
			all = append(all, sent{row: i, call: c, cmd: goredis.NewCmd(ctx, c.args...)})
		}
	}
	if err := ctx.Err(); err != nil {
		return result, fault.Reclass(fault.Wrap(context.Cause(ctx), fault.CodeRunCancelled, "the batch was not sent"), fault.Retryable)
	}
	if len(all) > 0 {
		s.send(ctx, b, all)
	}
	refused, err := s.judge(ctx, all)
	result.Rejected = append(result.Rejected, refused...)
	return result, err
}

func (s *session) calls(op connector.Operation, row connector.Row) ([]call, error) {
	switch {
	case op != connector.Removed:
		return s.program.write(row)
	case s.clear:
		return s.program.clear(row)
	default:
		return s.program.remove(row)
	}
}

// send sends the calls; each gets its answer or error.
func (s *session) send(ctx context.Context, b *connector.Batch, all []sent) {
	started, began := s.d.clock.Now(), time.Now()
	switch {
	case !s.d.settings.transactional():
		exec(ctx, s.client.Pipeline(), all)
	case s.d.settings.Deployment == deployCluster:
		s.sendByKey(ctx, all)
	default:
		exec(ctx, s.client.TxPipeline(), all)
	}
	b.Record(connector.Exchange{
		Method: "REDIS", URL: s.d.settings.address(), StartedAt: started, Duration: time.Since(began),
		RequestBody: spelled(all, sent.spell), ResponseBody: spelled(all, sent.answer),
	})
}

// exec runs a pipeline. Its error is the first of its commands', which are judged one by one.
func exec(ctx context.Context, p goredis.Pipeliner, all []sent) {
	for _, c := range all {
		_ = p.Process(ctx, c.cmd) //nolint:errcheck // it only joins the pipeline
	}
	_, err := p.Exec(ctx)
	for _, c := range all {
		if err != nil && c.cmd.Err() == nil && c.cmd.Val() == nil {
			c.cmd.SetErr(err) // the pipeline broke before its answer
		}
	}
}

// sendByKey makes a transaction of each key's calls: a transaction of a cluster has one slot.
// https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#multiple-keys-operations
func (s *session) sendByKey(ctx context.Context, all []sent) {
	var keys []string
	byKey := map[string][]sent{}
	for _, c := range all {
		if byKey[c.key] == nil {
			keys = append(keys, c.key)
		}
		byKey[c.key] = append(byKey[c.key], c)
	}
	var group errgroup.Group
	group.SetLimit(clusterTxs)
	for _, key := range keys {
		group.Go(func() error {
			exec(ctx, s.client.TxPipeline(), byKey[key])
			return nil
		})
	}
	_ = group.Wait() //nolint:errcheck // none returns one
}

// spelled lists what was sent or answered, as far as the request log takes it.
func spelled(all []sent, spell func(sent) string) string {
	var text strings.Builder
	for i, c := range all {
		if text.Len() > keepBody {
			fmt.Fprintf(&text, "… and %d more\n", len(all)-i)
			break
		}
		text.WriteString(spell(c) + "\n")
	}
	return text.String()
}

// spell writes a command as one would type it.
func (c sent) spell() string {
	words := make([]string, len(c.args))
	for i, arg := range c.args {
		var text string
		switch a := arg.(type) {
		case string:
			text = a
		case []byte:
			text = string(a)
		default:
			text = fmt.Sprint(a)
		}
		if len(text) > keepBody {
			text = text[:keepBody] + "…"
		}
		if text == "" || strings.ContainsAny(text, " \"'\\\t\r\n") || !strconv.CanBackquote(text) {
			text = strconv.Quote(text)
		}
		words[i] = text
	}
	return strings.Join(words, " ")
}

// answer writes the answer to a command.
func (c sent) answer() string {
	if err := c.cmd.Err(); err != nil {
		return "(error) " + err.Error()
	}
	return fmt.Sprint(c.cmd.Val())
}

// Finish does nothing: every batch has its answer.
func (s *session) Finish(context.Context) error { return nil }

// Close does nothing: connections are the destination's.
func (s *session) Close() error { return nil }
