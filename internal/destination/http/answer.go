package httprequest

import (
	"strings"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/destination/trigger"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/httpx"
	"github.com/millrace/millrace/internal/template"
	"github.com/millrace/millrace/internal/value"
)

// judge reads what an answer says about the rows of a request.
func (s *session) judge(t *action, sc *trigger.Scratch, b *connector.Batch, r *httpx.Request, resp *httpx.Response) (connector.Result, error) {
	if e := s.client.StatusFault(resp, r.Secrets...); e != nil {
		return t.failed(sc, b, resp.Status, e)
	}
	result := connector.Result{Rejected: sc.Refused}
	if t.failure == nil {
		return result, nil
	}
	v, err := t.failure.Eval(answerScope(resp))
	if err != nil {
		return connector.Result{}, fault.Wrap(err, fault.CodeDestinationAnswer, "reading the answer")
	}
	return s.refusals(result, sc, b, v)
}

// failed turns a status into what the settings make of it. What is worth a retry is tried again by the
// engine; rows that the API refused are told apart from an API that does not work, which ends the run after a
// while.
func (t *action) failed(sc *trigger.Scratch, b *connector.Batch, status int, e *fault.Error) (connector.Result, error) {
	switch e.Class {
	case fault.Permanent:
		if t.retry.has(status) {
			return connector.Result{Rejected: t.all(sc, b, e.Error())}, nil
		}
	case fault.Throttled:
		if !t.retry.now { // the next run is soon enough
			return connector.Result{}, fault.Reclass(e, fault.Retryable)
		}
		if !t.retry.has(status) {
			return connector.Result{}, fault.Reclass(e, fault.Permanent)
		}
	case fault.Retryable:
		if t.retry.now && !t.retry.has(status) {
			return connector.Result{}, fault.Reclass(e, fault.Permanent)
		}
	case fault.Unknown, fault.Fatal:
	}
	return connector.Result{}, e
}

// all refuses every row that was sent, for another attempt.
func (t *action) all(sc *trigger.Scratch, b *connector.Batch, reason string) []connector.Rejection {
	unsent := map[int]bool{}
	for _, r := range sc.Refused {
		unsent[r.Row] = true
	}
	list := sc.Refused
	for i := range b.Rows {
		if !unsent[i] {
			list = append(list, connector.Rejection{Row: i, Reason: reason, Retry: true})
		}
	}
	return list
}

// answerScope is what a template sees of an answer.
func answerScope(resp *httpx.Response) *template.Scope {
	content := value.OfText(string(resp.Body))
	if parsed, err := value.ParseJSON(content.Raw()); err == nil {
		content = parsed
	}
	named := make([]value.Field, 0, len(resp.Header))
	for name, values := range resp.Header {
		named = append(named, value.Field{Name: strings.ToLower(name), Value: value.OfText(strings.Join(values, ", "))})
	}
	s := template.NewScope(template.DefaultLimits)
	s.Set("response", value.OfMap([]value.Field{
		{Name: "status", Value: value.OfInt(int64(resp.Status))}, {Name: "headers", Value: value.OfMap(named)}, {Name: "body", Value: content},
	}))
	return s
}

// refusals reads what the template found in the answer.
func (s *session) refusals(result connector.Result, sc *trigger.Scratch, b *connector.Batch, v value.Value) (connector.Result, error) {
	switch v = v.Parsed(); v.Kind() {
	case value.Null:
		return result, nil
	case value.Bool:
		if !v.Bool() {
			return result, nil
		}
		return connector.Result{}, fault.New(fault.CodeDestinationRejected, "the answer says that it failed; the request log shows it")
	case value.List:
		return s.refusedRows(result, sc, b, v.List())
	default:
		text := strings.TrimSpace(v.String())
		if text == "" {
			return result, nil
		}
		return connector.Result{}, fault.New(fault.CodeDestinationRejected, "%s", s.client.Redact(text))
	}
}

// refusedRows reads a list of refused rows. One that cannot be told leaves all of them in doubt.
func (s *session) refusedRows(result connector.Result, sc *trigger.Scratch, b *connector.Batch, list []value.Value) (connector.Result, error) {
	sent := sentRows(sc, b)
	for _, item := range list {
		row := rowOf(item, sent, b)
		if row < 0 {
			return connector.Result{}, fault.New(fault.CodeDestinationAnswer, "the answer refuses a row and does not say which").
				WithSuggestion("Let the template print a list of objects with row (from 0) or key.")
		}
		reason := strings.TrimSpace(first(item, "reason", "message", "error").String())
		if reason == "" {
			reason = "refused without a reason"
		}
		result.Rejected = append(result.Rejected, connector.Rejection{Row: row, Reason: s.client.Redact(reason)})
	}
	return result, nil
}

// sentRows are the places in the batch of the rows that the request had.
func sentRows(sc *trigger.Scratch, b *connector.Batch) []int {
	unsent := map[int]bool{}
	for _, r := range sc.Refused {
		unsent[r.Row] = true
	}
	rows := make([]int, 0, len(b.Rows))
	for i := range b.Rows {
		if !unsent[i] {
			rows = append(rows, i)
		}
	}
	return rows
}

// rowOf finds the row that an item is about: by its number in the request, or by its primary key.
func rowOf(item value.Value, sent []int, b *connector.Batch) int {
	if at := first(item, "row", "index"); at.Kind() == value.Int {
		if n := at.Int(); n >= 0 && n < int64(len(sent)) {
			return sent[n]
		}
		return -1
	}
	key := first(item, "key", "primary_key_value", "id")
	if key.IsNull() {
		return -1
	}
	for _, i := range sent {
		if b.Rows[i].Key == key.String() {
			return i
		}
	}
	return -1
}

// first returns the first of the members that an object has.
func first(v value.Value, names ...string) value.Value {
	for _, name := range names {
		if m, ok := v.Get(name); ok && !m.IsNull() {
			return m
		}
	}
	return value.Value{}
}
