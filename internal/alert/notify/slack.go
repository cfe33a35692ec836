package notify

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/kind/channel"
)

// slackText is the most that a text object of Slack holds.
const slackText = 3000

// escapeSlack replaces the three characters that Slack reads as markup.
var escapeSlack = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

type slackBlock struct {
	Type string        `json:"type"`
	Text slackTextPart `json:"text"`
}

type slackTextPart struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

type slackMessage struct {
	Channel string       `json:"channel,omitempty"`
	Text    string       `json:"text"` // what notifications on a telephone show
	Blocks  []slackBlock `json:"blocks"`
	Unfurl  bool         `json:"unfurl_links"`
}

// slackSign begins a message with its colour.
func (m message) slackSign() string {
	switch {
	case m.Test:
		return ":white_circle:"
	case m.Level == "critical":
		return ":red_circle:"
	case m.Level == "warning":
		return ":large_yellow_circle:"
	default:
		return ":large_green_circle:"
	}
}

func (m message) slack() slackMessage {
	head := m.slackSign() + " *<" + m.link + "|" + escapeSlack.Replace(cut(m.Title(), 500)) + ">*"
	return slackMessage{Text: escapeSlack.Replace(cut(m.Title(), slackText)), Blocks: []slackBlock{{
		Type: "section", Text: slackTextPart{Type: "mrkdwn", Text: head + "\n" + escapeSlack.Replace(cut(m.Words, slackText/2))},
	}}}
}

// slack posts a message by an incoming webhook or as a bot.
func (s *Sender) slack(ctx context.Context, m message) error {
	if m.settings.Text("auth") == channel.SlackWebhook {
		address := m.settings.Text("webhookUrl")
		_, err := s.postJSON(ctx, request{url: address, secrets: []string{address}}, m.slack())
		return err
	}
	token := m.settings.Text("token")
	post := m.slack()
	post.Channel = m.settings.Text("channel")
	resp, err := s.postJSON(ctx, request{
		url: join(m.settings.Text("baseUrl"), "/chat.postMessage"), header: http.Header{"Authorization": {"Bearer " + token}}, secrets: []string{token},
	}, post)
	if err != nil {
		return err
	}
	return slackRefusal(resp.Body)
}

// Errors of Slack's Web API that pass by themselves, that are about the token, and that a person mends in Slack.
var (
	slackPassing = []string{"ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org"}
	slackToken   = []string{"invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "missing_scope"}
	slackChannel = []string{"channel_not_found", "not_in_channel", "is_archived"}
)

// slackRefusal reads the answer of the Web API, which says in its body whether the message was posted.
func slackRefusal(body []byte) error {
	var answer struct {
		OK     bool   `json:"ok"`
		Error  string `json:"error"`
		Needed string `json:"needed"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return fault.Wrap(err, fault.CodeNoticeUnreachable, "the answer is not Slack's")
	}
	words := answer.Error
	if answer.Needed != "" {
		words += " (" + answer.Needed + ")"
	}
	switch {
	case answer.OK:
		return nil
	case slices.Contains(slackPassing, answer.Error):
		return fault.Reclass(fault.New(fault.CodeNoticeThrottled, "Slack says %s", words), fault.Retryable)
	case slices.Contains(slackToken, answer.Error):
		return fault.New(fault.CodeNoticeAuth, "Slack says %s", words)
	case slices.Contains(slackChannel, answer.Error):
		return fault.New(fault.CodeNoticeRefused, "Slack says %s", words).WithSuggestion("Check the channel's ID, and invite the app to the channel.")
	default:
		return fault.New(fault.CodeNoticeRefused, "Slack says %s", words)
	}
}
