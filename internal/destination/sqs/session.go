package sqs

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/destination/trigger"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

// What a request and a message may be.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
const (
	maxEntries    = 10
	maxBytes      = 1 << 20
	maxAttributes = 10
	maxDelay      = 900
)

// A batch has the rows of one request, or, where a column names the queue, of as many as the rows have queues.
const (
	rowsOfOne    = maxEntries
	rowsOfQueues = 100
)

// standardConcurrency is how many requests are under way to a standard queue, which keeps no order. There is one to a
// FIFO queue.
const standardConcurrency = 8

var (
	entryID       = regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$`)
	attributeName = regexp.MustCompile(`^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$`)
	fifoID        = regexp.MustCompile("^[A-Za-z0-9!\"#$%&'()*+,./:;<=>?@\\[\\\\\\]^_`{|}~-]{1,128}$")
)

// action is what is sent for one operation, compiled once for a run.
type action struct {
	body       trigger.Body
	place      trigger.Place
	id         int // where the column of the message ID is; -1 for none
	group      *trigger.Property
	dedupe     *trigger.Property
	delay      *trigger.Property
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
		actions[op], feed[op] = a, a.limits(job, s)
		source = source || c.Source
	})
	trigger.Nothing(len(actions), &issues)
	trigger.CheckInitial(job, &issues)
	feed.Share(source)
	return actions, feed, issues
}

func newAction(c *trigger.Compiler, s triggerSettings) *action {
	a := &action{
		place: c.Place("queue", s.QueueFrom, s.Queue, s.QueueColumn), body: c.Message(s.Message), id: -1,
		group: c.Property("messageGroupId", s.GroupID), dedupe: c.Property("messageDeduplicationId", s.DeduplicationID),
		delay: c.Property("delaySeconds", s.Delay), attributes: c.Properties("messageAttributes", s.Attributes, checkName),
	}
	if s.MessageID != "" {
		a.id = c.Index("messageId", s.MessageID)
	}
	if len(s.Attributes) > maxAttributes {
		c.Invalid("messageAttributes", "a message has at most %d attributes", maxAttributes)
	}
	if text, fixed := a.delay.Fixed(); fixed && text != "" {
		if n, err := strconv.Atoi(strings.TrimSpace(text)); err != nil || n < 0 || n > maxDelay {
			c.Invalid("delaySeconds", "a delay is a number from 0 to %d", maxDelay)
		}
	}
	if a.place.Fixed != "" {
		a.checkKind(c)
	}
	return a
}

// checkKind reports what does not go together with the kind of the queue.
func (a *action) checkKind(c *trigger.Compiler) {
	switch isFIFO := fifo(a.place.Fixed); {
	case isFIFO && a.group == nil:
		c.Issues.Add(c.Path+".messageGroupId", fault.CodeRequired, "a FIFO queue needs a message group ID")
	case isFIFO && a.delay != nil:
		c.Invalid("delaySeconds", "messages of a FIFO queue have the queue's own delay")
	case !isFIFO && a.dedupe != nil:
		c.Invalid("messageDeduplicationId", "only FIFO queues, whose names end with .fifo, deduplicate messages")
	}
}

// checkName says why an attribute cannot have the name.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html
func checkName(name string) string {
	lower := strings.ToLower(name)
	switch {
	case !attributeName.MatchString(name) || len(name) > 256:
		return "cannot be the name of an attribute: up to 256 letters, digits, hyphens, underscores and single dots"
	case strings.HasPrefix(lower, "aws.") || strings.HasPrefix(lower, "amazon."):
		return "begins as Amazon's own attributes do"
	default:
		return ""
	}
}

// limits: a standard queue takes a message as often as it is sent. A FIFO queue drops a message whose deduplication ID it
// has had within five minutes, so a second attempt is harmless where the ID is the same in every attempt.
func (a *action) limits(job connector.SyncJob, s triggerSettings) connector.Limits {
	l := connector.Limits{
		Rows: rowsOfOne, Bytes: maxBytes, Concurrency: standardConcurrency, OneKind: true,
		Idempotency: connector.NotIdempotent, SkipInitial: trigger.SkipsInitial(job),
	}
	if a.place.Fixed == "" {
		l.Rows, l.Bytes = rowsOfQueues, trigger.MaxBytes
	}
	if a.place.Fixed == "" || fifo(a.place.Fixed) {
		l.Concurrency = 1
	}
	if fifo(a.place.Fixed) && a.dedupe != nil && !changing(s.DeduplicationID) {
		l.Idempotency = connector.Keyed
	}
	return l
}

// changing tells a template that makes something else in another run.
func changing(text string) bool {
	for _, word := range []string{"sync_run_id", "current_timestamp", "'now'", `"now"`, "'today'", `"today"`, "uuid", "random"} {
		if strings.Contains(text, word) {
			return true
		}
	}
	return false
}

