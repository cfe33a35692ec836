package rabbitmq

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/destination/trigger"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/httpx"
)

// batchRows is how many messages are sent before the broker's word on them is waited for. One batch at a time keeps the
// messages of a queue in the order of their rows.
const batchRows = 500

// action is what is sent for one operation, compiled once for a run.
type action struct {
	body     trigger.Body
	place    trigger.Place
	exchange string
}

// compile compiles the sync's settings and reports every error in them.
func compile(job connector.SyncJob) (map[connector.Operation]*action, trigger.Feed, fault.Issues) {
	var issues fault.Issues
	actions, feed, source := map[connector.Operation]*action{}, trigger.Feed{}, false
	trigger.Each(syncFields(), func(op connector.Operation, fields []connector.Field) {
		s := triggerSettings{}
		if !trigger.Read(job, op, fields, &s, &issues) || !s.Enabled {
			return
		}
		c := &trigger.Compiler{Job: job, Path: trigger.Path(op), Issues: &issues}
		a := &action{place: c.Place("queue", s.QueueFrom, s.Queue, s.QueueColumn), body: c.Message(s.Message), exchange: s.Exchange}
		if len(s.Exchange) > maxShort || len(a.place.Fixed) > maxShort {
			c.Invalid("queue", "the names of queues and exchanges have at most %d bytes", maxShort)
		}
		actions[op] = a
		feed[op] = connector.Limits{
			Rows: batchRows, Bytes: trigger.MaxBytes, Concurrency: 1, OneKind: true,
			Idempotency: connector.NotIdempotent, SkipInitial: trigger.SkipsInitial(job),
		}
		source = source || c.Source
	})
	trigger.Nothing(len(actions), &issues)
	trigger.CheckInitial(job, &issues)
	feed.Share(source)
	return actions, feed, issues
}

// maxShort is the length of a short string: https://www.rabbitmq.com/docs/queues#names
const maxShort = 255

// session sends the messages of one run.
type session struct {
	trigger.Feed
	*destination

	actions   map[connector.Operation]*action
	scratches *trigger.Pool

	mu sync.Mutex
	ch *channel // nil until it is needed, and after it ended
}

var (
	_ connector.Session          = (*session)(nil)
	_ connector.OperationLimiter = (*session)(nil)
)

// message is what a row becomes.
type message struct {
	row  int
	key  string
	body []byte

	confirmation *amqp.DeferredConfirmation
	problem      string // why it was refused
	again        bool   // worth another attempt
}

