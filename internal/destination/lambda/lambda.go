// Package lambda is the destination "AWS Lambda": a call of a function with the rows that were added, changed or removed.
// README.md cites Amazon's pages.
package lambda

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/destination/aws"
	"github.com/millrace/millrace/internal/destination/trigger"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/httpx"
	"github.com/millrace/millrace/internal/value"
)

// Slug is the destination's slug.
const Slug = "aws-lambda"

// Info describes the destination.
func Info() connector.DestinationInfo {
	return connector.DestinationInfo{
		Slug:     Slug,
		Name:     "AWS Lambda",
		Category: "serverless",
		Summary:  "Calls a function of your own when rows are added, changed or removed",
		Fields:   fields(),
		SyncTypes: []connector.SyncType{{
			Slug:    "function",
			Name:    "Function calls",
			Summary: "A call for each row, or for a batch of rows, that was added, changed or removed",
			Modes:   []connector.Mode{connector.ModeTrigger},
			Fields:  syncFields(),
			Compare: connector.CompareAll,
		}},
		Open: open,
	}
}

func open(o connector.DestinationOptions) (connector.Destination, error) {
	d := &destination{network: o.Network, clock: o.Clock}
	if err := o.Settings.WithDefaults(fields()).Decode(&d.settings); err != nil {
		return nil, err
	}
	return d, nil
}

// destination is the functions that an identity may call.
type destination struct {
	network  connector.Network
	clock    clock.Clock
	settings aws.Settings
}

var _ connector.Destination = (*destination)(nil)

func (d *destination) check() fault.Issues {
	issues := d.settings.Check()
	d.settings.CheckRegion(&issues)
	return issues
}

// Test asks who the keys belong to. Whether they may call a function cannot be known without calling it.
func (d *destination) Test(ctx context.Context) error {
	if err := d.check().Err(); err != nil {
		return fault.As(err)
	}
	return d.settings.Identify(ctx, d.settings.Region, d.network)
}

// Check reports every error of the settings.
func (d *destination) Check(job connector.SyncJob) error {
	_, more := compile(job)
	return append(d.check(), more...).Err()
}

// Begin reads the sync's settings. Nothing is sent.
func (d *destination) Begin(ctx context.Context, job connector.SyncJob) (connector.Session, error) {
	if err := d.Check(job); err != nil {
		return nil, fault.Reclass(err, fault.Fatal)
	}
	p, _ := compile(job) //nolint:errcheck // Check has just reported its issues
	c, err := d.settings.Open(ctx, aws.Options{
		Service: "lambda", Region: p.function.region, Network: d.network, Clock: d.clock, Concurrency: p.feed.Concurrency(), Timeout: time.Duration(p.Timeout) * time.Second,
	})
	if err != nil {
		return nil, fault.Reclass(err, fault.Fatal)
	}
	return newSession(p, job, c), nil
}

// Close does nothing: connections belong to sessions.
func (d *destination) Close() error { return nil }

// session calls the function for one run.
type session struct {
	trigger.Feed

	plan    plan
	client  *aws.Client
	names   []string // of the model's columns, as JSON has them
	before  string   // what comes between the operation and the rows
	after   string   // what comes after the rows
	request aws.Request
}

var (
	_ connector.Session          = (*session)(nil)
	_ connector.OperationLimiter = (*session)(nil)
)

// operations are the words of payloads.
var operations = map[connector.Operation]string{connector.Added: "add", connector.Changed: "change", connector.Removed: "remove"}

func newSession(p plan, job connector.SyncJob, c *aws.Client) *session {
	s := &session{Feed: p.feed, plan: p, client: c}
	for _, name := range job.Model.Schema.Names() {
		s.names = append(s.names, string(value.AppendJSONString(nil, name))+":")
	}
	s.before = `,"primary_key_column":` + string(value.AppendJSONString(nil, job.Model.PrimaryKey)) + `,"rows":[`
	s.after = `],"metadata":{"api_version":1,"sync_id":` + strconv.FormatInt(job.SyncID, 10) + `,"sync_run_id":` + strconv.FormatInt(job.RunID, 10) + `}}`
	s.request = aws.Request{
		Path:   "/2015-03-31/functions/" + strings.ReplaceAll(p.function.arn, ":", "%3A") + "/invocations",
		Header: http.Header{"Content-Type": {"application/json"}, "X-Amz-Invocation-Type": {"RequestResponse"}},
	}
	if p.function.qualifier != "" {
		s.request.Query = url.Values{"Qualifier": {p.function.qualifier}}
	}
	return s
}

