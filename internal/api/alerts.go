package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/millrace/millrace/internal/alert"
	"github.com/millrace/millrace/internal/engine/sync/watch"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/kind/alerting"
	"github.com/millrace/millrace/internal/kind/channel"
	"github.com/millrace/millrace/internal/kind/destination"
	"github.com/millrace/millrace/internal/kind/sync"
	"github.com/millrace/millrace/internal/resource"
)

// Notifier sends a test notice to a channel.
type Notifier interface {
	Test(ctx context.Context, c channel.Spec) error
}

// AlertRollup sums the triggers of a document up.
type AlertRollup struct {
	Level    string `json:"level" enum:"ok,warning,critical" doc:"the worst of its triggers"`
	Active   int    `json:"active" doc:"triggers that alert"`
	Warning  int    `json:"warning"`
	Critical int    `json:"critical"`
}

func rollupBody(r alert.Rollup) AlertRollup {
	return AlertRollup{Level: string(r.Level), Active: r.Active(), Warning: r.Warning, Critical: r.Critical}
}

// AlertsBody is how a document's alerts are set and where they stand.
type AlertsBody struct {
	Rollup         AlertRollup          `json:"rollup"`
	Triggers       []AlertTriggerBody   `json:"triggers" nullable:"false"`
	Recipients     []AlertRecipientBody `json:"recipients" nullable:"false"`
	RecipientsFrom string               `json:"recipientsFrom" enum:"sync,destination,nobody" doc:"where they are set"`
}

// AlertTriggerBody is one trigger of a document.
type AlertTriggerBody struct {
	Name        string   `json:"name"`
	Label       string   `json:"label"`
	On          bool     `json:"on"`
	From        string   `json:"from" enum:"sync,destination,standard" doc:"where its thresholds are set"`
	Warning     *float64 `json:"warning"`
	Critical    *float64 `json:"critical"`
	Measure     string   `json:"measure,omitempty"`
	WindowHours int      `json:"windowHours,omitempty"`
	Unit        string   `json:"unit"`
	Level       string   `json:"level" enum:"ok,warning,critical"`
	Since       *string  `json:"since" doc:"when it got to its level; null when it never had another one"`
	EvaluatedAt *string  `json:"evaluatedAt" doc:"null before the first evaluation"`
	Value       float64  `json:"value" doc:"of the last evaluation"`
	Words       string   `json:"words" doc:"what was measured"`
	Run         *int64   `json:"run" doc:"the run that it is about"`
	Muted       bool     `json:"muted"`
	MutedUntil  *string  `json:"mutedUntil" doc:"null while muted without an end"`
	MutedBy     string   `json:"mutedBy,omitempty"`
}

// AlertRecipientBody is a channel that is told.
type AlertRecipientBody struct {
	Channel string `json:"channel"`
	Name    string `json:"name"`
	Type    string `json:"type"`
	Levels  string `json:"levels" enum:"all,critical"`
}

// AlertEventBody is a change of a trigger's level.
type AlertEventBody struct {
	ID        int64             `json:"id"`
	At        string            `json:"at"`
	Trigger   string            `json:"trigger"`
	Label     string            `json:"label"`
	From      string            `json:"from" enum:"ok,warning,critical"`
	To        string            `json:"to" enum:"ok,warning,critical"`
	Value     float64           `json:"value"`
	Threshold float64           `json:"threshold"`
	Words     string            `json:"words"`
	Run       *int64            `json:"run"`
	Muted     bool              `json:"muted" doc:"nobody was told, since the trigger was muted"`
	Notices   []AlertNoticeBody `json:"notices" nullable:"false"`
}

// AlertNoticeBody is what became of a notice.
type AlertNoticeBody struct {
	Channel  string  `json:"channel"`
	Target   string  `json:"target,omitempty"`
	Repeat   bool    `json:"repeat"`
	State    string  `json:"state" enum:"pending,sent,failed"`
	At       string  `json:"at"`
	NextAt   *string `json:"nextAt" doc:"of the next attempt"`
	Attempts int64   `json:"attempts"`
	Error    string  `json:"error,omitempty" doc:"of the last attempt, in the provider's words"`
}

