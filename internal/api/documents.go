package api

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/kind/alerting"
	"github.com/millrace/millrace/internal/kind/bitool"
	"github.com/millrace/millrace/internal/kind/channel"
	"github.com/millrace/millrace/internal/kind/credential"
	"github.com/millrace/millrace/internal/kind/dbtproject"
	"github.com/millrace/millrace/internal/kind/destination"
	"github.com/millrace/millrace/internal/kind/model"
	kindmonitor "github.com/millrace/millrace/internal/kind/monitor"
	"github.com/millrace/millrace/internal/kind/orchestrator"
	kindsequence "github.com/millrace/millrace/internal/kind/sequence"
	"github.com/millrace/millrace/internal/kind/source"
	"github.com/millrace/millrace/internal/kind/storage"
	"github.com/millrace/millrace/internal/kind/sync"
	kindtunnel "github.com/millrace/millrace/internal/kind/tunnel"
	"github.com/millrace/millrace/internal/resource"
)

// DocumentBody is a document.
type DocumentBody struct {
	Kind     string          `json:"kind"`
	Metadata MetadataBody    `json:"metadata"`
	Spec     json.RawMessage `json:"spec"`
	Status   any             `json:"status,omitempty"`
	Warnings []ErrorInfo     `json:"warnings,omitempty"`
}

// documentOf describes a document of one kind. DocumentBody is what is written.
type documentOf[S, T any] struct {
	Kind     string       `json:"kind" enum:"source,model,destination,sync,sequence,alert-channel,storage,monitor,tunnel,credential,dbt-project,orchestrator,bi-tool"`
	Metadata MetadataBody `json:"metadata"`
	Spec     S            `json:"spec"`
	Status   T            `json:"status"`
	Warnings []ErrorInfo  `json:"warnings,omitempty" doc:"of a save: what did not keep it from happening"`
}

type (
	// SourceBody is a source as the API's description has it.
	SourceBody documentOf[source.Spec, SourceStatus]
	// DestinationBody is a destination as the API's description has it.
	DestinationBody documentOf[destination.Spec, DestinationStatus]
	// ModelBody is a model as the API's description has it.
	ModelBody documentOf[model.Spec, ModelStatus]
	// AlertChannelBody is an alert channel as the API's description has it.
	AlertChannelBody documentOf[channel.Spec, AlertChannelStatus]
	// SyncBody is a sync as the API's description has it.
	SyncBody documentOf[sync.Spec, SyncStatus]
	// SequenceBody is a sequence as the API's description has it.
	SequenceBody documentOf[kindsequence.Spec, SequenceStatus]
	// StorageBody is a storage as the API's description has it.
	StorageBody documentOf[storage.Spec, StorageStatus]
	// MonitorBody is a monitor as the API's description has it.
	MonitorBody documentOf[kindmonitor.Spec, MonitorStatus]
	// TunnelBody is a tunnel as the API's description has it.
	TunnelBody documentOf[kindtunnel.Spec, TunnelStatus]
	// CredentialBody is a credential as the API's description has it.
	CredentialBody documentOf[credential.Spec, CredentialStatus]
	// DBTProjectBody is a dbt project as the API's description has it.
	DBTProjectBody documentOf[dbtproject.Spec, DBTProjectStatus]
	// BIToolBody is a BI tool as the API's description has it.
	BIToolBody documentOf[bitool.Spec, BIToolStatus]
	// OrchestratorBody is an orchestrator as the API's description has it.
	OrchestratorBody documentOf[orchestrator.Spec, OrchestratorStatus]
)

// described are the types of a kind's answers in the API's description.
type described struct{ one, page reflect.Type }

func describedAs[T any]() described {
	return described{reflect.TypeFor[T](), reflect.TypeFor[page[T]]()}
}

// descriptions are the kinds whose documents are described.
var descriptions = map[string]described{
	"source": describedAs[SourceBody](), "destination": describedAs[DestinationBody](), "model": describedAs[ModelBody](), "sync": describedAs[SyncBody](),
	"sequence": describedAs[SequenceBody](), alerting.ChannelKind: describedAs[AlertChannelBody](),
	"storage": describedAs[StorageBody](), kindmonitor.KindName: describedAs[MonitorBody](),
	kindtunnel.KindName: describedAs[TunnelBody](), credential.KindName: describedAs[CredentialBody](), dbtproject.KindName: describedAs[DBTProjectBody](), orchestrator.KindName: describedAs[OrchestratorBody](), bitool.KindName: describedAs[BIToolBody](),
}

