package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/engine/sync/audit"
	"github.com/millrace/millrace/internal/engine/sync/run"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/kind/model"
	"github.com/millrace/millrace/internal/kind/source"
	"github.com/millrace/millrace/internal/kind/sync"
	"github.com/millrace/millrace/internal/kind/synclog"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/resource"
)

// SyncLogsBody is what is written into a warehouse of what became of rows, and how that stands (SY-53, SY-54).
type SyncLogsBody struct {
	Reason  *string              `json:"reason" doc:"why there can be none; null: there can"`
	Source  Link                 `json:"source"`
	Tables  []SyncLogTableBody   `json:"tables" nullable:"false"`
	Written *SyncLogWrittenBody  `json:"written" doc:"the newest log that was written"`
	Waiting int64                `json:"waiting" doc:"logs that are still to be written"`
	Since   *string              `json:"since" doc:"when the oldest of these runs ended"`
	NextAt  *string              `json:"nextAt" doc:"when it is tried again"`
	Error   *ErrorInfo           `json:"error" doc:"of its last attempt"`
	GivenUp *SyncLogGivenUpBody  `json:"givenUp" doc:"the newest log that will not be written, unless a later one was"`
	Hours   int64                `json:"giveUpHours" doc:"after so many hours a log is given up"`
	Queries []SyncLogExampleBody `json:"queries" nullable:"false" doc:"to begin with"`
}

// SyncLogTableBody is one of the tables.
type SyncLogTableBody struct {
	Name     string `json:"name" enum:"snapshot,changelog,runs"`
	Table    string `json:"table" doc:"its name in the warehouse"`
	BySource bool   `json:"bySource" doc:"the source chooses it for all of its syncs"`
	BySync   bool   `json:"bySync" doc:"the sync chooses it"`
}

// SyncLogWrittenBody is a log that was written.
type SyncLogWrittenBody struct {
	RunID  int64  `json:"runId"`
	Sync   Link   `json:"sync"`
	At     string `json:"at"`
	Remark string `json:"remark,omitempty" doc:"why one of the tables was left as it was"`
}

// SyncLogGivenUpBody is a log that will not be written.
type SyncLogGivenUpBody struct {
	RunID int64     `json:"runId"`
	Sync  Link      `json:"sync"`
	At    string    `json:"at"`
	Error ErrorInfo `json:"error"`
}

// SyncLogExampleBody is a query of the tables.
type SyncLogExampleBody struct {
	Title  string   `json:"title"`
	Tables []string `json:"tables" nullable:"false" enum:"snapshot,changelog,runs" doc:"those that it reads"`
	SQL    string   `json:"sql"`
}

func (s *Server) syncLogs(api huma.API) {
	register(s, api, op(http.MethodGet, "/api/sources/{slug}/sync-logs", "get-source-sync-logs", "What is written of a source's syncs into it, and how that stands", nil), func(ctx context.Context, in *slugInput) (*body[SyncLogsBody], error) {
		d, err := s.Resources.Get(ctx, scope(ctx), "source", in.Slug)
		if err != nil {
			return nil, err
		}
		st, err := s.Logs.OfSource(ctx, who(ctx).WorkspaceID, d.ID)
		if err != nil {
			return nil, err
		}
		b, err := s.syncLogsBody(ctx, d, nil, st)
		return &body[SyncLogsBody]{b}, err
	})
	register(s, api, op(http.MethodGet, "/api/syncs/{slug}/sync-logs", "get-sync-sync-logs", "What is written of a sync into its source, and how that stands", nil), func(ctx context.Context, in *slugInput) (*body[SyncLogsBody], error) {
		d, err := s.Resources.Get(ctx, scope(ctx), "sync", in.Slug)
		if err != nil {
			return nil, err
		}
		st, err := s.Logs.OfSync(ctx, who(ctx).WorkspaceID, d.ID)
		if err != nil {
			return nil, err
		}
		spec := d.Spec.(*sync.Spec) //nolint:forcetypeassert // a sync's spec
		m, err := s.Resources.Get(ctx, scope(ctx), "model", spec.Model)
		if err != nil {
			return nil, err
		}
		src, err := s.Resources.Get(ctx, scope(ctx), "source", m.Spec.(*model.Spec).Source) //nolint:forcetypeassert // a model's spec
		if err != nil {
			return nil, err
		}
		b, err := s.syncLogsBody(ctx, src, spec.SyncLogs, st)
		return &body[SyncLogsBody]{b}, err
	})
}

