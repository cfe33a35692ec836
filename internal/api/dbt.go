package api

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/millrace/millrace/internal/dbt"
	"github.com/millrace/millrace/internal/dbt/manifest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/kind/dbtproject"
	"github.com/millrace/millrace/internal/kind/model"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/resource"
)

// DBTProjectStatus is what is known of a dbt project beyond its document.
type DBTProjectStatus struct {
	Source     Link             `json:"source"`
	ModelCount int              `json:"modelCount" doc:"models here that read it"`
	Manifest   *DBTManifestBody `json:"manifest" doc:"null: none was loaded yet"`
	Refresh    *DBTRefreshBody  `json:"refresh" doc:"null: the manifest is loaded, not fetched"`
}

// DBTRefreshBody is how the fetching of a project's manifest stands.
type DBTRefreshBody struct {
	State     dbt.RefreshState `json:"state" doc:"waiting: nothing was fetched yet"`
	Seen      string           `json:"seen,omitempty" doc:"the commit, or the run of the job, that the manifest is of"`
	CheckedAt *string          `json:"checkedAt"`
	NextAt    *string          `json:"nextAt"`
	Error     *ErrorInfo       `json:"error"`
}

// DBTManifestBody is what a project's manifest says of itself.
type DBTManifestBody struct {
	Version     int     `json:"version" doc:"of the manifest's format"`
	DBTVersion  string  `json:"dbtVersion"`
	Adapter     string  `json:"adapter" doc:"the kind of warehouse that it was compiled for"`
	Project     string  `json:"project" doc:"its name in dbt"`
	Models      int     `json:"models"`
	Analyses    int     `json:"analyses"`
	Bytes       int64   `json:"bytes"`
	GeneratedAt *string `json:"generatedAt"`
	LoadedAt    string  `json:"loadedAt"`
	LoadedBy    string  `json:"loadedBy"`
}

// DBTNodeBody is a model or an analysis of a dbt project.
type DBTNodeBody struct {
	ID           string          `json:"id" doc:"unique ID"`
	Type         string          `json:"type" enum:"model,analysis"`
	Name         string          `json:"name"`
	Package      string          `json:"package"`
	Version      string          `json:"version,omitempty"`
	Path         string          `json:"path"`
	Link         string          `json:"link,omitempty" doc:"where its file can be seen"`
	Description  string          `json:"description,omitempty"`
	Relation     string          `json:"relation,omitempty" doc:"its table or view; absent: dbt makes none"`
	Materialized string          `json:"materialized,omitempty"`
	Language     string          `json:"language" enum:"sql,python"`
	Read         manifest.Access `json:"read" doc:"how it is read where a model does not say"`
}

// DBTNodeDetailBody is a node with its code.
type DBTNodeDetailBody struct {
	DBTNodeBody

	SQL     string          `json:"sql" doc:"compiled; empty: it was not compiled"`
	Columns []DBTColumnBody `json:"columns" nullable:"false"`
	Ways    []DBTWayBody    `json:"ways" nullable:"false"`
}

// DBTColumnBody is a column that the project describes.
type DBTColumnBody struct {
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	Type        string `json:"type,omitempty"`
}

// DBTWayBody is one way to read a node.
type DBTWayBody struct {
	Read  manifest.Access `json:"read"`
	Error *ErrorInfo      `json:"error" doc:"why the node cannot be read so"`
	Notes []string        `json:"notes" nullable:"false" doc:"what to know before"`
}

// DBTOfModelBody is what the dbt project of a model says of it now.
type DBTOfModelBody struct {
	Project Link            `json:"project"`
	Node    *DBTNodeBody    `json:"node" doc:"null: the manifest does not have it"`
	Read    manifest.Access `json:"read,omitempty"`
	SQL     string          `json:"sql,omitempty" doc:"what the source is asked"`
	Notes   []string        `json:"notes" nullable:"false"`
	Error   *ErrorInfo      `json:"error"`
}

// DBTCheckBody is what a manifest would break.
type DBTCheckBody struct {
	Checked int             `json:"checked" doc:"enabled syncs that read the project"`
	Broken  []DBTBrokenBody `json:"broken" nullable:"false"`
}

// DBTBrokenBody is a sync that a manifest would break.
type DBTBrokenBody struct {
	Sync       Link   `json:"sync"`
	Model      Link   `json:"model"`
	Node       string `json:"node"`
	Message    string `json:"message"`
	Suggestion string `json:"suggestion"`
}

// DBTExposuresBody is a properties file for the dbt project.
type DBTExposuresBody struct {
	Name    string `json:"name" doc:"what the file is best called"`
	Content string `json:"content" doc:"YAML"`
}

