package trigger

import (
	"slices"
	"strconv"
	"sync"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/template"
	"github.com/millrace/millrace/internal/value"
)

// MaxBytes keeps a batch from filling the memory.
const MaxBytes = 16 << 20

// Scratch is what one Write works with; it is reused. The zero value serves bodies that read no template.
type Scratch struct {
	Scope   *template.Scope
	Text    []byte
	Body    []byte
	Refused []connector.Rejection

	row     columns
	fields  []value.Field // of the rows of a batch, one row after another
	items   []value.Value // the rows of a batch
	names   []string
	context []value.Field
}

// templateLimits are made for a batch rather than for a row.
var templateLimits = template.Limits{Steps: 20_000_000, Output: 2 * MaxBytes, Time: template.DefaultLimits.Time * 10}

// NewScratch returns the scratch of a run.
func NewScratch(job connector.SyncJob) *Scratch {
	sc := &Scratch{
		Scope: template.NewScope(templateLimits),
		row:   columns{places: map[string]int{}},
		names: job.Model.Schema.Names(),
		context: []value.Field{
			{Name: "model_id", Value: value.OfText(strconv.FormatInt(job.Model.ID, 10))},
			{Name: "model_name", Value: value.OfText(job.Model.Name)},
			{Name: "sync_id", Value: value.OfText(strconv.FormatInt(job.SyncID, 10))},
			{Name: "sync_run_id", Value: value.OfText(strconv.FormatInt(job.RunID, 10))},
			{Name: "current_timestamp", Value: value.OfTime(job.StartedAt)},
		},
	}
	for i, name := range sc.names {
		sc.row.places[name] = i
	}
	return sc
}

// Begin forgets the batch before.
func (sc *Scratch) Begin() { sc.Body, sc.Text, sc.Refused = sc.Body[:0], sc.Text[:0], nil }

// BindBatch gives templates all rows of a batch, as rows.
func (sc *Scratch) BindBatch(op connector.Operation, rows []connector.Row) {
	sc.bind(op)
	sc.Scope.Set("rows", sc.rows(rows))
}

// BindRow gives templates one row of a batch, as row and by the bare names of its columns. Row changes to another one of
// the same batch.
func (sc *Scratch) BindRow(op connector.Operation, row *connector.Row) {
	sc.bind(op)
	sc.Row(row)
	sc.Scope.SetRow("row", &sc.row)
	sc.Scope.SetColumns(&sc.row)
}

// Row changes the row that BindRow gave.
func (sc *Scratch) Row(row *connector.Row) { sc.row.values = row.Source }

func (sc *Scratch) bind(op connector.Operation) {
	sc.Scope.Reset()
	operation := value.Field{Name: "operation", Value: value.OfText(string(op))}
	sc.Scope.Set("context", value.OfMap(append(slices.Clip(sc.context), operation)))
}

// rows makes a list of objects of the rows.
func (sc *Scratch) rows(rows []connector.Row) value.Value {
	if need := len(rows) * len(sc.names); cap(sc.fields) < need {
		sc.fields = make([]value.Field, 0, need)
	}
	sc.fields, sc.items = sc.fields[:0], sc.items[:0]
	for i := range rows {
		start := len(sc.fields)
		for c, v := range rows[i].Source {
			if c < len(sc.names) {
				sc.fields = append(sc.fields, value.Field{Name: sc.names[c], Value: v})
			}
		}
		sc.items = append(sc.items, value.OfMap(sc.fields[start:len(sc.fields):len(sc.fields)]))
	}
	return value.OfList(sc.items)
}

// Refuse notes a row that is not sent.
func (sc *Scratch) Refuse(row int, reason string) {
	sc.Refused = append(sc.Refused, connector.Rejection{Row: row, Reason: reason})
}

// EachRow writes the rows of a batch one by one: write finds in Body what body makes of the row, and in Scope the row.
// A row that cannot be written, or whose write fails, is refused; its neighbours are not.
func (sc *Scratch) EachRow(b *connector.Batch, body Body, write func(i int) error) {
	sc.Begin()
	for i := range b.Rows {
		if i == 0 {
			sc.BindRow(b.Operation, &b.Rows[i])
		} else {
			sc.Row(&b.Rows[i])
		}
		sc.Body = sc.Body[:0]
		before := len(sc.Refused)
		err := body.Write(sc, b.Rows[i:i+1])
		if len(sc.Refused) > before {
			sc.Refused[before].Row = i
			continue
		}
		if err == nil {
			err = write(i)
		}
		if err != nil {
			sc.Refuse(i, err.Error())
		}
	}
}

// columns is the row of a request, by the names of its columns.
type columns struct {
	places map[string]int
	values []value.Value
}

var _ template.Row = (*columns)(nil)

// Get returns a column's value.
func (c *columns) Get(name string) (value.Value, bool) {
	i, ok := c.places[name]
	if !ok || i >= len(c.values) {
		return value.Value{}, false
	}
	return c.values[i], true
}

// Pool keeps the scratches of a run.
type Pool struct{ pool sync.Pool }

// NewPool returns the pool of a run.
func NewPool(job connector.SyncJob) *Pool {
	p := &Pool{}
	p.pool.New = func() any { return NewScratch(job) }
	return p
}

// Get returns a scratch. Put gives it back.
func (p *Pool) Get() *Scratch {
	return p.pool.Get().(*Scratch) //nolint:forcetypeassert // New makes them
}

// keepBytes is how large a buffer may be that is kept for the next batch.
const keepBytes = 1 << 20

// Put gives a scratch back, of which nothing but Refused is used afterwards.
func (p *Pool) Put(sc *Scratch) {
	if cap(sc.Body) > keepBytes || cap(sc.Text) > keepBytes {
		return
	}
	sc.row.values, sc.Refused = nil, nil // the engine keeps what was refused
	clear(sc.fields)
	clear(sc.items)
	p.pool.Put(sc)
}
