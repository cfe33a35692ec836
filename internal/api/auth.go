package api

import (
	"context"
	"crypto/subtle"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/millrace/millrace/internal/access"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/resource"
)

const cookieName = "millrace_session"

// open operations need no identity: they carry this metadata.
const metaOpen = "open"

var isOpen = map[string]any{metaOpen: true}

// authenticate finds out who makes a request, and refuses those who do not say.
func (s *Server) authenticate(_ huma.API) func(huma.Context, func(huma.Context)) {
	return func(c huma.Context, next func(huma.Context)) {
		if c.Operation().Metadata[metaOpen] == true {
			next(c)
			return
		}
		r, w := humaRequest(c)
		id, err := s.identity(r)
		if err != nil {
			s.failureOf(r.Context(), err).write(w)
			return
		}
		next(huma.WithValue(c, keyIdentity, id))
	}
}

var errNoHeader = fault.New(fault.CodeUnauthenticated, "No authorization header found")

// identity reads a key or a session of a request. A session also needs its CSRF token on requests that
// change something.
func (s *Server) identity(r *http.Request) (access.Identity, error) {
	if header := r.Header.Get("Authorization"); header != "" {
		return s.keyIdentity(r, header)
	}
	cookie, err := r.Cookie(cookieName)
	if err != nil {
		return access.Identity{}, errNoHeader
	}
	id, err := s.Access.Session(r.Context(), cookie.Value)
	if err != nil {
		return id, err
	}
	safe := r.Method == http.MethodGet || r.Method == http.MethodHead || r.Method == http.MethodOptions
	if !safe && subtle.ConstantTimeCompare([]byte(r.Header.Get("X-CSRF-Token")), []byte(id.CSRF)) != 1 {
		return id, fault.New(fault.CodeCSRF, "the request does not come from this web app's page")
	}
	return id, nil
}

func (s *Server) keyIdentity(r *http.Request, header string) (access.Identity, error) {
	scheme, key, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") || strings.TrimSpace(key) == "" {
		return access.Identity{}, access.ErrBadToken
	}
	id, err := s.Access.Key(r.Context(), strings.TrimSpace(key))
	if err != nil {
		return id, err
	}
	if wait, ok := s.limiter.Allow(id.WorkspaceID); !ok {
		return id, fault.RetryAfter(fault.New(fault.CodeRateLimited, "the workspace made more than %d requests in %s", rateLimit, rateWindow), wait)
	}
	return id, nil
}

func who(ctx context.Context) access.Identity {
	id, _ := ctx.Value(keyIdentity).(access.Identity)
	return id
}

// scope is whose documents a request is about.
func scope(ctx context.Context) resource.Scope {
	id := who(ctx)
	return resource.Scope{WorkspaceID: id.WorkspaceID, Actor: id.Email, FixedFolders: id.Role != access.RoleAdmin}
}

// SessionBody is who is signed in.
type SessionBody struct {
	User struct {
		ID    int64  `json:"id"`
		Email string `json:"email"`
		Name  string `json:"name"`
		Role  string `json:"role"`
	} `json:"user"`
	Workspace struct {
		ID     int64  `json:"id"`
		Slug   string `json:"slug"`
		Name   string `json:"name"`
		Region string `json:"region,omitempty" doc:"of the data plane that the workspace was made in; it never changes"`
	} `json:"workspace"`
	CSRFToken string `json:"csrfToken"`
}

func sessionBody(id access.Identity) SessionBody {
	var b SessionBody
	b.User.ID, b.User.Email, b.User.Name, b.User.Role = id.UserID, id.Email, id.Name, id.Role
	b.Workspace.ID, b.Workspace.Slug, b.Workspace.Name = id.WorkspaceID, id.WorkspaceSlug, id.WorkspaceName
	b.Workspace.Region = id.Region
	b.CSRFToken = id.CSRF
	return b
}

type signInInput struct {
	Body struct {
		Email    string `json:"email"`
		Password string `json:"password"`
	}
}

type sessionOutput struct {
	SetCookie http.Cookie `header:"Set-Cookie"`
	Body      SessionBody
}

type signOutOutput struct {
	SetCookie http.Cookie `header:"Set-Cookie"`
}

func (s *Server) cookie(token string, life time.Duration) http.Cookie {
	return http.Cookie{ //nolint:gosec // not Secure where the server is reached without TLS
		Name: cookieName, Value: token, Path: "/", MaxAge: int(life.Seconds()), HttpOnly: true, Secure: s.Secure, SameSite: http.SameSiteLaxMode,
	}
}

