package run

import (
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/value"
)

// DraftJob is what a run would ask of its destination if the model had the columns that its document says. Of one that
// says none, those are taken that the sync names: their types are not known, and the job has no ModelInfo.Schema. The
// bundle's source is not looked at.
func DraftJob(b Bundle, kind connector.SyncType) (connector.SyncJob, error) {
	b = b.expanded()
	columns := b.draftColumns()
	m, err := compileMapping(b, kind, columns)
	if err != nil {
		return connector.SyncJob{}, err
	}
	job := jobOf(b, kind, m, pick(columns, m.Referenced()))
	if len(b.ModelSpec.Columns) == 0 {
		job.Model.Schema = nil
	}
	return job, nil
}

// draftColumns are the columns of the model's document, or else those that the sync reads and its rows are known by.
func (b Bundle) draftColumns() value.Schema {
	var columns value.Schema
	add := func(c value.Column) {
		if c.Name != "" && columns.Index(c.Name) < 0 {
			columns = append(columns, c)
		}
	}
	for _, c := range b.ModelSpec.Columns {
		add(value.Column{Name: c.Name, Type: c.Type, Native: c.Native, Nullable: true})
	}
	add(value.Column{Name: b.SyncSpec.Element(), Type: value.TypeString, Nullable: true})
	if len(b.ModelSpec.Columns) > 0 {
		return columns
	}
	for _, name := range []string{b.ModelSpec.PrimaryKey, b.ModelKey} {
		add(value.Column{Name: name, Nullable: true})
	}
	for _, u := range b.SyncSpec.Uses(nil) {
		add(value.Column{Name: u.Column, Nullable: true})
	}
	return columns
}