// manifestPath is the address that manifests are sent to. It alone takes bodies of their size.
const manifestPath = "/api/dbt-projects/{slug}/manifest"

// checkPath is the address that manifests are sent to for checks.
const checkPath = "/api/dbt-projects/{slug}/check"

// bodyLimit is how much a request may send.
func bodyLimit(r *http.Request) int64 {
	if strings.HasPrefix(r.URL.Path, "/api/dbt-projects/") && (strings.HasSuffix(r.URL.Path, "/manifest") || strings.HasSuffix(r.URL.Path, "/check")) {
		return dbt.MaxBytes + maxBody // what is too large is told by who reads it
	}
	return maxBody
}

// manifestInput reads its body as it comes.
type manifestInput struct {
	Slug     string `path:"slug"`
	Encoding string `header:"Content-Encoding" doc:"gzip, or absent"`

	body    io.Reader
	control *http.ResponseController
}

var _ huma.Resolver = (*manifestInput)(nil)

// Resolve keeps the body for the handler.
func (in *manifestInput) Resolve(c huma.Context) []error {
	r, w := humaRequest(c)
	in.body, in.control = r.Body, http.NewResponseController(w)
	return nil
}

func (s *Server) dbt(api huma.API) {
	put := op(http.MethodPut, manifestPath, "load-dbt-manifest", "Load the manifest.json of a dbt project, in the place of the one before", nil)
	register(s, api, put, func(ctx context.Context, in *manifestInput) (*body[DBTManifestBody], error) {
		m, err := s.loadManifest(ctx, in)
		return &body[DBTManifestBody]{manifestBody(m)}, err
	})
	register(s, api, op(http.MethodGet, "/api/catalog/dbt-origins", "list-dbt-origins", "Where the manifest of a dbt project can come from", nil), func(context.Context, *struct{}) (*body[page[dbtproject.Info]], error) {
		all := dbtproject.Infos()
		return &body[page[dbtproject.Info]]{page[dbtproject.Info]{Items: all, Total: len(all)}}, nil
	})
	refresh := descriptions[dbtproject.KindName].answers(api, op(http.MethodPost, "/api/dbt-projects/{slug}/refresh", "refresh-dbt-project", "Fetch the manifest of a dbt project now", nil), false)
	register(s, api, refresh, func(ctx context.Context, in *struct {
		Slug string `path:"slug"`
		Body *struct {
			Full bool `json:"full,omitempty" doc:"also where nothing is newer: compile or fetch it anew"`
		}
	}) (*body[DocumentBody], error) {
		d, _, err := s.dbtProject(ctx, in.Slug)
		if err == nil {
			err = s.DBTRefresher.Ask(ctx, who(ctx).WorkspaceID, d.ID, in.Body != nil && in.Body.Full)
		}
		return s.document(ctx, d, err)
	})
	register(s, api, op(http.MethodPost, checkPath, "check-dbt-manifest", "Say which enabled syncs a manifest would break; nothing is loaded", nil), func(ctx context.Context, in *manifestInput) (*body[DBTCheckBody], error) {
		b, err := s.checkManifest(ctx, in)
		return &body[DBTCheckBody]{b}, err
	})
	register(s, api, op(http.MethodGet, "/api/dbt-projects/{slug}/exposures", "get-dbt-exposures", "Write the enabled syncs of a dbt project as its exposures", nil), func(ctx context.Context, in *slugInput) (*body[DBTExposuresBody], error) {
		text, err := s.DBT.Exposures(ctx, scope(ctx), in.Slug, s.Public)
		return &body[DBTExposuresBody]{DBTExposuresBody{Name: dbt.ExposuresFile, Content: text}}, err
	})
	// Described afterwards: of an operation with a body, huma would read all of it.
	api.OpenAPI().Paths[manifestPath].Put.RequestBody = &huma.RequestBody{
		Description: "The file as dbt wrote it, up to 200 MB", Required: true,
		Content: map[string]*huma.MediaType{"application/json": {Schema: &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true}}},
	}
	api.OpenAPI().Paths[checkPath].Post.RequestBody = api.OpenAPI().Paths[manifestPath].Put.RequestBody
	register(s, api, op(http.MethodGet, "/api/dbt-projects/{slug}/nodes", "list-dbt-nodes", "List the models and analyses of a dbt project", nil), func(ctx context.Context, in *struct {
		Slug   string `path:"slug"`
		Search string `query:"search" doc:"in unique IDs"`
		Cursor string `query:"cursor"`
		Limit  int    `query:"limit" default:"50" minimum:"1" maximum:"500"`
	}) (*body[page[DBTNodeBody]], error) {
		offset, err := offsetOf(in.Cursor)
		if err != nil {
			return nil, err
		}
		p, err := s.dbtNodes(ctx, in.Slug, dbt.Filter{Search: in.Search, Offset: offset, Limit: in.Limit})
		return &body[page[DBTNodeBody]]{p}, err
	})
	register(s, api, op(http.MethodGet, "/api/dbt-projects/{slug}/nodes/{node}", "get-dbt-node", "Read a model or analysis of a dbt project", nil), func(ctx context.Context, in *struct {
		Slug string `path:"slug"`
		Node string `path:"node" doc:"unique ID"`
	}) (*body[DBTNodeDetailBody], error) {
		b, err := s.dbtNode(ctx, in.Slug, in.Node)
		return &body[DBTNodeDetailBody]{b}, err
	})
}

