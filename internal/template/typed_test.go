package template

import (
	"encoding/json"
	"testing"

	"github.com/millrace/millrace/internal/fault"
)

// typedCase is one line of testdata/typed.jsonl: a template over testdata/data.json and its value with its type, or the
// code of the error that refuses it.
type typedCase struct {
	Template string          `json:"template"`
	Type     string          `json:"type,omitempty"`
	Value    json.RawMessage `json:"value,omitempty"`
	Error    fault.Code      `json:"error,omitempty"`
}

// TestTyped evaluates the filters of mappings, and templates whose value keeps its type.
//
// Req: SY-29, SY-30
func TestTyped(t *testing.T) {
	t.Parallel()
	const path = "testdata/typed.jsonl"
	s := testScope(t)
	cases := lines[typedCase](t, path)
	for i, c := range cases {
		got := evaluated(s, c.Template)
		if *update {
			cases[i] = got
			continue
		}
		if got.Type != c.Type || string(got.Value) != string(c.Value) || got.Error != c.Error {
			t.Errorf("%s:%d: %s\n got  %s %s %s\n want %s %s %s", path, i+1, c.Template, got.Type, got.Value, got.Error, c.Type, c.Value, c.Error)
		}
	}
	if *update {
		writeLines(t, path, cases)
	}
}

func evaluated(s *Scope, source string) typedCase {
	c := typedCase{Template: source}
	t, err := Parse(source)
	if err != nil {
		c.Error = fault.As(err).Code
		return c
	}
	v, err := t.Eval(s)
	if err != nil {
		c.Error = fault.As(err).Code
		return c
	}
	c.Type, c.Value = v.Kind().String(), v.AppendJSON(nil)
	return c
}
