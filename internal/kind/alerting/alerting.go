// Package alerting is the block `alerts` that documents carry: which triggers watch a document, from which values
// on they alert, and who is told (SY-61 to SY-66).
package alerting

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/resource"
)

// ChannelKind is the kind of the documents that recipients refer to.
const ChannelKind = "alert-channel"

// Level is how bad a trigger finds what it watches.
type Level string

// The levels.
const (
	OK       Level = "ok"
	Warning  Level = "warning"
	Critical Level = "critical"
)

// severity orders the levels.
var severity = map[Level]int{OK: 0, Warning: 1, Critical: 2}

// Worse reports whether l is worse than other.
func (l Level) Worse(other Level) bool { return severity[l] > severity[other] }

// Which levels a recipient is told about (SY-63).
const (
	LevelsAll      = "all" // critical and warning
	LevelsCritical = "critical"
)

// Seen is a level as a recipient of these levels sees it: to one who only hears of critical alerts, a warning is
// no alert.
func Seen(l Level, levels string) Level {
	if l == Warning && levels == LevelsCritical {
		return OK
	}
	return l
}

// Spec is what a person configures of a document's alerts. What it leaves out is as the document above it says:
// a sync's are those of its destination (SY-62).
type Spec struct {
	Recipients []Recipient        `json:"recipients,omitzero"` // absent: those of the document above; empty: nobody
	Triggers   map[string]Trigger `json:"triggers,omitempty"`  // by the name of a TriggerType; each replaces that of the document above as a whole
}

// Recipient is a channel that is told.
type Recipient struct {
	Channel string `json:"channel"`          // slug of an alert channel
	Levels  string `json:"levels,omitempty"` // all or critical; empty means the channel's own
}

// Trigger says when a condition alerts. Without thresholds, the standard ones of its type count.
type Trigger struct {
	Off         bool     `json:"off,omitempty"`
	Warning     *float64 `json:"warning,omitempty"`
	Critical    *float64 `json:"critical,omitempty"`
	Measure     string   `json:"measure,omitempty"`     // what is measured, where the type has several
	WindowHours int      `json:"windowHours,omitempty"` // how far back it is measured, where the type has a window
}

// Validate reports every error of the block at path, whose triggers are of the types.
func (s *Spec) Validate(path string, types []TriggerType, issues *fault.Issues) {
	if s == nil {
		return
	}
	seen := map[string]bool{}
	for i, r := range s.Recipients {
		at := fmt.Sprintf("%s.recipients[%d]", path, i)
		if r.Channel == "" {
			issues.Add(at+".channel", fault.CodeRequired, "choose an alert channel")
		} else if seen[r.Channel] {
			issues.Add(at+".channel", fault.CodeInvalid, "the channel %q is there twice", r.Channel)
		}
		seen[r.Channel] = true
		ValidateLevels(at+".levels", r.Levels, issues)
	}
	for _, name := range slices.Sorted(maps.Keys(s.Triggers)) {
		at := path + ".triggers." + name
		t, known := find(types, name)
		if !known {
			issues.Add(at, fault.CodeInvalid, "there is no trigger %q; there are %s", name, strings.Join(names(types), ", "))
			continue
		}
		t.validate(at, s.Triggers[name], issues)
	}
}

// ValidateLevels reports a word that says no levels.
func ValidateLevels(path, levels string, issues *fault.Issues) {
	switch levels {
	case "", LevelsAll, LevelsCritical:
	default:
		issues.Add(path, fault.CodeInvalid, "there are no levels %q; there are all and critical", levels)
	}
}

// References lists the channels that the block at path refers to.
func (s *Spec) References(path string) []resource.Ref {
	if s == nil {
		return nil
	}
	refs := make([]resource.Ref, len(s.Recipients))
	for i, r := range s.Recipients {
		refs[i] = resource.Ref{Kind: ChannelKind, Slug: r.Channel, Path: fmt.Sprintf("%s.recipients[%d].channel", path, i)}
	}
	return refs
}

// Policy is what counts for one document.
type Policy struct {
	Watches    []Watch // every type, in the types' order
	Recipients []Recipient
	From       int // the layer that the recipients come from; Nowhere when none names any
}

// Watch is one trigger as it counts for a document.
type Watch struct {
	Type    TriggerType
	Trigger Trigger // with the standard values where nothing was said
	From    int     // the layer that it comes from; Nowhere means the standard
}

// Unit is the unit of the thresholds.
func (w Watch) Unit() string {
	if w.Trigger.Measure == MeasurePercent {
		return MeasurePercent
	}
	return w.Type.Unit
}

// Nowhere is the layer of what nobody wrote.
const Nowhere = -1

// Effective combines the blocks of a document and of those above it, the nearest first. A type that watches by
// itself does so where nobody mentions it; another one only where it is mentioned.
func Effective(types []TriggerType, layers ...*Spec) Policy {
	p := Policy{From: Nowhere, Watches: make([]Watch, len(types))}
	for i, layer := range layers {
		if layer != nil && layer.Recipients != nil {
			p.Recipients, p.From = layer.Recipients, i
			break
		}
	}
	for i, t := range types {
		p.Watches[i] = t.watch(layers)
	}
	return p
}

func (t TriggerType) watch(layers []*Spec) Watch {
	for i, layer := range layers {
		if layer == nil {
			continue
		}
		if said, ok := layer.Triggers[t.Name]; ok {
			return Watch{Type: t, Trigger: t.complete(said), From: i}
		}
	}
	standard := t.Standard
	standard.Off = !t.Always
	return Watch{Type: t, Trigger: standard, From: Nowhere}
}

// Level returns how bad a value is, and the threshold that says so; of a value that is fine, the nearest one.
// Critical is looked at first.
func (w Watch) Level(v float64) (Level, float64) {
	for _, at := range []struct {
		level     Level
		threshold *float64
	}{{Critical, w.Trigger.Critical}, {Warning, w.Trigger.Warning}} {
		if at.threshold != nil && w.Type.Compare.meets(v, *at.threshold) {
			return at.level, *at.threshold
		}
	}
	if w.Trigger.Warning != nil {
		return OK, *w.Trigger.Warning
	}
	if w.Trigger.Critical != nil {
		return OK, *w.Trigger.Critical
	}
	return OK, 0
}
