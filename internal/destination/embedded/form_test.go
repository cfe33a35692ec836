package embedded

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/millrace/millrace/internal/connector"
)

const richOptions = `{"options": {"schema": {"type": "object", "required": ["channel"], "properties": {
	"channel": {"title": "Channel", "description": "Where messages go.", "type": "string", "enum": [1, 2], "enumNames": ["#general", "#sales"], "default": 2},
	"message": {"label": "Message", "type": "string"},
	"limit": {"type": "integer", "minimum": 1, "maximum": 10},
	"archiveOnRemove": {"type": "boolean", "default": true},
	"tags": {"type": "array", "items": {"type": "string"}},
	"sender": {"type": "object", "title": "Sender", "properties": {"name": {"type": "string"}}}}},
	"uiSchema": {"message": {"ui:widget": "textarea"}}}}`

// The options that a connector describes are a form, in their order.
func TestForm(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	d := opened(t, s)
	job := connector.SyncJob{Settings: connector.Settings{"object": "user", "mode": "upsert"}}
	if fields, err := d.ListForm(t.Context(), "options", job); err != nil || len(fields) != 0 {
		t.Errorf("without the method: %v %v", fields, err)
	}
	s.returns["list_options"] = richOptions
	got, err := d.ListForm(t.Context(), "options", job)
	if err != nil {
		t.Fatal(err)
	}
	want := []connector.Field{
		{Name: "channel", Label: "Channel", Help: "Where messages go.", Type: connector.FieldSelect, Required: true, Default: "2", Options: []connector.Option{{Value: "1", Label: "#general"}, {Value: "2", Label: "#sales"}}},
		{Name: "message", Label: "Message", Type: connector.FieldText},
		{Name: "limit", Label: "limit", Type: connector.FieldNumber, Min: new(1.0), Max: new(10.0)},
		{Name: "archiveOnRemove", Label: "archiveOnRemove", Type: connector.FieldBoolean, Default: true},
		{Name: "tags", Label: "tags", Type: connector.FieldList},
		{Name: "sender", Label: "Sender", Type: connector.FieldObject, Fields: []connector.Field{{Name: "name", Label: "name", Type: connector.FieldString}}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if asked := s.asked[len(s.asked)-1]; asked != `list_options {"object":"user","mode":"upsert"}` {
		t.Errorf("asked %s", asked)
	}
	s.returns["list_options"] = strings.Replace(richOptions, `"items": {"type": "string"}`, `"items": {"type": "number"}`, 1)
	if fields, err := d.ListForm(t.Context(), "options", job); err != nil || len(fields) != 0 {
		t.Errorf("numbers in an array were drawn: %v %v", fields, err)
	}
	if _, err := d.ListForm(t.Context(), "other", job); err == nil {
		t.Error("a form that does not exist was drawn")
	}
}

// What was chosen in a form reaches the connector as its list has it.
func TestChosenOptions(t *testing.T) {
	t.Parallel()
	var result struct {
		Options described `json:"options"`
	}
	if err := json.Unmarshal([]byte(richOptions), &result); err != nil {
		t.Fatal(err)
	}
	for given, want := range map[string]string{`"1"`: "1", "1": "1", `"9"`: `"9"`, "": "2"} {
		options := members{}
		if given != "" {
			options["channel"] = json.RawMessage(given)
		}
		if err := result.Options.fill(options); given != "" && err != nil {
			t.Errorf("%s: %v", given, err)
		}
		if got := string(options["channel"]); got != want {
			t.Errorf("%q becomes %s, want %s", given, got, want)
		}
		if got := string(options["archiveOnRemove"]); got != "true" {
			t.Errorf("the default is %s", got)
		}
	}
}
