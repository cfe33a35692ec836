// Package cli is the command line: verbs over the HTTP API, so that everything it can do, anything that speaks
// HTTP can do.
package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/millrace/millrace/internal/fault"
)

// Client speaks to a server's API.
type Client struct {
	Base string // such as http://localhost:8484
	Key  string // an API key
	HTTP *http.Client
}

// NewClient returns a client of the server at base.
func NewClient(base, key string) *Client {
	return &Client{Base: strings.TrimRight(base, "/"), Key: key, HTTP: &http.Client{Timeout: 5 * time.Minute}}
}

// Document is a configured thing as the API shows it.
type Document struct {
	Kind     string          `json:"kind" yaml:"kind"`
	Metadata Metadata        `json:"metadata" yaml:"metadata"`
	Spec     json.RawMessage `json:"spec" yaml:"-"`
	Status   json.RawMessage `json:"status,omitempty" yaml:"-"`
}

// Metadata names a document.
type Metadata struct {
	ID       int64             `json:"id,omitempty"`
	Slug     string            `json:"slug,omitempty"`
	Name     string            `json:"name,omitempty"`
	Labels   map[string]string `json:"labels,omitempty"`
	Folder   *string           `json:"folder,omitempty"`
	Revision int64             `json:"revision,omitempty"`
}

// OpCounts counts rows by operation.
type OpCounts struct {
	Added   int64 `json:"added"`
	Changed int64 `json:"changed"`
	Removed int64 `json:"removed"`
}

func (c OpCounts) total() int64 { return c.Added + c.Changed + c.Removed }

// String prints the counts that are not zero.
func (c OpCounts) String() string {
	return fmt.Sprintf("%d added, %d changed, %d removed", c.Added, c.Changed, c.Removed)
}

// Run is one execution of a sync.
type Run struct {
	ID         int64      `json:"id"`
	SyncSlug   string     `json:"syncSlug"`
	State      string     `json:"state"`
	Status     string     `json:"status"`
	Label      string     `json:"label"`
	DurationMs int64      `json:"durationMs"`
	RowsRead   int64      `json:"rowsRead"`
	Rows       RowCounts  `json:"rows"`
	Planned    OpCounts   `json:"planned"`
	Succeeded  OpCounts   `json:"succeeded"`
	Failed     OpCounts   `json:"failed"`
	Aborted    OpCounts   `json:"aborted"`
	InDoubt    int64      `json:"inDoubt"`
	Error      *APIError  `json:"error"`
	StartedAt  *time.Time `json:"startedAt"`
	FinishedAt *time.Time `json:"finishedAt"`
}

// RowCounts is what the comparison found.
type RowCounts struct {
	OpCounts

	Unchanged int64 `json:"unchanged"`
	NullKey   int64 `json:"nullKey"`
	Duplicate int64 `json:"duplicate"`
	Ignored   int64 `json:"ignored"`
}

// refused counts the rows that were not taken, or are in doubt, or share their key with others.
func (r Run) refused() int64 { return r.Failed.total() + r.Rows.Duplicate }

// over reports whether the run has ended.
func (r Run) over() bool {
	switch r.State {
	case "committed", "failed", "cancelled", "interrupted":
		return true
	default:
		return false
	}
}

// APIError is an error as the API says it.
type APIError struct {
	Code       string     `json:"code"`
	Message    string     `json:"message"`
	Path       string     `json:"path,omitempty"`
	Suggestion string     `json:"suggestion,omitempty"`
	RequestID  string     `json:"requestId,omitempty"`
	Issues     []APIError `json:"issues,omitempty"`
}

// Error returns the message with every issue and what to do next.
func (e *APIError) Error() string {
	var b strings.Builder
	b.WriteString(e.Message)
	if e.Path != "" {
		fmt.Fprintf(&b, " (%s)", e.Path)
	}
	for _, issue := range e.Issues {
		fmt.Fprintf(&b, "\n  %s: %s", issue.Path, issue.Message)
	}
	if e.Suggestion != "" {
		fmt.Fprintf(&b, "\n  → %s", e.Suggestion)
	}
	return b.String()
}

// Explain returns what an error says to a person: every problem, and what to do next.
func Explain(err error) string {
	var api *APIError
	var issues fault.Issues
	switch {
	case errors.As(err, &api):
		return err.Error()
	case errors.As(err, &issues):
		lines := make([]string, len(issues))
		for i, issue := range issues {
			lines[i] = withHint(issue.Path+": "+issue.Message, issue.Hint())
		}
		return strings.Join(lines, "\n")
	}
	if known, ok := errors.AsType[*fault.Error](err); ok {
		return withHint(err.Error(), known.Hint())
	}
	return err.Error()
}

func withHint(message, hint string) string {
	if hint == "" {
		return message
	}
	return message + "\n  → " + hint
}

// ExitCode returns the exit code of an error: its code's, or 1.
func ExitCode(err error) int {
	var api *APIError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &api):
		return fault.Code(api.Code).Info().Exit
	default:
		return fault.As(err).Code.Info().Exit
	}
}

