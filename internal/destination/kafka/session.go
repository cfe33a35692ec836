package kafka

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"sync"
	"time"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/destination/trigger"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/httpx"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// batchRows is how many rows are sent at a time. One batch at a time keeps messages with one key in the order of their
// rows.
const batchRows = 1000

// action is what is sent for one operation, compiled once for a run.
type action struct {
	body      trigger.Body
	empty     bool
	place     trigger.Place
	partition *trigger.Property
	key       *trigger.Property
	headers   []trigger.NamedProperty
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
		actions[op] = newAction(c, s)
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

func newAction(c *trigger.Compiler, s triggerSettings) *action {
	a := &action{
		place:     c.Place("topic", s.TopicFrom, s.Topic, s.TopicColumn),
		partition: c.Property("partition", s.Partition), key: c.Property("key", s.Key),
		headers: c.Properties("headers", s.Headers, func(string) string { return "" }),
	}
	if text, fixed := a.partition.Fixed(); fixed && text != "" {
		if _, err := strconv.ParseInt(text, 10, 32); err != nil {
			c.Invalid("partition", "%q is no number of a partition", text)
		}
	}
	if s.Body == bodyNone {
		a.body, a.empty = trigger.NoBody{}, true
		if a.key == nil {
			c.Issues.Add(c.Path+".key", fault.CodeRequired, "a message without a value needs a key")
		}
	} else {
		a.body = c.Message(s.Message)
	}
	return a
}

// session sends the messages of one run.
type session struct {
	trigger.Feed

	actions   map[connector.Operation]*action
	client    *client
	scratches *trigger.Pool

	mu     sync.Mutex
	topics map[string]topic // those that exist
}

var (
	_ connector.Session          = (*session)(nil)
	_ connector.OperationLimiter = (*session)(nil)
)

// sending are the messages of a batch.
type sending struct {
	records []*kgo.Record
	rows    []int // of the batch, by record
	refused []connector.Rejection
}

// Write sends a message for each row, and waits until the brokers have them all.
func (s *session) Write(ctx context.Context, b *connector.Batch) (connector.Result, error) {
	a := s.actions[b.Operation]
	if a == nil {
		return connector.Result{}, fault.New(fault.CodeInvalid, "the sync sends nothing for rows that were %s", b.Operation)
	}
	made := s.make(a, b)
	if err := s.learn(ctx, made.records); err != nil {
		return connector.Result{}, err
	}
	if err := s.missing(a); err != nil {
		return connector.Result{}, err
	}
	made.check(s)
	if len(made.records) == 0 {
		return connector.Result{Rejected: made.refused}, nil
	}
	return s.produce(ctx, b, made)
}

// make turns rows into messages.
func (s *session) make(a *action, b *connector.Batch) *sending {
	sc := s.scratches.Get()
	defer s.scratches.Put(sc)
	made := &sending{}
	sc.EachRow(b, a.body, func(i int) error {
		r, err := a.record(sc, &b.Rows[i])
		if err == nil {
			made.records, made.rows = append(made.records, r), append(made.rows, i)
		}
		return err
	})
	made.refused = sc.Refused
	return made
}

func (a *action) record(sc *trigger.Scratch, row *connector.Row) (*kgo.Record, error) {
	r := &kgo.Record{Partition: free}
	var err error
	if r.Topic, err = a.place.Of(row); err != nil {
		return nil, err
	}
	if !a.empty {
		r.Value = append([]byte{}, sc.Body...)
	}
	n, is, err := a.partition.Whole(sc)
	if err != nil {
		return nil, err
	}
	if is {
		if n < 0 || n > 1<<31-1 {
			return nil, fault.New(fault.CodeMappingReject, "there is no partition %d", n)
		}
		r.Partition = int32(n)
	}
	key, err := a.key.Value(sc)
	if err != nil {
		return nil, err
	}
	if !key.IsNull() {
		r.Key = trigger.Bytes(key)
	}
	for _, h := range a.headers {
		v, err := h.Value(sc)
		if err != nil {
			return nil, err
		}
		if !v.IsNull() {
			r.Headers = append(r.Headers, kgo.RecordHeader{Key: h.Name, Value: trigger.Bytes(v)})
		}
	}
	if a.empty && r.Key == nil {
		return nil, fault.New(fault.CodeMappingReject, "the key is null, and a message without a value needs one")
	}
	return r, nil
}

// learn asks the cluster about topics that are not known yet: nothing has been sent when that fails.
func (s *session) learn(ctx context.Context, records []*kgo.Record) error {
	if err := ctx.Err(); err != nil {
		return s.client.fault(err, false)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var unknown []string
	asked := map[string]bool{}
	for _, r := range records {
		if _, known := s.topics[r.Topic]; !known && !asked[r.Topic] {
			unknown, asked[r.Topic] = append(unknown, r.Topic), true
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	found, err := s.client.describe(ctx, unknown)
	maps.Copy(s.topics, found)
	return err
}

// missing ends the run where the one topic of all rows cannot be sent to.
func (s *session) missing(a *action) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, known := s.topics[a.place.Fixed]
	if !known || t.problem == "" {
		return nil
	}
	delete(s.topics, a.place.Fixed)
	return fault.Reclass(fault.New(fault.CodeDestinationSchema, "the topic %s: %s", a.place.Fixed, t.problem).
		WithSuggestion("Create the topic, or choose another one; check what the user may see and write to."), fault.Fatal)
}

// check refuses messages that have nowhere to go. Topics that do not exist are asked for again with the next batch.
func (m *sending) check(s *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	records, rows := m.records[:0], m.rows[:0]
	for i, r := range m.records {
		t, known := s.topics[r.Topic]
		problem := t.problem
		switch {
		case !known:
			problem = kerr.UnknownTopicOrPartition.Error()
		case problem == "" && r.Partition >= t.partitions:
			problem = fmt.Sprintf("there is no partition %d: there are %d, from 0", r.Partition, t.partitions)
		}
		if problem != "" {
			m.refused = append(m.refused, connector.Rejection{Row: m.rows[i], Reason: fmt.Sprintf("the topic %s: %s", r.Topic, problem)})
			continue
		}
		records, rows = append(records, r), append(rows, m.rows[i])
	}
	m.records, m.rows = records, rows
	for name, t := range s.topics {
		if t.problem != "" {
			delete(s.topics, name)
		}
	}
}

// produce sends the messages and reads what became of each.
func (s *session) produce(ctx context.Context, b *connector.Batch, m *sending) (connector.Result, error) {
	places := make(map[*kgo.Record]int, len(m.records))
	for i, r := range m.records {
		places[r] = i
	}
	x := connector.Exchange{Method: "PRODUCE", URL: s.client.place, RequestBody: m.text(), StartedAt: time.Now().UTC()}
	before := s.client.sent.Load()
	results := s.client.ProduceSync(ctx, m.records...)
	x.Duration = time.Since(x.StartedAt)
	answer := outcome{offsets: make([]string, len(m.records))}
	for _, r := range results {
		answer.add(r, places[r.Record])
	}
	err := answer.unsure
	if err != nil {
		err = s.client.fault(err, answer.taken > 0 || len(answer.refused) > 0 || s.client.sent.Load() > before)
		x.Error = err.Error()
	}
	x.ResponseBody = answer.text()
	b.Record(x)
	if err != nil {
		return connector.Result{}, err
	}
	result := connector.Result{Rejected: m.refused}
	for _, r := range answer.refused {
		result.Rejected = append(result.Rejected, connector.Rejection{Row: m.rows[r.Row], Reason: r.Reason})
	}
	return result, nil
}

// outcome is what became of messages.
type outcome struct {
	taken   int
	refused []connector.Rejection // by message
	unsure  error                 // of a message of which nobody can say
	offsets []string
}

// add reads what became of one message. Only what the cluster says for certain and for good is a refusal: everything
// else, such as NOT_ENOUGH_REPLICAS_AFTER_APPEND or a connection that broke, leaves it open whether it arrived.
func (o *outcome) add(r kgo.ProduceResult, i int) {
	var cluster *kerr.Error
	switch {
	case r.Err == nil:
		o.taken++
		o.offsets[i] = fmt.Sprintf("%s %d: offset %d", r.Record.Topic, r.Record.Partition, r.Record.Offset)
	case errors.As(r.Err, &cluster) && (!cluster.Retriable || cluster == kerr.UnknownTopicOrPartition) && !isAny(cluster, kerr.SaslAuthenticationFailed):
		o.refused = append(o.refused, connector.Rejection{Row: i, Reason: fmt.Sprintf("the topic %s: %s", r.Record.Topic, reason(cluster))})
		o.offsets[i] = cluster.Message
	default:
		o.unsure = r.Err
		o.offsets[i] = "no answer"
	}
}

func reason(e *kerr.Error) string {
	if e == kerr.MessageTooLarge {
		return e.Error() + " Lower the connection's bytes in a request if the message is not larger than what the topic allows."
	}
	return e.Error()
}

func (o *outcome) text() string {
	text := make([]byte, 0, 32*len(o.offsets))
	for _, line := range o.offsets {
		if len(text) > httpx.KeepBody {
			break
		}
		text = append(append(text, line...), '\n')
	}
	return string(text)
}

// shown is a message as the request log shows it.
type shown struct {
	Topic     string            `json:"topic"`
	Partition *int32            `json:"partition,omitempty"`
	Key       *string           `json:"key,omitempty"`
	Headers   map[string]string `json:"headers,omitempty"`
	Value     json.RawMessage   `json:"value"`
}

// text writes the messages for the request log, one in a line, up to what is kept of a request.
func (m *sending) text() string {
	var text []byte
	for _, r := range m.records {
		if len(text) > httpx.KeepBody {
			break
		}
		text = append(append(text, show(r)...), '\n')
	}
	return string(text)
}

func show(r *kgo.Record) []byte {
	s := shown{Topic: r.Topic, Value: r.Value}
	if r.Partition != free {
		s.Partition = new(r.Partition)
	}
	if r.Key != nil {
		s.Key = new(string(r.Key))
	}
	for _, h := range r.Headers {
		if s.Headers == nil {
			s.Headers = map[string]string{}
		}
		s.Headers[h.Key] = string(h.Value)
	}
	line, err := json.Marshal(s)
	if err != nil {
		return []byte(err.Error())
	}
	return line
}

// Finish has nothing to complete: every message has its answer.
func (s *session) Finish(context.Context) error { return nil }

// Close ends the connections.
func (s *session) Close() error {
	s.client.Close()
	return nil
}
