package braze

import (
	"context"
	"slices"

	"github.com/millrace/millrace/internal/connector/manifest"
	"github.com/millrace/millrace/internal/value"
)

// exported are the attributes of Braze's own that a profile is exported with, under the same names and in the same form.
// https://www.braze.com/docs/api/endpoints/export/user_data/post_users_identifier/
var exported = []string{
	"country", "dob", "email", "email_subscribe", "first_name", "gender", "home_city", "language", "last_name", "phone",
	"push_subscribe", "time_zone", "user_aliases",
}

// unexported are attributes of Braze's own that no profile shows in the form in which they are written.
var unexported = []string{
	"current_location", "date_of_first_session", "date_of_last_session", "email_open_tracking_disabled",
	"email_click_tracking_disabled", "facebook", "image_url", "marked_email_as_spam_at", "push_tokens", "push_token_import",
	"subscription_groups", "twitter",
}

// profiles finds the users of rows, by what identifies them. attributes are those that are wanted.
func profiles(ctx context.Context, r *manifest.Run, rows []manifest.Row, attributes []string) (map[string]value.Value, error) {
	kind := r.Job().Match[0].To
	most := maxIDs
	if kind == matchBraze {
		most = 1 // only one user can be asked for
	}
	found := map[string]value.Value{}
	for len(rows) > 0 {
		n := min(most, len(rows))
		if err := export(ctx, r, kind, rows[:n], attributes, found); err != nil {
			return nil, err
		}
		rows = rows[n:]
	}
	return found, nil
}

// asked are what requests call what users are found by.
var asked = map[string]string{matchExternal: "external_ids", matchAlias: "user_aliases", matchBraze: "braze_id"}

func export(ctx context.Context, r *manifest.Run, kind string, rows []manifest.Row, attributes []string, found map[string]value.Value) error {
	ids := make([]value.Value, len(rows))
	for i, w := range rows {
		ids[i] = w.Match()
	}
	wanted := value.OfList(ids)
	if kind == matchBraze {
		wanted = ids[0]
	}
	body := value.OfMap([]value.Field{
		{Name: asked[kind], Value: wanted}, {Name: "fields_to_export", Value: texts(fieldsToExport(kind, attributes))},
	})
	a, err := r.Class("export").Ask(ctx, "POST", "/users/export/ids", body.AppendJSON(nil), nil)
	if err != nil {
		return reading(err)
	}
	users, _ := a.Value().Get("users")
	for _, u := range users.Parsed().List() {
		for _, id := range identities(kind, u) {
			found[id] = u
		}
	}
	return nil
}

func texts(list []string) value.Value {
	items := make([]value.Value, len(list))
	for i, s := range list {
		items[i] = value.OfText(s)
	}
	return value.OfList(items)
}

func fieldsToExport(kind string, attributes []string) []string {
	fields := []string{kind}
	if kind == matchAlias {
		fields[0] = "user_aliases"
	}
	custom := false
	for _, name := range attributes {
		switch {
		case slices.Contains(exported, name) && !slices.Contains(fields, name):
			fields = append(fields, name)
		case !slices.Contains(exported, name) && !slices.Contains(unexported, name):
			custom = true
		}
	}
	if custom {
		fields = append(fields, "custom_attributes")
	}
	return fields
}

// identities are the texts that rows find a user by.
func identities(kind string, user value.Value) []string {
	if kind != matchAlias {
		id, _ := user.Get(kind)
		return []string{id.String()}
	}
	aliases, _ := user.Get("user_aliases")
	var all []string
	for _, alias := range aliases.Parsed().List() {
		all = append(all, identity(kind, alias))
	}
	return all
}

// attributesOf are what a profile has, as a row would have it.
func attributesOf(profile value.Value) []value.Field {
	var fields []value.Field
	for _, f := range profile.Fields() {
		if slices.Contains(exported, f.Name) {
			fields = append(fields, f)
		}
	}
	custom, _ := profile.Get("custom_attributes")
	return append(fields, custom.Parsed().Fields()...)
}
