// Package audiencesize is the block `audienceSizes` that destinations carry: whether the sizes of the audiences of their
// ad accounts are written into a warehouse every day, and which one (SY-94).
package audiencesize

import (
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/kind/source"
	"github.com/millrace/millrace/internal/resource"
)

// Report says where sizes are written. It stays as it is while it is off, so that it can be turned on again.
type Report struct {
	Enabled bool   `json:"enabled"`
	Source  string `json:"source"` // slug of a source with the Lightning engine
}

// On reports whether sizes are written; a report may be missing.
func (r *Report) On() bool { return r != nil && r.Enabled }

// References are the documents that a report refers to.
func (r *Report) References(path string) []resource.Ref {
	if r == nil || r.Source == "" {
		return nil
	}
	return []resource.Ref{{Kind: "source", Slug: r.Source, Path: path + ".source"}}
}

// Validate reports what is wrong with a report of a type of destination.
func (r *Report) Validate(path string, info connector.DestinationInfo, issues *fault.Issues) {
	switch {
	case r == nil:
	case info.Audiences == nil:
		issues.Add(path, fault.CodeInvalid, "%s does not tell the sizes of audiences", info.Name)
	case r.Source == "":
		issues.Add(path+".source", fault.CodeRequired, "choose the source that sizes are written to")
	}
}

// Related reports a source that cannot be written to.
func (r *Report) Related(path string, registry *connector.Registry, get func(kind, slug string) (any, error)) fault.Issues {
	if r == nil || r.Source == "" {
		return nil
	}
	found, err := get("source", r.Source)
	if err != nil {
		return nil //nolint:nilerr // the missing reference is reported already
	}
	spec := found.(*source.Spec) //nolint:forcetypeassert // the kind's own spec
	info, err := registry.Source(spec.Type)
	if err == nil {
		err = Possible(info, spec.Engine)
	}
	if err == nil {
		return nil
	}
	return fault.Issues{fault.As(err).WithPath(path + ".source")}
}

// Possible says why sizes cannot be written to a source; nil where they can: Millrace writes in the audit schemas of the
// warehouses that the Lightning engine plans in.
func Possible(info connector.SourceInfo, engine string) error {
	switch {
	case !info.SyncLogs:
		return fault.New(fault.CodeInvalid, "audience sizes cannot be written to %s", info.Name).
			WithSuggestion("Choose a source of another type; the guide on audience sizes says which.")
	case engine != connector.EngineLightning:
		return fault.New(fault.CodeInvalid, "audience sizes are written to sources with the Lightning engine").
			WithSuggestion("Choose the Lightning engine for the source first, or another source.")
	default:
		return nil
	}
}