// idleTime is how long a manifest's sender may say nothing.
const idleTime = 30 * time.Second

// patient lets a body take its time, as long as it comes.
type patient struct {
	from    io.Reader
	control *http.ResponseController
}

func (p patient) Read(b []byte) (int, error) {
	_ = p.control.SetReadDeadline(time.Now().Add(idleTime)) //nolint:errcheck // tests' writers have no deadline
	n, err := p.from.Read(b)
	if err != nil && err != io.EOF { //nolint:errorlint // a reader's own end
		err = fmt.Errorf("receiving the manifest: %w", err)
	}
	return n, err
}

// open returns the manifest as it is.
func (in *manifestInput) open() (io.Reader, error) {
	r := patient{in.body, in.control}
	switch in.Encoding {
	case "", "identity":
		return r, nil
	case "gzip":
		z, err := gzip.NewReader(r)
		if err != nil {
			return nil, fault.Wrap(err, fault.CodeDBTManifest, "the body is not compressed with gzip")
		}
		return z, nil
	default:
		return nil, fault.New(fault.CodeMediaType, "a manifest is not read from %q", in.Encoding).WithSuggestion("Send it as it is, or compressed with gzip.")
	}
}

func (s *Server) loadManifest(ctx context.Context, in *manifestInput) (dbt.Manifest, error) {
	r, err := in.open()
	if err != nil {
		return dbt.Manifest{}, err
	}
	return s.DBT.Load(ctx, scope(ctx), in.Slug, r)
}

func (s *Server) checkManifest(ctx context.Context, in *manifestInput) (DBTCheckBody, error) {
	b := DBTCheckBody{Broken: []DBTBrokenBody{}}
	r, err := in.open()
	if err != nil {
		return b, err
	}
	broken, checked, err := s.DBT.Check(ctx, scope(ctx), in.Slug, r)
	b.Checked = checked
	for _, x := range broken {
		b.Broken = append(b.Broken, DBTBrokenBody{Link{Slug: x.Sync.Slug, Name: x.Sync.Name}, Link{Slug: x.Model.Slug, Name: x.Model.Name}, x.Node, x.Message, x.Suggests})
	}
	return b, err
}

func manifestBody(m dbt.Manifest) DBTManifestBody {
	return DBTManifestBody{
		Version: m.Version, DBTVersion: m.DBT, Adapter: m.Adapter, Project: m.Project, Models: m.Models, Analyses: m.Analyses, Bytes: m.Bytes,
		GeneratedAt: optionalStamp(m.GeneratedAt), LoadedAt: stamp(m.LoadedAt), LoadedBy: m.LoadedBy,
	}
}

func (s *Server) dbtProjectStatus(ctx context.Context, d resource.Document, spec *dbtproject.Spec) (*DBTProjectStatus, error) {
	n, err := s.Resources.CountReferrers(ctx, scope(ctx), d.Kind, d.Slug)
	if err != nil {
		return nil, err
	}
	st := &DBTProjectStatus{Source: s.link(ctx, "source", spec.Source), ModelCount: n}
	m, ok, err := s.DBT.Store.Manifest(ctx, who(ctx).WorkspaceID, d.ID)
	if ok {
		b := manifestBody(m)
		st.Manifest = &b
	}
	if err != nil {
		return nil, err
	}
	st.Refresh, err = s.dbtRefresh(ctx, d.ID)
	return st, err
}

// dbtRefresh says how the fetching of a project's manifest stands; nil where nothing is fetched.
func (s *Server) dbtRefresh(ctx context.Context, id int64) (*DBTRefreshBody, error) {
	r, ok, err := s.DBTRefresher.Look(ctx, who(ctx).WorkspaceID, id)
	if err != nil || !ok {
		return nil, err
	}
	b := &DBTRefreshBody{State: r.State, Seen: r.Seen, CheckedAt: optionalStamp(r.Checked), NextAt: optionalStamp(r.Next)}
	if f := r.Failure; f != nil {
		b.Error = &ErrorInfo{Code: string(f.Code), Message: f.Message, Suggestion: f.Suggestion}
	}
	return b, nil
}

