// Package pubsub is the destination "Google Cloud Pub/Sub": a message for each row that was added, changed or removed.
// README.md cites Google's pages.
package pubsub

import (
	"context"
	"strings"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/destination/trigger"
	"github.com/millrace/millrace/internal/fault"
)

// Slug is the destination's slug.
const Slug = "google-pubsub"

// Info describes the destination.
func Info() connector.DestinationInfo {
	return connector.DestinationInfo{
		Slug:     Slug,
		Name:     "Google Cloud Pub/Sub",
		Category: "queue_stream",
		Summary:  "Sends a message to a topic when rows are added, changed or removed",
		Fields:   fields(),
		SyncTypes: []connector.SyncType{{
			Slug:    "message",
			Name:    "Messages",
			Summary: "A message for each row that was added, changed or removed",
			Modes:   []connector.Mode{connector.ModeTrigger},
			Fields:  syncFields(),
			Mapping: connector.MappingRule{Enabled: true, Advanced: true, Custom: true, AllByName: true},
			Compare: connector.CompareAll,
		}},
		Open: open,
	}
}

func open(o connector.DestinationOptions) (connector.Destination, error) {
	d := &destination{network: o.Network}
	if err := o.Settings.WithDefaults(fields()).Decode(&d.settings); err != nil {
		return nil, err
	}
	return d, nil
}

// destination is a project's topics.
type destination struct {
	network  connector.Network
	settings settings
}

var (
	_ connector.Destination  = (*destination)(nil)
	_ connector.OptionLister = (*destination)(nil)
)

// Test lists one topic.
func (d *destination) Test(ctx context.Context) error {
	_, err := d.topics(ctx, 1, 1)
	return err
}

// How many topics are listed; the name of any other may be typed in.
const (
	pageSize  = 1000
	maxListed = 5000
)

// topics are the names of the project's topics, at most so many.
func (d *destination) topics(ctx context.Context, page int32, most int) ([]string, error) {
	if err := d.settings.check().Err(); err != nil {
		return nil, fault.As(err)
	}
	c, err := d.connect()
	if err != nil {
		return nil, err
	}
	defer c.close() //nolint:errcheck // nothing depends on it
	var names []string
	for r := (&pubsubpb.ListTopicsRequest{Project: "projects/" + d.settings.ProjectID, PageSize: page}); ; {
		answer, err := c.list(ctx, r)
		if err != nil {
			return nil, err
		}
		for _, t := range answer.GetTopics() {
			names = append(names, t.GetName()[strings.LastIndexByte(t.GetName(), '/')+1:])
		}
		if r.PageToken = answer.GetNextPageToken(); r.PageToken == "" || len(names) >= most {
			return names, nil
		}
	}
}

// Check reports every error of the settings.
func (d *destination) Check(job connector.SyncJob) error {
	issues := d.settings.check()
	_, _, more := compile(job)
	return append(issues, more...).Err()
}

// ListOptions lists the project's topics and the model's columns.
func (d *destination) ListOptions(ctx context.Context, list string, job connector.SyncJob) ([]connector.Option, error) {
	switch list {
	case trigger.ListColumns:
		return trigger.Columns(job), nil
	case listTopics:
		names, err := d.topics(ctx, pageSize, maxListed)
		return trigger.Options(names...), err
	default:
		return nil, fault.New(fault.CodeInvalid, "there is no list %q", list)
	}
}

// Begin compiles the sync's settings. Nothing is sent.
func (d *destination) Begin(_ context.Context, job connector.SyncJob) (connector.Session, error) {
	if err := d.Check(job); err != nil {
		return nil, fault.Reclass(err, fault.Fatal)
	}
	actions, feed, _ := compile(job) //nolint:errcheck // Check has just reported its issues
	c, err := d.connect()
	if err != nil {
		return nil, fault.Reclass(err, fault.Fatal)
	}
	return &session{Feed: feed, actions: actions, client: c, project: d.settings.ProjectID, scratches: trigger.NewPool(job)}, nil
}

// Close does nothing: connections belong to sessions.
func (d *destination) Close() error { return nil }