// Write sends a message for each row and waits for the broker's word on all of them.
func (s *session) Write(ctx context.Context, b *connector.Batch) (connector.Result, error) {
	a := s.actions[b.Operation]
	if a == nil {
		return connector.Result{}, fault.New(fault.CodeInvalid, "the sync sends nothing for rows that were %s", b.Operation)
	}
	messages, refused := s.make(a, b)
	if len(messages) == 0 {
		return connector.Result{Rejected: refused}, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.open(ctx); err != nil {
		return connector.Result{}, err
	}
	x := connector.Exchange{Method: "PUBLISH", URL: s.place(), RequestBody: text(a, messages), StartedAt: time.Now().UTC()}
	err := s.publish(ctx, a, b.ID, messages)
	x.Duration = time.Since(x.StartedAt)
	if err != nil {
		x.Error = err.Error()
		s.drop()
	}
	result := connector.Result{Rejected: refused}
	for _, m := range messages {
		if m.problem != "" {
			x.ResponseBody += fmt.Sprintf("%d: %s\n", m.row, m.problem)
			result.Rejected = append(result.Rejected, connector.Rejection{Row: m.row, Reason: m.problem, Retry: m.again})
		}
	}
	b.Record(x)
	if err != nil {
		return connector.Result{}, err
	}
	return result, nil
}

// make turns rows into messages.
func (s *session) make(a *action, b *connector.Batch) ([]*message, []connector.Rejection) {
	sc := s.scratches.Get()
	defer s.scratches.Put(sc)
	var messages []*message
	sc.EachRow(b, a.body, func(i int) error {
		key, err := a.place.Of(&b.Rows[i])
		if err != nil {
			return err
		}
		if len(key) > maxShort {
			return fault.New(fault.CodeMappingReject, "the name of a queue has at most %d bytes", maxShort)
		}
		messages = append(messages, &message{row: i, key: key, body: append([]byte{}, sc.Body...)})
		return nil
	})
	return messages, sc.Refused
}

// open connects where there is no connection.
func (s *session) open(ctx context.Context) (err error) {
	if s.ch != nil && !s.ch.IsClosed() {
		return ctx.Err()
	}
	s.drop()
	s.ch, err = s.connect(ctx)
	return err
}

func (s *session) drop() {
	if s.ch != nil {
		s.ch.close()
		s.ch = nil
	}
}

// publish sends messages and reads what became of each. The broker returns a message that has nowhere to go before it
// confirms it: https://www.rabbitmq.com/docs/confirms#when-publishes-are-confirmed
func (s *session) publish(ctx context.Context, a *action, id string, messages []*message) error {
	ctx, cancel := context.WithTimeout(ctx, replyTimeout)
	defer cancel()
	for n, m := range messages {
		var err error
		m.confirmation, err = s.ch.PublishWithDeferredConfirmWithContext(ctx, a.exchange, m.key, true, false, amqp.Publishing{
			ContentType: "application/json", DeliveryMode: amqp.Persistent, MessageId: id + "-" + strconv.Itoa(n), Body: m.body,
		})
		if err != nil {
			return s.unsure(err, messages[:n])
		}
	}
	for _, m := range messages {
		taken, err := m.confirmation.WaitContext(ctx)
		if err != nil {
			return s.unsure(err, messages)
		}
		if !taken {
			m.problem, m.again = "the broker could not take the message (basic.nack)", true
		}
	}
	if s.ch.IsClosed() { // what had no word then counts as refused by the library
		return s.unsure(s.ch.reason(), messages)
	}
	return s.returned(id, messages)
}

// returned refuses the messages that the broker returned.
func (s *session) returned(id string, messages []*message) error {
	for {
		select {
		case r := <-s.ch.returns:
			n, err := strconv.Atoi(r.MessageId[min(len(id)+1, len(r.MessageId)):])
			if err != nil || n >= len(messages) {
				return s.unsure(fault.New(fault.CodeDestinationAnswer, "the broker returned a message that is not of this batch"), messages)
			}
			messages[n].problem, messages[n].again = fmt.Sprintf("%s: no queue for %q (%d)", r.ReplyText, r.RoutingKey, r.ReplyCode), false
		default:
			return nil
		}
	}
}

// unsure is an error after which nobody can say what became of the messages that were sent. Only where the broker refuses
// the exchange, and has taken none before, none was taken.
func (s *session) unsure(err error, sent []*message) error {
	if s.ch.IsClosed() && errors.Is(err, amqp.ErrClosed) {
		err = s.ch.reason()
	}
	e := s.fault(err)
	taken := slices.ContainsFunc(sent, func(m *message) bool { return m.confirmation.Acked() })
	refused := e.Code == fault.CodeDestinationSchema || e.Code == fault.CodeDestinationDenied
	if taken || len(sent) > 0 && !refused {
		e.Class = fault.Unknown
	}
	return e
}

// shown is a message as the request log shows it.
type shown struct {
	Exchange   string          `json:"exchange,omitempty"`
	RoutingKey string          `json:"routingKey"`
	Body       json.RawMessage `json:"body"`
}

// text writes messages for the request log, one in a line, up to what is kept of a request.
func text(a *action, messages []*message) string {
	var all []byte
	for _, m := range messages {
		if len(all) > httpx.KeepBody {
			break
		}
		line, err := json.Marshal(shown{a.exchange, m.key, m.body})
		if err != nil {
			line = []byte(err.Error())
		}
		all = append(append(all, line...), '\n')
	}
	return string(all)
}

// Finish has nothing to complete: every message has the broker's word.
func (s *session) Finish(context.Context) error { return nil }

// Close ends the connection.
func (s *session) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop()
	return nil
}