// logTables are the tables by the names that documents have for them.
var logTables = []struct {
	name, table string
	chosen      func(synclog.Tables) bool
}{
	{"snapshot", audit.Snapshot, func(t synclog.Tables) bool { return t.Snapshot }},
	{"changelog", audit.Changelog, func(t synclog.Tables) bool { return t.Changelog }},
	{"runs", audit.Runs, func(t synclog.Tables) bool { return t.Runs }},
}

func (s *Server) syncLogsBody(ctx context.Context, src resource.Document, own *synclog.Tables, st audit.Status) (SyncLogsBody, error) {
	spec := src.Spec.(*source.Spec) //nolint:forcetypeassert // a source's spec
	schemas := connector.SchemasOf(spec.Configuration)
	b := SyncLogsBody{
		Source: Link{Slug: src.Slug, Name: src.Name, Type: spec.Type}, Tables: []SyncLogTableBody{}, Queries: []SyncLogExampleBody{},
		Waiting: st.Waiting, Since: optionalStamp(st.Since), NextAt: optionalStamp(st.NextAt), Hours: int64(audit.GiveUp.Hours()),
	}
	for _, t := range logTables {
		b.Tables = append(b.Tables, SyncLogTableBody{
			Name: t.name, Table: query.TableRef{Schema: schemas.Audit, Name: t.table}.String(),
			BySource: t.chosen(synclog.Union(spec.SyncLogs)), BySync: t.chosen(synclog.Union(own)),
		})
	}
	if w := st.Written; w != nil {
		b.Written = &SyncLogWrittenBody{RunID: w.RunID, Sync: s.syncLink(ctx, w.SyncID), At: stamp(w.At), Remark: w.Remark}
	}
	if g := st.GivenUp; g != nil {
		b.GivenUp = &SyncLogGivenUpBody{RunID: g.RunID, Sync: s.syncLink(ctx, g.SyncID), At: stamp(g.At), Error: logError(g.Failure)}
	}
	if st.Failure != nil {
		e := logError(*st.Failure)
		b.Error = &e
	}
	info, err := s.Registry.Source(spec.Type)
	if err != nil {
		return b, err
	}
	if err := synclog.Possible(info, spec.Engine); err != nil {
		reason := fault.As(err).Message
		b.Reason = &reason
		return b, nil
	}
	b.Queries, err = s.logExamples(ctx, src.Slug, schemas)
	return b, err
}

// logExamples returns the queries in the source's own dialect.
func (s *Server) logExamples(ctx context.Context, slug string, schemas connector.Schemas) ([]SyncLogExampleBody, error) {
	src, _, err := s.sourceBySlug(ctx, slug)
	if err != nil {
		return []SyncLogExampleBody{}, err
	}
	defer src.Close() //nolint:errcheck // it was not connected
	var all []SyncLogExampleBody
	for _, e := range audit.Examples(src.Dialect(), schemas) {
		b := SyncLogExampleBody{Title: e.Title, SQL: e.SQL}
		for _, t := range logTables {
			for _, needed := range e.Needs {
				if t.table == needed {
					b.Tables = append(b.Tables, t.name)
				}
			}
		}
		all = append(all, b)
	}
	return all, nil
}

// syncLink names a sync by its number; one that is gone has no name.
func (s *Server) syncLink(ctx context.Context, id int64) Link {
	d, err := s.Resources.GetByID(ctx, scope(ctx), "sync", id)
	if err != nil {
		return Link{}
	}
	return Link{Slug: d.Slug, Name: d.Name}
}

func logError(f run.Failure) ErrorInfo {
	return ErrorInfo{Code: string(f.Code), Message: f.Message, Suggestion: f.Suggestion}
}
