// Package kafka is the destination "Apache Kafka": a message for each row that was added, changed or removed.
//
// What is known of the protocol is that of Apache Kafka's own pages and of the client library
// github.com/twmb/franz-go; README.md cites them.
package kafka

import (
	"context"
	"slices"
	"time"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/destination/trigger"
	"github.com/millrace/millrace/internal/fault"
)

// Slug is the destination's slug.
const Slug = "apache-kafka"

// Info describes the destination.
func Info() connector.DestinationInfo {
	return connector.DestinationInfo{
		Slug:     Slug,
		Name:     "Apache Kafka",
		Category: "queue_stream",
		Summary:  "Sends a message to a topic when rows are added, changed or removed",
		Verified: false,
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
	d := &destination{network: o.Network, patience: patience}
	if err := o.Settings.WithDefaults(fields()).Decode(&d.settings); err != nil {
		return nil, err
	}
	return d, nil
}

// destination is a cluster.
type destination struct {
	network  connector.Network
	settings settings
	patience time.Duration
}

var (
	_ connector.Destination  = (*destination)(nil)
	_ connector.OptionLister = (*destination)(nil)
)

// Test connects, authenticates and asks which topics there are.
func (d *destination) Test(ctx context.Context) error {
	_, err := d.topics(ctx)
	return err
}

// topics are the cluster's own that this client may see, without those that Kafka keeps for itself.
func (d *destination) topics(ctx context.Context) ([]string, error) {
	if err := d.settings.check().Err(); err != nil {
		return nil, fault.As(err)
	}
	c, err := d.connect()
	if err != nil {
		return nil, err
	}
	defer c.Close()
	found, err := c.describe(ctx, nil)
	if err != nil {
		return nil, err
	}
	var names []string
	for name, t := range found {
		if !t.internal {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

// Check reports every error of the settings.
func (d *destination) Check(job connector.SyncJob) error {
	issues := d.settings.check()
	_, _, more := compile(job)
	return append(issues, more...).Err()
}

// ListOptions lists the cluster's topics and the model's columns.
func (d *destination) ListOptions(ctx context.Context, list string, job connector.SyncJob) ([]connector.Option, error) {
	switch list {
	case trigger.ListColumns:
		return trigger.Columns(job), nil
	case listTopics:
		names, err := d.topics(ctx)
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
	return &session{Feed: feed, actions: actions, client: c, scratches: trigger.NewPool(job), topics: map[string]topic{}}, nil
}

// Close does nothing: connections belong to sessions.
func (d *destination) Close() error { return nil }
