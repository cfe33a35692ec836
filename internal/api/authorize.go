package api

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"net/url"
	"slices"

	"github.com/danielgtaylor/huma/v2"
	"github.com/millrace/millrace/internal/access"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/state"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/kind/destination"
	"github.com/millrace/millrace/internal/kind/source"
	"github.com/millrace/millrace/internal/resource"
)

// callbackPath is where browsers come back to from a vendor.
const callbackPath = "/api/oauth/callback"

// callback is the address that people register at vendors.
func (s *Server) callback() string { return s.Public + callbackPath }

// AccessBody is what a person needs before the access can be allowed, and who allowed it last.
type AccessBody struct {
	CallbackURL string  `json:"callbackUrl" doc:"to register at the vendor"`
	AllowedAt   *string `json:"allowedAt"`
	AllowedBy   string  `json:"allowedBy,omitempty"`
}

// actionAuthorized is how the activity calls it.
const actionAuthorized = "authorized"

// AuthorizeBody is where a person allows the access.
type AuthorizeBody struct {
	URL string `json:"url" doc:"the vendor's page, good for 15 minutes"`
}

// connections are the kinds of documents whose access a person may have to allow, and the paths that list them.
var connections = []struct{ kind, plural string }{{"destination", "destinations"}, {"source", "sources"}}

// authorizations registers how people allow the access to a connection at its vendor.
func (s *Server) authorizations(api huma.API) {
	for _, c := range connections {
		path := "/api/" + c.plural + "/{slug}/authorize"
		register(s, api, op(http.MethodGet, path, "get-"+c.kind+"-access", "Who allowed the access to a "+c.kind+", and the callback URL to register at its vendor", nil), func(ctx context.Context, in *slugInput) (*body[AccessBody], error) {
			b, err := s.accessOf(ctx, c.kind, in.Slug)
			return &body[AccessBody]{b}, err
		})
		register(s, api, op(http.MethodPost, path, "authorize-"+c.kind, "Begin to allow the access to a "+c.kind+", in a browser", nil), func(ctx context.Context, in *struct {
			Slug    string      `path:"slug"`
			Session http.Cookie `cookie:"millrace_session"`
		}) (*body[AuthorizeBody], error) {
			address, err := s.beginAuthorization(ctx, c.kind, in.Slug, in.Session.Value)
			return &body[AuthorizeBody]{AuthorizeBody{address}}, err
		})
	}
}

// accessOf says who allowed the access to a connection last.
func (s *Server) accessOf(ctx context.Context, kind, slug string) (AccessBody, error) {
	b := AccessBody{CallbackURL: s.callback()}
	events, err := s.Resources.Activity(ctx, scope(ctx), kind, slug)
	if i := slices.IndexFunc(events, func(e resource.Event) bool { return e.Action == actionAuthorized }); i >= 0 {
		b.AllowedAt, b.AllowedBy = optionalStamp(events[i].At), events[i].By
	}
	return b, err
}

// holder names a session without telling its token.
func holder(session string) string {
	sum := sha256.Sum256([]byte("authorization " + session))
	return hex.EncodeToString(sum[:])
}

// beginAuthorization returns the vendor's page for a person with the session.
func (s *Server) beginAuthorization(ctx context.Context, kind, slug, session string) (string, error) {
	d, doc, err := s.authorizer(ctx, scope(ctx), kind, slug)
	if err != nil {
		return "", err
	}
	defer d.Close() //nolint:errcheck // nothing was opened
	if who(ctx).CSRF == "" {
		return "", fault.New(fault.CodeForbidden, "an API key cannot allow the access: the vendor asks a person").
			WithSuggestion("Open the %s in the web app and choose Allow access.", kind)
	}
	ticket, err := s.State.Issue(ctx, state.Ticket{
		WorkspaceID: who(ctx).WorkspaceID, Kind: doc.Kind, DocumentID: doc.ID, Slug: doc.Slug, Holder: holder(session),
	})
	if err != nil {
		return "", err
	}
	return d.AuthorizeURL(s.callback(), ticket)
}

