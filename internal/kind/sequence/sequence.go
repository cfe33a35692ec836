// Package sequence is the kind of document that runs syncs in an order, each after the one before it (SY-86).
package sequence

import (
	"fmt"
	"math"

	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/kind/sync"
	"github.com/millrace/millrace/internal/resource"
)

// Spec is what a person configures of a sequence.
type Spec struct {
	Steps       []Step        `json:"steps"`
	Schedule    sync.Schedule `json:"schedule"`
	Disabled    bool          `json:"disabled"` // stops the schedule only
	Description string        `json:"description,omitempty"`
}

// Step is one sync of a sequence.
type Step struct {
	Sync      string    `json:"sync"`                // slug
	Terminate Terminate `json:"terminate,omitempty"` // empty means rejected
	Rejected  *Limit    `json:"rejected,omitempty"`  // what too many rejected rows are; nil means one
}

// Terminate is what ends a sequence before its last step (SY-87).
type Terminate string

// What ends a sequence.
const (
	TerminateRejected Terminate = "rejected" // a fatal error, or too many rejected rows
	TerminateFatal    Terminate = "fatal"    // a fatal error
	TerminateNever    Terminate = "never"    // nothing
)

// Limit is how many rejected rows are too many: a number of rows or a part of the rows that the model's query
// returned.
type Limit struct {
	Count   int64   `json:"count,omitempty"`   // at least 1
	Percent float64 `json:"percent,omitempty"` // above 0, up to 100
}

// Exceeded reports whether rejected rows are too many of those that were queried.
func (l Limit) Exceeded(rejected, queried int64) bool {
	switch {
	case rejected == 0:
		return false
	case l.Percent > 0:
		return float64(rejected)*100 >= l.Percent*float64(queried)
	default:
		return rejected >= max(l.Count, 1)
	}
}

// Ends returns what ends the sequence at this step, and how many rejected rows are too many.
func (s Step) Ends() (Terminate, Limit) {
	terminate, limit := s.Terminate, Limit{}
	if terminate == "" {
		terminate = TerminateRejected
	}
	if s.Rejected != nil {
		limit = *s.Rejected
	}
	return terminate, limit
}

// Timing returns when the sequence runs by itself, and whether that is switched off.
func (s *Spec) Timing() (schedule sync.Schedule, disabled bool) { return s.Schedule, s.Disabled }

// Kind returns the descriptor of sequences.
func Kind() resource.Kind {
	k := resource.Define("sequence", "sequences",
		func(s *Spec, _ func(string) bool) fault.Issues { return s.validate() },
		func(s *Spec) []resource.Ref {
			refs := make([]resource.Ref, 0, len(s.Steps)+1)
			for i, step := range s.Steps {
				refs = append(refs, resource.Ref{Kind: "sync", Slug: step.Sync, Path: fmt.Sprintf("spec.steps[%d].sync", i)})
			}
			return append(refs, s.Schedule.References("spec.schedule")...)
		}, nil)
	k.Related = func(spec any, get func(kind, slug string) (any, error)) fault.Issues {
		return spec.(*Spec).Schedule.Related("spec.schedule", get) //nolint:forcetypeassert // made by New
	}
	return k
}

func (s *Spec) validate() fault.Issues {
	var issues fault.Issues
	if len(s.Steps) == 0 {
		issues.Add("spec.steps", fault.CodeRequired, "add at least one sync")
	}
	for i, step := range s.Steps {
		step.validate(fmt.Sprintf("spec.steps[%d]", i), &issues)
	}
	return append(issues, s.Schedule.Validate("spec.schedule")...)
}

func (s Step) validate(path string, issues *fault.Issues) {
	switch terminate, _ := s.Ends(); terminate {
	case TerminateRejected:
	case TerminateFatal, TerminateNever:
		if s.Rejected != nil {
			issues.Add(path+".rejected", fault.CodeInvalid, "rejected rows do not end a sequence at a step that terminates on %s", terminate)
		}
		return
	default:
		issues.Add(path+".terminate", fault.CodeInvalid, "there is no setting %q; there are rejected, fatal and never", terminate)
	}
	if s.Rejected != nil {
		s.Rejected.validate(path+".rejected", issues)
	}
}

func (l Limit) validate(path string, issues *fault.Issues) {
	switch {
	case l.Count != 0 && l.Percent != 0:
		issues.Add(path, fault.CodeInvalid, "give a count or a percentage, not both")
	case l.Count == 0 && l.Percent == 0:
		issues.Add(path, fault.CodeRequired, "give a count or a percentage")
	case l.Count < 0:
		issues.Add(path+".count", fault.CodeInvalid, "the count is at least 1")
	case l.Percent < 0 || l.Percent > 100 || math.IsNaN(l.Percent):
		issues.Add(path+".percent", fault.CodeInvalid, "the percentage is above 0 and at most 100")
	}
}