// answers says what an operation answers with: a document of a kind, or a page of them.
func (d described) answers(api huma.API, o huma.Operation, paged bool) huma.Operation {
	t := d.one
	if paged {
		t = d.page
	}
	if t == nil {
		return o
	}
	status := strconv.Itoa(cmp.Or(o.DefaultStatus, http.StatusOK))
	o.Responses = map[string]*huma.Response{status: {
		Description: http.StatusText(cmp.Or(o.DefaultStatus, http.StatusOK)),
		Content:     map[string]*huma.MediaType{"application/json": {Schema: api.OpenAPI().Components.Schemas.Schema(t, true, "")}},
	}}
	return o
}

// MetadataBody is what is known of every document.
type MetadataBody struct {
	ID        int64             `json:"id"`
	UUID      string            `json:"uuid"`
	Slug      string            `json:"slug"`
	Name      string            `json:"name"`
	Labels    map[string]string `json:"labels"`
	Folder    *string           `json:"folder"`
	Revision  int64             `json:"revision"`
	CreatedAt string            `json:"createdAt"`
	UpdatedAt string            `json:"updatedAt"`
	CreatedBy string            `json:"createdBy"`
	UpdatedBy string            `json:"updatedBy"`
}

// WriteBody is a document as it is sent.
type WriteBody struct {
	Kind     string          `json:"kind,omitempty"`
	Metadata WriteMetadata   `json:"metadata"`
	Spec     json.RawMessage `json:"spec"`
	Status   json.RawMessage `json:"status,omitempty" doc:"ignored"`
}

// WriteMetadata is what a person says of a document. Fields that only the server sets are ignored, so that
// what was read can be sent back.
type WriteMetadata struct {
	Name      string            `json:"name,omitempty"`
	Slug      string            `json:"slug,omitempty"`
	Labels    map[string]string `json:"labels,omitempty"`
	Folder    *string           `json:"folder,omitempty"`
	Revision  int64             `json:"revision,omitempty"`
	ID        int64             `json:"id,omitempty"`
	UUID      string            `json:"uuid,omitempty"`
	CreatedAt string            `json:"createdAt,omitempty"`
	UpdatedAt string            `json:"updatedAt,omitempty"`
	CreatedBy string            `json:"createdBy,omitempty"`
	UpdatedBy string            `json:"updatedBy,omitempty"`
}

func (w WriteBody) write() resource.Write {
	m := w.Metadata
	out := resource.Write{Name: m.Name, Slug: m.Slug, Labels: m.Labels, Revision: m.Revision, Spec: w.Spec}
	if m.Folder != nil {
		out.Folder = *m.Folder
	}
	return out
}

func documentBody(d resource.Document) (DocumentBody, error) {
	spec, err := json.Marshal(d.Spec)
	b := DocumentBody{Kind: d.Kind, Spec: spec, Metadata: MetadataBody{
		ID: d.ID, UUID: d.UUID, Slug: d.Slug, Name: d.Name, Labels: d.Labels, Revision: d.Revision,
		CreatedAt: stamp(d.CreatedAt), UpdatedAt: stamp(d.UpdatedAt), CreatedBy: d.CreatedBy, UpdatedBy: d.UpdatedBy,
	}}
	if d.Folder != "" {
		b.Metadata.Folder = &d.Folder
	}
	return b, err
}

func labels(parameter string, texts []string) ([]resource.Label, error) {
	all := make([]resource.Label, len(texts))
	for i, text := range texts {
		name, v, ok := strings.Cut(text, ":")
		if !ok {
			return nil, fault.New(fault.CodeInvalid, "%q is not a label: write key:value", text).WithPath(parameter)
		}
		all[i] = resource.Label{Name: name, Value: v}
	}
	return all, nil
}

func offsetOf(cursor string) (int, error) {
	if cursor == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(cursor)
	if err != nil || n < 0 {
		return 0, fault.New(fault.CodeInvalid, "that is not a cursor that a page gave").WithPath("cursor")
	}
	return n, nil
}

type slugInput struct {
	Slug string `path:"slug"`
}

type writeInput struct {
	Body WriteBody
}

type updateInput struct {
	Slug   string `path:"slug"`
	Resync string `query:"resync" doc:"what a model's new primary key means for the syncs that use it: full (default) sends every row again, skip takes the rows as they are for sent"`
	Defer  bool   `query:"defer" doc:"leave that to each sync's next run, instead of starting one at once"`
	Body   WriteBody
}

// checkIdentity refuses a body that is about another document than the address: neither kind nor slug changes.
func (w WriteBody) checkIdentity(k resource.Kind, slug string) error {
	var issues fault.Issues
	if w.Kind != "" && w.Kind != k.Name {
		issues.Add("kind", fault.CodeInvalid, "the address is that of a %s, and the document is a %s", k.Name, w.Kind)
	}
	if slug != "" && w.Metadata.Slug != "" && w.Metadata.Slug != slug {
		issues.Add("metadata.slug", fault.CodeInvalid, "a slug never changes: this is %q", slug).Suggestion = "Leave the slug out, or create another document."
	}
	return issues.Err()
}

