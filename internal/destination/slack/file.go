package slack

import (
	"context"
	"net/url"
	"strconv"
	"strings"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/manifest"
	"github.com/millrace/millrace/internal/destination/chat"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

// maxFile is the most bytes of a file that is kept in memory. Slack takes more.
const maxFile = 50 << 20

func beginCSV(_ context.Context, r *manifest.Run) (connector.Session, error) {
	return gathering(chat.NewGather(r, maxFile, "Send fewer rows or columns, or send them to a place for files.", func(ctx context.Context, t chat.Table) error {
		content, err := t.CSV()
		if err != nil {
			return err
		}
		return share(ctx, r, fileName(r.Job()), content)
	}))
}

func fileName(job connector.SyncJob) string {
	if name := job.Settings.Text("fileName"); name != "" {
		return name
	}
	return job.Model.Slug + ".csv"
}

// share uploads a file and posts it. Nobody sees it before the last request.
// https://docs.slack.dev/reference/methods/files.getUploadURLExternal
func share(ctx context.Context, r *manifest.Run, name string, content []byte) error {
	var id string
	err := chat.Patiently(ctx, r, func() error {
		var err error
		id, err = upload(ctx, r, name, content)
		return unseen(err)
	})
	if err != nil {
		return err
	}
	files := value.OfList([]value.Value{value.OfMap([]value.Field{{Name: "id", Value: value.OfText(id)}, {Name: "title", Value: value.OfText(name)}})})
	channel := r.Job().Settings.Text("channel")
	form := url.Values{"files": {string(files.AppendJSON(nil))}, "channel_id": {channel}}
	if comment := r.Job().Settings.Text("comment"); comment != "" {
		form.Set("initial_comment", comment)
	}
	return chat.Patiently(ctx, r, func() error { return tell(ctx, r, "files.completeUploadExternal", channel, form) })
}

// upload sends a file's content and returns its ID.
func upload(ctx context.Context, r *manifest.Run, name string, content []byte) (string, error) {
	a, err := call(ctx, r, "files.getUploadURLExternal", url.Values{"filename": {name}, "length": {strconv.Itoa(len(content))}})
	if err != nil {
		return "", err
	}
	address, _ := a.Value().Get("upload_url")
	id, _ := a.Value().Get("file_id")
	if !strings.HasPrefix(address.Raw(), "https://") || id.Raw() == "" {
		return "", fault.Reclass(fault.New(fault.CodeDestinationAnswer, "Slack's answer names no place for the file"), fault.Retryable)
	}
	_, err = r.Ask(ctx, "POST", address.Raw(), content, map[string]string{"Content-Type": "text/csv"})
	return id.Raw(), err
}

// unseen says that nothing was done where an answer was lost: a file that is not posted is seen by nobody.
func unseen(err error) error {
	if err != nil && fault.ClassOf(err) == fault.Unknown {
		return fault.Reclass(err, fault.Retryable)
	}
	return err
}
