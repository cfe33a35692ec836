package salesforce

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/millrace/millrace/internal/fault"
)

// collection is the most records of one request.
const collection = 200

// saved is what became of one record of a request.
type saved struct {
	ID      string    `json:"id"`
	Success bool      `json:"success"`
	Errors  []refusal `json:"errors"`
}

// refusal is why a record was refused.
type refusal struct {
	Code    string   `json:"statusCode"`
	Message string   `json:"message"`
	Fields  []string `json:"fields"`
}

// collect makes one request for some records and reads the answer of each.
func (w *batch) collect(ctx context.Context, k work) error {
	var answers []saved
	method, path, body := k.request()
	err := call(ctx, w.run, method, path, body, &answers)
	if err == nil && len(answers) != len(k.items) {
		err = fault.Reclass(fault.New(fault.CodeDestinationAnswer, "the answer is about %d of %d records", len(answers), len(k.items)), fault.Unknown)
	}
	if err != nil {
		return w.lost(err, k.items)
	}
	w.wrote = true
	for i, a := range answers {
		if !a.Success {
			w.refuse(k, k.items[i], a.Errors)
		}
	}
	return nil
}

// request is the request for some work.
func (k work) request() (method, path string, body any) {
	if k.op == opDelete {
		ids := make([]string, len(k.items))
		for i, it := range k.items {
			ids[i] = it.id
		}
		return "DELETE", "/composite/sobjects?ids=" + strings.Join(ids, ",") + "&allOrNone=false", nil
	}
	records := make([]json.RawMessage, len(k.items))
	for i, it := range k.items {
		records[i] = k.record(it)
	}
	body = map[string]any{"allOrNone": false, "records": records}
	switch k.op {
	case opInsert:
		return "POST", "/composite/sobjects", body
	case opUpdate:
		return "PATCH", "/composite/sobjects", body
	default:
		return "PATCH", "/composite/sobjects/" + segment(k.object.Name) + "/" + segment(k.external.Name), body
	}
}

// record is a record as requests take it.
func (k work) record(it *item) json.RawMessage {
	b := append([]byte(`{"attributes":{"type":`), quoted(k.object.Name)...)
	b = append(b, '}')
	if k.op == opUpdate {
		b = append(append(b, `,"Id":`...), quoted(it.id)...)
	}
	if k.external != nil {
		b = append(append(append(append(b, ','), quoted(k.external.Name)...), ':'), quoted(it.match)...)
	}
	for _, c := range it.fields {
		b = append(append(append(b, ','), quoted(c.field.Name)...), ':')
		b = c.value.AppendJSON(b)
	}
	return append(b, '}')
}

func quoted(s string) []byte {
	b, _ := json.Marshal(s) //nolint:errcheck,errchkjson // a text can be encoded
	return b
}

// passing are refusals that may not be repeated: another transaction was faster, or the organisation is busy.
var passing = []string{"UNABLE_TO_LOCK_ROW", "TOO_MANY_APEX_REQUESTS", "SERVER_UNAVAILABLE", "UNKNOWN_EXCEPTION"}

// hints are what to do about a refusal.
var hints = map[string]string{
	"UNABLE_TO_LOCK_ROW":                            "Another process changes the record. Send fewer batches at once, five or less.",
	"TOO_MANY_APEX_REQUESTS":                        "Send smaller batches, or fewer at once.",
	"CANNOT_UPDATE_CONVERTED_LEAD":                  "The lead was converted and exists no more.",
	"DUPLICATE_EXTERNAL_ID":                         "More than one record, or more than one row, has the value of the match field.",
	"DUPLICATES_DETECTED":                           "A duplicate rule of the organisation holds the record for one that exists.",
	"INVALID_CROSS_REFERENCE_KEY":                   "The id is of another object, or of another organisation such as a sandbox.",
	"INVALID_FIELD_FOR_INSERT_UPDATE":               "The field cannot be written, or the user has no default record type.",
	"INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST":       "Send one of the values that the picklist has.",
	"INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY": "The user who allowed the access may not see the record that is referred to.",
	"INSUFFICIENT_ACCESS_OR_READONLY":               "The user who allowed the access may not change the record.",
	"INVALID_TYPE_ON_FIELD_IN_RECORD":               "A checkbox takes no null; or a flow that runs before the record is saved sets another value.",
}

// refuse notes why a record was refused. One that is gone already needs no deleting.
func (w *batch) refuse(k work, it *item, errors []refusal) {
	if len(errors) == 0 {
		errors = []refusal{{Message: "refused without a reason"}}
	}
	first := errors[0]
	if k.op == opDelete && (first.Code == "ENTITY_IS_DELETED" || first.Code == "INVALID_CROSS_REFERENCE_KEY") {
		return
	}
	retry := false
	var reasons []string
	for _, e := range errors {
		reasons = append(reasons, e.words())
		for _, code := range passing {
			retry = retry || e.Code == code
		}
	}
	w.drop(it, strings.Join(reasons, "; "), retry)
}

func (e refusal) words() string {
	text := e.Message
	if e.Code != "" {
		text = e.Code + ": " + text
	}
	if len(e.Fields) > 0 {
		text += " (" + strings.Join(e.Fields, ", ") + ")"
	}
	if hint := hints[e.Code]; hint != "" {
		if !strings.HasSuffix(text, ".") && !strings.HasSuffix(text, "?") {
			text += "."
		}
		text += " " + hint
	}
	return text
}
