package plan

import (
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/value"
)

// Plan is what a run has to do. Its rows are numbered: an ordinal is a row's place when removed,
// changed, added and unplanned rows are laid end to end in this order, and never changes. A Plan
// survives as JSON; set Dir after reading it back.
type Plan struct {
	Dir        string       `json:"-"`
	Schema     value.Schema `json:"schema"` // of the rows
	PrimaryKey string       `json:"primaryKey"`
	Before     []string     `json:"before,omitempty"` // columns whose previous values changed rows have
	Removed    Section      `json:"removed"`
	Changed    Section      `json:"changed"`
	Added      Section      `json:"added"`
	Duplicates Section      `json:"duplicates"`        // rejected: their key is not unique (M-05)
	Repeated   Section      `json:"repeated,omitzero"` // rejected: elements that their array has before (SY-90)
	NoArray    Section      `json:"noArray,omitzero"`  // rejected: the column to expand holds no array (SY-91)
	Counts     Counts       `json:"counts"`

	FirstRun       bool `json:"firstRun,omitempty"`
	FullResync     bool `json:"fullResync,omitempty"` // every row is added and nothing is compared
	ResetCDC       bool `json:"resetCDC,omitempty"`
	EveryRow       bool `json:"everyRow,omitempty"`
	MappingChanged bool `json:"mappingChanged,omitempty"`
	KeyTypeChanged bool `json:"keyTypeChanged,omitempty"` // why FullResync is set without having been asked for (M-09)
	Attempts       bool `json:"attempts,omitempty"`       // rows may have been sent in doubt before
}

// Section is the rows of one operation.
type Section struct {
	Files []File `json:"files,omitempty"`
	Rows  int64  `json:"rows"`
}

// File is a Parquet file of a plan.
type File struct {
	Name string `json:"name"` // in the plan's folder
	Rows int64  `json:"rows"`
}

// Tally is a number for each operation.
type Tally struct {
	Added   int64 `json:"added"`
	Changed int64 `json:"changed"`
	Removed int64 `json:"removed"`
}

// Total is the sum.
func (t Tally) Total() int64 { return t.Added + t.Changed + t.Removed }

// Counts is what became of the model's rows. The package's comment says what adds up.
type Counts struct {
	Read          int64 `json:"read"`               // rows of the model
	NullKeys      int64 `json:"nullKeys"`           // left out: no key (M-04)
	Duplicates    int64 `json:"duplicates"`         // rejected: rows whose key is not unique (M-05)
	DuplicateKeys int64 `json:"duplicateKeys"`      // the keys of those rows
	Repeated      int64 `json:"repeated,omitempty"` // rejected: elements that their array has before
	NoArray       int64 `json:"noArray,omitempty"`  // rejected: rows whose column to expand holds no array
	Unchanged     int64 `json:"unchanged"`          // as settled before; every row, when change tracking is reset
	Found         Tally `json:"found"`              // what the comparison found
	Planned       Tally `json:"planned"`            // of those, what the sync acts on
	Ignored       Tally `json:"ignored"`            // of those, what its configuration passes over (SY-75)
	Claimed       int64 `json:"claimed"`            // of the ignored removals, those whose record another row has now
}

// Rejected is the number of rows that were rejected before they could be planned.
func (c Counts) Rejected() int64 { return c.Duplicates + c.Repeated + c.NoArray }

// Total is the number of planned rows, without those that were rejected before.
func (p *Plan) Total() int64 { return p.Counts.Planned.Total() }

// Unplanned is the rows that were rejected for one reason before they could be planned.
type Unplanned struct {
	Section
	State State
}

// Unplanned returns the rows that were rejected before they could be planned, in the order of their ordinals.
func (p *Plan) Unplanned() []Unplanned {
	return []Unplanned{{p.Duplicates, Duplicate}, {p.Repeated, Repeated}, {p.NoArray, NoArray}}
}

