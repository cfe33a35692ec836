// Package slack is what the manifest of Slack cannot say: texts that tag people by their addresses, Block Kit, and
// messages that hold all rows of a run.
package slack

import (
	"context"
	"net/url"
	"slices"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/manifest"
	"github.com/millrace/millrace/internal/destination/chat"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

// Hooks are the Go code of the manifest.
func Hooks() manifest.Hooks {
	return manifest.Hooks{Begin: map[string]func(context.Context, *manifest.Run) (connector.Session, error){
		"message": beginMessage, "batch": beginBatch, "table": beginTable, "csv": beginCSV,
	}}
}

// lookup is the filter that finds users.
const lookup = "slack_user_lookup"

// people are the workspace's users.
func people(r *manifest.Run) *chat.People {
	return chat.NewPeople(lookup, func(ctx context.Context, address string) (string, error) {
		a, err := r.Ask(ctx, "GET", "/users.lookupByEmail?email="+url.QueryEscape(address), nil, nil)
		switch class := fault.ClassOf(err); {
		case err != nil && class == fault.Unknown:
			return "", fault.Reclass(err, fault.Retryable) // it only reads
		case err != nil && class == fault.Permanent:
			return "", fault.Wrap(err, fault.CodeMappingReject, "Slack knows no user with the address").
				WithSuggestion("Tag only people of the workspace, or leave the tag out: {%% if row.email %%}…{%% endif %%}.")
		case err != nil:
			return "", err
		}
		user, _ := a.Value().Get("user")
		id, _ := user.Parsed().Get("id")
		if id.Kind() != value.Text || id.Raw() == "" {
			return "", fault.Reclass(fault.New(fault.CodeDestinationAnswer, "Slack's answer names no user"), fault.Retryable)
		}
		return id.Raw(), nil
	})
}

// call posts a form to a method of the Web API.
func call(ctx context.Context, r *manifest.Run, method string, form url.Values) (*manifest.Answered, error) {
	return r.Ask(ctx, "POST", "/"+method, []byte(form.Encode()), map[string]string{"Content-Type": "application/x-www-form-urlencoded"})
}

// closed are the errors of a channel that takes no messages of the bot.
// https://docs.slack.dev/reference/methods/chat.postMessage, https://docs.slack.dev/reference/methods/files.completeUploadExternal
var closed = []string{"channel_not_found", "not_in_channel", "is_archived", "invalid_channel", "posting_to_channel_denied"}

// tell posts a form to a method that shows something in a channel. A channel of the sync's settings that takes nothing
// ends the run: every other row would fare the same. One that a row names is that row's own matter.
func tell(ctx context.Context, r *manifest.Run, method, channel string, form url.Values) error {
	a, err := call(ctx, r, method, form)
	if err == nil || a == nil || channel != r.Job().Settings.Text("channel") {
		return err
	}
	if code, _ := a.Value().Get("error"); !slices.Contains(closed, code.Raw()) {
		return err
	}
	e := fault.Wrap(err, fault.CodeDestinationSchema, "Slack's channel %s takes no messages of the bot", channel).
		WithSuggestion("Choose another channel in the sync. Where this one still exists, make the bot a member of it (type /invite and its name there), and unarchive it.")
	return fault.Reclass(e, fault.Fatal)
}

// look is how the bot looks, and what else the settings say of every message.
func look(job connector.SyncJob) url.Values {
	form := url.Values{}
	for parameter, setting := range map[string]string{"username": "displayName", "icon_emoji": "iconEmoji", "icon_url": "iconUrl"} {
		if text := job.Settings.Text(setting); text != "" {
			form.Set(parameter, text)
		}
	}
	if form.Has("icon_emoji") {
		form.Del("icon_url")
	}
	if shown, set := job.Settings["unfurl"].(bool); set && !shown {
		form.Set("unfurl_links", "false")
		form.Set("unfurl_media", "false")
	}
	return form
}
