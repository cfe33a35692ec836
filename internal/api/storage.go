package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/millrace/millrace/internal/access"
	"github.com/millrace/millrace/internal/connector"
	engine "github.com/millrace/millrace/internal/engine/storage"
	"github.com/millrace/millrace/internal/engine/sync/run"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/kind/storage"
	"github.com/millrace/millrace/internal/kind/sync"
	"github.com/millrace/millrace/internal/resource"
)

// StorageStatus is what is known of a storage beyond its document.
type StorageStatus struct {
	Label  string `json:"label" doc:"the place in words"`
	InUse  bool   `json:"inUse"`
	HasRun bool   `json:"hasRun" doc:"syncs have run on it, so that it cannot become another place"`

	LastTest *LastTestBody `json:"lastTest"`
}

// StoragePlaceBody is where a workspace's objects lie, or lay.
type StoragePlaceBody struct {
	Slug       string  `json:"slug,omitempty" doc:"of the storage; absent: the server's own"`
	Type       string  `json:"type,omitempty"`
	Label      string  `json:"label"`
	Since      *string `json:"since" doc:"null: from the beginning"`
	Until      *string `json:"until" doc:"null: it is in use"`
	HasRun     bool    `json:"hasRun"`
	Locked     bool    `json:"locked" doc:"only the operator of the server can move the workspace"`
	ExpiryDays float64 `json:"expiryDays" doc:"what no run has used for longer is removed; 0: nothing is"`
}

// StorageSwitchBody is one move of a workspace's objects.
type StorageSwitchBody struct {
	ID         int64        `json:"id"`
	Slug       string       `json:"slug,omitempty"`
	From       string       `json:"from"`
	To         string       `json:"to"`
	State      engine.State `json:"state" enum:"checking,waiting,validating,resuming,cleaning,done,failed,cancelled"`
	Reverting  bool         `json:"reverting" doc:"the old place is in use again"`
	Cancelled  bool         `json:"cancelled" doc:"a person asked to stop it"`
	Abandon    bool         `json:"abandon"`
	Running    int64        `json:"running" doc:"runs that are waited for"`
	By         string       `json:"by"`
	Error      *ErrorInfo   `json:"error"`
	CreatedAt  string       `json:"createdAt"`
	FinishedAt *string      `json:"finishedAt"`
}

// StorageOverviewBody is what is known of the workspace's storage.
type StorageOverviewBody struct {
	Current StoragePlaceBody   `json:"current"`
	Server  StoragePlaceBody   `json:"server" doc:"the server's own storage"`
	History []StoragePlaceBody `json:"history" nullable:"false"`
	Switch  *StorageSwitchBody `json:"switch" doc:"the newest one"`
}

// StorageSyncBody is how a sync stands towards the storage.
type StorageSyncBody struct {
	Slug     string            `json:"slug"`
	Name     string            `json:"name"`
	Mode     connector.Mode    `json:"mode"`
	Standing run.BaselineState `json:"standing" enum:"none,ready,moved,expired,lost" doc:"moved, expired and lost syncs ask for a full resync or CDC reset"`
	Moves    bool              `json:"moves" doc:"after a switch it would have to ask"`
	Running  bool              `json:"running"`
	Disabled bool              `json:"disabled"`
	Settled  *string           `json:"settledAt"`
	Advice   string            `json:"advice" enum:"fullResync,resetCDC" doc:"what is safe: a full resync of a sync that inserts sends everything a second time"`
}

