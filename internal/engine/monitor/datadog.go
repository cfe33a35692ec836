package monitor

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/httpx"
	"github.com/millrace/millrace/internal/kind/monitor"
)

// Options make a DatadogSender.
type Options struct {
	Network httpx.Network // where requests may go
	Public  string        // address of the web app, without a slash at its end
	Clock   clock.Clock
}

// DatadogSender brings reports to Datadog. It is safe for concurrent use.
//
//   - Metrics: POST /api/v2/series with the header DD-API-KEY; a count has type 1, a gauge 3; a point is at most an hour
//     old (https://docs.datadoghq.com/api/latest/metrics/submit-metrics/).
//   - Events: POST /api/v1/events (https://docs.datadoghq.com/api/latest/events/post-an-event/).
//   - Keys: GET /api/v1/validate (https://docs.datadoghq.com/api/latest/authentication/validate-api-key/).
type DatadogSender struct {
	Options

	http *httpx.Client
}

var _ Sender = (*DatadogSender)(nil)

// timeout is what one exchange may take.
const timeout = 20 * time.Second

// NewDatadog returns a sender.
func NewDatadog(o Options) (*DatadogSender, error) {
	client, err := httpx.New(httpx.Options{Timeout: timeout, Network: o.Network, Clock: o.Clock, SecretHeaders: []string{keyHeader}})
	if err != nil {
		return nil, err
	}
	return &DatadogSender{o, client}, nil
}

const keyHeader = "DD-API-KEY"

// The types of metrics.
const (
	typeCount = 1
	typeGauge = 3
)

// series is what the metrics' request holds.
type series struct {
	Series []metric `json:"series"`
}

type metric struct {
	Metric string   `json:"metric"`
	Type   int      `json:"type"`
	Unit   string   `json:"unit,omitempty"`
	Points []point  `json:"points"`
	Tags   []string `json:"tags"`
}

type point struct {
	Timestamp int64   `json:"timestamp"` // seconds since 1970
	Value     float64 `json:"value"`
}

type event struct {
	Title    string   `json:"title"`
	Text     string   `json:"text"`
	At       int64    `json:"date_happened"`
	Level    string   `json:"alert_type"`
	Key      string   `json:"aggregation_key"`
	Source   string   `json:"source_type_name"`
	Tags     []string `json:"tags"`
	Priority string   `json:"priority"`
}

// longestText is what an event's text may have: https://docs.datadoghq.com/api/latest/events/post-an-event/
const longestText = 4000

// Send brings the metrics, then the event. An attempt that is made again may repeat the metrics of one that failed in
// between: Datadog keeps the last value of a point.
func (d *DatadogSender) Send(ctx context.Context, m monitor.Spec, r Report) error {
	settings := settingsOf(m)
	if r.Test {
		return d.test(ctx, settings)
	}
	if err := d.post(ctx, settings, "/api/v2/series", metricsOf(settings, r)); err != nil {
		return err
	}
	if settings["events"] == false {
		return nil
	}
	return d.post(ctx, settings, "/api/v1/events", d.eventOf(settings, r))
}

// Test proves the key without sending anything.
func (d *DatadogSender) Test(ctx context.Context, m monitor.Spec) error {
	return d.test(ctx, settingsOf(m))
}

func settingsOf(m monitor.Spec) connector.Settings {
	info, _ := monitor.TypeOf(m.Type)
	return connector.Settings(m.Configuration).WithDefaults(info.Fields)
}

func (d *DatadogSender) test(ctx context.Context, s connector.Settings) error {
	return d.do(ctx, s, &httpx.Request{Method: http.MethodGet}, "/api/v1/validate")
}

func (d *DatadogSender) post(ctx context.Context, s connector.Settings, path string, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encoding a report: %w", err)
	}
	return d.do(ctx, s, &httpx.Request{Method: http.MethodPost, Body: body}, path)
}

