// Package embedded is the destination "Embedded Destination": a connector of one's own, which says over JSON-RPC what it can
// take, and takes rows. README.md describes its methods.
package embedded

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/destination/trigger"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/httpx"
	"github.com/millrace/millrace/internal/value"
)

// Slug is the destination's slug.
const Slug = "custom"

// Info describes the destination. network says where the server's operator lets requests go.
func Info(network httpx.Network) connector.DestinationInfo {
	return connector.DestinationInfo{
		Slug:     Slug,
		Name:     "Embedded Destination",
		Category: "other",
		Summary:  "Sends rows to a connector of your own, which says over JSON-RPC what it can take",
		Verified: true,
		Fields:   fields(),
		SyncTypes: []connector.SyncType{{
			Slug:    "rows",
			Name:    "Rows",
			Summary: "Batches of rows that were added, changed or removed, as the connector wants them",
			Modes:   []connector.Mode{connector.ModeTrigger},
			Fields:  syncFields(),
			Mapping: connector.MappingRule{Enabled: true, Custom: true, AllByName: true},
			Compare: connector.CompareAll,
		}},
		Open: func(o connector.DestinationOptions) (connector.Destination, error) { return open(network, o) },
	}
}

func open(network httpx.Network, o connector.DestinationOptions) (connector.Destination, error) {
	d := &destination{network: network, reach: o.Network, clock: o.Clock}
	if d.clock == nil {
		d.clock = clock.System{}
	}
	if err := o.Settings.WithDefaults(fields()).Decode(&d.settings); err != nil {
		return nil, err
	}
	return d, nil
}

// destination is a connector.
type destination struct {
	network  httpx.Network
	reach    connector.Network
	clock    clock.Clock
	settings settings
}

var (
	_ connector.Destination  = (*destination)(nil)
	_ connector.OptionLister = (*destination)(nil)
	_ connector.FieldLister  = (*destination)(nil)
	_ connector.FormLister   = (*destination)(nil)
	_ connector.Reviewer     = (*destination)(nil)
)

// wait is how long a request may take.
func (s settings) wait() time.Duration { return time.Duration(s.Timeout) * time.Second }

// client returns a client for so many requests at once.
func (d *destination) client(concurrency int) (*rpc, error) {
	if err := d.settings.check().Err(); err != nil {
		return nil, fault.As(err)
	}
	return d.settings.open(d.network, d.reach, d.clock, concurrency)
}

// Test asks for the objects: a connector without that method answers too.
func (d *destination) Test(ctx context.Context) error {
	r, err := d.client(1)
	if err != nil {
		return err
	}
	defer r.http.Close()
	_, err = r.objects(ctx)
	return err
}

// Check reports every error of the settings.
func (d *destination) Check(job connector.SyncJob) error {
	_, _, more := compile(job)
	return append(d.settings.check(), more...).Err()
}

// ListOptions lists what the connector offers.
func (d *destination) ListOptions(ctx context.Context, list string, job connector.SyncJob) ([]connector.Option, error) {
	r, err := d.client(1)
	if err != nil {
		return nil, err
	}
	defer r.http.Close()
	var items []item
	switch list {
	case listObjects:
		items, err = r.objects(ctx)
	case listModes:
		items, err = r.modes(ctx, job.Settings.Text("object"))
	default:
		err = fault.New(fault.CodeInvalid, "there is no list %q", list)
	}
	options := make([]connector.Option, len(items))
	for i, item := range items {
		if options[i] = (connector.Option{Value: item.ID, Label: item.Label, Help: item.Description}); item.Label == "" {
			options[i].Label = item.ID
		}
	}
	return options, err
}

// ListForm draws the options that the connector describes; nothing where it describes none, or some that no form has.
func (d *destination) ListForm(ctx context.Context, name string, job connector.SyncJob) ([]connector.Field, error) {
	if name != formOptions {
		return nil, fault.New(fault.CodeInvalid, "there is no form %q", name)
	}
	r, err := d.client(1)
	if err != nil {
		return nil, err
	}
	defer r.http.Close()
	known, err := r.options(ctx, place{job.Settings.Text("object"), job.Settings.Text("mode")})
	if err != nil {
		return nil, err
	}
	fields, _ := form(known.Schema, known.UI, 0)
	return fields, nil
}

// TargetFields lists the fields of the connector's object in the mode.
func (d *destination) TargetFields(ctx context.Context, job connector.SyncJob) ([]connector.TargetField, error) {
	r, err := d.client(1)
	if err != nil {
		return nil, err
	}
	defer r.http.Close()
	found, err := r.fields(ctx, place{job.Settings.Text("object"), job.Settings.Text("mode")})
	list := make([]connector.TargetField, len(found))
	for i, f := range found {
		list[i] = f.target()
	}
	return list, err
}

// Review asks the connector whether it takes the sync's settings.
func (d *destination) Review(ctx context.Context, job connector.SyncJob) error {
	settings, options, issues := compile(job)
	if err := issues.Err(); err != nil {
		return err
	}
	r, err := d.client(1)
	if err != nil {
		return err
	}
	defer r.http.Close()
	_, err = r.configuration(ctx, job, place{settings.Object, settings.Mode}, options)
	return err
}

