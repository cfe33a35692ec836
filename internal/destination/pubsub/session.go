package pubsub

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/destination/trigger"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/httpx"
)

// What a request and a message may be: https://cloud.google.com/pubsub/quotas#resource_limits
const (
	maxMessages   = 1000
	maxBytes      = 10_000_000
	maxAttributes = 100
	maxName       = 256
	maxValue      = 1024
	maxKey        = 1024
	overhead      = 32 // bytes that a message may need beside its content
)

// concurrency is how many requests are under way where no order matters. Messages with ordering keys are sent one request
// after another.
const concurrency = 4

// action is what is sent for one operation, compiled once for a run.
type action struct {
	body       trigger.Body
	place      trigger.Place
	key        *trigger.Property
	attributes []trigger.NamedProperty
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
		a := newAction(c, s)
		l := connector.Limits{
			Rows: maxMessages, Bytes: maxBytes, Concurrency: concurrency, OneKind: true,
			Idempotency: connector.NotIdempotent, SkipInitial: trigger.SkipsInitial(job),
		}
		if a.key != nil {
			l.Concurrency = 1
		}
		actions[op], feed[op] = a, l
		source = source || c.Source
	})
	trigger.Nothing(len(actions), &issues)
	trigger.CheckInitial(job, &issues)
	feed.Share(source)
	return actions, feed, issues
}

func newAction(c *trigger.Compiler, s triggerSettings) *action {
	a := &action{
		place: c.Place("topic", s.TopicFrom, s.Topic, s.TopicColumn), body: c.Message(s.Message),
		key: c.Property("orderingKey", s.OrderingKey), attributes: c.Properties("attributes", s.Attributes, checkName),
	}
	if len(s.Attributes) > maxAttributes {
		c.Invalid("attributes", "a message has at most %d attributes", maxAttributes)
	}
	return a
}

// checkName says why an attribute cannot have the name.
func checkName(name string) string {
	switch {
	case len(name) > maxName:
		return fmt.Sprintf("is longer than %d bytes", maxName)
	case strings.HasPrefix(name, "goog"):
		return "begins with goog, as Google's own attributes do"
	default:
		return ""
	}
}

// session sends the messages of one run.
type session struct {
	trigger.Feed

	actions   map[connector.Operation]*action
	client    *client
	project   string
	scratches *trigger.Pool
}

var (
	_ connector.Session          = (*session)(nil)
	_ connector.OperationLimiter = (*session)(nil)
)

// message is what a row becomes.
type message struct {
	*pubsubpb.PubsubMessage

	topic string
}

// Write sends a message for each row, in requests for each topic.
func (s *session) Write(ctx context.Context, b *connector.Batch) (connector.Result, error) {
	a := s.actions[b.Operation]
	if a == nil {
		return connector.Result{}, fault.New(fault.CodeInvalid, "the sync sends nothing for rows that were %s", b.Operation)
	}
	messages, refused := s.make(a, b)
	return trigger.SendParts(refused, parts(messages), halve, func(rows []int) ([]connector.Rejection, error) {
		request := &pubsubpb.PublishRequest{Topic: messages[rows[0]].topic}
		for _, row := range rows {
			request.Messages = append(request.Messages, messages[row].PubsubMessage)
		}
		return nil, s.send(ctx, b, a, request)
	})
}

// halve: a request is taken as a whole or not at all, so one message that a topic's schema refuses is searched for.
func halve(err error) bool { return fault.Is(err, fault.CodeDestinationRejected) }

// make turns rows into messages, by their places; those that were refused have none.
func (s *session) make(a *action, b *connector.Batch) ([]*message, []connector.Rejection) {
	sc := s.scratches.Get()
	defer s.scratches.Put(sc)
	messages := make([]*message, len(b.Rows))
	sc.EachRow(b, a.body, func(i int) (err error) {
		messages[i], err = s.message(a, sc, &b.Rows[i])
		return err
	})
	return messages, sc.Refused
}

