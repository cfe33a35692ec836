// Package google is what the manifest of Google Ads cannot say: the accounts below the manager accounts that a person
// reaches.
//
// Google's pages are named in README.md.
package google

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/manifest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

// Hooks are the Go code of the manifest.
func Hooks() manifest.Hooks {
	return manifest.Hooks{
		Lists: map[string]func(context.Context, *manifest.Run) ([]connector.Option, error){"accounts": accounts},
	}
}

// clients asks for an account and all those below it.
// https://developers.google.com/google-ads/api/fields/v25/customer_client
const clients = "SELECT customer_client.id, customer_client.descriptive_name, customer_client.level, customer_client.manager" +
	" FROM customer_client WHERE customer_client.status = 'ENABLED'"

// search is a request for what an account has.
type search struct {
	Query     string `json:"query"`
	PageToken string `json:"pageToken,omitempty"`
}

// accounts lists the accounts that a person reaches: those of one's own first, and below each manager account those that
// it reaches. A value is ROOT/ACCOUNT, since Google wants to know through which account another one is reached.
func accounts(ctx context.Context, r *manifest.Run) ([]connector.Option, error) {
	if r.Settings().Text("access") == "partner_link" {
		return nil, nil // Google shows a partner no accounts
	}
	answer, err := r.Ask(ctx, http.MethodGet, "/customers:listAccessibleCustomers", nil, headers(r, ""))
	if err != nil {
		return nil, err //nolint:wrapcheck // it says what Google answered
	}
	names, _ := answer.Value().Get("resourceNames")
	var all []connector.Option
	var refused error
	for _, name := range names.List() {
		root := strings.TrimPrefix(name.String(), "customers/")
		list, err := below(ctx, r, root)
		if err != nil {
			if fault.ClassOf(err) == fault.Retryable || fault.ClassOf(err) == fault.Throttled {
				return nil, err
			}
			refused = err // an account that was cancelled, or that the developer token may not use
			continue
		}
		all = append(all, list...)
	}
	if len(all) == 0 && refused != nil {
		return nil, refused
	}
	return all, nil
}

// headers are what every request to the Google Ads API has: who asks, and through which account.
func headers(r *manifest.Run, root string) map[string]string {
	h := map[string]string{"developer-token": r.Settings().Text("developerToken")}
	if root != "" {
		h["login-customer-id"] = root
	}
	return h
}

// below lists an account and all those below it.
func below(ctx context.Context, r *manifest.Run, root string) ([]connector.Option, error) {
	var all []connector.Option
	top, token := root, ""
	for {
		body, err := json.Marshal(search{clients, token})
		if err != nil {
			return nil, fault.Wrap(err, fault.CodeInternal, "encoding a request")
		}
		answer, err := r.Ask(ctx, http.MethodPost, "/customers/"+root+"/googleAds:search", body, headers(r, root))
		if err != nil {
			return nil, err //nolint:wrapcheck // it says what Google answered
		}
		page := answer.Value()
		results, _ := page.Get("results")
		for _, item := range results.List() {
			c, _ := item.Get("customerClient")
			o, level := option(c, root)
			if level == "0" {
				top = o.Label
				all = append([]connector.Option{o}, all...)
			} else {
				all = append(all, o)
			}
		}
		if token = text(page, "nextPageToken"); token == "" {
			return underneath(all, root, top), nil
		}
	}
}

// option is an account, and how far it is below the root.
func option(client value.Value, root string) (o connector.Option, level string) {
	id := text(client, "id")
	name := text(client, "descriptiveName")
	if name == "" {
		name = id
	}
	o = connector.Option{Value: root + "/" + id, Label: name + " (" + id + ")"}
	if m, _ := client.Get("manager"); m.Kind() == value.Bool && m.Bool() {
		o.Help = "A manager account."
	}
	return o, text(client, "level")
}

// underneath shows below which account others are.
func underneath(all []connector.Option, root, top string) []connector.Option {
	for i := range all {
		if all[i].Value != root+"/"+root {
			all[i].Label = top + " › " + all[i].Label
		}
	}
	return all
}

func text(v value.Value, name string) string {
	m, _ := v.Get(name)
	if m.IsNull() {
		return ""
	}
	return m.String()
}
