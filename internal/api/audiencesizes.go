package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/millrace/millrace/internal/connector"
	engine "github.com/millrace/millrace/internal/engine/audiencesize"
	"github.com/millrace/millrace/internal/kind/destination"
	"github.com/millrace/millrace/internal/kind/source"
	"github.com/millrace/millrace/internal/kind/sync"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/resource"
)

// AudienceSizesBody is how a destination's report of audience sizes stands (SY-94).
type AudienceSizesBody struct {
	Supported bool               `json:"supported" doc:"destinations of this type tell the sizes of audiences"`
	Enabled   bool               `json:"enabled" doc:"they are written into a warehouse every day"`
	Source    *Link              `json:"source" doc:"the source that they are written to"`
	Table     string             `json:"table,omitempty" doc:"its table of snapshots"`
	View      string             `json:"view,omitempty" doc:"the view of all destinations' snapshots"`
	State     engine.State       `json:"state" enum:"waiting,running,done,failed"`
	CheckedAt *string            `json:"checkedAt" doc:"when the ad accounts were looked at last"`
	NextAt    *string            `json:"nextAt"`
	Error     *ErrorInfo         `json:"error" doc:"of the last look"`
	Looks     []AudienceLookBody `json:"looks" nullable:"false" doc:"the newest first"`
}

// AudienceLookBody is one look at the audiences.
type AudienceLookBody struct {
	At        string     `json:"at"`
	Audiences int64      `json:"audiences"`
	WrittenTo string     `json:"writtenTo,omitempty" doc:"the table; absent: none"`
	Error     *ErrorInfo `json:"error"`
}

// AudienceSizeBody is an audience as the last look that succeeded found it.
type AudienceSizeBody struct {
	Account  string `json:"account"`
	Audience string `json:"audience" doc:"its ID at the vendor"`
	Name     string `json:"name"`
	Size     *int64 `json:"size" doc:"null: the vendor does not know it, or does not tell sizes so small"`
	Status   string `json:"status,omitempty" doc:"the vendor's own word"`
	Link     string `json:"link,omitempty" doc:"the vendor's page"`
	Sync     *Link  `json:"sync" doc:"who fills it"`
}

// MatchedUsersBody is how many people a vendor matched of those that a sync sent (MB-14).
type MatchedUsersBody struct {
	Supported    bool        `json:"supported" doc:"the sync fills an audience of a destination that tells its size"`
	SettlesHours int64       `json:"settlesHours" doc:"so long it may take until the vendor's numbers no longer change"`
	Newest       *MatchBody  `json:"newest" doc:"null: nothing is known yet"`
	History      []MatchBody `json:"history" nullable:"false" doc:"the newest first"`
	NextAt       *string     `json:"nextAt" doc:"when the vendor is asked again"`
	Error        *ErrorInfo  `json:"error" doc:"why the last look failed"`
}

// MatchBody is the matched users at one time.
type MatchBody struct {
	At       string   `json:"at"`
	Account  string   `json:"account"`
	Audience string   `json:"audience"`
	Name     string   `json:"name,omitempty" doc:"absent: the vendor does not list the audience"`
	Status   string   `json:"status,omitempty" doc:"the vendor's own word"`
	Link     string   `json:"link,omitempty" doc:"the vendor's page"`
	Matched  *int64   `json:"matched" doc:"null: not known"`
	Members  *int64   `json:"members" doc:"rows of the model in the last run that succeeded"`
	Percent  *float64 `json:"percent" doc:"of the members; may exceed 100"`
}

// matchHistory is how many looks a sync's history has at most.
const matchHistory = 90

func (s *Server) audienceSizes(api huma.API) {
	register(s, api, op(http.MethodGet, "/api/destinations/{slug}/audience-sizes", "get-audience-sizes", "How a destination's report of audience sizes stands", nil), func(ctx context.Context, in *slugInput) (*body[AudienceSizesBody], error) {
		b, err := s.audienceReport(ctx, in.Slug)
		return &body[AudienceSizesBody]{b}, err
	})
	register(s, api, op(http.MethodGet, "/api/destinations/{slug}/audiences", "list-audiences", "List the audiences of a destination's ad accounts, as they were last seen", nil), func(ctx context.Context, in *struct {
		Slug   string `path:"slug"`
		Cursor string `query:"cursor"`
		Limit  int    `query:"limit" default:"50" minimum:"1" maximum:"500"`
	}) (*body[page[AudienceSizeBody]], error) {
		offset, err := offsetOf(in.Cursor)
		if err != nil {
			return nil, err
		}
		b, err := s.audiences(ctx, in.Slug, offset, in.Limit)
		return &body[page[AudienceSizeBody]]{b}, err
	})
	run := op(http.MethodPost, "/api/destinations/{slug}/audience-sizes/run", "run-audience-sizes", "Look at a destination's audiences now", nil)
	run.DefaultStatus = http.StatusAccepted
	register(s, api, run, func(ctx context.Context, in *slugInput) (*body[AudienceSizesBody], error) {
		d, err := s.Resources.Get(ctx, scope(ctx), "destination", in.Slug)
		if err != nil {
			return nil, err
		}
		if err := s.Audiences.Ask(ctx, who(ctx).WorkspaceID, d.ID); err != nil {
			return nil, err
		}
		b, err := s.audienceReport(ctx, in.Slug)
		return &body[AudienceSizesBody]{b}, err
	})
	register(s, api, op(http.MethodGet, "/api/syncs/{slug}/matched-users", "get-matched-users", "How many people the ad platform matched of those that a sync sent", nil), func(ctx context.Context, in *slugInput) (*body[MatchedUsersBody], error) {
		b, err := s.matchedUsers(ctx, in.Slug)
		return &body[MatchedUsersBody]{b}, err
	})
}

