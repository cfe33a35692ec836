package sync

import (
	"fmt"
	"slices"
	"strings"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/kind/alerting"
	"github.com/millrace/millrace/internal/kind/destination"
	"github.com/millrace/millrace/internal/kind/model"
	"github.com/millrace/millrace/internal/kind/source"
	"github.com/millrace/millrace/internal/resource"
	"github.com/millrace/millrace/internal/template"
)

// Kind returns the descriptor of syncs.
func Kind(registry *connector.Registry) resource.Kind {
	k := resource.Define("sync", "syncs",
		func(s *Spec, _ func(string) bool) fault.Issues { return s.validate() },
		func(s *Spec) []resource.Ref {
			refs := append([]resource.Ref{
				{Kind: "model", Slug: s.Model, Path: "spec.model"},
				{Kind: "destination", Slug: s.Destination, Path: "spec.destination"},
			}, s.Alerts.References("spec.alerts")...)
			return append(refs, s.Schedule.References("spec.schedule")...)
		}, nil)
	k.Along = func(spec any) []resource.Ref {
		return []resource.Ref{{Kind: "model", Slug: spec.(*Spec).Model, Path: "spec.model"}} //nolint:forcetypeassert // made by New
	}
	k.Related = func(spec any, get func(kind, slug string) (any, error)) fault.Issues {
		s := spec.(*Spec) //nolint:forcetypeassert // made by New
		return append(s.validateRelated(registry, get), s.Schedule.Related("spec.schedule", get)...)
	}
	return k
}

var modes = []connector.Mode{
	connector.ModeUpdate, connector.ModeInsert, connector.ModeUpsert, connector.ModeAdd, connector.ModeRemove,
	connector.ModeArchive, connector.ModeAll, connector.ModeSnapshot, connector.ModeDiff, connector.ModeTrigger,
}

func (s *Spec) validate() fault.Issues {
	var issues fault.Issues
	if !slices.Contains(modes, s.Mode) {
		issues.Add("spec.mode", fault.CodeInvalid, "there is no sync mode %q", s.Mode)
	}
	if s.Delete != "" && !slices.Contains(connector.DeleteBehaviors, s.Delete) {
		issues.Add("spec.delete", fault.CodeInvalid, "there is no delete behaviour %q; there are %v", s.Delete, connector.DeleteBehaviors)
	}
	switch s.InDoubt {
	case "", InDoubtReport, InDoubtResend:
	default:
		issues.Add("spec.inDoubt", fault.CodeInvalid, "there is no policy %q; there are report and resend", s.InDoubt)
	}
	if s.AllColumns && len(s.Mappings) > 0 {
		issues.Add("spec.mappings", fault.CodeInvalid, "a sync of all columns has no mappings")
	}
	validateMappings("spec.mappings", s.Mappings, 0, &issues)
	s.validateExpansion(&issues)
	issues = append(issues, s.Schedule.Validate("spec.schedule")...)
	s.Alerts.Validate("spec.alerts", alerting.SyncTypes, &issues)
	return issues
}

// maxDepth is how deep inline objects and arrays may nest (SY-35).
const maxDepth = 2

func validateMappings(path string, mappings []Mapping, depth int, issues *fault.Issues) {
	seen := map[string]bool{}
	for i, m := range mappings {
		at := fmt.Sprintf("%s[%d]", path, i)
		if m.To == "" {
			issues.Add(at+".to", fault.CodeRequired, "a mapping needs a field to fill")
		}
		if seen[m.To] {
			issues.Add(at+".to", fault.CodeInvalid, "the field %q is mapped twice", m.To)
		}
		seen[m.To] = true
		m.validate(at, depth, issues)
	}
}

func (m Mapping) validate(at string, depth int, issues *fault.Issues) {
	if m.OmitNull && m.ClearNull {
		issues.Add(at+".clearNull", fault.CodeInvalid, "a null is either left out or clears the field")
	}
	switch m.Kind {
	case "", FromColumn:
		if m.From == "" {
			issues.Add(at+".from", fault.CodeRequired, "choose a column")
		}
	case FromStatic:
	case FromVariable:
		if !slices.Contains(Variables, m.Variable) {
			issues.Add(at+".variable", fault.CodeInvalid, "there is no variable %q", m.Variable)
		}
	case FromTemplate:
		m.validateTemplate(at+".template", issues)
	case FromObject, FromArray:
		if m.Kind == FromArray && m.From == "" {
			issues.Add(at+".from", fault.CodeRequired, "choose the column that holds the array")
		}
		if depth >= maxDepth {
			issues.Add(at, fault.CodeInvalid, "inline objects and arrays nest at most %d deep", maxDepth)
			return
		}
		validateMappings(at+".fields", m.Fields, depth+1, issues)
	default:
		issues.Add(at+".kind", fault.CodeInvalid, "there is no kind of mapping %q", m.Kind)
	}
}

