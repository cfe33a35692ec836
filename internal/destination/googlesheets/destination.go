// Package googlesheets is the destination "Google Sheets": rows of a sheet of a spreadsheet (SY-18).
//
// A sheet is replaced, and a snapshot made, in one step. Rows are gathered in a hidden sheet of the spreadsheet, which
// people do not see; when the run is complete, one request of Google's that is applied as a whole or not at all puts
// them in their place and deletes the hidden sheet.
package googlesheets

import (
	"context"
	"log/slog"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/destination/file"
	"github.com/millrace/millrace/internal/fault"
)

// Slug is the destination's slug.
const Slug = "google-sheets"

// Info describes the destination.
func Info() connector.DestinationInfo {
	return connector.DestinationInfo{
		Slug:      Slug,
		Name:      "Google Sheets",
		Category:  "productivity",
		Summary:   "Writes rows to the sheets of spreadsheets at Google",
		Fields:    fields(),
		Authorize: []connector.ShowIf{*person()},
		SyncTypes: []connector.SyncType{syncType()},
		Open:      open,
	}
}

func open(o connector.DestinationOptions) (connector.Destination, error) {
	d := &destination{log: o.Log}
	if err := o.Settings.WithDefaults(fields()).Decode(&d.settings); err != nil {
		return nil, err
	}
	if len(d.settings.check()) > 0 {
		return d, nil // Test and Check say what is wrong
	}
	var err error
	d.api, err = newAPI(d.settings, o)
	return d, err
}

// destination is what a service account, or a person, may write to.
type destination struct {
	settings settings
	api      *api // nil while the settings cannot work
	log      *slog.Logger
}

var (
	_ connector.Destination  = (*destination)(nil)
	_ connector.OptionLister = (*destination)(nil)
	_ connector.FieldLister  = (*destination)(nil)
	_ connector.Authorizer   = (*destination)(nil)
)

func (d *destination) ready() error {
	return file.OneError(d.settings.check())
}

// Test lists one spreadsheet.
func (d *destination) Test(ctx context.Context) error {
	if err := d.ready(); err != nil {
		return err
	}
	if d.api.person != nil {
		d.api.person.Insist()
	}
	_, err := d.api.list(ctx, query("", 1))
	return err
}

// Check reports every error of the settings.
func (d *destination) Check(job connector.SyncJob) error {
	return append(d.settings.check(), checkJob(job)...).Err()
}

// ListOptions lists the spreadsheets that are shared with the service account, and the sheets of the chosen one.
func (d *destination) ListOptions(ctx context.Context, list string, job connector.SyncJob) ([]connector.Option, error) {
	if err := d.ready(); err != nil {
		return nil, err
	}
	switch list {
	case listSpreadsheets:
		return d.api.spreadsheets(ctx)
	case listSheets:
	default:
		return nil, fault.New(fault.CodeInvalid, "there is no list %q", list)
	}
	s, err := decodeSync(job)
	if err != nil {
		return nil, err
	}
	b, err := d.api.read(ctx, s.Spreadsheet)
	if err != nil {
		return nil, err
	}
	var options []connector.Option
	for _, title := range b.titles() {
		options = append(options, connector.Option{Value: title, Label: title})
	}
	return options, nil
}

// TargetFields are the columns that the header row names.
func (d *destination) TargetFields(ctx context.Context, job connector.SyncJob) ([]connector.TargetField, error) {
	s, err := decodeSync(job)
	if err == nil {
		err = d.ready()
	}
	if err != nil || !s.Header || job.Mode == connector.ModeSnapshot || s.Sheet == "" || s.Spreadsheet == "" {
		return nil, err
	}
	at, err := parseArea(s.Range)
	if err != nil {
		return nil, err
	}
	names, err := d.api.row(ctx, s.Spreadsheet, s.Sheet, at)
	var found []connector.TargetField
	for _, name := range names {
		if name != "" {
			found = append(found, connector.TargetField{Name: name, Type: "unknown", Native: "cell"})
		}
	}
	return found, err
}

// Begin starts a run.
func (d *destination) Begin(ctx context.Context, job connector.SyncJob) (connector.Session, error) {
	if err := d.ready(); err != nil {
		return nil, fault.Reclass(err, fault.Fatal)
	}
	s, err := decodeSync(job)
	if err != nil {
		return nil, err
	}
	at, err := parseArea(s.Range)
	if err != nil {
		return nil, fault.Reclass(err, fault.Fatal)
	}
	p := plan{api: d.api.paced(outside(job)), log: d.log, job: job, sync: s, at: at}
	switch job.Mode { //nolint:exhaustive // the default says it
	case connector.ModeAll, connector.ModeSnapshot:
		return beginGather(ctx, p)
	case connector.ModeInsert:
		return beginAppend(ctx, p)
	default:
		return nil, fault.Reclass(fault.New(fault.CodeInvalid, "sheets are written in the modes all, snapshot and insert, not %q", job.Mode), fault.Fatal)
	}
}

// plan is what a run works with.
type plan struct {
	api  *api
	log  *slog.Logger
	job  connector.SyncJob
	sync sync
	at   area // where the rows go
}

// Close ends idle connections.
func (d *destination) Close() error {
	if d.api != nil {
		d.api.close()
	}
	return nil
}
