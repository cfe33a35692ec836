package salesforce

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"github.com/millrace/millrace/internal/connector/manifest"
	"github.com/millrace/millrace/internal/value"
)

// finder finds the ids of an object's records by a field.
type finder struct {
	object string
	field  *field
}

// key is what makes two values of the field the same.
func (f *finder) key(v string) string {
	if f.field.CaseSensitive {
		return v
	}
	return strings.ToLower(v)
}

// several stands for an id where more than one record has the value.
const several = "*"

// queryBytes is how long the condition of a query may be, far below the 16,384 bytes that an address may have.
const queryBytes = 6000

// find returns the ids of the records that have the values, by finder.key.
func (f *finder) find(ctx context.Context, r *manifest.Run, values []string) (map[string]string, error) {
	all := map[string]string{}
	err := f.each(ctx, r, values, nil, func(rec map[string]value.Value) {
		key, id := f.key(rec[f.field.Name].String()), rec["Id"].String()
		if other, known := all[key]; known && other != id {
			id = several
		}
		all[key] = id
	})
	return all, err
}

// each visits the records that have one of the values, with further fields of theirs.
func (f *finder) each(ctx context.Context, r *manifest.Run, values, fields []string, visit func(map[string]value.Value)) error {
	var list strings.Builder
	ask := func() error {
		if list.Len() == 0 {
			return nil
		}
		err := f.ask(ctx, r, list.String(), fields, visit)
		list.Reset()
		return err
	}
	seen := map[string]bool{}
	for _, v := range values {
		literal, fits := f.literal(v)
		if !fits || seen[f.key(v)] {
			continue // nothing can have such a value
		}
		seen[f.key(v)] = true
		if list.Len() > 0 && len(url.QueryEscape(list.String()+literal)) > queryBytes {
			if err := ask(); err != nil {
				return err
			}
		}
		if list.Len() > 0 {
			list.WriteByte(',')
		}
		list.WriteString(literal)
	}
	return ask()
}

// literal is a value in SOQL.
func (f *finder) literal(v string) (text string, fits bool) {
	switch f.field.Type {
	case "int", "long", "double", "currency", "percent":
		return v, json.Valid([]byte(v)) && !strings.HasPrefix(v, `"`)
	case "date", "datetime", "boolean":
		return v, !strings.ContainsAny(v, "'\\, )")
	default:
		return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\n", `\n`, "\r", `\r`, "\t", `\t`).Replace(v) + "'", true
	}
}

func (f *finder) ask(ctx context.Context, r *manifest.Run, list string, fields []string, visit func(map[string]value.Value)) error {
	names := []string{"Id"}
	for _, name := range append([]string{f.field.Name}, fields...) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	soql := "SELECT " + strings.Join(names, ", ") + " FROM " + f.object + " WHERE " + f.field.Name + " IN (" + list + ")"
	path := "/query?q=" + url.QueryEscape(soql)
	for path != "" {
		var page struct {
			Records []map[string]value.Value `json:"records"`
			Next    string                   `json:"nextRecordsUrl"`
		}
		if err := read(ctx, r, path, &page); err != nil {
			return err
		}
		for _, rec := range page.Records {
			visit(rec)
		}
		path = ""
		if _, rest, told := strings.Cut(page.Next, "/query/"); told {
			path = "/query/" + rest
		}
	}
	return nil
}