func (s *Server) storage(api huma.API) {
	register(s, api, op(http.MethodGet, "/api/catalog/storages", "list-storage-types", "Where a workspace can have storage of its own", nil), func(context.Context, *struct{}) (*body[page[storage.Type]], error) {
		all := s.Storage.Types
		return &body[page[storage.Type]]{page[storage.Type]{Items: all, Total: len(all)}}, nil
	})
	register(s, api, op(http.MethodPost, "/api/storages/test", "test-storage", "Write, list, read and delete an object in a storage before it is saved", nil), func(ctx context.Context, in *testInput) (*body[TestBody], error) {
		spec := &storage.Spec{Type: in.Body.Type, Configuration: in.Body.Configuration}
		b := s.try(ctx, func(ctx context.Context) error {
			if err := s.Resources.Fill(ctx, scope(ctx), storage.KindName, in.Body.Slug, spec); err != nil {
				return err
			}
			return s.Storage.Test(ctx, who(ctx).WorkspaceID, *spec)
		})
		s.noteTest(ctx, storage.KindName, in.Body.Slug, spec, b.Body)
		return b, nil
	})
	register(s, api, op(http.MethodGet, "/api/storage", "get-storage-overview", "Where the workspace's objects lie", nil), func(ctx context.Context, _ *struct{}) (*body[StorageOverviewBody], error) {
		b, err := s.storageOverview(ctx)
		return &body[StorageOverviewBody]{b}, err
	})
	register(s, api, op(http.MethodGet, "/api/storage/syncs", "list-storage-syncs", "How each sync stands towards the workspace's storage", nil), func(ctx context.Context, _ *struct{}) (*body[page[StorageSyncBody]], error) {
		all, err := s.storageSyncs(ctx)
		return &body[page[StorageSyncBody]]{page[StorageSyncBody]{Items: all, Total: len(all)}}, err
	})
	s.switches(api)
}

// switches registers what moves a workspace's objects. Only admins may.
func (s *Server) switches(api huma.API) {
	type switchInput struct {
		Body struct {
			To      string `json:"to" doc:"slug of a storage; empty: the server's own"`
			Abandon bool   `json:"abandon,omitempty" doc:"the old storage is lost: runs that cannot be settled without it are given up"`
		}
	}
	begin := op(http.MethodPost, "/api/storage/switch", "switch-storage", "Move the workspace to another storage: its syncs pause, and every one that keeps a baseline there has to begin anew", nil)
	begin.DefaultStatus = http.StatusAccepted
	register(s, api, begin, func(ctx context.Context, in *switchInput) (*body[StorageSwitchBody], error) {
		if err := onlyAdmin(ctx, "switches the storage"); err != nil {
			return nil, err
		}
		id := who(ctx)
		sw, err := s.Storage.Begin(ctx, engine.Request{WorkspaceID: id.WorkspaceID, WorkspaceSlug: id.WorkspaceSlug, Slug: in.Body.To, Actor: id.Email, Abandon: in.Body.Abandon})
		if err != nil {
			return nil, err
		}
		s.noteSwitch(ctx, sw)
		return &body[StorageSwitchBody]{switchBody(sw)}, nil
	})
	type switchID struct {
		ID int64 `path:"id"`
	}
	register(s, api, op(http.MethodGet, "/api/storage/switches/{id}", "get-storage-switch", "Read how far a switch of the storage is", nil), func(ctx context.Context, in *switchID) (*body[StorageSwitchBody], error) {
		sw, err := s.Storage.Get(ctx, who(ctx).WorkspaceID, in.ID)
		return &body[StorageSwitchBody]{switchBody(sw)}, err
	})
	register(s, api, op(http.MethodPost, "/api/storage/switches/{id}/cancel", "cancel-storage-switch", "Stop a switch of the storage that waits for runs", nil), func(ctx context.Context, in *switchID) (*body[StorageSwitchBody], error) {
		if err := onlyAdmin(ctx, "switches the storage"); err != nil {
			return nil, err
		}
		sw, err := s.Storage.Cancel(ctx, who(ctx).WorkspaceID, in.ID)
		return &body[StorageSwitchBody]{switchBody(sw)}, err
	})
}

func onlyAdmin(ctx context.Context, does string) error {
	if who(ctx).Role == access.RoleAdmin {
		return nil
	}
	return fault.New(fault.CodeForbidden, "only an admin of the workspace %s", does)
}

// noteSwitch puts a switch into the activity of its storage.
func (s *Server) noteSwitch(ctx context.Context, sw engine.Switch) {
	if sw.Slug == "" {
		return
	}
	d, err := s.Resources.Get(ctx, scope(ctx), storage.KindName, sw.Slug)
	if err == nil {
		err = s.Resources.Record(ctx, scope(ctx), d, "switched", "from "+sw.From)
	}
	if err != nil {
		s.Log.Error("noting a switch of storage", "request", requestID(ctx), "error", err) // the switch is under way
	}
}

