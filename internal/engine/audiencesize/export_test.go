package audiencesize

import "github.com/millrace/millrace/internal/query"

// AddView adds a version of the combined view whose columns are texts.
func (r *Reporter) AddView(name string, columns ...string) {
	v := view{name: name}
	for _, c := range columns {
		v.columns = append(v.columns, query.NewColumn{Name: c, Type: query.TypeText})
	}
	r.more = append(r.more, v)
}
