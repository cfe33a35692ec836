// Package sync is the kind of document that says how the rows of a model appear in a destination
// (SY-01).
package sync

import (
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/kind/alerting"
	"github.com/millrace/millrace/internal/kind/synclog"
	"github.com/millrace/millrace/internal/value"
)

// Spec is what a person configures of a sync.
type Spec struct {
	Model       string                   `json:"model"`       // slug
	Destination string                   `json:"destination"` // slug
	Type        string                   `json:"type"`        // slug of a connector.SyncType
	Mode        connector.Mode           `json:"mode"`
	Delete      connector.DeleteBehavior `json:"delete,omitempty"` // default: nothing
	Match       []connector.MatchPair    `json:"match,omitempty"`
	Mappings    []Mapping                `json:"mappings,omitempty"`
	AllColumns  bool                     `json:"allColumns,omitempty"`                 // every column under its own name, instead of Mappings
	Expand      string                   `json:"arrayExpansionSourceColumn,omitempty"` // each element of this column's arrays is a row (SY-89)
	Settings    map[string]any           `json:"settings,omitempty"`                   // the sync type's fields
	Schedule    Schedule                 `json:"schedule"`
	Disabled    bool                     `json:"disabled"` // stops the schedule only (SY-85)
	InDoubt     InDoubt                  `json:"inDoubt,omitempty"`
	Description string                   `json:"description,omitempty"`
	Alerts      *alerting.Spec           `json:"alerts,omitempty"`   // what differs from the destination's (SY-62)
	SyncLogs    *synclog.Tables          `json:"syncLogs,omitempty"` // what is written besides what its source says (SY-54)
}

// Sent is the spec without what its destination never learns: when it runs, who hears of it, what is logged.
func (s Spec) Sent() Spec {
	s.Schedule, s.Disabled, s.InDoubt, s.Description, s.Alerts, s.SyncLogs = Schedule{}, false, "", "", nil, nil
	return s
}

// InDoubt is what happens to rows whose outcome is unknown at a destination that is not idempotent.
type InDoubt string

// The policies; the default is to report.
const (
	InDoubtReport InDoubt = "report" // do not send them again; the run shows them
	InDoubtResend InDoubt = "resend" // send them again, perhaps twice
)

// Source kinds of a mapping (SY-24).
const (
	FromColumn   = "column"
	FromStatic   = "static"
	FromVariable = "variable"
	FromTemplate = "template"
	FromObject   = "object"
	FromArray    = "array"
)

// Mapping fills one field of the destination.
type Mapping struct {
	To       string      `json:"to"`
	Kind     string      `json:"kind,omitempty"`     // one of the From constants; empty means column
	From     string      `json:"from,omitempty"`     // column: the model's column; array: the column of objects
	Value    value.Value `json:"value,omitzero"`     // static
	Variable string      `json:"variable,omitempty"` // variable: one of Variables
	Template string      `json:"template,omitempty"` // template: Liquid
	Fields   []Mapping   `json:"fields,omitempty"`   // object, array: the members
	OmitNull bool        `json:"omitNull,omitempty"` // leave a null value out instead of sending null (SY-25)

	// ClearNull sends, instead of null, what empties the field at the destination (connector.MappingRule.Clear). With
	// neither OmitNull nor ClearNull a null is sent as it is.
	ClearNull bool `json:"clearNull,omitempty"`
}

// Variables lists the variables that a mapping may use (SY-27).
var Variables = []string{"model-id", "model-name", "current-timestamp", "sync-id", "sync-run-id", "operation"}
