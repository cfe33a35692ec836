package model

import (
	"reflect"
	"testing"

	"github.com/millrace/millrace/internal/value"
)

func col(name string, t value.Type) Column {
	return Column{Name: name, Type: t, Native: "native " + string(t)}
}

// Req: M-14, M-15, M-32
func TestColumnsThatChanged(t *testing.T) {
	t.Parallel()
	known := []Column{
		{Name: "id", Type: value.TypeNumber, Native: "int4", Cast: value.TypeString},
		{Name: "mail", Type: value.TypeString, Native: "text", Description: "old words", Override: "Work address", Cast: value.TypeObject},
		{Name: "age", Type: value.TypeString, Native: "text"},
		{Name: "left", Type: value.TypeString, Native: "text"},
	}
	found := []Column{
		{Name: "id", Type: value.TypeNumber, Native: "int8", Description: "Given at sign-up"},
		{Name: "email", Type: value.TypeString, Native: "text", Description: "Confirmed"},
		{Name: "age", Type: value.TypeNumber, Native: "int2", Description: "In years"},
		{Name: "seen", Type: value.TypeTimestamp, Native: "timestamptz"},
	}
	d := Compare(known, found)
	want := Drift{
		Added: []Column{found[3]}, Removed: []Column{known[3]}, Renamed: []Renamed{{From: "mail", To: "email"}},
		Retyped: []Retyped{{Name: "age", From: value.TypeString, To: value.TypeNumber, Native: "int2"}},
	}
	if !reflect.DeepEqual(d, want) || !d.Any() {
		t.Errorf("got %+v, want %+v", d, want)
	}

	refreshed := Refresh(known, found)
	if c := refreshed[0]; c.Description != "Given at sign-up" || c.Native != "int8" || c.Cast != value.TypeString {
		t.Errorf("the source's words are not taken over: %+v", c)
	}
	if len(refreshed) != 4 || refreshed[1] != known[1] || refreshed[2] != known[2] || known[0].Description != "" {
		t.Errorf("a refresh changes which columns there are, or their types: %+v", refreshed)
	}

	adopted := Adopt(known, found)
	if len(adopted) != 4 || adopted[0].Cast != value.TypeString || adopted[1].Override != "Work address" || adopted[1].Cast != value.TypeObject || adopted[1].Name != "email" || adopted[2].Type != value.TypeNumber {
		t.Errorf("what a person set is lost: %+v", adopted)
	}
	if d := Compare(adopted, found); d.Any() {
		t.Errorf("what was adopted differs: %+v", d)
	}
}

func TestRenamedColumns(t *testing.T) {
	t.Parallel()
	text, number := value.TypeString, value.TypeNumber
	for _, tt := range []struct {
		name         string
		known, found []Column
		renamed      []Renamed
		added, gone  int
	}{
		{"two in a row keep their order", []Column{col("a", text), col("b", text)}, []Column{col("x", text), col("y", text)}, []Renamed{{"a", "x"}, {"b", "y"}}, 0, 0},
		{"another type is another column", []Column{col("id", text), col("a", text)}, []Column{col("id", text), col("x", number)}, nil, 1, 1},
		{"another place is another column", []Column{col("a", text), col("id", text)}, []Column{col("id", text), col("x", text)}, nil, 1, 1},
		{"columns that moved are the same", []Column{col("a", text), col("b", number)}, []Column{col("b", number), col("a", text)}, nil, 0, 0},
		{"nothing was known", nil, []Column{col("a", text)}, nil, 1, 0},
	} {
		d := Compare(tt.known, tt.found)
		if len(d.Added) != tt.added || len(d.Removed) != tt.gone || len(d.Renamed) != len(tt.renamed) || len(tt.renamed) > 0 && !reflect.DeepEqual(d.Renamed, tt.renamed) {
			t.Errorf("%s: %+v", tt.name, d)
		}
	}
	if got := Refresh(nil, []Column{col("a", text)}); len(got) != 1 {
		t.Errorf("where nothing is known, what was found is: %+v", got)
	}
}