// Do makes one request. in is sent as JSON unless it is nil; the answer is read into out unless that is nil.
func (c *Client) Do(ctx context.Context, method, path string, in, out any) error {
	body, err := encode(in)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, method, c.Base+path, body)
	if err != nil {
		return fault.Wrap(err, fault.CodeConfig, "the server's address %q", c.Base)
	}
	req.Header.Set("Authorization", "Bearer "+c.Key)
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := c.HTTP.Do(req)
	if err != nil {
		return fmt.Errorf("no answer from %s; is the server running? %w", c.Base, err)
	}
	defer res.Body.Close() //nolint:errcheck // a body that was read
	return decode(res, out)
}

func encode(in any) (io.Reader, error) {
	if in == nil {
		return http.NoBody, nil
	}
	b, err := json.Marshal(in)
	if err != nil {
		return nil, fmt.Errorf("encoding the request: %w", err)
	}
	return bytes.NewReader(b), nil
}

func decode(res *http.Response, out any) error {
	data, err := io.ReadAll(res.Body)
	if err != nil {
		return fmt.Errorf("reading the answer: %w", err)
	}
	if res.StatusCode >= http.StatusBadRequest {
		var wrapped struct{ Error *APIError }
		if json.Unmarshal(data, &wrapped) == nil && wrapped.Error != nil {
			return wrapped.Error
		}
		return fmt.Errorf("the server answered %s: %.200s", res.Status, data)
	}
	if out == nil || len(data) == 0 {
		return nil
	}
	if err := json.Unmarshal(data, out); err != nil {
		return fmt.Errorf("reading the answer: %w", err)
	}
	return nil
}

// Kinds are the kinds of documents in the order in which they refer to each other.
var Kinds = []string{"credential", "tunnel", "storage", "alert-channel", "monitor", "orchestrator", "bi-tool", "source", "dbt-project", "destination", "model", "sync", "sequence"}

// pluralOf returns the plural of a kind, under which the API has it; ok is false where there is no such kind.
func pluralOf(kind string) (plural string, ok bool) {
	kind = strings.TrimSuffix(kind, "s")
	return kind + "s", slices.Contains(Kinds, kind)
}

func noKind(kind string) error {
	return fault.New(fault.CodeInvalid, "there is no kind %q: use %s or %s", kind, strings.Join(Kinds[:len(Kinds)-1], ", "), Kinds[len(Kinds)-1])
}

// splitName reads "sync/orders" or "syncs orders" into the plural of the kind and the slug.
func splitName(args []string) (plural, slug string, err error) {
	kind, slug, _ := strings.Cut(args[0], "/")
	if len(args) > 1 {
		slug = args[1]
	}
	plural, ok := pluralOf(kind)
	if !ok {
		return "", "", noKind(kind)
	}
	return plural, slug, nil
}

func (c *Client) get(ctx context.Context, plural, slug string) (Document, error) {
	var d Document
	err := c.Do(ctx, http.MethodGet, "/api/"+plural+"/"+url.PathEscape(slug), nil, &d)
	return d, err
}

// list reads every page of a kind.
func (c *Client) list(ctx context.Context, plural string) ([]Document, error) {
	var all []Document
	cursor := ""
	for {
		var page struct {
			Items      []Document `json:"items"`
			NextCursor *string    `json:"nextCursor"`
		}
		if err := c.Do(ctx, http.MethodGet, "/api/"+plural+"?limit=500&cursor="+url.QueryEscape(cursor), nil, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Items...)
		if page.NextCursor == nil || *page.NextCursor == "" {
			return all, nil
		}
		cursor = *page.NextCursor
	}
}

// Trigger starts a run of a sync.
func (c *Client) Trigger(ctx context.Context, slug string, options map[string]bool) (Run, error) {
	var answer struct{ Run Run }
	err := c.Do(ctx, http.MethodPost, "/api/syncs/"+url.PathEscape(slug)+"/trigger", options, &answer)
	return answer.Run, err
}

// Wait follows a run to its end. step is called whenever something changed; it may be nil.
func (c *Client) Wait(ctx context.Context, id int64, step func(Run)) (Run, error) {
	var last Run
	for {
		var r Run
		if err := c.Do(ctx, http.MethodGet, fmt.Sprintf("/api/runs/%d", id), nil, &r); err != nil {
			return r, err
		}
		if step != nil && (r.State != last.State || r.Succeeded != last.Succeeded) {
			step(r)
		}
		last = r
		if r.over() {
			return r, nil
		}
		select {
		case <-ctx.Done():
			return r, ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// Apply writes documents, or with dryRun says what it would write.
func (c *Client) Apply(ctx context.Context, documents []json.RawMessage, dryRun bool) ([]Applied, error) {
	var answer struct{ Results []Applied }
	err := c.Do(ctx, http.MethodPost, "/api/apply", map[string]any{"documents": documents, "dryRun": dryRun}, &answer)
	return answer.Results, err
}

// Applied is what became of one document.
type Applied struct {
	Kind    string   `json:"kind"`
	Slug    string   `json:"slug"`
	Action  string   `json:"action"`
	Changes []Change `json:"changes"`

	Warnings []APIError `json:"warnings"` // what did not keep it from being applied
}

// Change is one field that differs.
type Change struct {
	Path string          `json:"path"`
	From json.RawMessage `json:"from"`
	To   json.RawMessage `json:"to"`
}
