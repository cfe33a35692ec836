package manifest

import (
	"context"
	"errors"
	"log/slog"
	"net/url"
	"strconv"
	"time"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/httpx"
	"github.com/millrace/millrace/internal/value"
)

// Destination is one connection that a manifest describes.
type Destination struct {
	manifest   *Manifest
	hooks      Hooks
	settings   connector.Settings
	connection value.Value
	network    httpx.Network
	reach      connector.Network
	dir        string
	state      connector.State
	clock      clock.Clock
	log        *slog.Logger
	auth       access
}

var (
	_ connector.Destination     = (*Destination)(nil)
	_ connector.FieldLister     = (*Destination)(nil)
	_ connector.OptionLister    = (*Destination)(nil)
	_ connector.Authorizer      = (*Destination)(nil)
	_ connector.QualityReporter = (*Destination)(nil)
)

// Open reads the settings. It does not connect.
func (m *Manifest) open(network httpx.Network, hooks Hooks, o connector.DestinationOptions) (connector.Destination, error) {
	d := &Destination{
		manifest: m, hooks: hooks, network: network, reach: o.Network, dir: o.Dir, state: o.State, clock: o.Clock, log: o.Log,
		settings: o.Settings.WithDefaults(m.connectionFields()),
	}
	if d.clock == nil {
		d.clock = clock.System{}
	}
	if d.state == nil {
		d.state = connector.Memory()
	}
	d.connection = mapOf(d.settings)
	var err error
	d.auth, err = d.access()
	return d, err
}

// Settings are the connection's, with defaults.
func (d *Destination) Settings() connector.Settings { return d.settings }

// secrets are what no log may show.
func (d *Destination) secrets() []string {
	var all []string
	for _, f := range d.manifest.connectionFields() {
		if text := d.settings.Text(f.Name); f.Secret && text != "" {
			quoted := value.AppendJSONString(nil, text)
			all = append(all, text, url.QueryEscape(text), url.PathEscape(text), string(quoted[1:len(quoted)-1]))
		}
	}
	return all
}

// scope is what templates see without a sync.
func (d *Destination) scope() *scope {
	s := newScope()
	s.set("connection", d.connection)
	return s
}

// client returns a client for so many requests at once.
func (d *Destination) client(concurrency int) (*client, error) {
	c, err := httpx.New(httpx.Options{
		Concurrency: concurrency, Timeout: time.Duration(d.manifest.Connection.Timeout),
		Network: d.network, Dial: d.reach.Dial, Egress: d.reach.Firewall(),
		Secrets: d.secrets(), Clock: d.clock,
	})
	if err != nil {
		return nil, err
	}
	return &client{Client: c, d: d}, nil
}

// Test makes the requests that the manifest has for it, and what its hook tries.
func (d *Destination) Test(ctx context.Context) error {
	c, err := d.client(1)
	if err != nil {
		return err
	}
	defer c.Close()
	d.auth.insist()
	s := d.scope()
	for i := range d.manifest.Connection.Test {
		st := &d.manifest.Connection.Test[i]
		err := c.try(ctx, s, st)
		switch {
		case fault.Is(err, fault.CodeDestinationAuth): // a token that was refused has no answer of the step's own
			return helped(fault.As(err), st.Hint)
		case err != nil:
			return err
		}
	}
	if d.hooks.Test == nil {
		return nil
	}
	return d.hooks.Test(ctx, &Run{session: &session{Destination: d, kind: &SyncType{}, client: c}})
}

// try makes one request of a test.
func (c *client) try(ctx context.Context, s *scope, st *Step) error {
	if run, err := s.holds(&st.When); err != nil || !run {
		return err
	}
	r, err := c.request(ctx, s, st.parts(), nil)
	if err != nil {
		return err
	}
	r.Keep = answerBytes
	resp, err := c.send(ctx, r, nil, connector.Turn{})
	if err != nil {
		return err
	}
	c.see(s, resp)
	if e := c.verdict(s, resp, r.Secrets, st.Answers); e != nil {
		return helped(e, st.Hint)
	}
	good, err := s.holds(&st.Require)
	if err == nil && !good {
		return helped(fault.New(fault.CodeDestinationDenied, "the answer of %s is not what it should be", c.d.manifest.Name), st.Hint)
	}
	return errors.Join(err, c.keep(s, st.Save))
}

func helped(e *fault.Error, hint string) *fault.Error {
	if hint == "" || e.Suggestion != "" {
		return e
	}
	return e.WithSuggestion("%s", hint)
}

// jobScope is what templates see of a sync.
func (d *Destination) jobScope(job connector.SyncJob) *scope { return scopeOf(d.given(job)) }

// given are the variables of a sync, which stay what they are.
func (d *Destination) given(job connector.SyncJob) []value.Field {
	match := ""
	if len(job.Match) > 0 {
		match = job.Match[0].To
	}
	return []value.Field{
		{Name: "connection", Value: d.connection},
		{Name: "settings", Value: mapOf(job.Settings)},
		{Name: "run", Value: value.OfMap([]value.Field{
			{Name: "id", Value: value.OfText(strconv.FormatInt(job.RunID, 10))},
			{Name: "sync_id", Value: value.OfText(strconv.FormatInt(job.SyncID, 10))},
			{Name: "sync", Value: value.OfText(job.SyncSlug)},
			{Name: "type", Value: value.OfText(d.typeName(job.Type))},
			{Name: "mode", Value: value.OfText(string(job.Mode))},
			{Name: "delete", Value: value.OfText(string(job.Delete))},
			{Name: "match", Value: value.OfText(match)},
			{Name: "first", Value: value.OfBool(job.FirstRun)},
			{Name: "started_at", Value: value.OfTime(job.StartedAt)},
		})},
		{Name: "model", Value: value.OfMap([]value.Field{
			{Name: "id", Value: value.OfText(strconv.FormatInt(job.Model.ID, 10))},
			{Name: "name", Value: value.OfText(job.Model.Name)},
			{Name: "slug", Value: value.OfText(job.Model.Slug)},
			{Name: "primary_key", Value: value.OfText(job.Model.PrimaryKey)},
		})},
	}
}

// typeName is the name of a sync type.
func (d *Destination) typeName(slug string) string {
	for i := range d.manifest.SyncTypes {
		if t := &d.manifest.SyncTypes[i]; t.Slug == slug {
			return t.Name
		}
	}
	return ""
}

// syncType returns the sync type of a job.
func (d *Destination) syncType(job connector.SyncJob) (*SyncType, error) {
	for i := range d.manifest.SyncTypes {
		if t := &d.manifest.SyncTypes[i]; t.Slug == job.Type {
			return t, nil
		}
	}
	return nil, fault.New(fault.CodeInvalid, "%s has no sync type %q", d.manifest.Name, job.Type)
}

// Close does nothing: connections belong to sessions.
func (d *Destination) Close() error { return nil }
