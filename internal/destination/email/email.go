// Package email is the destination "SMTP Email": a mail for each row that was added, changed or removed, mails with some
// rows each, one with a table, or one with a CSV file. README.md cites the standards.
package email

import (
	"context"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/destination/trigger"
	"github.com/millrace/millrace/internal/fault"
)

// Slug is the destination's slug.
const Slug = "email"

// Info describes the destination.
func Info() connector.DestinationInfo {
	return connector.DestinationInfo{
		Slug:      Slug,
		Name:      "SMTP Email",
		Category:  "messaging",
		Summary:   "Sends mails about rows through a mail server of your own",
		Verified:  true,
		Fields:    fields(),
		SyncTypes: syncTypes(),
		Open:      open,
	}
}

func open(o connector.DestinationOptions) (connector.Destination, error) {
	d := &destination{network: o.Network, dir: o.Dir, clock: o.Clock}
	if d.clock == nil {
		d.clock = clock.System{}
	}
	if err := o.Settings.WithDefaults(fields()).Decode(&d.settings); err != nil {
		return nil, err
	}
	return d, nil
}

// destination is a mail server.
type destination struct {
	network  connector.Network
	dir      string
	clock    clock.Clock
	settings settings
}

var (
	_ connector.Destination  = (*destination)(nil)
	_ connector.OptionLister = (*destination)(nil)
)

// Test connects and authenticates. No mail is sent.
func (d *destination) Test(ctx context.Context) error {
	if err := d.settings.check().Err(); err != nil {
		return fault.As(err)
	}
	c, err := d.dial(ctx)
	if err != nil {
		return err
	}
	c.close()
	return nil
}

// Check reports every error of the settings.
func (d *destination) Check(job connector.SyncJob) error {
	_, more := compile(job)
	return append(d.settings.check(), more...).Err()
}

// ListOptions lists the model's columns.
func (d *destination) ListOptions(_ context.Context, list string, job connector.SyncJob) ([]connector.Option, error) {
	if list != trigger.ListColumns {
		return nil, fault.New(fault.CodeInvalid, "there is no list %q", list)
	}
	return trigger.Columns(job), nil
}

// Begin compiles the sync's settings. Nothing is sent.
func (d *destination) Begin(_ context.Context, job connector.SyncJob) (connector.Session, error) {
	if err := d.Check(job); err != nil {
		return nil, fault.Reclass(err, fault.Fatal)
	}
	p, _ := compile(job) //nolint:errcheck // Check has just reported its issues
	s := &session{Feed: p.feed, destination: d, plan: p, job: job, scratches: trigger.NewPool(job)}
	switch job.Type {
	case typeTable:
		return &reportSession{session: s, report: newTable(job)}, nil
	case typeCSV:
		report, err := newFile(d.dir, job, p.Zip)
		if err != nil {
			return nil, err
		}
		return &reportSession{session: s, report: report}, nil
	default:
		return s, nil
	}
}

// Close does nothing: connections belong to sessions.
func (d *destination) Close() error { return nil }
