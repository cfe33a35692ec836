package channel

import (
	"encoding/json"
	"testing"

	"github.com/millrace/millrace/internal/resource/resourcetest"
)

func TestGolden(t *testing.T) {
	t.Parallel()
	resourcetest.Golden(t, Kind(), "testdata/golden.json")
}

func nothingStored(string) bool { return false }

// Every error of a channel is told at once, with its place.
//
// Req: SY-63
func TestValidate(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spec string
		want []string // paths
	}{
		"email":            {`{"type":"email","configuration":{"to":["ada@example.com","Bob <bob@example.com>"]}}`, nil},
		"email to nobody":  {`{"type":"email","configuration":{"to":[]}}`, []string{"spec.configuration.to"}},
		"no address":       {`{"type":"email","configuration":{"to":["ada"]}}`, []string{"spec.configuration.to"}},
		"slack webhook":    {`{"type":"slack","configuration":{"webhookUrl":"https://hooks.slack.com/services/a/b/c"}}`, nil},
		"slack without":    {`{"type":"slack","configuration":{}}`, []string{"spec.configuration.webhookUrl"}},
		"slack bot":        {`{"type":"slack","configuration":{"auth":"bot"}}`, []string{"spec.configuration.token", "spec.configuration.channel"}},
		"no URL":           {`{"type":"slack","configuration":{"webhookUrl":"hooks"}}`, []string{"spec.configuration.webhookUrl"}},
		"pagerduty":        {`{"type":"pagerduty","configuration":{"routingKey":"k"},"levels":"critical","repeatMinutes":60}`, nil},
		"sms":              {`{"type":"sms","configuration":{"to":["+4915112345678"],"accountSid":"AC1","token":"t","from":"MG1"}}`, nil},
		"sms to a name":    {`{"type":"sms","configuration":{"to":["0151 12"],"accountSid":"AC1","token":"t","from":"+12025550123"}}`, []string{"spec.configuration.to"}},
		"webhook":          {`{"type":"webhook","configuration":{"url":"https://example.com/hook","secret":"s"}}`, nil},
		"everything wrong": {`{"type":"webhook","configuration":{"url":"ftp://x","color":"red"},"levels":"loud","repeatMinutes":1}`, []string{"spec.configuration.color", "spec.configuration.url", "spec.levels", "spec.repeatMinutes"}},
		"no such type":     {`{"type":"pigeon","configuration":{}}`, []string{"spec.type"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var s Spec
			if err := json.Unmarshal([]byte(c.spec), &s); err != nil {
				t.Fatal(err)
			}
			issues := s.validate(nothingStored)
			if len(issues) != len(c.want) {
				t.Fatalf("found %v, want %v", issues, c.want)
			}
			for i, issue := range issues {
				if issue.Path != c.want[i] {
					t.Errorf("found %s: %v, want %s", issue.Path, issue, c.want[i])
				}
			}
		})
	}
}