// dbtProject returns a project's document with its spec.
func (s *Server) dbtProject(ctx context.Context, slug string) (resource.Document, *dbtproject.Spec, error) {
	d, err := s.Resources.Get(ctx, scope(ctx), dbtproject.KindName, slug)
	if err != nil {
		return d, nil, err
	}
	return d, d.Spec.(*dbtproject.Spec), nil //nolint:forcetypeassert // the kind's own spec
}

func (s *Server) dbtNodes(ctx context.Context, slug string, f dbt.Filter) (page[DBTNodeBody], error) {
	p := page[DBTNodeBody]{Items: []DBTNodeBody{}}
	d, spec, err := s.dbtProject(ctx, slug)
	if err != nil {
		return p, err
	}
	all, total, err := s.DBT.Store.Nodes(ctx, who(ctx).WorkspaceID, d.ID, f)
	for _, n := range all {
		p.Items = append(p.Items, nodeBody(spec, n))
	}
	p.Total, p.NextCursor = total, cursorAfter(f.Offset, len(all), total)
	return p, err
}

func nodeBody(spec *dbtproject.Spec, n manifest.Node) DBTNodeBody {
	return DBTNodeBody{
		ID: n.ID, Type: n.Type, Name: n.Name, Package: n.Package, Version: n.Version, Path: n.Path, Link: spec.Link(n.Path), Description: n.Description,
		Relation: n.Relation, Materialized: n.Materialized, Language: n.Language, Read: n.Access(),
	}
}

func (s *Server) dbtNode(ctx context.Context, slug, id string) (DBTNodeDetailBody, error) {
	_, spec, err := s.dbtProject(ctx, slug)
	if err != nil {
		return DBTNodeDetailBody{}, err
	}
	n, err := s.resolver().Find(ctx, scope(ctx), model.DBT{Project: slug, Node: id})
	if fault.Is(err, fault.CodeDBTModel) {
		err = notFound("the manifest of the dbt project has no %q", id)
	}
	if err != nil {
		return DBTNodeDetailBody{}, err
	}
	b := DBTNodeDetailBody{DBTNodeBody: nodeBody(spec, n), Columns: []DBTColumnBody{}, Ways: []DBTWayBody{}}
	if n.Language == manifest.LanguageSQL {
		b.SQL = n.Code
	}
	for _, c := range n.Columns {
		b.Columns = append(b.Columns, DBTColumnBody(c))
	}
	for _, w := range dbt.Ways(n) {
		way := DBTWayBody{Read: w.Read, Notes: w.Notes}
		if w.Error != nil {
			way.Error = s.info(ctx, w.Error)
		}
		b.Ways = append(b.Ways, way)
	}
	return b, nil
}

func (s *Server) info(ctx context.Context, err error) *ErrorInfo {
	info := s.failureOf(ctx, err).Info
	info.RequestID = ""
	return &info
}

func (s *Server) resolver() dbt.Resolver {
	return dbt.Resolver{Store: s.DBT.Store, Documents: s.Resources}
}

// resolved returns a model with what its dbt project or BI tool says of it.
func (s *Server) resolved(ctx context.Context, m model.Spec) (model.Spec, error) {
	if m.Method == model.MethodBI {
		return s.BI.Resolve(ctx, scope(ctx), m)
	}
	return s.resolver().Resolve(ctx, scope(ctx), m)
}

// modelDBT says what its project has of a model; nil where the model has none.
func (s *Server) modelDBT(ctx context.Context, m model.Spec) (*DBTOfModelBody, error) {
	if m.Method != model.MethodDBT || m.DBT == nil {
		return nil, nil //nolint:nilnil // it has none
	}
	b := &DBTOfModelBody{Project: s.link(ctx, dbtproject.KindName, m.DBT.Project), Notes: []string{}, Read: m.DBT.Read}
	n, err := s.resolver().Find(ctx, scope(ctx), *m.DBT)
	switch {
	case fault.Is(err, fault.CodeDBTMissing), fault.Is(err, fault.CodeDBTModel), fault.Is(err, fault.CodeNotFound):
		b.Error = s.info(ctx, err)
		return b, nil
	case err != nil:
		return nil, err
	}
	_, spec, err := s.dbtProject(ctx, m.DBT.Project)
	if err != nil {
		return nil, err
	}
	node := nodeBody(spec, n)
	b.Node = &node
	if b.Read == "" {
		b.Read = n.Access()
	}
	sql, err := n.Query(b.Read)
	if err != nil {
		b.Error = s.info(ctx, err)
		return b, nil
	}
	b.SQL, b.Notes = query.Clean(sql), n.Notes(b.Read)
	return b, nil
}