func (m Mapping) validateTemplate(path string, issues *fault.Issues) {
	if m.Template == "" {
		issues.Add(path, fault.CodeRequired, "write a template")
		return
	}
	if _, err := template.Parse(m.Template); err != nil {
		*issues = append(*issues, fault.As(err).WithPath(path))
	}
}

// validateRelated checks what depends on the destination's type and on the model's columns.
func (s *Spec) validateRelated(registry *connector.Registry, get func(kind, slug string) (any, error)) fault.Issues {
	var issues fault.Issues
	if m, err := get("model", s.Model); err == nil {
		spec := *m.(*model.Spec) //nolint:forcetypeassert // the kind's own spec
		s.validateColumns(spec, &issues)
		s.validateSource(registry, spec.Source, get, &issues)
		if s.Expand != "" {
			s.validateEngine(spec.Source, get, &issues)
		}
	}
	d, err := get("destination", s.Destination)
	if err != nil {
		return issues // the missing reference is reported already
	}
	info, err := registry.Destination(d.(*destination.Spec).Type) //nolint:forcetypeassert // the kind's own spec
	if err != nil {
		return issues
	}
	t, err := info.SyncType(s.Type)
	if err != nil {
		issues = append(issues, fault.As(err).WithPath("spec.type"))
		return issues
	}
	return append(issues, s.validateType(info, t)...)
}

// validateSource: sync logs are written where the model's rows come from.
func (s *Spec) validateSource(registry *connector.Registry, slug string, get func(kind, slug string) (any, error), issues *fault.Issues) {
	found, err := get("source", slug)
	if err != nil {
		return // nothing is known of it
	}
	spec := found.(*source.Spec) //nolint:forcetypeassert // the kind's own spec
	if info, err := registry.Source(spec.Type); err == nil {
		s.SyncLogs.Validate("spec.syncLogs", info, spec.Engine, issues)
	}
}

func (s *Spec) validateType(info connector.DestinationInfo, t connector.SyncType) fault.Issues {
	issues := connector.Settings(s.Settings).Check("spec.settings", t.Fields, nil)
	if !slices.Contains(t.Modes, s.Mode) {
		issues.Add("spec.mode", fault.CodeInvalid, "%s (%s) has no mode %q; it has %v", info.Name, t.Name, s.Mode, t.Modes)
	}
	if s.Delete != "" && s.Delete != connector.DeleteNothing && !slices.Contains(t.DeletesIn(s.Mode), s.Delete) {
		issues.Add("spec.delete", fault.CodeInvalid, "%s (%s) has no delete behaviour %q in the mode %s", info.Name, t.Name, s.Delete, s.Mode)
	}
	s.validateMatch(t, &issues)
	if t.Mapping.Required && len(s.Mappings) == 0 && !s.AllColumns {
		issues.Add("spec.mappings", fault.CodeRequired, "map at least one field")
	}
	if s.AllColumns && !t.Mapping.AllByName {
		issues.Add("spec.allColumns", fault.CodeInvalid, "%s does not take every column under its own name", info.Name)
	}
	return issues
}

// validateMatch: rows are matched where the mode needs it, and by a field that the mode allows (SY-21).
func (s *Spec) validateMatch(t connector.SyncType, issues *fault.Issues) {
	if slices.Contains(t.Match.Modes, s.Mode) && len(s.Match) == 0 {
		issues.Add("spec.match", fault.CodeRequired, "say which column matches rows to records")
	}
	allowed := t.MatchIn(s.Mode)
	if allowed == nil {
		return
	}
	for i, p := range s.Match {
		if !slices.Contains(allowed, p.To) {
			issues.Add(fmt.Sprintf("spec.match[%d].to", i), fault.CodeInvalid, "rows cannot be matched by %q in the mode %s; they can be by %s", p.To, s.Mode, strings.Join(allowed, ", "))
		}
	}
}

// validateColumns: mappings name columns that the model has, where its columns are known (SY-37).
func (s *Spec) validateColumns(m model.Spec, issues *fault.Issues) {
	if len(m.Columns) == 0 {
		return
	}
	m = s.expanded(m, issues)
	for i, p := range s.Match {
		if _, known := m.Column(p.From); !known {
			issues.Add(fmt.Sprintf("spec.match[%d].from", i), fault.CodeMappingColumn, "%s", s.missing(p.From))
		}
	}
	s.validateFrom("spec.mappings", s.Mappings, m, 0, issues)
}

// validateFrom looks at the columns of mappings and of inline objects. What an inline array's fields name are
// properties of its items.
func (s *Spec) validateFrom(path string, mappings []Mapping, m model.Spec, depth int, issues *fault.Issues) {
	for i, p := range mappings {
		at := fmt.Sprintf("%s[%d]", path, i)
		switch p.Kind {
		case "", FromColumn, FromArray:
			if _, known := m.Column(p.From); !known && p.From != "" {
				issues.Add(at+".from", fault.CodeMappingColumn, "%s", s.missing(p.From))
			}
		case FromObject:
			if depth < maxDepth {
				s.validateFrom(at+".fields", p.Fields, m, depth+1, issues)
			}
		}
	}
}
