package notify

import (
	"context"
	"time"

	"github.com/millrace/millrace/internal/kind/alerting"
)

// pagerDutySummary is the most that a summary of PagerDuty holds.
const pagerDutySummary = 1024

type pagerDutyEvent struct {
	RoutingKey string            `json:"routing_key"`
	Action     string            `json:"event_action"`
	DedupKey   string            `json:"dedup_key"`
	Client     string            `json:"client,omitempty"`
	ClientURL  string            `json:"client_url,omitempty"`
	Payload    *pagerDutyPayload `json:"payload,omitempty"`
	Links      []pagerDutyLink   `json:"links,omitempty"`
}

type pagerDutyPayload struct {
	Summary   string         `json:"summary"`
	Source    string         `json:"source"`
	Severity  string         `json:"severity"`
	Timestamp string         `json:"timestamp"`
	Component string         `json:"component,omitempty"`
	Class     string         `json:"class,omitempty"`
	Details   map[string]any `json:"custom_details,omitempty"`
}

type pagerDutyLink struct {
	Href string `json:"href"`
	Text string `json:"text"`
}

// pagerDuty opens an alert, changes it, or resolves it. All events of one alert share their deduplication key, so
// that one that is sent twice changes nothing. A test opens one and resolves it.
func (s *Sender) pagerDuty(ctx context.Context, m message) error {
	if err := s.pagerDutyEvent(ctx, m, m.Level == alerting.OK); err != nil || !m.Test {
		return err
	}
	return s.pagerDutyEvent(ctx, m, true)
}

func (s *Sender) pagerDutyEvent(ctx context.Context, m message, resolve bool) error {
	key := m.settings.Text("routingKey")
	e := pagerDutyEvent{RoutingKey: key, Action: "resolve", DedupKey: m.Key}
	if !resolve {
		e.Action, e.Client, e.ClientURL, e.Payload = "trigger", "Millrace", m.link, s.pagerDutyPayload(m)
		e.Links = []pagerDutyLink{{Href: m.link, Text: "Open in Millrace"}}
	}
	_, err := s.postJSON(ctx, request{url: join(m.settings.Text("baseUrl"), "/v2/enqueue"), secrets: []string{key}}, e)
	return err
}

func (s *Sender) pagerDutyPayload(m message) *pagerDutyPayload {
	p := &pagerDutyPayload{
		Summary: cut(m.Title()+". "+m.Words, pagerDutySummary), Source: s.Public, Severity: string(m.Level),
		Timestamp: m.At.UTC().Format(time.RFC3339Nano), Component: m.Slug, Class: m.Trigger,
		Details: map[string]any{"words": m.Words, "value": m.Value, "threshold": m.Threshold, "unit": m.Unit, "since": m.Since.UTC().Format(time.RFC3339)},
	}
	if m.About != 0 {
		p.Details["run"] = m.About
	}
	if m.Test {
		p.Severity, p.Details = "info", nil
	}
	return p
}