// Write calls the function and waits for its answer.
func (s *session) Write(ctx context.Context, b *connector.Batch) (connector.Result, error) {
	if _, enabled := s.Feed[b.Operation]; !enabled {
		return connector.Result{}, fault.New(fault.CodeInvalid, "the sync sends nothing for rows that were %s", b.Operation)
	}
	r := s.request
	if r.Body = s.payload(b); len(r.Body) > maxPayload {
		return connector.Result{}, fault.New(fault.CodeDestinationRejected, "the payload has %d bytes; a function takes %d", len(r.Body), maxPayload)
	}
	resp, x, err := s.client.Post(ctx, r)
	if !x.StartedAt.IsZero() {
		b.Record(x)
	}
	if err != nil {
		return connector.Result{}, err
	}
	if e, name := s.client.Fault(resp); e != nil {
		return connector.Result{}, s.fault(e, name)
	}
	if kind := resp.Header.Get("X-Amz-Function-Error"); kind != "" {
		return s.all(b, functionError(kind, resp)), nil
	}
	return s.judge(b, resp)
}

// payload is what the function gets.
func (s *session) payload(b *connector.Batch) []byte {
	body := append([]byte(`{"operation":"`), operations[b.Operation]...)
	body = append(append(body, '"'), s.before...)
	for i := range b.Rows {
		if i > 0 {
			body = append(body, ',')
		}
		body = s.row(body, b.Rows[i].Source)
	}
	return append(body, s.after...)
}

func (s *session) row(dst []byte, values []value.Value) []byte {
	dst = append(dst, '{')
	for i, name := range s.names {
		if i >= len(values) {
			break
		}
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = values[i].AppendJSON(append(dst, name...))
	}
	return append(dst, '}')
}

// fault says what an error of the invocation means: the function did not run then.
// https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_Errors
func (s *session) fault(e *fault.Error, name string) error {
	switch {
	case name == "ResourceNotFoundException":
		e.Code, e.Class = fault.CodeDestinationSchema, fault.Fatal
		return e.WithSuggestion("Check the function's ARN, and whether its version or alias exists.")
	case e.Code == fault.CodeDestinationDenied:
		e.Class = fault.Fatal
		return e.WithSuggestion("Allow lambda:InvokeFunction on the function.")
	case e.Class == fault.Throttled && s.plan.Retry != trigger.RetryNow:
		e.Class = fault.Retryable // the next run is soon enough
	case e.Class == fault.Unknown && name != "":
		e.Class = fault.Retryable // Lambda's own 502s: the function could not be started
	}
	return e
}

// functionError is what a function says that failed.
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-sync.html
func functionError(kind string, resp *httpx.Response) string {
	var said struct {
		Message string `json:"errorMessage"`
		Type    string `json:"errorType"`
	}
	text := "the function failed (" + kind + ")"
	if json.Unmarshal(resp.Body, &said) != nil {
		return text
	}
	if said.Type != "" {
		text += ": " + said.Type
	}
	if said.Message != "" {
		text += ": " + said.Message
	}
	return text
}

// all refuses every row.
func (s *session) all(b *connector.Batch, reason string) connector.Result {
	var result connector.Result
	for i := range b.Rows {
		result.Rejected = append(result.Rejected, s.refusal(i, reason))
	}
	return result
}

func (s *session) refusal(row int, reason string) connector.Rejection {
	return connector.Rejection{Row: row, Reason: s.client.Redact(reason), Retry: s.plan.Retry == trigger.RetryNow && s.plan.Retries > 0}
}

// judge reads which rows the function refuses.
func (s *session) judge(b *connector.Batch, resp *httpx.Response) (connector.Result, error) {
	var result connector.Result
	if resp.Truncated {
		return result, unsure("the answer is too long to be read")
	}
	answer, err := value.ParseJSON(string(resp.Body))
	listed, is := answer.Get("errors")
	if err != nil || !is || listed.IsNull() { // a function may return nothing, and not even JSON
		return result, nil //nolint:nilerr // it is no error
	}
	if listed.Parsed().Kind() != value.List {
		return result, unsure("errors is no list")
	}
	for _, item := range listed.List() {
		row := rowOf(item, b)
		if row < 0 {
			return connector.Result{}, unsure("the answer refuses a row that is not of this call, or does not say which")
		}
		reason, _ := item.Get("reason")
		text := strings.TrimSpace(reason.String())
		if text == "" {
			text = "refused without a reason"
		}
		result.Rejected = append(result.Rejected, s.refusal(row, text))
	}
	return result, nil
}

// unsure is an answer of which nobody can say what it means for the rows.
func unsure(problem string) error {
	return fault.Reclass(fault.New(fault.CodeDestinationAnswer, "%s", problem).
		WithSuggestion(`Return {} or {"errors": [{"primary_key_value": …, "reason": …}]}.`), fault.Unknown)
}

func rowOf(item value.Value, b *connector.Batch) int {
	key, is := item.Get("primary_key_value")
	if !is || key.IsNull() {
		return -1
	}
	for i := range b.Rows {
		if b.Rows[i].Key == key.String() {
			return i
		}
	}
	return -1
}

// Finish has nothing to complete: every call has its answer.
func (s *session) Finish(context.Context) error { return nil }

// Close ends idle connections.
func (s *session) Close() error {
	s.client.Close()
	return nil
}
