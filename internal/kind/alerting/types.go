package alerting

import (
	"math"
	"slices"
	"strings"

	"github.com/millrace/millrace/internal/fault"
)

// Compare says on which side of its threshold a value alerts.
type Compare string

// The comparisons.
const (
	AtLeast Compare = "at_least" // the value reaches the threshold
	Above   Compare = "above"    // the value is larger than the threshold
	Below   Compare = "below"    // the value is smaller than the threshold
)

func (c Compare) meets(v, threshold float64) bool {
	switch c {
	case Below:
		return v < threshold
	case Above:
		return v > threshold
	default:
		return v >= threshold
	}
}

// milder reports whether a threshold is reached before another one as values get worse.
func (c Compare) milder(a, b float64) bool {
	if c == Below {
		return a > b
	}
	return a < b
}

// Measures of rejected rows.
const (
	MeasureCount   = "count"
	MeasurePercent = "percent" // of the rows that the query returned
)

// Units of thresholds.
const (
	UnitRuns       = "runs"
	UnitRows       = "rows"
	UnitHours      = "hours"
	UnitOperations = "operations"
)

// TriggerType describes one kind of trigger. A new one is an entry of a table and a value that its engine measures.
type TriggerType struct {
	Name    string   `json:"name"`
	Label   string   `json:"label"`
	Help    string   `json:"help"`
	Unit    string   `json:"unit"`
	Compare Compare  `json:"compare"`
	Always  bool     `json:"always"`             // watches every document and cannot be turned off
	Timed   bool     `json:"timed"`              // is also evaluated while nothing ends, every five minutes
	Min     float64  `json:"min"`                // of thresholds
	Max     float64  `json:"max"`                // of thresholds
	Whole   bool     `json:"whole"`              // thresholds are whole numbers
	Window  *Window  `json:"window,omitempty"`   // how far back it may be measured
	Measure []string `json:"measures,omitempty"` // what may be measured; the first is the standard

	Standard Trigger `json:"standard"` // counts where nothing is said
}

// Window bounds Trigger.WindowHours.
type Window struct {
	MinHours int `json:"minHours"`
	MaxHours int `json:"maxHours"`
}

// Names of the triggers of syncs.
const (
	Fatal      = "fatal"
	Rejected   = "rejected"
	ModelSize  = "modelSize"
	Duration   = "duration"
	Throughput = "throughput"
)

// SyncTypes are the triggers of syncs (SY-66).
var SyncTypes = []TriggerType{
	{
		Name: Fatal, Label: "Fatal error", Help: "Runs in a row that could not finish: source or destination unreachable, wrong credentials, a query or mapping that fails.",
		Unit: UnitRuns, Compare: AtLeast, Always: true, Min: 1, Max: 100, Whole: true, Standard: Trigger{Critical: new(1.0)},
	},
	{
		Name: Rejected, Label: "Rejected rows", Help: "Rows of a run that the mapping or the destination refused, whatever the operation.",
		Unit: UnitRows, Compare: AtLeast, Always: true, Min: 0.01, Max: 1e12, Measure: []string{MeasureCount, MeasurePercent},
		Standard: Trigger{Warning: new(1.0), Measure: MeasureCount},
	},
	{
		Name: ModelSize, Label: "Model size", Help: "Rows that the model's query returned.",
		Unit: UnitRows, Compare: Below, Min: 1, Max: 1e12, Whole: true, Standard: Trigger{Warning: new(1.0)},
	},
	{
		Name: Duration, Label: "Sync duration", Help: "Time since a run was asked for, waiting included, until it ends or until now.",
		Unit: UnitHours, Compare: Above, Timed: true, Min: 1, Max: 24, Standard: Trigger{Warning: new(1.0)},
	},
	{
		Name: Throughput, Label: "Successful operations", Help: "Rows that arrived in the destination, over all runs of a window of time.",
		Unit: UnitOperations, Compare: Below, Timed: true, Min: 1, Max: 1e12, Whole: true, Window: &Window{MinHours: 1, MaxHours: 30 * 24},
		Standard: Trigger{Warning: new(1.0), WindowHours: 7 * 24},
	},
}

func find(types []TriggerType, name string) (TriggerType, bool) {
	i := slices.IndexFunc(types, func(t TriggerType) bool { return t.Name == name })
	if i < 0 {
		return TriggerType{}, false
	}
	return types[i], true
}

func names(types []TriggerType) []string {
	all := make([]string, len(types))
	for i, t := range types {
		all[i] = t.Name
	}
	return all
}

// complete fills in what a trigger leaves to the standard.
func (t TriggerType) complete(said Trigger) Trigger {
	if said.Warning == nil && said.Critical == nil {
		said.Warning, said.Critical = t.Standard.Warning, t.Standard.Critical
	}
	if said.Measure == "" {
		said.Measure = t.Standard.Measure
	}
	if said.WindowHours == 0 {
		said.WindowHours = t.Standard.WindowHours
	}
	return said
}

// validate reports every error of a trigger of this type.
func (t TriggerType) validate(path string, said Trigger, issues *fault.Issues) {
	if said.Off && t.Always {
		issues.Add(path+".off", fault.CodeInvalid, "%s is always watched; raise its thresholds or mute it", t.Label)
	}
	if said.Measure != "" && !slices.Contains(t.Measure, said.Measure) {
		issues.Add(path+".measure", fault.CodeInvalid, "%s does not measure %q%s", t.Label, said.Measure, among(t.Measure))
	}
	t.validateWindow(path+".windowHours", said.WindowHours, issues)
	if said.Warning != nil {
		t.validateThreshold(path+".warning", *said.Warning, said.Measure, issues)
	}
	if said.Critical != nil {
		t.validateThreshold(path+".critical", *said.Critical, said.Measure, issues)
	}
	if said.Warning != nil && said.Critical != nil && t.Compare.milder(*said.Critical, *said.Warning) {
		issues.Add(path+".critical", fault.CodeInvalid, "the critical threshold %v is reached before the one of warnings, %v: there would never be a warning", *said.Critical, *said.Warning)
	}
}

func among(all []string) string {
	if len(all) == 0 {
		return ""
	}
	return "; it measures " + strings.Join(all, " or ")
}

func (t TriggerType) validateWindow(path string, hours int, issues *fault.Issues) {
	switch {
	case hours == 0:
	case t.Window == nil:
		issues.Add(path, fault.CodeInvalid, "%s has no window of time", t.Label)
	case hours < t.Window.MinHours || hours > t.Window.MaxHours:
		issues.Add(path, fault.CodeInvalid, "the window is between %d and %d hours", t.Window.MinHours, t.Window.MaxHours)
	}
}

func (t TriggerType) validateThreshold(path string, v float64, measure string, issues *fault.Issues) {
	least, most, whole := t.Min, t.Max, t.Whole
	switch {
	case measure == MeasurePercent:
		most = 100
	case len(t.Measure) > 0:
		least, whole = 1, true
	}
	switch {
	case !(v >= least && v <= most): // NaN too
		issues.Add(path, fault.CodeInvalid, "the threshold is between %v and %v", least, most)
	case whole && v != math.Trunc(v):
		issues.Add(path, fault.CodeInvalid, "the threshold is a whole number")
	}
}
