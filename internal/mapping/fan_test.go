package mapping_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/mapping"
	"github.com/millrace/millrace/internal/value"
)

var audienceFields = connector.Identifiers{{"email"}, {"phone"}, {"first", "last"}}

// fanOut makes the records of a row whose columns are called by their names; the match is by email where it is given.
func fanOut(t *testing.T, columns string, values ...value.Value) ([]string, error) {
	t.Helper()
	var targets []connector.TargetColumn
	for name := range strings.FieldsSeq(columns) {
		targets = append(targets, connector.TargetColumn{Name: name})
	}
	f := mapping.NewFan(audienceFields, targets, nil)
	var records []string
	err := f.Records(values, nil, func(_ mapping.Identity, values, _ []value.Value) {
		texts := make([]string, len(values))
		for i, v := range values {
			if texts[i] = v.String(); v.IsNull() {
				texts[i] = "null"
			}
		}
		records = append(records, strings.Join(texts, " "))
	})
	return records, err
}

// Req: SY-92, SY-93
func TestFan(t *testing.T) {
	t.Parallel()
	list, text := value.OfJSON, value.OfText
	null := value.Value{}
	for _, c := range []struct {
		name, columns string
		values        []value.Value
		want          []string
	}{
		{"scalars are untouched", "email id", []value.Value{text("a"), text("1")}, []string{"a 1"}},
		{"one record for each element", "id email", []value.Value{text("1"), list(`["a","b","c"]`)}, []string{"1 a", "1 b", "1 c"}},
		{"a list of the warehouse", "email", []value.Value{value.OfList([]value.Value{text("a"), value.OfInt(7)})}, []string{"a", "7"}},
		{"text that looks like JSON", "email", []value.Value{text(`["a","b"]`)}, []string{`["a","b"]`}},
		{"an object", "email", []value.Value{list(`{"a":1}`)}, []string{`{"a":1}`}},
		{"what is no identifier", "id email", []value.Value{list(`["x","y"]`), text("a")}, []string{`["x","y"] a`}},
		{"an empty array is null", "email id", []value.Value{list("[]"), text("1")}, []string{"null 1"}},
		{"null stays", "email id", []value.Value{null, text("1")}, []string{"null 1"}},
		{"nulls in an array are left out", "email", []value.Value{list(`["a",null,"b"]`)}, []string{"a", "b"}},
		{"nothing but nulls is null", "email", []value.Value{list(`[null,null]`)}, []string{"null"}},
		{"what an array has twice", "email", []value.Value{list(`["a","b","a"]`)}, []string{"a", "b"}},
		{"independent ones are combined", "email phone", []value.Value{list(`["a","b"]`), list(`["1","2","3"]`)}, []string{"a 1", "a 2", "a 3", "b 1", "b 2", "b 3"}},
		{"independent, one of them empty", "email phone", []value.Value{list(`[]`), list(`["1","2"]`)}, []string{"null 1", "null 2"}},
		{"linked ones go together", "first last", []value.Value{list(`["A","B"]`), list(`["X","Y"]`)}, []string{"A X", "B Y"}},
		{"linked, of different lengths", "first last", []value.Value{list(`["A","B","C"]`), list(`["X"]`)}, []string{"A X", "B null", "C null"}},
		{"linked, with nothing at an index", "first last", []value.Value{list(`["A",null]`), list(`["X",null,"Z"]`)}, []string{"A X", "null Z"}},
		{"linked to a scalar", "first last", []value.Value{list(`["A","B"]`), text("X")}, []string{"A X", "B X"}},
		{"linked and independent", "first last email", []value.Value{list(`["A","B"]`), list(`["X","Y"]`), list(`["a","b"]`)}, []string{"A X a", "A X b", "B Y a", "B Y b"}},
	} {
		got, err := fanOut(t, c.columns, c.values...)
		slices.Sort(got)
		slices.Sort(c.want)
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, %v; want %q", c.name, got, err, c.want)
		}
	}
}

// A row that cannot be sent is refused, and no value is in the words.
//
// Req: SY-92
func TestFanRefuses(t *testing.T) {
	t.Parallel()
	many := "[" + strings.TrimSuffix(strings.Repeat(`"x%d",`, 150), ",") + "]"
	numbers := make([]any, 150)
	for i := range numbers {
		numbers[i] = i
	}
	list := value.OfJSON(fmt.Sprintf(many, numbers...))
	for name, c := range map[string]struct {
		columns string
		values  []value.Value
		says    string
	}{
		"too many combinations": {"email phone", []value.Value{list, list}, "more than 10000 records"},
		"too many elements":     {"email", []value.Value{value.OfJSON("[" + strings.Repeat("0,", mapping.MaxRecords) + "0]")}, "10001 elements"},
		"objects":               {"email", []value.Value{value.OfJSON(`["secret",{"secret":1}]`)}, "element 2"},
	} {
		_, err := fanOut(t, c.columns, c.values...)
		if !fault.Is(err, fault.CodeMappingReject) || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A field that is mapped and matched by is one identifier.
//
// Req: SY-93
func TestFanMatches(t *testing.T) {
	t.Parallel()
	f := mapping.NewFan(audienceFields, []connector.TargetColumn{{Name: "email"}, {Name: "name"}}, []connector.MatchPair{{From: "mails", To: "email"}})
	mails := value.OfJSON(`["a","b"]`)
	var got []string
	err := f.Records([]value.Value{mails, value.OfText("Ann")}, []value.Value{mails}, func(_ mapping.Identity, values, match []value.Value) {
		got = append(got, values[0].String()+values[1].String()+match[0].String())
	})
	if err != nil || !slices.Equal(got, []string{"aAnna", "bAnnb"}) {
		t.Errorf("%q, %v", got, err)
	}
	if mapping.NewFan(audienceFields, []connector.TargetColumn{{Name: "name"}}, nil) != nil || mapping.NewFan(nil, []connector.TargetColumn{{Name: "email"}}, nil) != nil {
		t.Error("there is nothing to fan out")
	}
}