func (d *DatadogSender) do(ctx context.Context, s connector.Settings, r *httpx.Request, path string) error {
	base := s.Text("baseUrl")
	if base == "" {
		base = "https://api." + s.Text("site")
	}
	address, err := httpx.ParseBase(strings.TrimRight(base, "/") + path)
	if err != nil {
		return err
	}
	key := s.Text("apiKey")
	r.URL, r.Secrets = address, []string{key}
	r.Header = http.Header{keyHeader: {key}, "Content-Type": {"application/json"}}
	resp, _, err := d.http.Do(ctx, r)
	if err != nil {
		return unsent(err)
	}
	if e := d.http.StatusFault(resp, key); e != nil {
		if resp.Status >= http.StatusInternalServerError && e.Class == fault.Permanent {
			e.Class = fault.Retryable
		}
		return unsent(e)
	}
	return nil
}

// unsent gives an error of an exchange the code that is about notices; Datadog refuses keys with 403.
func unsent(err error) error {
	e := *fault.As(err)
	switch e.Code {
	case fault.CodeDestinationAuth, fault.CodeDestinationDenied:
		e.Code, e.Class = fault.CodeNoticeAuth, fault.Fatal
		return e.WithSuggestion("Datadog refuses the key: enter an API key, not an application key, of an organization on this site.")
	case fault.CodeDestinationThrottled:
		e.Code = fault.CodeNoticeThrottled
	case fault.CodeDestinationRejected:
		e.Code = fault.CodeNoticeRefused
		return e.WithSuggestion("Correct the monitor's settings; the message is Datadog's own.")
	default:
		e.Code = fault.CodeNoticeUnreachable
		return e.WithSuggestion("Check the monitor's site, and this server's way to it.")
	}
	return &e
}

// metricsOf are the metrics of a run (MON-02).
func metricsOf(s connector.Settings, r Report) series {
	prefix, tags := s.Text("prefix")+".sync.", tagsOf(s, r)
	at := r.EndedAt.Unix()
	add := func(all []metric, name string, kind int, unit string, value float64, more ...string) []metric {
		return append(all, metric{prefix + name, kind, unit, []point{{at, value}}, append(append([]string{}, tags...), more...)})
	}
	var all []metric
	for _, rows := range r.Rows {
		all = add(all, "row_processed", typeCount, "row", float64(rows.Count), "op:"+rows.Operation, "success:"+strconv.FormatBool(rows.Success))
	}
	all = add(all, "complete", typeCount, "", 1, "status:"+r.Status)
	all = add(all, "query_time", typeGauge, "second", r.Query.Seconds())
	all = add(all, "execution_time", typeGauge, "second", r.Execution.Seconds())
	return series{add(all, "total_time", typeGauge, "second", (r.Query + r.Execution).Seconds())}
}

func tagsOf(s connector.Settings, r Report) []string {
	return append([]string{"sync:" + r.Sync, "workspace:" + r.Workspace}, s.List("tags")...)
}

// levels are the types of events.
var levels = map[string]string{Success: "success", Warning: "warning", Failed: "error", Cancelled: "info"}

// eventOf is the event of a run (MON-03), whose status is spelled as in Datadog's own words.
func (d *DatadogSender) eventOf(s connector.Settings, r Report) event {
	status := r.Status
	if status == Cancelled {
		status = "canceled"
	}
	text := r.Words + "\n" + d.Public + r.Path
	if over := len(text) - longestText; over > 0 {
		text = strings.ToValidUTF8(r.Words[:len(r.Words)-over], "") + "\n" + d.Public + r.Path
	}
	return event{
		Title: fmt.Sprintf("%s.sync.complete: %s, %s", s.Text("prefix"), r.Name, status), Text: text, At: r.EndedAt.Unix(), Level: levels[r.Status],
		Key: "sync " + strconv.FormatInt(r.Run, 10), Source: s.Text("prefix"), Tags: append(tagsOf(s, r), "status:"+status), Priority: "normal",
	}
}