// audienceReport tells how the looks at a destination's audiences stand.
func (s *Server) audienceReport(ctx context.Context, slug string) (b AudienceSizesBody, err error) {
	d, err := s.Resources.Get(ctx, scope(ctx), "destination", slug)
	if err != nil {
		return b, err
	}
	spec := d.Spec.(*destination.Spec) //nolint:forcetypeassert // a destination's spec
	b = AudienceSizesBody{State: engine.Waiting, Looks: []AudienceLookBody{}, Enabled: spec.AudienceSizes.On()}
	if info, err := s.Registry.Destination(spec.Type); err == nil {
		b.Supported = info.Audiences != nil
	}
	if err := s.audiencePlace(ctx, d, spec, &b); err != nil {
		return b, err
	}
	st, ok, err := s.Audiences.Standing(ctx, who(ctx).WorkspaceID, d.ID)
	if err != nil || !ok {
		return b, err
	}
	b.State, b.CheckedAt, b.NextAt, b.Error = st.State, optionalStamp(st.Checked), optionalStamp(st.Next), sizesError(st.Failure)
	for _, l := range st.Looks {
		b.Looks = append(b.Looks, AudienceLookBody{At: stamp(l.At), Audiences: l.Audiences, WrittenTo: l.WrittenTo, Error: sizesError(l.Failure)})
	}
	return b, nil
}

// audiencePlace tells where a report is written.
func (s *Server) audiencePlace(ctx context.Context, d resource.Document, spec *destination.Spec, b *AudienceSizesBody) error {
	if spec.AudienceSizes == nil || spec.AudienceSizes.Source == "" {
		return nil
	}
	src, err := s.Resources.Get(ctx, scope(ctx), "source", spec.AudienceSizes.Source)
	if err != nil {
		return err
	}
	of := src.Spec.(*source.Spec) //nolint:forcetypeassert // a source's spec
	schemas := connector.SchemasOf(of.Configuration)
	b.Source = &Link{Slug: src.Slug, Name: src.Name, Type: of.Type}
	b.Table = engine.TableOf(schemas, spec.Type, d.ID).String()
	b.View = query.TableRef{Schema: schemas.Audit, Name: engine.ViewName}.String()
	return nil
}

func sizesError(f *engine.Failure) *ErrorInfo {
	if f == nil {
		return nil
	}
	return &ErrorInfo{Code: string(f.Code), Message: f.Message, Suggestion: f.Suggestion}
}

func (s *Server) audiences(ctx context.Context, slug string, offset, limit int) (b page[AudienceSizeBody], err error) {
	d, err := s.Resources.Get(ctx, scope(ctx), "destination", slug)
	if err != nil {
		return b, err
	}
	sizes, total, err := s.Audiences.Sizes(ctx, who(ctx).WorkspaceID, d.ID, offset, limit)
	if err != nil {
		return b, err
	}
	b = page[AudienceSizeBody]{Items: make([]AudienceSizeBody, len(sizes)), Total: total, NextCursor: cursorAfter(offset, len(sizes), total)}
	for i, z := range sizes {
		b.Items[i] = AudienceSizeBody{Account: z.Account, Audience: z.Audience, Name: z.Name, Size: z.Size, Status: z.Status, Link: z.Link}
		if z.SyncID == nil {
			continue
		}
		if l := s.syncLink(ctx, *z.SyncID); l.Slug != "" {
			b.Items[i].Sync = &l
		}
	}
	return b, nil
}

// matchedUsers tells the history of a sync's matched users.
func (s *Server) matchedUsers(ctx context.Context, slug string) (b MatchedUsersBody, err error) {
	d, err := s.Resources.Get(ctx, scope(ctx), "sync", slug)
	if err != nil {
		return b, err
	}
	spec := d.Spec.(*sync.Spec) //nolint:forcetypeassert // a sync's spec
	b = MatchedUsersBody{SettlesHours: int64(engine.Settles.Hours()), History: []MatchBody{}}
	dest, err := s.Resources.Get(ctx, scope(ctx), "destination", spec.Destination)
	if err != nil {
		return b, err
	}
	info, err := s.Registry.Destination(dest.Spec.(*destination.Spec).Type) //nolint:forcetypeassert // a destination's spec
	if err != nil {
		return b, nil //nolint:nilerr // a type that is gone tells nothing
	}
	b.Supported = engine.Fills(d, info)
	matches, err := s.Audiences.Matches(ctx, who(ctx).WorkspaceID, d.ID, matchHistory)
	if err != nil {
		return b, err
	}
	for _, m := range matches {
		b.History = append(b.History, MatchBody{
			At: stamp(m.At), Account: m.Account, Audience: m.Audience, Name: m.Name, Status: m.Status, Link: m.Link,
			Matched: m.Matched, Members: m.Members, Percent: m.Percent(),
		})
	}
	if len(b.History) > 0 {
		b.Newest = &b.History[0]
	}
	st, ok, err := s.Audiences.Standing(ctx, who(ctx).WorkspaceID, dest.ID)
	if err == nil && ok {
		b.NextAt, b.Error = optionalStamp(st.Next), sizesError(st.Failure)
	}
	return b, err
}