// authorizable is a connection whose access a person allows.
type authorizable interface {
	connector.Authorizer
	Close() error
}

// authorizer opens a saved connection whose access a person allows.
func (s *Server) authorizer(ctx context.Context, sc resource.Scope, kind, slug string) (authorizable, resource.Document, error) {
	doc, err := s.Resources.Resolve(ctx, sc, kind, slug)
	if err != nil {
		return nil, doc, err
	}
	learned := s.State.Of(sc.WorkspaceID, doc.Kind, doc.ID)
	var needed bool
	var opened interface{ Close() error }
	switch spec := doc.Spec.(type) {
	case *destination.Spec:
		if needed, err = s.needsAuthorization(spec); needed {
			opened, err = s.openDestination(ctx, *spec, learned)
		}
	case *source.Spec:
		if needed, err = s.sourceNeedsAuthorization(spec); needed {
			opened, err = s.openSource(ctx, *spec, learned)
		}
	}
	if err != nil {
		return nil, doc, err
	}
	if !needed {
		return nil, doc, fault.New(fault.CodeInvalid, "nobody has to allow the access to this %s with these settings", kind).
			WithSuggestion("Choose another way to authenticate in its configuration.")
	}
	a, ok := opened.(authorizable)
	if !ok {
		return nil, doc, fault.New(fault.CodeInternal, "the %s %s cannot be authorized", kind, slug)
	}
	return a, doc, nil
}

func (s *Server) needsAuthorization(spec *destination.Spec) (bool, error) {
	info, err := s.Registry.Destination(spec.Type)
	return err == nil && info.NeedsAuthorization(spec.Configuration), err
}

func (s *Server) sourceNeedsAuthorization(spec *source.Spec) (bool, error) {
	info, err := s.Registry.Source(spec.Type)
	return err == nil && info.NeedsAuthorization(spec.Configuration), err
}

// finishAuthorization is where the browser comes back to. No identity is needed to ask: the ticket says who began,
// and only the browser with that session is heard.
func (s *Server) finishAuthorization(w http.ResponseWriter, r *http.Request) {
	ticket, id, err := s.redeem(r)
	if err != nil {
		s.refuse(w, r, "/destinations", err)
		return
	}
	ctx := context.WithValue(r.Context(), keyIdentity, id) // the connection is opened as by the person who began
	if err := s.authorized(ctx, ticket, id, r.URL.Query()); err != nil {
		s.refuse(w, r, pageOf(ticket), err)
		return
	}
	http.Redirect(w, r, pageOf(ticket)+"?authorized=1", http.StatusSeeOther) //nolint:gosec // a page of ours: the ticket is our own
}

// pageOf is where the web app shows a connection.
func pageOf(t state.Ticket) string {
	return "/" + t.Kind + "s/" + url.PathEscape(t.Slug)
}

// redeem finds out whether the person who comes back is the one who began.
func (s *Server) redeem(r *http.Request) (state.Ticket, access.Identity, error) {
	cookie, err := r.Cookie(cookieName)
	if err != nil {
		return state.Ticket{}, access.Identity{}, fault.New(fault.CodeUnauthenticated, "you are not signed in in this browser").
			WithSuggestion("Sign in, open the source or destination and allow the access again.")
	}
	id, err := s.Access.Session(r.Context(), cookie.Value)
	if err != nil {
		return state.Ticket{}, id, err
	}
	ticket, err := s.State.Redeem(r.Context(), r.URL.Query().Get("state"), holder(cookie.Value))
	if err == nil && ticket.WorkspaceID != id.WorkspaceID {
		err = fault.New(fault.CodeForbidden, "the authorization was begun in another workspace")
	}
	return ticket, id, err
}