func (s *Server) storageStatus(ctx context.Context, d resource.Document, spec *storage.Spec) (*StorageStatus, error) {
	p, err := storage.Place(s.Storage.Types, *spec)
	if err != nil {
		return nil, err
	}
	o, err := s.Storage.Overview(ctx, who(ctx).WorkspaceID, who(ctx).WorkspaceSlug)
	if err != nil {
		return nil, err
	}
	st := &StorageStatus{Label: p.Label(), InUse: o.Current.Slug == d.Slug}
	st.HasRun = st.InUse && o.Current.HasRun
	st.LastTest, err = s.lastTest(ctx, d)
	return st, err
}

func (s *Server) storageOverview(ctx context.Context) (StorageOverviewBody, error) {
	o, err := s.Storage.Overview(ctx, who(ctx).WorkspaceID, who(ctx).WorkspaceSlug)
	if err != nil {
		return StorageOverviewBody{}, err
	}
	b := StorageOverviewBody{
		Current: placeBody(o.Current), Server: StoragePlaceBody{Label: o.Server, ExpiryDays: days(o.Expiry)}, History: []StoragePlaceBody{},
	}
	for _, u := range o.History {
		b.History = append(b.History, placeBody(u))
	}
	if o.Last != nil {
		last := switchBody(*o.Last)
		b.Switch = &last
	}
	return b, nil
}

func placeBody(u engine.Used) StoragePlaceBody {
	return StoragePlaceBody{
		Slug: u.Slug, Type: u.Type, Label: u.Label, Since: optionalStamp(u.Since), Until: optionalStamp(u.Until), HasRun: u.HasRun, Locked: u.Locked,
		ExpiryDays: days(u.Expiry),
	}
}

func days(d time.Duration) float64 { return d.Hours() / 24 }

func switchBody(sw engine.Switch) StorageSwitchBody {
	b := StorageSwitchBody{
		ID: sw.ID, Slug: sw.Slug, From: sw.From, To: sw.To, State: sw.State, Reverting: sw.Reverting, Cancelled: sw.Cancelled, Abandon: sw.Abandon,
		Running: sw.Running, By: sw.Actor, CreatedAt: stamp(sw.CreatedAt), FinishedAt: optionalStamp(sw.FinishedAt),
	}
	if f := sw.Failure; f != nil {
		b.Error = &ErrorInfo{Code: string(f.Code), Message: f.Message, Suggestion: f.Suggestion}
	}
	return b
}

// storageSyncs lists the syncs of the workspace with what has become of what they remember.
func (s *Server) storageSyncs(ctx context.Context) ([]StorageSyncBody, error) {
	o, err := s.Storage.Overview(ctx, who(ctx).WorkspaceID, who(ctx).WorkspaceSlug)
	if err != nil {
		return nil, err
	}
	standings, err := s.Runs.Baselines(ctx, who(ctx).WorkspaceID, o.Current.ID)
	if err != nil {
		return nil, err
	}
	documents, _, err := s.Resources.List(ctx, scope(ctx), "sync", resource.Filter{})
	if err != nil {
		return nil, err
	}
	all := make([]StorageSyncBody, 0, len(documents))
	for _, d := range documents {
		all = append(all, storageSync(d, standings[d.ID]))
	}
	return all, nil
}

func storageSync(d resource.Document, st run.SyncBaseline) StorageSyncBody {
	spec := d.Spec.(*sync.Spec) //nolint:forcetypeassert // a sync's spec
	b := StorageSyncBody{
		Slug: d.Slug, Name: d.Name, Mode: spec.Mode, Standing: st.State, Moves: st.Moves, Running: st.Running, Disabled: spec.Disabled,
		Settled: optionalStamp(st.Settled), Advice: "fullResync",
	}
	switch spec.Mode {
	case connector.ModeAll, connector.ModeSnapshot, connector.ModeArchive: // they remember nothing
		b.Standing, b.Moves, b.Settled = run.BaselineNone, false, nil
	case connector.ModeInsert, connector.ModeTrigger: // sent twice, their rows have their effect twice
		b.Advice = "resetCDC"
	}
	if b.Standing == "" {
		b.Standing = run.BaselineNone
	}
	return b
}