// AlertChannelStatus is what is known of an alert channel beyond its document.
type AlertChannelStatus struct {
	UseCount   int              `json:"useCount" doc:"documents whose recipients it is among"`
	LastNotice *AlertNoticeBody `json:"lastNotice"`
}

func noticeBody(n alert.NoticeStatus) AlertNoticeBody {
	return AlertNoticeBody{
		Channel: n.Channel, Target: n.Target, Repeat: n.Repeat, State: n.State, At: stamp(n.At), NextAt: optionalStamp(n.NextAt),
		Attempts: n.Attempts, Error: n.Error,
	}
}

func (s *Server) alerts(api huma.API) {
	register(s, api, op(http.MethodGet, "/api/catalog/alert-channels", "list-alert-channel-types", "What can be an alert channel", nil), func(context.Context, *struct{}) (*body[page[channel.Info]], error) {
		all := channel.Types()
		return &body[page[channel.Info]]{page[channel.Info]{Items: all, Total: len(all)}}, nil
	})
	register(s, api, op(http.MethodGet, "/api/catalog/alert-triggers", "list-alert-triggers", "What syncs are watched for", nil), func(context.Context, *struct{}) (*body[page[alerting.TriggerType]], error) {
		return &body[page[alerting.TriggerType]]{page[alerting.TriggerType]{Items: alerting.SyncTypes, Total: len(alerting.SyncTypes)}}, nil
	})
	register(s, api, op(http.MethodPost, "/api/alert-channels/test", "test-alert-channel", "Send a test notice, before a channel is saved or after", nil), func(ctx context.Context, in *testInput) (*body[TestBody], error) {
		return s.try(ctx, func(ctx context.Context) error { return s.testChannel(ctx, in) }), nil
	})
	const root = "/api/syncs/{slug}/alerts"
	register(s, api, op(http.MethodGet, root, "get-sync-alerts", "How the alerts of a sync are set, and where they stand", nil), func(ctx context.Context, in *slugInput) (*body[AlertsBody], error) {
		return s.syncAlerts(ctx, in.Slug)
	})
	register(s, api, op(http.MethodGet, root+"/history", "list-sync-alert-events", "List the changes of a sync's alerts with their notices, the newest first", nil), func(ctx context.Context, in *struct {
		Slug   string `path:"slug"`
		Limit  int    `query:"limit" default:"50" minimum:"1" maximum:"500"`
		Cursor string `query:"cursor"`
	}) (*body[page[AlertEventBody]], error) {
		return s.alertHistory(ctx, in.Slug, in.Cursor, in.Limit)
	})
	register(s, api, op(http.MethodPost, root+"/{trigger}/mute", "mute-sync-alert", "Hold the notices of a trigger back", nil), func(ctx context.Context, in *struct {
		Slug    string `path:"slug"`
		Trigger string `path:"trigger"`
		Body    *struct {
			Minutes int `json:"minutes,omitempty" minimum:"1" maximum:"525600" doc:"for how long; without, until it is ended"`
		}
	}) (*body[AlertsBody], error) {
		minutes := 0
		if in.Body != nil {
			minutes = in.Body.Minutes
		}
		return s.mute(ctx, in.Slug, in.Trigger, minutes)
	})
	register(s, api, op(http.MethodDelete, root+"/{trigger}/mute", "unmute-sync-alert", "Let the notices of a trigger go out again", nil), func(ctx context.Context, in *struct {
		Slug    string `path:"slug"`
		Trigger string `path:"trigger"`
	}) (*body[AlertsBody], error) {
		return s.unmute(ctx, in.Slug, in.Trigger)
	})
}

// testChannel sends a test notice by the settings that a person is writing; the secrets of a saved channel fill in.
func (s *Server) testChannel(ctx context.Context, in *testInput) error {
	spec := &channel.Spec{Type: in.Body.Type, Configuration: in.Body.Configuration}
	text, err := json.Marshal(spec)
	if err != nil {
		return fmt.Errorf("encoding an alert channel: %w", err)
	}
	if err := s.Resources.Validate(ctx, scope(ctx), alerting.ChannelKind, resource.Write{Name: "Test", Slug: in.Body.Slug, Spec: text}); err != nil {
		return err
	}
	if err := s.Resources.Fill(ctx, scope(ctx), alerting.ChannelKind, in.Body.Slug, spec); err != nil {
		return err
	}
	return s.Notify.Test(ctx, *spec)
}

