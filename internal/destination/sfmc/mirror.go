package sfmc

import (
	"context"
	"time"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/manifest"
	"github.com/millrace/millrace/internal/fault"
)

// Batches of a mirror: they go into one file.
const (
	mirrorRows  = 2000
	mirrorBytes = 4 << 20
)

// mirrorPart names the file of a mirror.
const mirrorPart = "mirror"

// collect adds rows to the file that will replace what the data extension has.
func (s *session) collect(ctx context.Context, r *manifest.Run) (connector.Result, error) {
	f, err := s.file(ctx)
	if err != nil {
		return connector.Result{}, err
	}
	if err := fill(ctx, r, f, columnsOf(r.Job()), r.Rows()); err != nil {
		return connector.Result{}, err
	}
	return r.Result(), nil
}

// file returns the file of a mirror.
func (s *session) file(ctx context.Context) (connector.Session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mirror != nil {
		return s.mirror, nil
	}
	f, err := s.opened[0].begin(ctx, fileName(s.run.Job(), mirrorPart), columnsOf(s.run.Job()))
	if err == nil {
		s.mirror = f
	}
	return f, err
}

// Finish publishes the file of a mirror, lets it replace what the data extension has, and starts the automation that
// waits for it, also where some rows were refused.
func (s *session) Finish(ctx context.Context) error {
	if !s.mirrors() {
		return s.Session.Finish(ctx)
	}
	key, err := s.extension.get(ctx)
	if err != nil {
		return err
	}
	f, err := s.file(ctx)
	if err != nil {
		return err
	}
	if err := f.Finish(ctx); err != nil {
		return err
	}
	name := fileName(s.run.Job(), mirrorPart)
	defer s.opened[0].remove(context.WithoutCancel(ctx), name)
	result, err := load(ctx, s.run, name, key, updateOverwrite)
	if err != nil {
		return err
	}
	if err := s.automate(ctx); err != nil {
		return err
	}
	if result.Errors > 0 {
		return fault.New(fault.CodeDestinationRejected, "Marketing Cloud refused %d of the %d rows of the file; the data extension has the others", result.Errors, result.Total).
			WithSuggestion("The results of the import are in the account's FTP site. To be told why of each row, send the rows with a sync in mode upsert by the API.")
	}
	return nil
}

// What names an automation.
const (
	automationNone = "none"
	automationKey  = "key"
)

// Statuses of an automation.
// https://developer.salesforce.com/docs/marketing/marketing-cloud/guide/automation.html
const (
	automationFailed  = "-1"
	automationRunning = "3"
	automationStopped = "5"
)

// automationWait is how long an automation takes to say that it runs.
const automationWait = 15 * time.Second

// automate starts the sync's automation and waits until it is over.
func (s *session) automate(ctx context.Context) error {
	settings := s.run.Job().Settings
	by := settings.Text("automation")
	if by == automationNone || by == "" {
		return nil
	}
	id, property := settings.Text("automationId"), "ObjectID"
	if by == automationKey {
		property = "CustomerKey"
	}
	answer, err := call(ctx, s.run, "Perform", element("PerformRequestMsg", leaf("Action", "start"),
		element("Definitions", object("Definition", "Automation", leaf(property, id)))))
	if err != nil {
		return err
	}
	if err := done(answer.at("Results").all("Result")); err != nil {
		return failed(err)
	}
	if err := s.run.Wait(ctx, automationWait); err != nil {
		return err
	}
	return poll(ctx, s.run, "the automation "+id, func() (bool, error) {
		found, err := retrieve(ctx, s.run, "Automation", []string{"Status"}, equals(property, id))
		if err != nil {
			return false, err
		}
		if len(found) == 0 {
			return false, failed(fault.New(fault.CodeDestinationSchema, "there is no automation %s", id))
		}
		switch found[0].text("Status") {
		case automationRunning:
			return false, nil
		case automationFailed, automationStopped:
			return false, failed(fault.New(fault.CodeDestinationRejected, "the automation %s failed or was stopped", id))
		default:
			return true, nil
		}
	})
}

func failed(err error) error {
	return fault.Reclass(fault.Wrap(err, fault.CodeDestinationSchema, "the data extension was replaced, but its automation failed").
		WithSuggestion("Look at the automation in Automation Studio, and at what the sync says names it."), fault.Fatal)
}