// documents registers the operations that every kind has.
func (s *Server) documents(api huma.API, k resource.Kind) {
	root, answer := "/api/"+k.Plural, descriptions[k.Name]
	register(s, api, answer.answers(api, op(http.MethodGet, root, "list-"+k.Plural, "List "+k.Plural, nil), true), func(ctx context.Context, in *listInput) (*body[page[DocumentBody]], error) {
		return s.listDocuments(ctx, k, *in)
	})
	create := op(http.MethodPost, root, "create-"+k.Name, "Create a "+k.Name, nil)
	create.DefaultStatus = http.StatusCreated
	register(s, api, answer.answers(api, create, false), func(ctx context.Context, in *writeInput) (*body[DocumentBody], error) {
		if err := in.Body.checkIdentity(k, ""); err != nil {
			return nil, err
		}
		d, warnings, err := s.create(ctx, k.Name, in.Body.write())
		return s.saved(ctx, d, warnings, err)
	})
	register(s, api, answer.answers(api, op(http.MethodGet, root+"/{slug}", "get-"+k.Name, "Read a "+k.Name, nil), false), func(ctx context.Context, in *slugInput) (*body[DocumentBody], error) {
		d, err := s.Resources.Get(ctx, scope(ctx), k.Name, in.Slug)
		return s.document(ctx, d, err)
	})
	register(s, api, answer.answers(api, op(http.MethodPut, root+"/{slug}", "update-"+k.Name, "Change a "+k.Name, nil), false), func(ctx context.Context, in *updateInput) (*body[DocumentBody], error) {
		if err := in.Body.checkIdentity(k, in.Slug); err != nil {
			return nil, err
		}
		w := in.Body.write()
		w.Resync, w.Defer = in.Resync, in.Defer
		d, warnings, err := s.update(ctx, k.Name, in.Slug, w)
		return s.saved(ctx, d, warnings, err)
	})
	register(s, api, op(http.MethodDelete, root+"/{slug}", "delete-"+k.Name, "Delete a "+k.Name, nil), func(ctx context.Context, in *struct {
		Slug     string `path:"slug"`
		Revision int64  `query:"revision"`
	}) (*struct{}, error) {
		return nil, s.Resources.Delete(ctx, scope(ctx), k.Name, in.Slug, in.Revision)
	})
	register(s, api, op(http.MethodPost, "/api/validate/"+k.Plural, "validate-"+k.Name, "Check a "+k.Name+" without saving it", nil), func(ctx context.Context, in *writeInput) (*body[issuesBody], error) {
		return s.validate(ctx, k, in.Body.write())
	})
	s.history(api, k, root)
}

func (s *Server) history(api huma.API, k resource.Kind, root string) {
	register(s, api, op(http.MethodGet, root+"/{slug}/versions", "list-"+k.Name+"-versions", "List the versions of a "+k.Name, nil), func(ctx context.Context, in *slugInput) (*body[page[VersionBody]], error) {
		versions, err := s.Resources.Versions(ctx, scope(ctx), k.Name, in.Slug)
		p := page[VersionBody]{Items: []VersionBody{}, Total: len(versions)}
		for _, v := range versions {
			p.Items = append(p.Items, VersionBody{Revision: v.Revision, At: stamp(v.At), By: v.By, Summary: v.Summary, Spec: v.Spec})
		}
		return &body[page[VersionBody]]{p}, err
	})
	register(s, api, op(http.MethodGet, root+"/{slug}/activity", "list-"+k.Name+"-activity", "List what happened to a "+k.Name, nil), func(ctx context.Context, in *slugInput) (*body[page[EventBody]], error) {
		events, err := s.Resources.Activity(ctx, scope(ctx), k.Name, in.Slug)
		p := page[EventBody]{Items: []EventBody{}, Total: len(events)}
		for _, e := range events {
			p.Items = append(p.Items, EventBody{At: stamp(e.At), By: e.By, Action: e.Action, Summary: e.Summary, Revision: e.Revision})
		}
		return &body[page[EventBody]]{p}, err
	})
	register(s, api, op(http.MethodGet, root+"/{slug}/references", "list-"+k.Name+"-references", "List what refers to a "+k.Name, nil), func(ctx context.Context, in *slugInput) (*body[page[ReferrerBody]], error) {
		all, err := s.Resources.Referrers(ctx, scope(ctx), k.Name, in.Slug)
		p := page[ReferrerBody]{Items: []ReferrerBody{}, Total: len(all)}
		for _, r := range all {
			p.Items = append(p.Items, ReferrerBody(r))
		}
		return &body[page[ReferrerBody]]{p}, err
	})
}

