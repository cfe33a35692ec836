// Package channel is the kind of document that says how somebody is told: an address of email, a Slack channel, a
// PagerDuty service, telephones, a webhook (SY-63).
package channel

import (
	"slices"

	"github.com/millrace/millrace/internal/connector"
)

// Spec is what a person configures of a channel.
type Spec struct {
	Type          string         `json:"type"`                    // slug of an Info
	Configuration map[string]any `json:"configuration"`           // its fields; secrets are references
	Levels        string         `json:"levels,omitempty"`        // what recipients hear of that do not say: all (the default) or critical
	RepeatMinutes int            `json:"repeatMinutes,omitempty"` // a notice is repeated so often while the alert lasts; 0 means once (MON-04)
	Description   string         `json:"description,omitempty"`
}

// Targets lists whom one notice is sent to by requests of their own: each telephone. Other types send a single one.
func (s Spec) Targets() []string {
	if s.Type != SMS {
		return []string{""}
	}
	return connector.Settings(s.Configuration).List("to")
}

// Types of channels.
const (
	Email     = "email"
	Slack     = "slack"
	PagerDuty = "pagerduty"
	SMS       = "sms"
	Webhook   = "webhook"
)

// Ways to post to Slack.
const (
	SlackWebhook = "webhook"
	SlackBot     = "bot"
)

// Info is what a type of channel says about itself.
type Info struct {
	Slug    string            `json:"slug"`
	Name    string            `json:"name"`
	Summary string            `json:"summary"`
	Fields  []connector.Field `json:"fields" nullable:"false"`
}

// Types lists the types of channels.
func Types() []Info {
	return []Info{
		{Slug: Email, Name: "Email", Summary: "Mail through the server's SMTP settings", Fields: []connector.Field{
			{Name: "to", Label: "To", Type: connector.FieldList, Required: true, Example: "data-team@example.com", Help: "Addresses; all of them get the same mail."},
			{Name: "prefix", Label: "Subject prefix", Type: connector.FieldString, Advanced: true, Example: "[data]", Help: "What the subject of every mail begins with."},
		}},
		{Slug: Slack, Name: "Slack", Summary: "A message in a Slack channel", Fields: slackFields()},
		{Slug: PagerDuty, Name: "PagerDuty", Summary: "An alert of a PagerDuty service, resolved on recovery", Fields: []connector.Field{
			{Name: "routingKey", Label: "Integration key", Type: connector.FieldSecret, Secret: true, Required: true, Help: "Of an Events API v2 integration: Services, your service, Integrations, Add integration."},
			{Name: "baseUrl", Label: "Events API", Type: connector.FieldString, Default: "https://events.pagerduty.com", Advanced: true, Help: "https://events.eu.pagerduty.com for accounts in the EU."},
		}},
		{Slug: SMS, Name: "SMS", Summary: "Text messages through Twilio", Fields: smsFields()},
		{Slug: Webhook, Name: "Webhook", Summary: "A signed request to an address of your own", Fields: []connector.Field{
			{Name: "url", Label: "URL", Type: connector.FieldString, Required: true, Example: "https://hooks.example.com/millrace"},
			{Name: "secret", Label: "Signing secret", Type: connector.FieldSecret, Secret: true, Help: "With one, requests are signed as the Standard Webhooks specification says. One that begins with whsec_ is read as base64."},
			{Name: "headers", Label: "Headers", Type: connector.FieldHeaders, Advanced: true, Help: "Sent with every request. The value of a secret one is stored encrypted and never shown again."},
		}},
	}
}

func slackFields() []connector.Field {
	webhook := &connector.ShowIf{Field: "auth", In: []string{SlackWebhook}}
	bot := &connector.ShowIf{Field: "auth", In: []string{SlackBot}}
	return []connector.Field{
		{Name: "auth", Label: "Post by", Type: connector.FieldSelect, Default: SlackWebhook, Options: []connector.Option{
			{Value: SlackWebhook, Label: "Incoming webhook", Help: "Posts to the channel that the webhook was made for."},
			{Value: SlackBot, Label: "Bot token", Help: "Posts to any channel that the app was invited to."},
		}},
		{Name: "webhookUrl", Label: "Webhook URL", Type: connector.FieldSecret, Secret: true, Required: true, ShowIf: webhook, Help: "From Incoming Webhooks in the settings of your Slack app. Whoever has it can post, so it is kept like a password."},
		{Name: "token", Label: "Bot token", Type: connector.FieldSecret, Secret: true, Required: true, ShowIf: bot, Help: "Begins with xoxb-; the app needs the scope chat:write."},
		{Name: "channel", Label: "Channel", Type: connector.FieldString, Required: true, ShowIf: bot, Example: "C0123456789", Help: "The channel's ID, at the end of its details in Slack, or its name."},
		{Name: "baseUrl", Label: "Web API", Type: connector.FieldString, Default: "https://slack.com/api", Advanced: true, ShowIf: bot},
	}
}

func smsFields() []connector.Field {
	return []connector.Field{
		{Name: "to", Label: "To", Type: connector.FieldList, Required: true, Example: "+4915112345678", Help: "Telephone numbers with the country's code; each gets a message of its own."},
		{Name: "accountSid", Label: "Account SID", Type: connector.FieldString, Required: true, Example: "AC…"},
		{Name: "keySid", Label: "API key SID", Type: connector.FieldString, Advanced: true, Example: "SK…", Help: "Of an API key, whose secret is then the token below. Empty means the account's own token."},
		{Name: "token", Label: "Auth token", Type: connector.FieldSecret, Secret: true, Required: true},
		{Name: "from", Label: "From", Type: connector.FieldString, Required: true, Example: "+12025550123", Help: "A number of yours at Twilio, an alphanumeric sender, or the SID of a messaging service (MG…)."},
		{Name: "baseUrl", Label: "Twilio API", Type: connector.FieldString, Default: "https://api.twilio.com", Advanced: true},
	}
}

// TypeOf returns the type with the slug.
func TypeOf(slug string) (Info, bool) {
	all := Types()
	i := slices.IndexFunc(all, func(t Info) bool { return t.Slug == slug })
	if i < 0 {
		return Info{}, false
	}
	return all[i], true
}