// session sends the messages of one run.
type session struct {
	trigger.Feed

	actions   map[connector.Operation]*action
	client    *client
	scratches *trigger.Pool
}

var (
	_ connector.Session          = (*session)(nil)
	_ connector.OperationLimiter = (*session)(nil)
)

// entry is one message of a request.
type entry struct {
	ID         string               `json:"Id"`
	Body       string               `json:"MessageBody"`
	Delay      *int64               `json:"DelaySeconds,omitempty"`
	Dedupe     string               `json:"MessageDeduplicationId,omitempty"`
	Group      string               `json:"MessageGroupId,omitempty"`
	Attributes map[string]attribute `json:"MessageAttributes,omitempty"`

	queue string
	row   int
}

type attribute struct {
	Type  string `json:"DataType"`
	Text  string `json:"StringValue,omitempty"`
	Bytes []byte `json:"BinaryValue,omitempty"`
}

// size is what counts of a message: its body, and the names, types and values of its attributes.
func (e *entry) size() int {
	n := len(e.Body)
	for name, a := range e.Attributes {
		n += len(name) + len(a.Type) + len(a.Text) + len(a.Bytes)
	}
	return n
}

// Write sends a message for each row, in requests of ten to each queue.
func (s *session) Write(ctx context.Context, b *connector.Batch) (connector.Result, error) {
	a := s.actions[b.Operation]
	if a == nil {
		return connector.Result{}, fault.New(fault.CodeInvalid, "the sync sends nothing for rows that were %s", b.Operation)
	}
	entries, refused := s.make(a, b)
	byRow := map[int]*entry{}
	for _, e := range entries {
		byRow[e.row] = e
	}
	return trigger.SendParts(refused, parts(entries), nil, func(rows []int) ([]connector.Rejection, error) {
		request := make([]*entry, len(rows))
		for i, row := range rows {
			request[i] = byRow[row]
		}
		return s.send(ctx, b, a, request)
	})
}

// make turns rows into messages.
func (s *session) make(a *action, b *connector.Batch) ([]*entry, []connector.Rejection) {
	sc := s.scratches.Get()
	defer s.scratches.Put(sc)
	var entries []*entry
	sc.EachRow(b, a.body, func(i int) error {
		e, err := a.entry(sc, &b.Rows[i], i)
		if err == nil {
			entries = append(entries, e)
		}
		return err
	})
	return entries, sc.Refused
}

func (a *action) entry(sc *trigger.Scratch, row *connector.Row, i int) (*entry, error) {
	e := &entry{ID: strconv.Itoa(i), Body: string(sc.Body), row: i}
	var err error
	if e.queue, err = a.place.Of(row); err != nil {
		return nil, err
	}
	if bad := badCharacter(e.Body); bad >= 0 {
		return nil, fault.New(fault.CodeMappingReject, "the message has the character U+%04X, which SQS does not take", bad)
	}
	if a.id >= 0 && a.id < len(row.Source) {
		if e.ID = row.Source[a.id].String(); !entryID.MatchString(e.ID) {
			return nil, fault.New(fault.CodeMappingReject, "the message ID is not 1 to 80 letters, digits, hyphens and underscores")
		}
	}
	if err := a.order(sc, e); err != nil {
		return nil, err
	}
	if err := a.describe(sc, e); err != nil {
		return nil, err
	}
	if n := e.size(); n > maxBytes {
		return nil, fault.New(fault.CodeMappingReject, "the message has %d bytes with its attributes; SQS takes %d", n, maxBytes)
	}
	return e, nil
}

// order sets what the kind of the queue asks for.
func (a *action) order(sc *trigger.Scratch, e *entry) error {
	group, grouped, err := a.group.Text(sc)
	if err != nil {
		return err
	}
	switch isFIFO := fifo(e.queue); {
	case isFIFO && !grouped:
		return fault.New(fault.CodeMappingReject, "the message group ID is empty, and a FIFO queue needs one")
	case grouped && !fifoID.MatchString(group):
		return fault.New(fault.CodeMappingReject, "the message group ID is not 1 to 128 letters, digits and punctuation")
	case !isFIFO:
		e.Group = group
		return a.postpone(sc, e)
	}
	e.Group = group
	var named bool
	if e.Dedupe, named, err = a.dedupe.Text(sc); err == nil && named && !fifoID.MatchString(e.Dedupe) {
		return fault.New(fault.CodeMappingReject, "the message deduplication ID is not 1 to 128 letters, digits and punctuation")
	}
	if err == nil && !named && a.dedupe != nil {
		return fault.New(fault.CodeMappingReject, "the message deduplication ID is empty")
	}
	return err
}

