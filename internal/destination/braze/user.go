package braze

import (
	"context"
	"slices"
	"strings"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/manifest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

// aliases is the field that gives a user aliases.
const aliases = "user_aliases"

// writeUsers sends the attributes that differ from what Braze knows: rows that are new to the model are looked up, and
// others are compared with what was sent before.
func writeUsers(ctx context.Context, r *manifest.Run) (connector.Result, error) {
	rows := r.Rows()
	known, err := baselines(ctx, r, rows)
	if err != nil {
		return connector.Result{}, err
	}
	s := newSender(r)
	update := r.Job().Mode == connector.ModeUpdate
	var objects []object
	for _, w := range rows {
		old, exists := known[w.Index()]
		if update && !exists {
			s.refuse(w, "Braze has no user with this identifier", false)
			continue
		}
		for _, fields := range changes(attributes(w), old, exists) {
			objects = append(objects, object{w, with(w, fields, existing(update)...)})
		}
	}
	if err := s.send(ctx, "/users/track", "attributes", maxObjects, objects); err != nil {
		return connector.Result{}, err
	}
	err = s.aliases(ctx, rows, known)
	return r.Result(), err
}

// existing says that no user is made.
func existing(only bool) []value.Field {
	if !only {
		return nil
	}
	return []value.Field{{Name: "_update_existing_only", Value: value.OfBool(true)}}
}

// attributes are what the row's user is to have.
func attributes(w manifest.Row) []value.Field {
	return slices.DeleteFunc(slices.Clone(w.Get("fields").Fields()), func(f value.Field) bool { return f.Name == aliases })
}

// changes are the objects that make a user have the attributes. A user who does not exist is made with all that have a
// value.
func changes(next, known []value.Field, exists bool) [][]value.Field {
	if !exists {
		return [][]value.Field{withoutNulls(value.OfMap(next)).Fields()}
	}
	return difference(next, known)
}

// baselines are what the rows' users have, by the rows' numbers; a user who does not exist is not among them. What was
// sent of a row to a user with another identifier says nothing of the one that it has now.
func baselines(ctx context.Context, r *manifest.Run, rows []manifest.Row) (map[int][]value.Field, error) {
	known := map[int][]value.Field{}
	var unknown []manifest.Row
	for _, w := range rows {
		if before := w.Get("before"); before.Kind() == value.Map && !w.Moved() {
			fields, _ := before.Get("fields")
			known[w.Index()] = fields.Fields()
			continue
		}
		unknown = append(unknown, w)
	}
	names := make([]string, len(r.Job().Columns))
	for i, c := range r.Job().Columns {
		names[i] = c.Name
	}
	found, err := profiles(ctx, r, unknown, names)
	for _, w := range unknown {
		if profile, there := found[identity(r.Job().Match[0].To, w.Match())]; there {
			known[w.Index()] = attributesOf(profile)
		}
	}
	return known, err
}

// aliases gives users the aliases that they do not have. A user has one alias of a label: another name renames it.
// https://www.braze.com/docs/api/endpoints/user_data/post_user_alias/
func (s *sender) aliases(ctx context.Context, rows []manifest.Row, known map[int][]value.Field) error {
	var made, renamed []object
	for _, w := range rows {
		have := get(known[w.Index()], aliases).Parsed().List()
		for _, alias := range w.Value(aliases).Parsed().List() {
			label, name := text(alias, "alias_label"), text(alias, "alias_name")
			switch old := nameOf(have, label); old {
			case name:
			case "":
				made = append(made, object{w, value.OfMap([]value.Field{
					{Name: matchExternal, Value: w.Match()}, {Name: "alias_label", Value: value.OfText(label)}, {Name: "alias_name", Value: value.OfText(name)},
				})})
			default:
				renamed = append(renamed, object{w, value.OfMap([]value.Field{
					{Name: "alias_label", Value: value.OfText(label)}, {Name: "old_alias_name", Value: value.OfText(old)}, {Name: "new_alias_name", Value: value.OfText(name)},
				})})
			}
		}
	}
	if err := s.send(ctx, "/users/alias/new", "user_aliases", maxIDs, made); err != nil {
		return err
	}
	return s.send(ctx, "/users/alias/update", "alias_updates", maxIDs, renamed)
}

func text(v value.Value, name string) string {
	member, _ := v.Parsed().Get(name)
	return member.String()
}

func nameOf(list []value.Value, label string) string {
	for _, alias := range list {
		if text(alias, "alias_label") == label {
			return text(alias, "alias_name")
		}
	}
	return ""
}

// faults are the errors of a sync's settings.
type faults = fault.Issues

// checkUser: aliases need their users' external ids, and are compared.
func checkUser(_ *manifest.Destination, job connector.SyncJob) (issues faults) {
	mapped := slices.ContainsFunc(job.Columns, func(c connector.TargetColumn) bool { return c.Name == aliases })
	only, _ := job.Settings["onlyChanges"].(bool)
	external := len(job.Match) > 0 && job.Match[0].To == matchExternal
	if mapped && (!only || !external) {
		issues.Add("spec.mappings", fault.CodeInvalid, "the field user_aliases needs rows that are matched by external_id, and Only send changes")
	}
	return issues
}

// checkTrigger: users that do not exist can only be made with attributes.
func checkTrigger(_ *manifest.Destination, job connector.SyncJob) (issues faults) {
	only, _ := job.Settings["existingOnly"].(bool)
	if !only && !slices.ContainsFunc(job.Columns, func(c connector.TargetColumn) bool { return strings.HasPrefix(c.Name, "attributes.") }) {
		issues.Add("spec.mappings", fault.CodeRequired, "a field of User attributes must be mapped, or Send to existing users only turned on: Braze makes no user without attributes")
	}
	return issues
}