// Rows is the number of rows that have an ordinal.
func (p *Plan) Rows() int64 {
	rows := p.Total()
	for _, u := range p.Unplanned() {
		rows += u.Rows
	}
	return rows
}

// section returns the rows of an operation.
func (p *Plan) section(op connector.Operation) *Section {
	switch op {
	case connector.Removed:
		return &p.Removed
	case connector.Changed:
		return &p.Changed
	default:
		return &p.Added
	}
}

// First returns the ordinal of an operation's first row.
func (p *Plan) First(op connector.Operation) int64 {
	var first int64
	for _, o := range sectionOrder {
		if o == op {
			break
		}
		first += p.section(o).Rows
	}
	return first
}

// OperationOf returns the operation of a row by its ordinal. Unplanned rows count as additions that
// were refused.
func (p *Plan) OperationOf(ordinal int64) connector.Operation {
	for _, op := range sectionOrder {
		if ordinal < p.First(op)+p.section(op).Rows {
			return op
		}
	}
	return connector.Added
}

// NewPlan returns a plan without rows: what follows from the input alone.
func NewPlan(in DiffInput) Plan {
	p := Plan{
		Dir: in.Dir, Schema: in.Staged.Schema, PrimaryKey: in.Staged.PrimaryKey,
		FirstRun: in.Baseline == nil, ResetCDC: in.ResetCDC, EveryRow: in.Rules.EveryRow, MappingChanged: in.MappingChanged,
	}
	p.FullResync = in.FullResync && !in.ResetCDC
	if in.Baseline != nil && in.Baseline.KeyType != in.Staged.KeyType && in.Baseline.PrimaryKey == in.Staged.PrimaryKey {
		p.KeyTypeChanged = true
		p.FullResync = !in.ResetCDC
	}
	if p.Compares() {
		p.Before = in.Before
	}
	p.Counts.Read, p.Counts.NullKeys = in.Staged.Read, in.Staged.NullKeys
	p.Counts.Repeated, p.Counts.NoArray = in.Staged.Repeated, in.Staged.NoArray
	return p
}

// Compares reports whether the baseline takes part.
func (p *Plan) Compares() bool { return !p.FirstRun && !p.FullResync && !p.ResetCDC && !p.EveryRow }

// Derive fills in the counts that follow from what was counted: the rows that the model has, and those that were
// found.
func (p *Plan) Derive(rules ModeRules) {
	c := &p.Counts
	c.Unchanged = c.Read - c.NullKeys - c.Rejected() - c.Found.Added - c.Found.Changed
	for _, op := range sectionOrder {
		found := c.Found.Of(op)
		planned := found
		if !rules.acts(op) {
			planned = 0
		} else if op == connector.Removed {
			planned -= c.Claimed
		}
		*c.Planned.count(op), *c.Ignored.count(op) = planned, found-planned
	}
}

// count returns the field of an operation.
func (t *Tally) count(op connector.Operation) *int64 {
	switch op {
	case connector.Removed:
		return &t.Removed
	case connector.Changed:
		return &t.Changed
	default:
		return &t.Added
	}
}

// Of returns the number of an operation.
func (t Tally) Of(op connector.Operation) int64 { return *t.count(op) }

// ModeRules says which differences a sync acts on.
type ModeRules struct {
	AddedActs   bool
	ChangedActs bool
	RemovedActs bool
	EveryRow    bool // all and snapshot modes: every row is sent as added, nothing is compared
}

// DoubtAdds reports whether a row that was settled once, and may have been removed since, is added and not changed:
// where the sync ignores changes.
func (m ModeRules) DoubtAdds() bool { return !m.ChangedActs && m.AddedActs }

func (m ModeRules) acts(op connector.Operation) bool {
	switch op {
	case connector.Removed:
		return m.RemovedActs
	case connector.Changed:
		return m.ChangedActs
	default:
		return m.AddedActs || m.EveryRow
	}
}