func (s *Server) syncAlerts(ctx context.Context, slug string) (*body[AlertsBody], error) {
	d, err := s.Resources.Get(ctx, scope(ctx), "sync", slug)
	if err != nil {
		return nil, err
	}
	spec := d.Spec.(*sync.Spec) //nolint:forcetypeassert // a sync's spec
	dest, err := s.Resources.Get(ctx, scope(ctx), "destination", spec.Destination)
	if err != nil {
		return nil, err
	}
	standings, err := s.Alerts.Standings(ctx, who(ctx).WorkspaceID, "sync", d.ID)
	if err != nil {
		return nil, err
	}
	rollup, err := s.Alerts.Rollup(ctx, who(ctx).WorkspaceID, "sync", d.ID)
	if err != nil {
		return nil, err
	}
	policy := watch.Policy(*spec, *dest.Spec.(*destination.Spec)) //nolint:forcetypeassert // a destination's spec
	out := AlertsBody{Rollup: rollupBody(rollup), Triggers: []AlertTriggerBody{}, Recipients: []AlertRecipientBody{}, RecipientsFrom: layer(policy.From, "nobody")}
	for _, w := range policy.Watches {
		out.Triggers = append(out.Triggers, triggerBody(w, standings[w.Type.Name]))
	}
	for _, r := range policy.Recipients {
		out.Recipients = append(out.Recipients, s.recipientBody(ctx, r))
	}
	return &body[AlertsBody]{out}, nil
}

// layer names where something is set.
func layer(from int, nowhere string) string {
	switch from {
	case 0:
		return "sync"
	case 1:
		return "destination"
	default:
		return nowhere
	}
}

func triggerBody(w alerting.Watch, st alert.Standing) AlertTriggerBody {
	b := AlertTriggerBody{
		Name: w.Type.Name, Label: w.Type.Label, On: !w.Trigger.Off, From: layer(w.From, "standard"), Warning: w.Trigger.Warning, Critical: w.Trigger.Critical,
		Measure: w.Trigger.Measure, WindowHours: w.Trigger.WindowHours, Unit: w.Unit(), Level: string(st.Level), Since: optionalStamp(st.Since),
		EvaluatedAt: optionalStamp(st.EvaluatedAt), Value: st.Value, Words: st.Words, Muted: st.Muted, MutedUntil: optionalStamp(st.MutedUntil), MutedBy: st.MutedBy,
	}
	if st.Level == "" {
		b.Level = string(alerting.OK)
	}
	if st.About != 0 {
		b.Run = &st.About
	}
	return b
}

func (s *Server) recipientBody(ctx context.Context, r alerting.Recipient) AlertRecipientBody {
	b := AlertRecipientBody{Channel: r.Channel, Name: r.Channel, Levels: alerting.LevelsAll}
	if d, err := s.Resources.Get(ctx, scope(ctx), alerting.ChannelKind, r.Channel); err == nil {
		c := d.Spec.(*channel.Spec) //nolint:forcetypeassert // a channel's spec
		b.Name, b.Type = d.Name, c.Type
		if c.Levels != "" {
			b.Levels = c.Levels
		}
	}
	if r.Levels != "" {
		b.Levels = r.Levels
	}
	return b
}

func (s *Server) alertHistory(ctx context.Context, slug, cursor string, limit int) (*body[page[AlertEventBody]], error) {
	d, err := s.Resources.Get(ctx, scope(ctx), "sync", slug)
	if err != nil {
		return nil, err
	}
	before, err := offsetOf(cursor)
	if err != nil {
		return nil, err
	}
	events, err := s.Alerts.History(ctx, who(ctx).WorkspaceID, "sync", d.ID, int64(before), limit+1)
	if err != nil {
		return nil, err
	}
	events, next := newest(events, limit, func(e alert.Event) int64 { return e.ID })
	p := page[AlertEventBody]{Items: make([]AlertEventBody, len(events)), Total: len(events), NextCursor: next}
	for i, e := range events {
		p.Items[i] = eventBody(e)
	}
	return &body[page[AlertEventBody]]{p}, nil
}

