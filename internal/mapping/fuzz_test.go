package mapping_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/kind/sync"
	"github.com/millrace/millrace/internal/mapping"
)

// Whatever stands in a mapping, compiling it tells every problem with its path, and a row is mapped or refused.
//
// Req: SY-24
func FuzzCompile(f *testing.F) {
	for _, seed := range []string{
		`[]`, `[{"to":"a","from":"name"}]`, `[{"to":"a","kind":"static","value":{"x":[1,null]}}]`, `[{"to":"a","kind":"variable","variable":"operation"}]`,
		`[{"to":"a","kind":"template","template":"{{ row['first name'] | upcase }}"}]`, `[{"to":"a","kind":"template","template":"{{ age | divided_by: 0 }}"}]`,
		`[{"to":"a","kind":"object","fields":[{"to":"b","kind":"object","fields":[{"to":"c","from":"age","omitNull":true}]}]}]`,
		`[{"to":"a","kind":"array","from":"cart","fields":[{"to":"b","from":"item_id"},{"to":"c","kind":"array","from":"tags","fields":[{"to":"t","from":"t","clearNull":true}]}]}]`,
		`[{"to":"a","kind":"array","from":"address","fields":[{"kind":"object"}]}]`, `[{"kind":"nope"},{"kind":"array"},{"kind":"object","fields":[{"kind":"array","fields":[{"kind":"object"}]}]}]`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var mappings []sync.Mapping
		if json.Unmarshal([]byte(text), &mappings) != nil {
			return
		}
		m, err := mapping.Compile(mapping.Input{Columns: people, PrimaryKey: "id", Mappings: mappings})
		if err != nil {
			issues, ok := errors.AsType[fault.Issues](err)
			for _, issue := range issues {
				ok = ok && issue.Path != "" && issue.Code != fault.CodeInternal
			}
			if !ok {
				t.Errorf("%s: %v has no paths", text, err)
			}
			return
		}
		values, err := bind(t, m, ann).Values(nil)
		if err != nil && fault.As(err).Code == fault.CodeInternal {
			t.Errorf("%s: %v has no code", text, err)
		}
		for _, v := range values {
			if !json.Valid(v.AppendJSON(nil)) {
				t.Errorf("%s makes %s", text, v.AppendJSON(nil))
			}
		}
	})
}
