package marketo

import (
	"context"
	"net/url"
	"strconv"
	"strings"

	"github.com/millrace/millrace/internal/connector/manifest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

// lead is a row and the lead that it is about.
type lead struct {
	row  manifest.Row
	id   int64
	must bool // it is an error that the lead is not there
}

// An address has at most 8 KB, and an answer 300 leads.
// https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/error-codes
const (
	maxValues = 100
	maxQuery  = 6000
)

// find returns the leads of the rows. Where several leads have the value of a row, it is the newest one. A row without a
// lead is refused where there must be one.
func find(ctx context.Context, r *manifest.Run, must bool) ([]lead, error) {
	field := r.Job().Match[0].To
	rows := r.Rows()
	var values []string
	for _, row := range rows {
		if text := row.Match().String(); field == "id" {
			if _, err := strconv.ParseInt(text, 10, 64); err != nil {
				r.Reject(row, "the ID of a lead is a whole number", false)
			}
		} else if strings.Contains(text, ",") {
			r.Reject(row, "Marketo finds no lead by a value with a comma", false)
		} else {
			values = append(values, text)
		}
	}
	known, err := look(ctx, r, field, values)
	if err != nil {
		return nil, err
	}
	var leads []lead
	for _, row := range r.Rows() {
		text := row.Match().String()
		id, found := known[strings.ToLower(text)], true
		if field == "id" {
			id, _ = strconv.ParseInt(text, 10, 64) //nolint:errcheck // checked above
		} else {
			_, found = known[strings.ToLower(text)]
		}
		switch {
		case found:
			leads = append(leads, lead{row, id, must})
		case must:
			r.Reject(row, "no lead has this value; leads must exist", false)
		}
	}
	return leads, nil
}

// look asks for the ids of leads by a field, some in each request.
func look(ctx context.Context, r *manifest.Run, field string, values []string) (map[string]int64, error) {
	known, newest := map[string]int64{}, map[string]string{}
	for len(values) > 0 {
		n, size := 0, 0
		for n < len(values) && n < maxValues && (n == 0 || size+len(url.QueryEscape(values[n])) < maxQuery) {
			size += len(url.QueryEscape(values[n])) + 3
			n++
		}
		for page := ""; ; {
			query := url.Values{"filterType": {field}, "filterValues": {strings.Join(values[:n], ",")}, "fields": {"id,createdAt," + field}}
			if page != "" {
				query.Set("nextPageToken", page)
			}
			body, err := ask(ctx, r, "GET", "/rest/v1/leads.json?"+query.Encode(), nil)
			if err != nil {
				return nil, reading(err)
			}
			results, _ := body.Get("result")
			for _, item := range results.Parsed().List() {
				note(item, field, known, newest)
			}
			next, _ := body.Get("nextPageToken")
			if next.Raw() == "" || next.Raw() == page {
				break
			}
			page = next.Raw()
		}
		values = values[n:]
	}
	return known, nil
}

// note keeps the newest lead of a value.
func note(item value.Value, field string, known map[string]int64, newest map[string]string) {
	v, _ := item.Get(field)
	id, _ := item.Get("id")
	created, _ := item.Get("createdAt")
	key := strings.ToLower(v.String())
	if _, seen := known[key]; !seen || created.Raw() > newest[key] {
		known[key], newest[key] = number(id), created.Raw()
	}
}

// reading is the error of a request that only reads: whether it arrived does not matter.
func reading(err error) error {
	if fault.ClassOf(err) == fault.Unknown {
		return fault.Reclass(err, fault.Retryable)
	}
	return err
}
