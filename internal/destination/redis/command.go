package redis

import (
	"maps"
	"slices"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
)

// What rows are matched by.
const (
	matchKey    = "key"
	matchMember = "member"
)

// command is what rows are written with.
type command struct {
	name       string
	match      string                  // what rows are matched by
	fields     []connector.TargetField // that must be mapped; none means fields of any name
	upsertOnly bool
	noClear    string // why there is no empty record, where there is none
	replaces   bool   // what a changed row had before is taken out
	program    func(b base) program
}

// program turns rows into calls. An error is about the row.
type program interface {
	write(r connector.Row) ([]call, error)  // a row that was added or changed
	clear(r connector.Row) ([]call, error)  // a row that left, whose mapped fields are emptied
	remove(r connector.Row) ([]call, error) // a row that left, whose record goes
}

// call is one command as it is sent, about one key.
type call struct {
	key  string
	args []any
}

var (
	fieldLongitude = connector.TargetField{Name: "longitude", Type: "number", Native: "double", Required: true, Help: "From -180 to 180 degrees"}
	fieldLatitude  = connector.TargetField{Name: "latitude", Type: "number", Native: "double", Required: true, Help: "From -85.05112878 to 85.05112878 degrees"}
	fieldKey       = connector.TargetField{Name: "key", Type: "string", Native: "string", Required: true, Help: "The key of the sorted set"}
)

// commands are those of each sync type, by the value of the setting.
var commands = map[string]map[string]command{
	TypeKeys: {
		"set": {name: "SET", match: matchKey, program: func(b base) program { return &stringProgram{b} },
			fields: []connector.TargetField{{Name: "value", Type: "string", Native: "string", Required: true, Help: "The string; objects and lists as JSON"}}},
		"hset": {name: "HSET", match: matchKey, program: func(b base) program { return &hashProgram{b} }},
		"sadd": {name: "SADD", match: matchKey, upsertOnly: true, replaces: true, program: func(b base) program { return &setProgram{b} },
			fields: []connector.TargetField{{Name: "members", Type: "array", Native: "set", Required: true, Help: "A list of members, or a single one"}}},
		"geoadd": {name: "GEOADD", match: matchKey, upsertOnly: true, replaces: true, program: func(b base) program { return &placeProgram{b} },
			fields: []connector.TargetField{fieldLongitude, fieldLatitude, {Name: "name", Type: "string", Native: "string", Required: true, Help: "What the place is called"}}},
	},
	TypeMembers: {
		"zadd": {name: "ZADD", match: matchMember, replaces: true, program: func(b base) program { return &scoreProgram{b} },
			fields: []connector.TargetField{fieldKey, {Name: "score", Type: "number", Native: "double", Required: true, Help: "By which members are sorted"}}},
		"geoadd": {name: "GEOADD", match: matchMember, upsertOnly: true, replaces: true, program: func(b base) program { return &memberPlaceProgram{b} },
			noClear: "a place cannot be empty", fields: []connector.TargetField{fieldKey, fieldLongitude, fieldLatitude}},
	},
}

// commandOf returns what a job's rows are written with.
func commandOf(job connector.SyncJob, s syncSettings) (command, error) {
	known := commands[job.Type]
	c, found := known[s.Command]
	if !found {
		return c, fault.New(fault.CodeInvalid, "%s has no command %q; it has %v", typeOf(job).Name, s.Command, slices.Sorted(maps.Keys(known))).WithPath("spec.settings.command")
	}
	if s.Command == "set" && s.Format == formatJSON {
		c.fields, c.program = nil, func(b base) program { return &jsonProgram{b} }
	}
	return c, nil
}

// targetFields are what can be matched and mapped.
func (c command) targetFields() []connector.TargetField {
	return append([]connector.TargetField{{Name: c.match, Label: "Matched by", Type: "string", Native: "string", Match: true, ReadOnly: true}}, c.fields...)
}

// names returns the fields that must be mapped.
func (c command) names() []string {
	all := make([]string, len(c.fields))
	for i, f := range c.fields {
		all[i] = f.Name
	}
	return all
}
