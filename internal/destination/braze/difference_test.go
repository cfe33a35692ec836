package braze

import (
	"strings"
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/value"
)

// What is sent is what differs; nested objects are merged unless a member is emptied.
//
// Req: SY-17
func TestDifference(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ next, known, want string }{
		"nothing differs":            {`{"a": 1, "b": [1, {"x": 2}]}`, `{"b": [1, {"x": 2}], "a": 1.0, "other": 3}`, ``},
		"a value":                    {`{"a": 1, "b": 2}`, `{"a": 1, "b": 3}`, `{"b":2}`},
		"emptied":                    {`{"a": null}`, `{"a": 1}`, `{"a":null}`},
		"empty before":               {`{"a": null}`, `{}`, ``},
		"a time in another form":     {`{"a": "2026-01-02T03:04:05Z"}`, `{"a": "2026-01-02T03:04:05.000+00:00"}`, ``},
		"a list":                     {`{"a": [1, 2]}`, `{"a": [2, 1]}`, `{"a":[1,2]}`},
		"an object is new":           {`{"a": {"x": 1, "y": null}}`, `{}`, `{"a":{"x":1}}`},
		"a member is new":            {`{"a": {"x": 1, "y": 2}}`, `{"a": {"x": 1}}`, `{"a":{"y":2},"_merge_objects":true}`},
		"a member is emptied":        {`{"a": {"x": null, "y": 2}}`, `{"a": {"x": 1, "y": 2}}`, `{"a":{"y":2},"_merge_objects":false}`},
		"a member is gone":           {`{"a": {"y": 2}}`, `{"a": {"x": 1, "y": 2}}`, `{"a":{"y":2},"_merge_objects":false}`},
		"a deep member is emptied":   {`{"a": {"x": {"y": null, "z": 1}, "w": 2}}`, `{"a": {"x": {"y": 1, "z": 1}, "w": 1}}`, `{"a":{"x":{"z":1},"w":2},"_merge_objects":false}`},
		"an empty member stays":      {`{"a": {"x": null, "y": 3}}`, `{"a": {"y": 2}}`, `{"a":{"y":3},"_merge_objects":true}`},
		"merged and replaced":        {`{"v": 1, "a": {"x": 2}, "b": {"x": null}}`, `{"a": {"x": 1}, "b": {"x": 1}}`, `{"v":1,"a":{"x":2},"_merge_objects":true} {"b":{},"_merge_objects":false}`},
		"an object becomes a number": {`{"a": 1}`, `{"a": {"x": 1}}`, `{"a":1}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, fields := range difference(parse(t, c.next).Fields(), parse(t, c.known).Fields()) {
				got = append(got, string(value.OfMap(fields).AppendJSON(nil)))
			}
			if text := strings.Join(got, " "); text != c.want {
				t.Errorf("%s is sent, and it should be %s", text, c.want)
			}
		})
	}
}

func parse(t *testing.T, text string) value.Value {
	t.Helper()
	v, err := value.ParseJSON(text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// A catalog's fields have the types of the columns, and are frozen once it is made.
//
// Req: SY-17
func TestCatalogKeepsItsFields(t *testing.T) {
	t.Parallel()
	job := connector.SyncJob{
		Model:    connector.ModelInfo{Schema: value.Schema{{Name: "price", Type: value.TypeNumber}}},
		Columns:  []connector.TargetColumn{{Name: "Price", From: "price"}, {Name: "Since", Type: value.TypeDate}, {Name: "Name"}},
		Settings: connector.Settings{"catalogName": "Menu, 2026!"},
	}
	made := catalog{Name: catalogName(job), Fields: catalogFields(job)}
	if got, want := string(made.body("M")), `{"catalogs":[{"name":"Menu_2026","description":"Rows of the model M","fields":[{"name":"id","type":"string"},{"name":"Price","type":"number"},{"name":"Since","type":"time"},{"name":"Name","type":"string"}]}]}`; got != want {
		t.Errorf("the catalog is made by %s, and it should be %s", got, want)
	}
	if err := made.takes(made); err != nil {
		t.Errorf("its own fields are refused: %v", err)
	}
	more := catalog{Fields: append(catalogFields(job), catalogField{"Size", "number"})}
	if err := made.takes(more); err == nil || !strings.Contains(err.Error(), "Size") {
		t.Errorf("a field that the catalog does not have: %v", err)
	}
	other := catalog{Fields: []catalogField{{"Price", "string"}}}
	if err := made.takes(other); err == nil || !strings.Contains(err.Error(), "Price") {
		t.Errorf("a field of another type: %v", err)
	}
}
