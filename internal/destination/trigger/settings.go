package trigger

import (
	"slices"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
)

// settingsPath is where a sync's settings are in its document.
const settingsPath = "spec.settings."

// What the first run does.
const (
	InitialBackfill = "backfill"
	InitialSkip     = "skip"
)

// Each calls f for the operations that are among the fields, with the fields of their settings.
func Each(fields []connector.Field, f func(op connector.Operation, fields []connector.Field)) {
	for _, field := range fields {
		if op := connector.Operation(field.Name); slices.Contains(connector.Operations, op) {
			f(op, field.Fields)
		}
	}
}

// Path is where the settings of an operation are in a sync's document.
func Path(op connector.Operation) string { return settingsPath + string(op) }

// Read checks the settings of one operation and reads them into the struct that target points to. It reports whether
// there are any that can be read; what is wrong with them is added to the issues.
func Read(job connector.SyncJob, op connector.Operation, fields []connector.Field, target any, issues *fault.Issues) bool {
	given, ok := object(job.Settings[string(op)])
	if !ok {
		return false
	}
	found := given.Check(Path(op), fields, nil)
	*issues = append(*issues, found...)
	if len(found) > 0 {
		return false
	}
	if err := given.WithDefaults(fields).Decode(target); err != nil {
		*issues = append(*issues, fault.As(err).WithPath(Path(op)))
		return false
	}
	return true
}

func object(setting any) (connector.Settings, bool) {
	switch s := setting.(type) {
	case map[string]any:
		return s, true
	case connector.Settings:
		return s, true
	default:
		return nil, false
	}
}

// CheckInitial reports a choice for the first run that does not exist.
func CheckInitial(job connector.SyncJob, issues *fault.Issues) {
	switch job.Settings.Text("initial") {
	case "", InitialBackfill, InitialSkip:
	default:
		issues.Add(settingsPath+"initial", fault.CodeInvalid, "there are %s and %s", InitialBackfill, InitialSkip)
	}
}

// SkipsInitial reports whether the first run only remembers the rows.
func SkipsInitial(job connector.SyncJob) bool { return job.Settings.Text("initial") == InitialSkip }

// Nothing reports a sync of which no operation is enabled, unless something else is wrong already.
func Nothing(enabled int, issues *fault.Issues) {
	if enabled == 0 && len(*issues) == 0 {
		issues.Add(settingsPath+"added", fault.CodeRequired, "nothing is sent: enable rows added, rows changed or rows removed")
	}
}

// Columns lists the model's columns, for settings that are one of them (ListColumns).
func Columns(job connector.SyncJob) []connector.Option {
	options := make([]connector.Option, len(job.Model.Schema))
	for i, c := range job.Model.Schema {
		options[i] = connector.Option{Value: c.Name, Label: c.Name, Help: string(c.Type)}
	}
	return options
}
