package mixpanel

import (
	"context"
	"net/http"
	"net/url"
	"slices"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/manifest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

// writeByEmail changes the profiles with the rows' emails. Where there is none, a profile is made that has the email for
// its ID, so that a second sending makes no second one.
func writeByEmail(ctx context.Context, r *manifest.Run) (connector.Result, error) {
	if len(r.Rows()) == 0 {
		return r.Result(), nil
	}
	found, err := profiles(ctx, r)
	if err != nil {
		return connector.Result{}, err
	}
	for _, w := range r.Rows() {
		if len(found[w.Match().String()]) > 1 {
			r.Reject(w, "several profiles have this email: match by the Mixpanel User ID", false)
		}
	}
	rows := r.Rows()
	if len(rows) == 0 {
		return r.Result(), nil
	}
	token := value.OfText(r.Settings().Text("token"))
	updates := make([]value.Value, len(rows))
	for i, w := range rows {
		updates[i] = update(w, token, found[w.Match().String()])
	}
	a, err := r.Ask(ctx, http.MethodPost, "/engage?strict=1", value.OfList(updates).AppendJSON(nil), nil)
	if a == nil {
		return connector.Result{}, err //nolint:wrapcheck // it says what Mixpanel answered
	}
	reasons := failures(a)
	if err != nil && len(reasons) == 0 {
		return connector.Result{}, err //nolint:wrapcheck // it says what Mixpanel answered
	}
	for i, w := range rows {
		if reason, failed := reasons[int64(i)]; failed {
			r.Reject(w, reason, false)
		} else if len(reasons) > 0 {
			r.Reject(w, "another profile of the request was not valid", true)
		}
	}
	return r.Result(), nil
}

// failures are the reasons why profiles were refused, by their places in the request.
func failures(a *manifest.Answered) map[int64]string {
	list, _ := a.Value().Get("failed_records")
	all := map[int64]string{}
	for _, f := range list.List() {
		index, _ := f.Get("index")
		message, _ := f.Get("message")
		all[index.Int()] = message.String()
	}
	return all
}

// profiles finds the IDs of the profiles with the rows' emails.
// https://developer.mixpanel.com/reference/engage-query
func profiles(ctx context.Context, r *manifest.Run) (map[string][]string, error) {
	var emails []value.Value
	for _, w := range r.Rows() {
		emails = append(emails, w.Match())
	}
	form := url.Values{
		"where":             {`properties["$email"] in ` + string(value.OfList(emails).AppendJSON(nil))},
		"output_properties": {`["$email"]`},
	}
	query := "?project_id=" + url.QueryEscape(r.Settings().Text("projectId"))
	a, err := r.Class("query").Ask(ctx, http.MethodPost, queryHost(r.Settings().Text("region"))+"/api/query/engage"+query,
		[]byte(form.Encode()), map[string]string{"Content-Type": "application/x-www-form-urlencoded"})
	if err != nil {
		return nil, err //nolint:wrapcheck // it says what Mixpanel answered
	}
	results, _ := a.Value().Get("results")
	if size, _ := a.Value().Get("page_size"); size.Int() > 0 && int64(len(results.List())) >= size.Int() {
		return nil, fault.New(fault.CodeDestinationRejected, "more profiles than Mixpanel shows at once have the emails of %d rows", len(emails)).
			WithSuggestion("make the batch smaller")
	}
	found := map[string][]string{}
	for _, p := range results.List() {
		id, _ := p.Get("$distinct_id")
		properties, _ := p.Get("$properties")
		email, _ := properties.Get("$email")
		found[email.String()] = append(found[email.String()], id.String())
	}
	return found, nil
}

// queryHost is where profiles are read: another address than the one that takes them.
func queryHost(region string) string {
	if region == "us" {
		return "https://mixpanel.com"
	}
	return "https://" + region + ".mixpanel.com"
}

// update is what Mixpanel is told of a row.
func update(w manifest.Row, token value.Value, ids []string) value.Value {
	set := append(w.Get("native").Fields(), w.Get("fields").Fields()...)
	id := w.Match()
	if len(ids) > 0 {
		id = value.OfText(ids[0])
	} else if !slices.ContainsFunc(set, func(f value.Field) bool { return f.Name == "$email" }) {
		set = append(set, value.Field{Name: "$email", Value: w.Match()})
	}
	u := []value.Field{{Name: "$token", Value: token}, {Name: "$distinct_id", Value: id}}
	place := w.Get("place")
	if _, ok := place.Get("$ip"); !ok {
		u = append(u, value.Field{Name: "$ip", Value: value.OfText("0")}) // not that of this server
	}
	u = append(u, place.Fields()...)
	return value.OfMap(append(u, value.Field{Name: "$set", Value: value.OfMap(set)}))
}