func (s *session) message(a *action, sc *trigger.Scratch, row *connector.Row) (*message, error) {
	topic, err := a.place.Of(row)
	if err != nil {
		return nil, err
	}
	m := &message{&pubsubpb.PubsubMessage{Data: append([]byte{}, sc.Body...)}, s.full(topic)}
	if m.OrderingKey, _, err = a.key.Text(sc); err != nil {
		return nil, err
	}
	if len(m.OrderingKey) > maxKey || !utf8.ValidString(m.OrderingKey) {
		return nil, fault.New(fault.CodeMappingReject, "the ordering key is longer than %d bytes or no text", maxKey)
	}
	for _, p := range a.attributes {
		v, err := p.Value(sc)
		if err != nil {
			return nil, err
		}
		text := v.String()
		switch {
		case v.IsNull():
			continue
		case len(text) > maxValue || !utf8.ValidString(text):
			return nil, fault.New(fault.CodeMappingReject, "the value of the attribute %s is longer than %d bytes or no text", p.Name, maxValue)
		case m.Attributes == nil:
			m.Attributes = map[string]string{}
		}
		m.Attributes[p.Name] = text
	}
	if n := m.size(); n > maxBytes-len(m.topic)-overhead {
		return nil, fault.New(fault.CodeMappingReject, "the message has %d bytes; a request has at most %d", n, maxBytes)
	}
	return m, nil
}

// full is a topic's name with its project.
func (s *session) full(topic string) string {
	if strings.HasPrefix(topic, "projects/") {
		return topic
	}
	return "projects/" + s.project + "/topics/" + topic
}

// size is what a message needs in a request, or a little more.
func (m *message) size() int {
	n := len(m.Data) + len(m.OrderingKey) + overhead
	for name, v := range m.Attributes {
		n += len(name) + len(v) + overhead
	}
	return n
}

// parts divides messages into requests, by their rows: each has one topic and what a request may have.
func parts(messages []*message) [][]int {
	type open struct{ part, bytes int }
	var all [][]int
	current := map[string]*open{}
	for row, m := range messages {
		if m == nil {
			continue
		}
		o := current[m.topic]
		if o == nil || len(all[o.part]) == maxMessages || o.bytes+m.size() > maxBytes {
			o = &open{part: len(all), bytes: len(m.topic) + overhead}
			current[m.topic] = o
			all = append(all, nil)
		}
		all[o.part] = append(all[o.part], row)
		o.bytes += m.size()
	}
	return all
}

// send makes one request, which is taken as a whole or not at all.
func (s *session) send(ctx context.Context, b *connector.Batch, a *action, r *pubsubpb.PublishRequest) error {
	x := connector.Exchange{Method: "Publish", URL: "grpc://" + s.client.address + "/" + r.GetTopic(), RequestBody: text(r), StartedAt: time.Now().UTC()}
	answer, err := s.client.publish(ctx, r)
	x.Duration = time.Since(x.StartedAt)
	switch {
	case err != nil:
		x.Error = err.Error()
	case len(answer.GetMessageIds()) != len(r.GetMessages()):
		err = fault.Reclass(fault.New(fault.CodeDestinationAnswer, "the answer is about %d messages of %d", len(answer.GetMessageIds()), len(r.GetMessages())), fault.Unknown)
		x.Error = err.Error()
	default:
		x.ResponseBody = strings.Join(answer.GetMessageIds(), "\n")
	}
	b.Record(x)
	if a.place.Fixed != "" && (fault.Is(err, fault.CodeDestinationSchema) || fault.Is(err, fault.CodeDestinationDenied)) {
		return fault.Reclass(err, fault.Fatal) // every other row goes there too
	}
	return err
}

// shown is a message as the request log shows it.
type shown struct {
	OrderingKey string            `json:"orderingKey,omitempty"`
	Attributes  map[string]string `json:"attributes,omitempty"`
	Data        json.RawMessage   `json:"data"`
}

// text writes messages for the request log, one in a line, up to what is kept of a request.
func text(r *pubsubpb.PublishRequest) string {
	var all []byte
	for _, m := range r.GetMessages() {
		if len(all) > httpx.KeepBody {
			break
		}
		line, err := json.Marshal(shown{m.GetOrderingKey(), m.GetAttributes(), m.GetData()})
		if err != nil {
			line = []byte(err.Error())
		}
		all = append(append(all, line...), '\n')
	}
	return string(all)
}

// Finish has nothing to complete: every message has its answer.
func (s *session) Finish(context.Context) error { return nil }

// Close ends the connection.
func (s *session) Close() error { return s.client.close() }
