package sfmc

import (
	"slices"
	"strings"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/manifest"
	"github.com/millrace/millrace/internal/fault"
)

// check reports what is wrong with a sync of a data extension.
func check(d *manifest.Destination, job connector.SyncJob) fault.Issues {
	var issues fault.Issues
	s := job.Settings
	files := job.Mode == connector.ModeAll || s.Text("by") == byFiles
	if kind := d.Settings().Text("location"); files && (kind == "" || kind == locationNone) {
		issues.Add("spec.settings", fault.CodeInvalid, "mode all and uploads need a file location, which the destination does not have")
	}
	if len(columnsOf(job)) == 0 {
		issues.Add("spec.mappings", fault.CodeRequired, "map at least one field")
	}
	if s.Text("target") == targetNew {
		checkNew(job, &issues)
	}
	return issues
}

// checkNew reports what is wrong with a data extension that is to be made.
func checkNew(job connector.SyncJob, issues *fault.Issues) {
	s := job.Settings
	if _, _, err := placeOf(job); err != nil {
		*issues = append(*issues, fault.As(err).WithPath("spec.settings.name"))
	}
	fields, err := fieldsOf(job)
	if err != nil {
		*issues = append(*issues, fault.As(err).WithPath("spec.settings.types"))
		return
	}
	if set, _ := s["sendable"].(bool); !set {
		return
	}
	at := slices.IndexFunc(fields, func(f extensionField) bool { return strings.EqualFold(f.Name, s.Text("sendField")) })
	switch {
	case at < 0:
		issues.Add("spec.settings.sendField", fault.CodeInvalid, "the field %q is not mapped, so that messages cannot be sent by it", s.Text("sendField"))
	case fields[at].Type.Length > keyLength:
		issues.Add("spec.settings.sendField", fault.CodeInvalid, "a field that messages are sent by has at most %d characters", keyLength)
	case s.Text("sendTo") == "Subscriber ID" && fields[at].Type.Name != "Number":
		issues.Add("spec.settings.sendField", fault.CodeInvalid, "a subscriber ID is a number: give the field the type Number, or relate it to the subscriber key")
	}
}
