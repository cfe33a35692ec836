// Package marketo is what the manifest of Marketo cannot say: leads are found by their fields before they are deleted,
// put on a list, get an activity or trigger a campaign.
package marketo

import (
	"context"
	"encoding/json"
	"net/url"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/manifest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

// Hooks are the Go code of the manifest.
func Hooks() manifest.Hooks {
	return manifest.Hooks{Write: map[string]func(context.Context, *manifest.Run) (connector.Result, error){
		"deleteLeads": deleteLeads, "listAdd": listAdd, "listRemove": listRemove, "activities": activities, "campaign": campaign,
	}}
}

// notFound is Marketo's code for a lead that is not there.
// https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/error-codes
const notFound = "1004"

type leadID struct {
	ID int64 `json:"id"`
}

// input is the body of most requests.
type input struct {
	Input any `json:"input"`
}

func ids(leads []lead) input {
	all := make([]leadID, len(leads))
	for i, l := range leads {
		all[i] = leadID{l.id}
	}
	return input{all}
}

// deleteLeads deletes leads. One that is gone already is no error.
func deleteLeads(ctx context.Context, r *manifest.Run) (connector.Result, error) {
	leads, err := find(ctx, r, false)
	if err != nil {
		return connector.Result{}, err
	}
	return send(ctx, r, leads, "POST", "/rest/v1/leads/delete.json", ids(leads))
}

func listAdd(ctx context.Context, r *manifest.Run) (connector.Result, error) {
	return members(ctx, r, "POST", true)
}

// listRemove takes leads off a list. One that is gone or no member is no error.
func listRemove(ctx context.Context, r *manifest.Run) (connector.Result, error) {
	return members(ctx, r, "DELETE", false)
}

func members(ctx context.Context, r *manifest.Run, method string, must bool) (connector.Result, error) {
	list, err := r.Resource(ctx, "list")
	if err != nil {
		return connector.Result{}, err
	}
	leads, err := find(ctx, r, must)
	if err != nil {
		return connector.Result{}, err
	}
	return send(ctx, r, leads, method, "/rest/v1/lists/"+url.PathEscape(list.String())+"/leads.json", ids(leads))
}

// activity is a custom activity.
type activity struct {
	Lead       int64       `json:"leadId"`
	Date       string      `json:"activityDate"`
	Type       int64       `json:"activityTypeId"`
	Primary    value.Value `json:"primaryAttributeValue"`
	Attributes []pair      `json:"attributes"`
}

// pair is an attribute or a token.
type pair struct {
	Name  string      `json:"name"`
	Value value.Value `json:"value"`
}

func activities(ctx context.Context, r *manifest.Run) (connector.Result, error) {
	kind, err := r.Resource(ctx, "type")
	if err != nil {
		return connector.Result{}, err
	}
	leads, err := find(ctx, r, true)
	if err != nil {
		return connector.Result{}, err
	}
	all := make([]activity, len(leads))
	for i, l := range leads {
		date := l.row.Value("activityDate")
		if date.IsNull() {
			date = value.OfText(r.Job().StartedAt.UTC().Format("2006-01-02T15:04:05Z"))
		}
		all[i] = activity{l.id, date.String(), number(kind), l.row.Value("primaryAttributeValue"), pairs(l.row.Get("attributes"), "", "")}
	}
	return send(ctx, r, leads, "POST", "/rest/v1/activities/external.json", input{all})
}

// number is a whole number that may be written as a text.
func number(v value.Value) int64 {
	var n int64
	if json.Unmarshal([]byte(v.String()), &n) != nil {
		return 0
	}
	return n
}

// pairs are the members of an object, with something around their names.
func pairs(object value.Value, before, after string) []pair {
	all := make([]pair, len(object.Fields()))
	for i, f := range object.Fields() {
		all[i] = pair{before + f.Name + after, f.Value}
	}
	return all
}

// campaign triggers a campaign for the lead of a row.
func campaign(ctx context.Context, r *manifest.Run) (connector.Result, error) {
	leads, err := find(ctx, r, true)
	if err != nil || len(leads) == 0 {
		return r.Result(), err
	}
	tokens := pairs(leads[0].row.Get("tokens"), "{{my.", "}}")
	for i := range tokens { // Marketo takes texts
		text := ""
		if !tokens[i].Value.IsNull() {
			text = tokens[i].Value.String()
		}
		tokens[i].Value = value.OfText(text)
	}
	body := input{map[string]any{"leads": ids(leads).Input, "tokens": tokens}}
	if _, err := ask(ctx, r, "POST", "/rest/v1/campaigns/"+url.PathEscape(r.Job().Settings.Text("campaign"))+"/trigger.json", body); err != nil {
		return connector.Result{}, err
	}
	return r.Result(), nil
}

// send makes a request for leads, and reads what became of each.
func send(ctx context.Context, r *manifest.Run, leads []lead, method, path string, body any) (connector.Result, error) {
	if len(leads) == 0 {
		return r.Result(), nil
	}
	a, err := ask(ctx, r, method, path, body)
	if err != nil {
		return connector.Result{}, err
	}
	results, _ := a.Get("result")
	for i, item := range results.Parsed().List() {
		status, _ := item.Get("status")
		if i >= len(leads) || status.Raw() != "skipped" {
			continue
		}
		code, message := why(item)
		if code == notFound && !leads[i].must {
			continue
		}
		r.Reject(leads[i].row, code+" "+message, false)
	}
	return r.Result(), nil
}

// why is why Marketo skipped something.
func why(item value.Value) (code, message string) {
	for _, member := range []string{"reasons", "errors"} {
		list, _ := item.Get(member)
		for _, reason := range list.Parsed().List() {
			c, _ := reason.Get("code")
			m, _ := reason.Get("message")
			return c.String(), m.String()
		}
	}
	return "skipped", "without a reason"
}

func ask(ctx context.Context, r *manifest.Run, method, path string, body any) (value.Value, error) {
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return value.Value{}, fault.Wrap(err, fault.CodeInternal, "encoding a request")
		}
	}
	a, err := r.Ask(ctx, method, path, text, nil)
	if err != nil {
		return value.Value{}, err
	}
	return a.Value(), nil
}