// Begin asks the connector how it wants to be called, and whether it takes the sync's settings.
func (d *destination) Begin(ctx context.Context, job connector.SyncJob) (connector.Session, error) {
	if err := d.Check(job); err != nil {
		return nil, fault.Reclass(err, fault.Fatal)
	}
	settings, options, _ := compile(job) //nolint:errcheck // Check has just reported its issues
	r, err := d.client(settings.Concurrency)
	if err != nil {
		return nil, fault.Reclass(err, fault.Fatal)
	}
	s := &session{rpc: r, settings: settings}
	if err := s.begin(ctx, job, options); err != nil {
		r.http.Close()
		return nil, err
	}
	return s, nil
}

// Close does nothing: connections belong to sessions.
func (d *destination) Close() error { return nil }

// session calls the connector for one run.
type session struct {
	trigger.Feed

	rpc      *rpc
	settings syncSettings
	before   []byte   // of the parameters, up to the rows
	names    []string // of the model's columns, as JSON has them
}

var (
	_ connector.Session          = (*session)(nil)
	_ connector.OperationLimiter = (*session)(nil)
)

func (s *session) begin(ctx context.Context, job connector.SyncJob, options members) error {
	wanted, err := s.rpc.behavior(ctx)
	if err != nil {
		return err
	}
	configured, err := s.rpc.configuration(ctx, job, place{s.settings.Object, s.settings.Mode}, options)
	if refused, ok := errors.AsType[fault.Issues](err); ok {
		return fault.Reclass(fmt.Errorf("the connector refuses the sync: %w", fault.As(refused)), fault.Fatal)
	}
	if err != nil {
		return err
	}
	for _, name := range job.Model.Schema.Names() {
		s.names = append(s.names, string(value.AppendJSONString(nil, name))+":")
	}
	s.before = append([]byte(`{"idColumn":`), value.AppendJSONString(nil, job.Model.PrimaryKey)...)
	s.before = append(append(append(s.before, `,"configuration":`...), configured...), `,"rows":[`...)
	return s.feed(wanted)
}

// feed makes limits of what the connector wants.
func (s *session) feed(wanted behavior) error {
	s.Feed = trigger.Feed{}
	i := connector.NotIdempotent
	if s.settings.Idempotent {
		i = connector.Idempotent
	}
	for op, sent := range map[connector.Operation]bool{
		connector.Added: wanted.Operations.Add, connector.Changed: wanted.Operations.Change, connector.Removed: wanted.Operations.Remove,
	} {
		if sent {
			s.Feed[op] = connector.Limits{
				Rows: wanted.BatchSize, Bytes: trigger.MaxBytes, Concurrency: max(1, s.settings.Concurrency), OneKind: true, Idempotency: i, SkipInitial: wanted.SkipInitialRun,
			}
		}
	}
	if len(s.Feed) == 0 {
		return fault.Reclass(fault.New(fault.CodeDestinationAnswer, "the connector takes no operation").WithSuggestion(`Its method behavior returns {"operations": {"add": true}}, for example.`), fault.Fatal)
	}
	s.Share(true)
	return nil
}

// methods are the connector's words for operations.
var methods = map[connector.Operation]string{connector.Added: "add", connector.Changed: "change", connector.Removed: "remove"}

// Write calls the operation's method with a batch.
func (s *session) Write(ctx context.Context, b *connector.Batch) (connector.Result, error) {
	if _, sent := s.Feed[b.Operation]; !sent {
		return connector.Result{}, fault.New(fault.CodeInvalid, "the connector takes no rows that were %s", b.Operation)
	}
	var result struct {
		Rejected []struct {
			ID     json.RawMessage `json:"id"`
			Reason string          `json:"reason"`
		} `json:"rejectedRows"`
	}
	x, missing, err := s.rpc.send(ctx, methods[b.Operation], b.ID, s.params(b), &result)
	if !x.StartedAt.IsZero() {
		b.Record(x)
	}
	if missing {
		return connector.Result{}, fault.Reclass(err, fault.Fatal)
	}
	if err != nil {
		return connector.Result{}, err
	}
	var refused connector.Result
	for _, r := range result.Rejected {
		row := rowOf(r.ID, b)
		if row < 0 {
			return connector.Result{}, unsure("the answer refuses a row that is not of this batch")
		}
		reason := strings.TrimSpace(r.Reason)
		if reason == "" {
			reason = "refused without a reason"
		}
		refused.Rejected = append(refused.Rejected, connector.Rejection{Row: row, Reason: s.rpc.http.Redact(reason)})
	}
	return refused, nil
}

// params are the parameters of a call.
func (s *session) params(b *connector.Batch) []byte {
	dst := append([]byte{}, s.before...)
	for i := range b.Rows {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, '{')
		for c, name := range s.names {
			if c >= len(b.Rows[i].Source) {
				break
			}
			if c > 0 {
				dst = append(dst, ',')
			}
			dst = b.Rows[i].Source[c].AppendJSON(append(dst, name...))
		}
		dst = append(dst, '}')
	}
	return append(dst, ']', '}')
}

// rowOf finds the row with the key, which is a text or a number.
func rowOf(id json.RawMessage, b *connector.Batch) int {
	v, err := value.ParseJSON(string(id))
	if err != nil || v.IsNull() {
		return -1
	}
	for i := range b.Rows {
		if b.Rows[i].Key == v.String() {
			return i
		}
	}
	return -1
}

// Finish has nothing to complete: every batch has its answer.
func (s *session) Finish(context.Context) error { return nil }

// Close ends idle connections.
func (s *session) Close() error {
	s.rpc.http.Close()
	return nil
}
