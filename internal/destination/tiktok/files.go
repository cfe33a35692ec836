package tiktok

import (
	"bytes"
	"cmp"
	"context"
	"crypto/md5" //nolint:gosec // TikTok asks for this digest of a file
	"encoding/hex"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/manifest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

const (
	// fileBytes is the size from which a file is uploaded, and another one begun. TikTok names no limit.
	fileBytes = 10 << 20
	// mostFiles are those that an audience can be made of.
	// https://business-api.tiktok.com/portal/docs?id=1739940567842818
	mostFiles = 500
	// mostRows are those of a batch.
	mostRows = 10_000
)

// files gathers the members of a run in files, and replaces the audience by them at its end.
type files struct {
	run   *manifest.Run
	kind  string // what the identifiers are: TikTok's calculate_type
	text  bytes.Buffer
	paths []string // of the files that were uploaded
}

func newFiles(r *manifest.Run) *files {
	f := &files{run: r}
	if columns := r.Job().Columns; len(columns) > 0 {
		f.kind = columns[0].Name
	}
	return f
}

// Limits are those of the manifest, for one file at a time. Rows count once the audience is replaced.
func (f *files) Limits() connector.Limits {
	l := f.run.Limits()
	l.Deferred, l.Split, l.NeedBefore = true, false, false
	l.Rows, l.Concurrency = mostRows, 1
	l.Operations = []connector.Operation{connector.Added, connector.Changed}
	return l
}

// Write adds identifiers to the file.
func (f *files) Write(ctx context.Context, b *connector.Batch) (connector.Result, error) {
	if f.text.Len() >= fileBytes {
		if err := f.upload(ctx); err != nil {
			return connector.Result{}, err
		}
	}
	r, err := f.run.With(ctx, b)
	if err != nil {
		return connector.Result{}, err
	}
	for _, w := range r.Rows() {
		for _, id := range each(w.Value(f.kind)) {
			f.text.WriteString(id.String())
			f.text.WriteByte('\n')
		}
	}
	return r.Result(), nil
}

// each are the identifiers of a row.
func each(v value.Value) []value.Value {
	switch {
	case v.IsNull():
		return nil
	case v.Kind() == value.List:
		return v.List()
	default:
		return []value.Value{v}
	}
}

// upload hands the file over. It is in no audience yet.
func (f *files) upload(ctx context.Context) error {
	if len(f.paths) == mostFiles {
		return fault.Reclass(fault.New(fault.CodeTooLarge, "the audience would have more than %d files of %d MB, and TikTok takes no more", mostFiles, fileBytes>>20), fault.Fatal)
	}
	sum := md5.Sum(f.text.Bytes()) //nolint:gosec // TikTok asks for it
	digest := hex.EncodeToString(sum[:])
	body, media, err := form(f.advertiser(), f.kind, digest, f.text.Bytes())
	if err != nil {
		return fault.Wrap(err, fault.CodeInternal, "writing a file of identifiers")
	}
	answer, err := f.run.Ask(ctx, http.MethodPost, "/dmp/custom_audience/file/upload/", body, map[string]string{"Content-Type": media})
	if err != nil {
		return unharmed(err)
	}
	path := member(answer, "file_path")
	if path == "" {
		return fault.New(fault.CodeDestinationAnswer, "TikTok does not say where it has the file of identifiers")
	}
	f.paths = append(f.paths, path)
	f.text.Reset()
	return nil
}

// unharmed is an error after which another attempt does no harm: a file that nobody names is forgotten.
func unharmed(err error) error {
	if fault.ClassOf(err) == fault.Unknown {
		return fault.Reclass(err, fault.Retryable)
	}
	return err
}

// form writes the request of an upload (RFC 7578).
func form(advertiser, kind, digest string, text []byte) (body []byte, media string, err error) {
	var out bytes.Buffer
	w := multipart.NewWriter(&out)
	if err := w.SetBoundary("millrace" + digest); err != nil {
		return nil, "", fmt.Errorf("naming the boundary: %w", err)
	}
	for _, field := range [][2]string{{"advertiser_id", advertiser}, {"calculate_type", kind}, {"file_signature", digest}} {
		if err := w.WriteField(field[0], field[1]); err != nil {
			return nil, "", fmt.Errorf("writing a field: %w", err)
		}
	}
	part, err := w.CreateFormFile("file", digest+".csv")
	if err != nil {
		return nil, "", fmt.Errorf("beginning the file: %w", err)
	}
	if _, err := part.Write(text); err != nil {
		return nil, "", fmt.Errorf("writing the file: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, "", fmt.Errorf("ending the form: %w", err)
	}
	return out.Bytes(), w.FormDataContentType(), nil
}

// member is a member of an answer's data.
func member(answer *manifest.Answered, name string) string {
	data, _ := answer.Value().Get("data")
	v, _ := data.Get(name)
	if v.IsNull() {
		return ""
	}
	return v.String()
}

func (f *files) settings() connector.Settings { return f.run.Job().Settings }

// advertiser is the account that the audience belongs to: the sync's, or else the connection's.
func (f *files) advertiser() string {
	return cmp.Or(f.settings().Text("advertiser"), f.run.Settings().Text("advertiser"))
}

// Finish replaces the members of the audience, or makes it.
func (f *files) Finish(ctx context.Context) error {
	if f.text.Len() > 0 {
		if err := f.upload(ctx); err != nil {
			return err
		}
	}
	if len(f.paths) == 0 {
		return fault.Reclass(fault.New(fault.CodeInvalid, "the model has nobody whom the audience could be replaced by").
			WithSuggestion("TikTok takes audiences of 1,000 people and more. The members stay as they were."), fault.Fatal)
	}
	if f.settings().Text("choice") == "existing" {
		return f.replace(ctx, f.settings().Text("audience"))
	}
	made := false
	id, err := f.run.State().Update(ctx, f.key(), func(ctx context.Context, old string) (string, error) {
		if made = old == ""; !made {
			return old, nil
		}
		return f.make(ctx)
	})
	if err != nil || made {
		return err //nolint:wrapcheck // it says what TikTok answered
	}
	if err := f.present(ctx, id); err != nil {
		return err
	}
	return f.replace(ctx, id)
}

// present reports an audience that an earlier run made and that is not there any more.
// https://business-api.tiktok.com/portal/docs?id=1739940506015746
func (f *files) present(ctx context.Context, audience string) error {
	query := url.Values{"advertiser_id": {f.advertiser()}, "custom_audience_ids": {`["` + audience + `"]`}, "page_size": {"100"}}
	answer, _, err := f.run.Fetch(ctx, http.MethodGet, "/dmp/custom_audience/list/?"+query.Encode(), nil)
	if err != nil {
		return err //nolint:wrapcheck // it says what TikTok answered
	}
	if len(manifest.At(answer, "data", "list").List()) > 0 {
		return nil
	}
	e := fault.New(fault.CodeDestinationSchema, "the advertiser account %s has no audience %s", f.advertiser(), audience).
		WithSuggestion("It was deleted in TikTok. Give the new audience another name in the sync's settings, and it is made anew.")
	return fault.Reclass(e, fault.Fatal)
}

// name is what the new audience is called.
func (f *files) name() string {
	if name := strings.TrimSpace(f.settings().Text("name")); name != "" {
		return name
	}
	return f.run.Job().Model.Name
}

// key is under what the connection remembers the audience.
func (f *files) key() string {
	return fmt.Sprintf("audience of files of %d: %s %s %s", f.run.Job().SyncID, f.advertiser(), f.kind, f.name())
}

// make makes the audience of the files, and returns its ID.
func (f *files) make(ctx context.Context) (string, error) {
	answer, err := f.post(ctx, "/dmp/custom_audience/create/", map[string]any{
		"advertiser_id": f.advertiser(), "custom_audience_name": f.name(),
		"calculate_type": f.kind, "file_paths": f.paths,
	})
	if err != nil {
		return "", err
	}
	id := member(answer, "custom_audience_id")
	if id == "" {
		return "", fault.Reclass(fault.New(fault.CodeDestinationAnswer, "TikTok does not say which audience it made"), fault.Fatal)
	}
	return id, nil
}

func (f *files) replace(ctx context.Context, audience string) error {
	_, err := f.post(ctx, "/dmp/custom_audience/update/", map[string]any{
		"advertiser_id": f.advertiser(), "custom_audience_id": audience,
		"action": "REPLACE", "file_paths": f.paths,
	})
	return err
}

func (f *files) post(ctx context.Context, path string, members map[string]any) (*manifest.Answered, error) {
	body, err := json.Marshal(members)
	if err != nil {
		return nil, fault.Wrap(err, fault.CodeInternal, "encoding a request")
	}
	return f.run.Ask(ctx, http.MethodPost, path, body, nil) //nolint:wrapcheck // it says what TikTok answered
}

// Close discards what was gathered.
func (f *files) Close() error {
	f.text = bytes.Buffer{}
	return f.run.Session().Close() //nolint:wrapcheck // it is this session's own
}