// authorized hands the vendor's code to the connection and stores what it gets for it.
func (s *Server) authorized(ctx context.Context, t state.Ticket, id access.Identity, answer url.Values) error {
	if refusal := answer.Get("error"); refusal != "" { // RFC 6749, 4.1.2.1
		if description := answer.Get("error_description"); description != "" {
			refusal += ": " + description
		}
		return fault.New(fault.CodeDestinationAuth, "%s", refusal).
			WithSuggestion("The words are the provider's. Check client ID, scopes and callback URL, then allow the access again.")
	}
	code := cmp.Or(answer.Get("code"), answer.Get("auth_code")) // some vendors have a name of their own for it
	if code == "" {
		return fault.New(fault.CodeDestinationAuth, "the provider sent no code")
	}
	sc := resource.Scope{WorkspaceID: t.WorkspaceID, Actor: id.Email}
	d, doc, err := s.authorizer(ctx, sc, t.Kind, t.Slug)
	if err != nil {
		return err
	}
	defer d.Close() //nolint:errcheck // the answer is here
	if doc.ID != t.DocumentID {
		return notFound("the %s was deleted meanwhile", t.Kind)
	}
	exchange, cancel := context.WithTimeout(context.WithoutCancel(ctx), testTime) // a code is good once
	defer cancel()
	learned, err := d.Exchange(exchange, s.callback(), code)
	if err != nil {
		return err
	}
	return s.keepLearned(exchange, sc, t.Kind, t.Slug, learned)
}

// storeAttempts is how often what was learned is put into a document that people change meanwhile.
const storeAttempts = 3

// keepLearned stores settings in a connection.
func (s *Server) keepLearned(ctx context.Context, sc resource.Scope, kind, slug string, learned connector.Settings) error {
	for attempt := 1; ; attempt++ {
		doc, err := s.Resources.Get(ctx, sc, kind, slug)
		if err != nil {
			return err
		}
		switch spec := doc.Spec.(type) {
		case *destination.Spec:
			maps.Copy(spec.Configuration, learned)
		case *source.Spec:
			maps.Copy(spec.Configuration, learned)
		}
		text, err := json.Marshal(doc.Spec)
		if err != nil {
			return fmt.Errorf("encoding a %s: %w", kind, err)
		}
		_, err = s.Resources.Update(ctx, sc, kind, slug, resource.Write{
			Name: doc.Name, Folder: doc.Folder, Labels: doc.Labels, Revision: doc.Revision, Spec: text,
			Action: actionAuthorized, Summary: "The access was allowed.",
		})
		if !fault.Is(err, fault.CodeStale) || attempt == storeAttempts {
			return err
		}
	}
}

// refuse says in the browser why the access is not allowed. back is the page of the connection, where it is known.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, back string, err error) {
	f := s.failureOf(r.Context(), err)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src '"+refusalStyleHash+"'; base-uri 'none'; frame-ancestors 'none'")
	w.WriteHeader(f.status)
	_ = refusalPage.Execute(w, map[string]any{"Info": f.Info, "Back": back, "Style": template.CSS(refusalStyle)}) //nolint:errcheck,gosec // the asker is gone; the style is ours
}

const refusalStyle = `body{font:16px/1.5 system-ui,sans-serif;max-width:36rem;margin:12vh auto;padding:0 1.5rem;color:#1d2433;background:#fff}h1{font-size:1.4rem}.words{overflow-wrap:anywhere;padding:.75rem 1rem;border-left:3px solid #c92a2a;background:#fff5f5}.small{color:#5c667a;font-size:.85rem}a{color:#0b5fa5}@media(prefers-color-scheme:dark){body{color:#e6e9ef;background:#14171d}.words{background:#2b1a1c}.small{color:#9aa4b5}a{color:#74b9f0}}`

// refusalStyleHash lets browsers take the page's style under a policy without inline styles (CSP 3, 6.7.2.3).
var refusalStyleHash = func() string {
	sum := sha256.Sum256([]byte(refusalStyle))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}()

var refusalPage = template.Must(template.New("refusal").Parse(`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Access not allowed – Millrace</title><style>{{.Style}}</style></head>
<body>
<h1>The access was not allowed</h1>
<p class="words">{{.Info.Message}}</p>
{{with .Info.Suggestion}}<p>{{.}}</p>{{end}}
<p><a href="{{.Back}}">Back</a></p>
<p class="small">{{.Info.Code}}{{with .Info.RequestID}} · request {{.}}{{end}}</p>
</body>
</html>
`))
