package sync

import (
	"fmt"
	"slices"
	"time"

	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/kind/orchestrator"
	"github.com/millrace/millrace/internal/kind/sync/cron"
	"github.com/millrace/millrace/internal/resource"
)

// Schedule types (SY-80).
const (
	ScheduleManual   = "manual"
	ScheduleInterval = "interval"
	ScheduleCron     = "cron"
	ScheduleCustom   = "custom"

	ScheduleDBTCloud = orchestrator.DBTCloud // after jobs of dbt Cloud (DBT-07)
	ScheduleFivetran = orchestrator.Fivetran // after connections and transformations of Fivetran (ORC-01)
)

// Schedule says when a sync, or a sequence of them, runs by itself.
type Schedule struct {
	Type        string       `json:"type,omitempty"` // empty means manual
	Interval    *Interval    `json:"interval,omitempty"`
	Cron        string       `json:"cron,omitempty"` // five fields, in UTC (SY-83)
	Recurrences []Recurrence `json:"recurrences,omitempty"`
	Zone        string       `json:"zone,omitempty"` // IANA name, for recurrences
	Start       *time.Time   `json:"start,omitempty"`
	End         *time.Time   `json:"end,omitempty"`
	After       *After       `json:"after,omitempty"` // of dbtCloud and fivetran
}

// After are the jobs after which something runs: when all of them have succeeded since it last did.
type After struct {
	Orchestrator string   `json:"orchestrator"` // slug
	Jobs         []string `json:"jobs"`         // their IDs
}

// Waits reports whether the schedule waits for jobs instead of a time.
func (s Schedule) Waits() bool { return s.Type == ScheduleDBTCloud || s.Type == ScheduleFivetran }

// References lists the orchestrator of a schedule that stands at a path of a document.
func (s Schedule) References(path string) []resource.Ref {
	if !s.Waits() || s.After == nil || s.After.Orchestrator == "" {
		return nil
	}
	return []resource.Ref{{Kind: orchestrator.KindName, Slug: s.After.Orchestrator, Path: path + ".after.orchestrator"}}
}

// Related reports an orchestrator of another type.
func (s Schedule) Related(path string, get func(kind, slug string) (any, error)) fault.Issues {
	var issues fault.Issues
	if !s.Waits() || s.After == nil {
		return issues
	}
	found, err := get(orchestrator.KindName, s.After.Orchestrator)
	if o, ok := found.(*orchestrator.Spec); err == nil && ok && o.Type != s.Type {
		issues.Add(path+".after.orchestrator", fault.CodeInvalid, "the orchestrator %q is of the type %s, and the schedule of %s", s.After.Orchestrator, o.Type, s.Type)
	}
	return issues
}

// Interval is a distance in time.
type Interval struct {
	Unit     string `json:"unit"` // minute, hour, day, week
	Quantity int    `json:"quantity"`
}

// Recurrence is a time of day on days of the week (SY-82).
type Recurrence struct {
	Days []string `json:"days"` // monday … sunday
	Time string   `json:"time"` // HH:MM
}

// Manual reports whether nothing starts by itself.
func (s Schedule) Manual() bool { return s.Type == "" || s.Type == ScheduleManual }

// units are what an interval counts, with the most that makes sense: a year's worth, so that no computation of
// times overflows.
var units = map[string]int{"minute": 366 * 24 * 60, "hour": 366 * 24, "day": 366, "week": 53}

var weekdays = []string{"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"}

// Validate reports every error of a schedule that stands at a path of a document.
func (s Schedule) Validate(path string) fault.Issues {
	var issues fault.Issues
	switch s.Type {
	case "", ScheduleManual:
	case ScheduleInterval:
		s.validateInterval(path+".interval", &issues)
	case ScheduleCron:
		if err := cron.Check(s.Cron); err != nil {
			issues = append(issues, fault.As(err).WithPath(path+".cron"))
		}
	case ScheduleCustom:
		s.validateRecurrences(path, &issues)
	case ScheduleDBTCloud, ScheduleFivetran:
		s.validateAfter(path+".after", &issues)
	default:
		issues.Add(path+".type", fault.CodeInvalid, "there is no schedule type %q", s.Type)
	}
	if s.Start != nil && s.End != nil && !s.End.After(*s.Start) {
		issues.Add(path+".end", fault.CodeInvalid, "the schedule ends before it starts")
	}
	return issues
}

func (s Schedule) validateAfter(path string, issues *fault.Issues) {
	if s.After == nil || s.After.Orchestrator == "" {
		issues.Add(path+".orchestrator", fault.CodeRequired, "choose what is waited for")
		return
	}
	if len(s.After.Jobs) == 0 {
		issues.Add(path+".jobs", fault.CodeRequired, "choose at least one job")
	}
	for i, job := range s.After.Jobs {
		if job == "" || slices.Index(s.After.Jobs, job) != i {
			issues.Add(fmt.Sprintf("%s.jobs[%d]", path, i), fault.CodeInvalid, "%q is no job, or is named twice", job)
		}
	}
}

func (s Schedule) validateInterval(path string, issues *fault.Issues) {
	switch i := s.Interval; {
	case i == nil || i.Quantity < 1 || units[i.Unit] == 0:
		issues.Add(path, fault.CodeInvalid, "an interval is a number of minutes, hours, days or weeks, at least 1")
	case i.Quantity > units[i.Unit]:
		issues.Add(path, fault.CodeInvalid, "an interval is at most a year: %d %ss", units[i.Unit], i.Unit)
	}
}

func (s Schedule) validateRecurrences(path string, issues *fault.Issues) {
	if _, err := time.LoadLocation(s.Zone); err != nil || s.Zone == "" {
		issues.Add(path+".zone", fault.CodeInvalid, "%q is not a time zone such as Europe/Berlin", s.Zone)
	}
	if len(s.Recurrences) == 0 {
		issues.Add(path+".recurrences", fault.CodeRequired, "add days and a time")
	}
	for i, r := range s.Recurrences {
		at := fmt.Sprintf("%s.recurrences[%d]", path, i)
		if _, err := time.Parse("15:04", r.Time); err != nil {
			issues.Add(at+".time", fault.CodeInvalid, "%q is not a time of day such as 08:30", r.Time)
		}
		for _, d := range r.Days {
			if !slices.Contains(weekdays, d) {
				issues.Add(at+".days", fault.CodeInvalid, "%q is not a day of the week", d)
			}
		}
		if len(r.Days) == 0 {
			issues.Add(at+".days", fault.CodeRequired, "choose at least one day")
		}
	}
}

// Timing returns when the sync runs by itself, and whether that is switched off.
func (s *Spec) Timing() (schedule Schedule, disabled bool) { return s.Schedule, s.Disabled }
