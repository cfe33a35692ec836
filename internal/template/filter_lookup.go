package template

import (
	"strings"

	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

// lookupFilters ask the place that a message goes to. Only there they work (Scope.SetLookup).
var lookupFilters = map[string]filter{
	"slack_user_lookup": lookup("slack_user_lookup", "Slack"),
}

// lookup makes a filter from a text to what a place calls it.
func lookup(name, where string) filter {
	return func(s *Scope, in value.Value, _ []value.Value) (value.Value, error) {
		find := s.lookups[name]
		if find == nil {
			return value.Value{}, fault.New(fault.CodeTemplate, "%s works in messages to %s only", name, where)
		}
		text := strings.TrimSpace(textOf(in))
		if text == "" {
			return reject("%s: there is nothing to look up", name)
		}
		found, err := find(text)
		return value.OfText(found), err
	}
}