func (s *Server) sessions(api huma.API) {
	register(s, api, op(http.MethodPost, "/api/session", "sign-in", "Sign in", isOpen), func(ctx context.Context, in *signInInput) (*sessionOutput, error) {
		token, id, err := s.Access.SignIn(ctx, in.Body.Email, in.Body.Password, remote(ctx))
		if err != nil {
			return nil, err
		}
		return &sessionOutput{SetCookie: s.cookie(token, 14*24*time.Hour), Body: sessionBody(id)}, nil
	})
	register(s, api, op(http.MethodGet, "/api/session", "get-session", "Who is signed in", nil), func(ctx context.Context, _ *struct{}) (*body[SessionBody], error) {
		return &body[SessionBody]{sessionBody(who(ctx))}, nil
	})
	register(s, api, op(http.MethodDelete, "/api/session", "sign-out", "Sign out", nil), func(ctx context.Context, in *struct {
		Session http.Cookie `cookie:"millrace_session"`
	}) (*signOutOutput, error) {
		if err := s.Access.SignOut(ctx, in.Session.Value); err != nil {
			return nil, err
		}
		return &signOutOutput{SetCookie: s.cookie("", -time.Second)}, nil
	})
}

// KeyBody is an API key as lists show it.
type KeyBody struct {
	ID         int64   `json:"id"`
	Name       string  `json:"name"`
	Prefix     string  `json:"prefix"`
	CreatedAt  string  `json:"createdAt"`
	CreatedBy  string  `json:"createdBy"`
	LastUsedAt *string `json:"lastUsedAt"`
}

func keyBody(k access.APIKey) KeyBody {
	return KeyBody{ID: k.ID, Name: k.Name, Prefix: k.Prefix, CreatedAt: stamp(k.CreatedAt), CreatedBy: k.CreatedBy, LastUsedAt: optionalStamp(k.LastUsedAt)}
}

func (s *Server) keys(api huma.API) {
	type madeKey struct {
		Key    KeyBody `json:"key"`
		Secret string  `json:"secret" doc:"shown this once"`
	}
	register(s, api, op(http.MethodGet, "/api/keys", "list-keys", "List API keys", nil), func(ctx context.Context, _ *struct{}) (*body[page[KeyBody]], error) {
		keys, err := s.Access.Keys(ctx, who(ctx).WorkspaceID)
		if err != nil {
			return nil, err
		}
		p := page[KeyBody]{Items: []KeyBody{}, Total: len(keys)}
		for _, k := range keys {
			p.Items = append(p.Items, keyBody(k))
		}
		return &body[page[KeyBody]]{p}, nil
	})
	create := op(http.MethodPost, "/api/keys", "make-key", "Make an API key", nil)
	create.DefaultStatus = http.StatusCreated
	register(s, api, create, func(ctx context.Context, in *struct {
		Body struct {
			Name string `json:"name"`
		}
	}) (*body[madeKey], error) {
		k, secret, err := s.Access.MakeKey(ctx, who(ctx), in.Body.Name)
		return &body[madeKey]{madeKey{keyBody(k), secret}}, err
	})
	register(s, api, op(http.MethodDelete, "/api/keys/{id}", "drop-key", "Revoke an API key", nil), func(ctx context.Context, in *struct {
		ID int64 `path:"id"`
	}) (*struct{}, error) {
		return nil, s.Access.DropKey(ctx, who(ctx), in.ID)
	})
}

// op describes an operation.
func op(method, path, id, summary string, metadata map[string]any) huma.Operation {
	o := huma.Operation{Method: method, Path: path, OperationID: id, Summary: summary, Metadata: metadata, MaxBodyBytes: maxBody}
	if metadata[metaOpen] != true {
		o.Security = []map[string][]string{{"key": {}}}
	}
	return o
}

// register adds an operation whose errors are answered in our form.
func register[I, O any](s *Server, api huma.API, o huma.Operation, handle func(context.Context, *I) (*O, error)) {
	huma.Register(api, o, func(ctx context.Context, in *I) (*O, error) {
		out, err := handle(ctx, in)
		if err != nil {
			return nil, s.failureOf(ctx, err)
		}
		return out, nil
	})
}

// body is an answer with a body.
type body[T any] struct{ Body T }

// page is one page of a list.
type page[T any] struct {
	Items      []T     `json:"items" nullable:"false"`
	NextCursor *string `json:"nextCursor"`
	Total      int     `json:"total"`
}

const stampLayout = "2006-01-02T15:04:05.000Z"

func stamp(t time.Time) string { return t.UTC().Format(stampLayout) }

// newest cuts a list of the newest things, of which one more than limit was asked for, and returns the cursor of those
// before them; nil where there are none.
func newest[T any, N ~int | ~int64](all []T, limit N, id func(T) int64) (items []T, cursor *string) {
	if len(all) <= int(limit) {
		return all, nil
	}
	next := strconv.FormatInt(id(all[limit-1]), 10)
	return all[:limit], &next
}

func optionalStamp(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	text := stamp(t)
	return &text
}

// cursorAfter returns the cursor of the page after offset+n, if there is one.
func cursorAfter(offset, n, total int) *string {
	if offset+n >= total {
		return nil
	}
	text := strconv.Itoa(offset + n)
	return &text
}
