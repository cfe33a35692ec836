package condition_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/millrace/millrace/internal/condition"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

var columns = []value.Column{
	{Name: "name", Type: value.TypeString}, {Name: "age", Type: value.TypeNumber}, {Name: "active", Type: value.TypeBoolean},
	{Name: "seen", Type: value.TypeTimestamp}, {Name: "born", Type: value.TypeDate}, {Name: "extra", Type: value.TypeObject},
}

// Each mistake is named with its place.
//
// Req: AUD-4, AUD-5, AUD-12
func TestMistakesAreNamed(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat(`{"all": [`, 21) + `{}` + strings.Repeat(`]}`, 21)
	for text, want := range map[string]string{
		`{"all": [], "any": []}`: " a condition is one of",
		deep:                     strings.TrimPrefix(strings.Repeat(".all.0", 20), ".") + " groups stand within each other",
		`{"any": [{}, {"property": {"column": "agee", "operator": "exists"}}]}`:                                              `any.1.property.column there is no column "agee"`,
		`{"property": {"column": "age", "operator": "contains", "values": [1]}}`:                                             `property.operator the column "age", a number, has no operator "contains"`,
		`{"property": {"column": "age", "operator": "equals"}}`:                                                              "property.values the condition on",
		`{"property": {"column": "age", "operator": "equals", "values": ["1"]}}`:                                             "property.values.0 the column",
		`{"property": {"column": "age", "operator": "greater", "values": [1, 2]}}`:                                           "property.values the operator greater of a number takes one value",
		`{"property": {"column": "age", "operator": "greater", "percentile": 101}}`:                                          "property.percentile a percentile lies",
		`{"property": {"column": "extra", "path": "a", "type": "number", "operator": "less", "percentile": 5}}`:              "property.percentile a percentile is of a column",
		`{"property": {"column": "age", "operator": "equals", "percentile": 50}}`:                                            "property.values the condition on",
		`{"property": {"column": "age", "operator": "exists", "values": [1]}}`:                                               "property.values the operator exists does not take values",
		`{"property": {"column": "active", "operator": "equals", "values": [true, false]}}`:                                  "property.values the operator equals of a boolean takes one value",
		`{"property": {"column": "seen", "operator": "within", "period": {"n": 0, "unit": "day"}}}`:                          "property.period.n the number of units",
		`{"property": {"column": "seen", "operator": "within", "period": {"n": 1, "unit": "fortnight"}}}`:                    "property.period.unit there is no unit",
		`{"property": {"column": "seen", "operator": "before", "from": {"at": "yesterday"}}}`:                                "property.from.at",
		`{"property": {"column": "seen", "operator": "before", "from": {}}}`:                                                 "property.from a time is either",
		`{"property": {"column": "born", "operator": "between", "from": {"at": "2026-01-01"}}}`:                              "property.to the condition on",
		`{"property": {"column": "name", "path": "a", "operator": "exists"}}`:                                                "property.path the column",
		`{"property": {"column": "extra", "operator": "equals", "values": ["a"]}}`:                                           "property.operator the column",
		`{"property": {"column": "extra", "path": "a..b", "operator": "exists"}}`:                                            "property.path the path",
		`{"property": {"column": "extra", "type": "string", "operator": "equals", "values": ["a"]}}`:                         "property.path a type is",
		`{"property": {"column": "extra", "path": "a", "type": "date", "operator": "equals", "from": {"at": "2026-01-01"}}}`: "property.type what stands",
	} {
		var c condition.Condition
		if err := json.Unmarshal([]byte(text), &c); err != nil {
			t.Fatal(err)
		}
		issues, ok := errors.AsType[fault.Issues](c.Check(columns))
		if !ok || len(issues) != 1 {
			t.Errorf("%s: %v", text, c.Check(columns))
			continue
		}
		if got := issues[0].Path + " " + issues[0].Error(); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

// A tree is no larger than databases read.
func TestTreesAreBounded(t *testing.T) {
	t.Parallel()
	one := condition.Condition{Property: &condition.Property{Column: "age", Operator: condition.Exists}}
	c := condition.Condition{All: make([]condition.Condition, 501)}
	for i := range c.All {
		c.All[i] = one
	}
	if c.Check(columns) == nil {
		t.Error("501 conditions are accepted")
	}
	c.All = c.All[1:]
	if err := c.Check(columns); err != nil {
		t.Error(err)
	}
	values := make([]value.Value, 5001)
	for i := range values {
		values[i] = value.OfInt(int64(i))
	}
	many := condition.Condition{Property: &condition.Property{Column: "age", Operator: condition.Equals, Values: values}}
	if many.Check(columns) == nil {
		t.Error("5,001 values are accepted")
	}
}