// postpone sets the delay of a message.
func (a *action) postpone(sc *trigger.Scratch, e *entry) error {
	v, err := a.delay.Value(sc)
	if err != nil || v.IsNull() {
		return err
	}
	n, is := trigger.Whole(v)
	if !is || n < 0 || n > maxDelay {
		return fault.New(fault.CodeMappingReject, "the delay is no number from 0 to %d", maxDelay)
	}
	e.Delay = &n
	return nil
}

// describe sets the attributes.
func (a *action) describe(sc *trigger.Scratch, e *entry) error {
	for _, p := range a.attributes {
		v, err := p.Value(sc)
		if err != nil {
			return err
		}
		content := trigger.Bytes(v)
		if len(content) == 0 {
			continue
		}
		if e.Attributes == nil {
			e.Attributes = map[string]attribute{}
		}
		if v.Kind() == value.Bytes {
			e.Attributes[p.Name] = attribute{Type: "Binary", Bytes: content}
		} else {
			e.Attributes[p.Name] = attribute{Type: "String", Text: string(content)}
		}
	}
	return nil
}

// badCharacter returns the first character that a message cannot have, or -1.
func badCharacter(text string) rune {
	for _, c := range text {
		switch {
		case c == '\t' || c == '\n' || c == '\r':
		case c < 0x20 || c == 0xFFFE || c == 0xFFFF:
			return c
		}
	}
	return -1
}

// parts divides messages into requests, by their rows: each has one queue, different IDs and what a request may have.
func parts(entries []*entry) [][]int {
	type open struct {
		part, bytes int
		ids         map[string]bool
	}
	var all [][]int
	current := map[string]*open{}
	for _, e := range entries {
		o := current[e.queue]
		if o == nil || len(all[o.part]) == maxEntries || o.bytes+e.size() > maxBytes || o.ids[e.ID] {
			o = &open{part: len(all), ids: map[string]bool{}}
			current[e.queue] = o
			all = append(all, nil)
		}
		all[o.part] = append(all[o.part], e.row)
		o.bytes += e.size()
		o.ids[e.ID] = true
	}
	return all
}

type batchRequest struct {
	QueueURL string   `json:"QueueUrl"`
	Entries  []*entry `json:"Entries"`
}

type batchAnswer struct {
	Successful []struct {
		ID string `json:"Id"`
	}
	Failed []struct {
		ID          string `json:"Id"`
		SenderFault bool
		Code        string
		Message     string
	}
}

// send makes one request and reads the answer of each message.
func (s *session) send(ctx context.Context, b *connector.Batch, a *action, entries []*entry) ([]connector.Rejection, error) {
	address, err := s.client.resolve(ctx, entries[0].queue)
	if err != nil {
		return nil, a.missing(err)
	}
	var answer batchAnswer
	x, err := s.client.ask(ctx, "SendMessageBatch", batchRequest{address, entries}, &answer)
	if !x.StartedAt.IsZero() {
		b.Record(x)
	}
	if err != nil {
		return nil, a.missing(err)
	}
	return answer.rejections(s.client, entries)
}

// missing makes an error about a queue end the run where all rows go to it, and else refuse the rows that do.
func (a *action) missing(err error) error {
	switch {
	case !fault.Is(err, fault.CodeDestinationSchema) && !fault.Is(err, fault.CodeDestinationDenied):
		return err
	case a.place.Fixed != "":
		return fault.Reclass(err, fault.Fatal)
	default:
		return fault.Reclass(err, fault.Permanent)
	}
}

// rejections are the messages that were not taken. One of which nothing is said leaves all of them in doubt.
func (a *batchAnswer) rejections(c *client, entries []*entry) ([]connector.Rejection, error) {
	rows := make(map[string]int, len(entries))
	for _, e := range entries {
		rows[e.ID] = e.row
	}
	for _, taken := range a.Successful {
		delete(rows, taken.ID)
	}
	var list []connector.Rejection
	for _, f := range a.Failed {
		row, known := rows[f.ID]
		if !known {
			continue
		}
		delete(rows, f.ID)
		list = append(list, connector.Rejection{Row: row, Reason: c.Redact(fmt.Sprintf("%s: %s", f.Code, f.Message)), Retry: !f.SenderFault})
	}
	if len(rows) > 0 {
		return nil, fault.Reclass(fault.New(fault.CodeDestinationAnswer, "the answer says nothing of %d messages", len(rows)), fault.Unknown)
	}
	return list, nil
}

// Finish has nothing to complete: every message has its answer.
func (s *session) Finish(context.Context) error { return nil }

// Close ends idle connections.
func (s *session) Close() error {
	s.client.Close()
	return nil
}