// VersionBody is one revision of a document.
type VersionBody struct {
	Revision int64           `json:"revision"`
	At       string          `json:"at"`
	By       string          `json:"by"`
	Summary  string          `json:"summary"`
	Spec     json.RawMessage `json:"spec"`
}

// EventBody is one entry of a document's activity.
type EventBody struct {
	At       string `json:"at"`
	By       string `json:"by"`
	Action   string `json:"action"`
	Summary  string `json:"summary"`
	Revision int64  `json:"revision"`
}

// ReferrerBody is a document that refers to another.
type ReferrerBody struct {
	Kind string `json:"kind" enum:"source,model,destination,sync,sequence,alert-channel"`
	Slug string `json:"slug"`
	Name string `json:"name"`
}

func (s *Server) document(ctx context.Context, d resource.Document, err error) (*body[DocumentBody], error) {
	if err != nil {
		return nil, err
	}
	bodies, err := s.bodies(ctx, []resource.Document{d})
	if err != nil {
		return nil, err
	}
	return &body[DocumentBody]{bodies[0]}, nil
}

// saved is document with what the save has to say.
func (s *Server) saved(ctx context.Context, d resource.Document, warnings []ErrorInfo, err error) (*body[DocumentBody], error) {
	b, err := s.document(ctx, d, err)
	if err == nil {
		b.Body.Warnings = warnings
	}
	return b, err
}

func (s *Server) bodies(ctx context.Context, documents []resource.Document) ([]DocumentBody, error) {
	bodies := make([]DocumentBody, len(documents))
	ctx, err := s.remember(ctx, documents)
	if err != nil {
		return nil, err
	}
	for i, d := range documents {
		b, err := documentBody(d)
		if err != nil {
			return nil, err
		}
		if b.Status, err = s.status(ctx, d); err != nil {
			return nil, err
		}
		bodies[i] = b
	}
	return bodies, nil
}

type issuesBody struct {
	Issues   []ErrorInfo `json:"issues" nullable:"false"`
	Warnings []ErrorInfo `json:"warnings,omitempty" doc:"what would not keep the document from being saved"`
}

func (s *Server) validate(ctx context.Context, k resource.Kind, w resource.Write) (*body[issuesBody], error) {
	out := &body[issuesBody]{issuesBody{Issues: []ErrorInfo{}}}
	err := s.Resources.Validate(ctx, scope(ctx), k.Name, w)
	if err == nil && k.Name == syncKind {
		out.Body.Warnings, err = s.review().sync(ctx, w)
	}
	if err == nil {
		return out, nil
	}
	f := s.failureOf(ctx, err)
	if f.status == http.StatusInternalServerError {
		return nil, f
	}
	out.Body.Issues = f.Info.Issues
	if len(f.Info.Issues) == 0 {
		out.Body.Issues = []ErrorInfo{f.Info}
	}
	return out, nil
}

// AppliedBody is what became of one applied document.
type AppliedBody struct {
	Kind    string       `json:"kind"`
	Slug    string       `json:"slug"`
	Action  string       `json:"action" enum:"created,updated,unchanged"`
	Changes []ChangeBody `json:"changes" nullable:"false"`

	Warnings []ErrorInfo `json:"warnings,omitempty" doc:"what did not keep the document from being applied"`
}

// ChangeBody is one field that differs.
type ChangeBody struct {
	Path string `json:"path"`
	From any    `json:"from"`
	To   any    `json:"to"`
}

func (s *Server) apply(api huma.API) {
	type applyResult struct {
		Results []AppliedBody `json:"results" nullable:"false"`
	}
	register(s, api, op(http.MethodPost, "/api/apply", "apply", "Make documents as they are sent, all or none", nil), func(ctx context.Context, in *struct {
		Body struct {
			Documents []WriteBody `json:"documents"`
			DryRun    bool        `json:"dryRun,omitempty"`
			Resync    string      `json:"resync,omitempty" doc:"as of a single update: full or skip"`
			Defer     bool        `json:"defer,omitempty" doc:"as of a single update"`
		}
	}) (*body[applyResult], error) {
		desired := make([]resource.Desired, len(in.Body.Documents))
		for i, d := range in.Body.Documents {
			desired[i] = resource.Desired{Kind: d.Kind, Write: d.write()}
			desired[i].Revision, desired[i].Resync, desired[i].Defer = 0, in.Body.Resync, in.Body.Defer
		}
		results, warnings, err := s.applied(ctx, desired, in.Body.DryRun)
		out := applyResult{Results: []AppliedBody{}}
		for i, r := range results {
			b := AppliedBody{Kind: r.Kind, Slug: r.Slug, Action: r.Action, Changes: []ChangeBody{}, Warnings: warnings[i]}
			for _, c := range r.Changes {
				b.Changes = append(b.Changes, ChangeBody(c))
			}
			out.Results = append(out.Results, b)
		}
		return &body[applyResult]{out}, err
	})
}
