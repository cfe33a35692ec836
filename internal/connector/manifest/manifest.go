package manifest

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/httpx"
	"github.com/millrace/millrace/internal/value"
)

// Parse reads a manifest. file is what errors call it. Every mistake is an issue of its own (fault.Issues), with its
// line; a manifest without one works.
func Parse(file string, text []byte) (*Manifest, error) {
	d := &decoder{file: file}
	var doc yaml.Node
	switch err := yaml.NewDecoder(bytes.NewReader(text)).Decode(&doc); {
	case errors.Is(err, io.EOF):
		return nil, fault.New(fault.CodeInvalid, "%s is empty", file)
	case err != nil:
		return nil, fault.Wrap(err, fault.CodeMalformed, "%s is not YAML", file)
	}
	m := &Manifest{}
	d.decode(doc.Content[0], reflect.ValueOf(m).Elem(), "")
	if len(d.issues) == 0 {
		m.check(d, doc.Content[0])
	}
	for _, e := range d.issues {
		e.Path = strings.TrimPrefix(e.Path, ".")
	}
	m.doubts = d.doubts
	return m, d.issues.Err()
}

// Warnings are what works in the manifest and may be meant otherwise, each with its line.
func (m *Manifest) Warnings() fault.Issues { return m.doubts }

// Info is the destination that the manifest describes. network says where the server's operator lets requests go.
func (m *Manifest) Info(network httpx.Network, hooks Hooks) connector.DestinationInfo {
	i := connector.DestinationInfo{
		Slug: m.Slug, Name: m.Name, Category: m.Category, Summary: m.Summary, Verified: m.Verified,
		Tier: connector.TierManifest, Docs: m.Docs, Notes: m.Notes,
		Fields:    m.connectionFields(),
		Authorize: m.authorize(),
		Audiences: m.audienceReport(),
		Open: func(o connector.DestinationOptions) (connector.Destination, error) {
			return m.open(network, hooks, o)
		},
	}
	for j := range m.SyncTypes {
		t := m.SyncTypes[j].info()
		t.Quality = hooks.Quality[t.Slug] != nil
		i.SyncTypes = append(i.SyncTypes, t)
	}
	return i
}

// baseField lets every vendor's address be replaced: by a proxy, a sandbox, or a test.
var baseField = connector.Field{
	Name: "baseUrl", Label: "Address of the API", Type: connector.FieldString, Advanced: true, Target: true,
	Help: "Replaces the vendor's own address, for a proxy or a sandbox. Leave it empty otherwise.",
}

func (m *Manifest) connectionFields() []connector.Field {
	fields := connectorFields(m.Connection.Fields)
	for _, a := range m.Connection.Auth {
		if a.OAuth != nil && a.OAuth.Grant == grantCode {
			fields = append(fields, granted(a.ShowIf)...)
		}
	}
	return append(fields, baseField)
}

// granted are the fields of a connection that a person allows the access for.
func granted(s *ShowIf) []connector.Field {
	if s == nil {
		return connector.AuthorizeFields(nil)
	}
	return connector.AuthorizeFields(&connector.ShowIf{Field: s.Field, In: s.In})
}

func connectorFields(list []Field) []connector.Field {
	fields := make([]connector.Field, 0, len(list)+1)
	for _, f := range list {
		c := connector.Field{
			Name: f.Name, Label: f.Label, Help: f.Help, Type: connector.FieldType(f.Type), Default: f.Default, Example: f.Example,
			Required: f.Required, Advanced: f.Advanced, Secret: f.Type == string(connector.FieldSecret), Target: f.Target,
			Options: connectorOptions(f.Options), OptionsFrom: f.OptionsFrom, Creatable: f.Creatable, Providers: f.Providers,
			Min: f.Min, Max: f.Max,
		}
		if f.ShowIf != nil {
			c.ShowIf = &connector.ShowIf{Field: f.ShowIf.Field, In: f.ShowIf.In}
		}
		fields = append(fields, c)
	}
	return fields
}

func (t *SyncType) info() connector.SyncType {
	s := connector.SyncType{
		Slug: t.Slug, Name: t.Name, Summary: t.Summary, Fields: connectorFields(t.Fields), Compare: connector.CompareMapped,
		Identifiers: t.Identifiers, Clears: len(t.Clear) > 0, ByMode: map[connector.Mode]connector.ModeRule{},
		Mapping: connector.MappingRule{
			Enabled: !t.Mapping.None, Required: !t.Mapping.None && !t.Mapping.Optional, Advanced: !t.Mapping.None, Custom: t.customs(),
			AllByName: t.Mapping.AllByName, Clear: value.Of(t.Mapping.Clear),
		},
	}
	if t.Columns || len(renderedFields(t)) > 0 {
		s.Compare = connector.CompareAll
	}
	for _, mode := range modeOrder {
		rule, has := t.Modes[mode]
		if !has {
			continue
		}
		s.Modes = append(s.Modes, mode)
		if len(rule.Match) > 0 || rule.Any {
			s.Match.Modes = append(s.Match.Modes, mode)
		}
		for _, del := range rule.Deletes {
			s.Deletes = addDelete(s.Deletes, del)
		}
		deletes := rule.Deletes
		if deletes == nil {
			deletes = []connector.DeleteBehavior{connector.DeleteNothing}
		}
		s.ByMode[mode] = connector.ModeRule{Match: rule.Match, Deletes: deletes, DefaultDelete: rule.Default}
	}
	return s
}

// emptied is what a field of a removed row has where the record's fields are emptied.
func (m Mapping) emptied() value.Value {
	if m.Emptied != nil {
		return value.Of(m.Emptied)
	}
	return value.Of(m.Clear)
}

// customs reports whether fields may be typed in anywhere.
func (t *SyncType) customs() bool {
	custom := t.Mapping.Custom
	for _, s := range t.Sections {
		custom = custom || s.Custom
	}
	return custom
}

func addDelete(list []connector.DeleteBehavior, d connector.DeleteBehavior) []connector.DeleteBehavior {
	if slices.Contains(list, d) {
		return list
	}
	return append(list, d)
}

// modeOrder is the order in which modes are offered.
var modeOrder = []connector.Mode{
	connector.ModeUpsert, connector.ModeUpdate, connector.ModeInsert, connector.ModeAdd, connector.ModeRemove,
	connector.ModeArchive, connector.ModeAll, connector.ModeSnapshot, connector.ModeDiff, connector.ModeTrigger,
}

func renderedFields(t *SyncType) (names []string) {
	for _, f := range t.Fields {
		if f.Rendered {
			names = append(names, f.Name)
		}
	}
	return names
}

// authorize says with which settings a person must allow the access in a browser.
func (m *Manifest) authorize() []connector.ShowIf {
	for _, a := range m.Connection.Auth {
		if a.OAuth != nil && a.OAuth.Grant == grantCode {
			if a.ShowIf != nil {
				return []connector.ShowIf{{Field: a.ShowIf.Field, In: a.ShowIf.In}}
			}
			return []connector.ShowIf{{Field: "clientId", In: []string{}}}
		}
	}
	return nil
}