func eventBody(e alert.Event) AlertEventBody {
	b := AlertEventBody{
		ID: e.ID, At: stamp(e.At), Trigger: e.Trigger, Label: e.Trigger, From: string(e.From), To: string(e.To), Value: e.Value, Threshold: e.Threshold,
		Words: e.Words, Muted: e.Muted, Notices: []AlertNoticeBody{},
	}
	if t, ok := syncTrigger(e.Trigger); ok {
		b.Label = t.Label
	}
	if e.About != 0 {
		b.Run = &e.About
	}
	for _, n := range e.Notices {
		b.Notices = append(b.Notices, noticeBody(n))
	}
	return b
}

func syncTrigger(name string) (alerting.TriggerType, bool) {
	i := slices.IndexFunc(alerting.SyncTypes, func(t alerting.TriggerType) bool { return t.Name == name })
	if i < 0 {
		return alerting.TriggerType{}, false
	}
	return alerting.SyncTypes[i], true
}

// muting finds the sync and checks the trigger's name.
func (s *Server) muting(ctx context.Context, slug, trigger string) (resource.Document, error) {
	d, err := s.Resources.Get(ctx, scope(ctx), "sync", slug)
	if err != nil {
		return d, err
	}
	if _, known := syncTrigger(trigger); !known {
		names := make([]string, len(alerting.SyncTypes))
		for i, t := range alerting.SyncTypes {
			names[i] = t.Name
		}
		return d, notFound("there is no trigger %q; there are %s", trigger, strings.Join(names, ", "))
	}
	return d, nil
}

func (s *Server) mute(ctx context.Context, slug, trigger string, minutes int) (*body[AlertsBody], error) {
	d, err := s.muting(ctx, slug, trigger)
	if err != nil {
		return nil, err
	}
	var until time.Time
	words := trigger + " until it is ended"
	if minutes > 0 {
		until = s.Clock.Now().Add(time.Duration(minutes) * time.Minute)
		words = trigger + " until " + stamp(until)
	}
	if err := s.Alerts.Mute(ctx, watch.Subject(who(ctx).WorkspaceID, d), trigger, until, who(ctx).Email); err != nil {
		return nil, err
	}
	s.noteMute(ctx, d, "muted", words)
	return s.syncAlerts(ctx, slug)
}

func (s *Server) unmute(ctx context.Context, slug, trigger string) (*body[AlertsBody], error) {
	d, err := s.muting(ctx, slug, trigger)
	if err != nil {
		return nil, err
	}
	if err := s.Alerts.Unmute(ctx, watch.Subject(who(ctx).WorkspaceID, d), trigger); err != nil {
		return nil, err
	}
	s.noteMute(ctx, d, "unmuted", trigger)
	return s.syncAlerts(ctx, slug)
}

func (s *Server) noteMute(ctx context.Context, d resource.Document, action, words string) {
	if err := s.Resources.Record(ctx, scope(ctx), d, action, words); err != nil {
		s.Log.Error("noting a mute", "request", requestID(ctx), "sync", d.ID, "error", err) // it is in force all the same
	}
}

// alertFilters are what a list of syncs may be narrowed to by their alerts (FOL-02).
var alertFilters = []string{"any", "critical", "warning", "none"}

// alertMatches reports whether a rollup is among those that a filter asks for.
func alertMatches(filter string, r alert.Rollup) bool {
	switch filter {
	case "any":
		return r.Active() > 0
	case "critical":
		return r.Critical > 0
	case "warning":
		return r.Warning > 0
	case "none":
		return r.Active() == 0
	default:
		return true
	}
}

func checkAlertFilter(filter string) error {
	if filter == "" || slices.Contains(alertFilters, filter) {
		return nil
	}
	return fault.New(fault.CodeInvalid, "there is no filter %q; there are %s", filter, strings.Join(alertFilters, ", ")).WithPath("alerts")
}
