package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	kindmonitor "github.com/millrace/millrace/internal/kind/monitor"
	"github.com/millrace/millrace/internal/resource"
)

// MonitorTester proves the settings of a monitor.
type MonitorTester interface {
	Test(ctx context.Context, m kindmonitor.Spec) error
}

// MonitorStatus is what is known of a monitor beyond its document.
type MonitorStatus struct {
	LastReport *MonitorReportBody `json:"lastReport"`
}

// MonitorReportBody is how the newest report for a monitor was sent.
type MonitorReportBody struct {
	State    string  `json:"state" enum:"pending,sent,failed"`
	At       string  `json:"at" doc:"the end of the run"`
	NextAt   *string `json:"nextAt" doc:"of the next attempt"`
	Attempts int64   `json:"attempts"`
	Error    string  `json:"error,omitempty" doc:"of the last attempt, in the other side's words"`
}

func (s *Server) monitors(api huma.API) {
	register(s, api, op(http.MethodGet, "/api/catalog/monitors", "list-monitor-types", "What can be a monitor", nil), func(context.Context, *struct{}) (*body[page[kindmonitor.Info]], error) {
		all := kindmonitor.Types()
		return &body[page[kindmonitor.Info]]{page[kindmonitor.Info]{Items: all, Total: len(all)}}, nil
	})
	register(s, api, op(http.MethodPost, "/api/monitors/test", "test-monitor", "Prove the key of a monitor, before it is saved or after", nil), func(ctx context.Context, in *testInput) (*body[TestBody], error) {
		return s.try(ctx, func(ctx context.Context) error { return s.testMonitor(ctx, in) }), nil
	})
}

// testMonitor proves the settings that a person is writing; the secrets of a saved monitor fill in.
func (s *Server) testMonitor(ctx context.Context, in *testInput) error {
	spec := &kindmonitor.Spec{Type: in.Body.Type, Configuration: in.Body.Configuration}
	text, err := json.Marshal(spec)
	if err != nil {
		return fmt.Errorf("encoding a monitor: %w", err)
	}
	if err := s.Resources.Validate(ctx, scope(ctx), kindmonitor.KindName, resource.Write{Name: "Test", Slug: in.Body.Slug, Spec: text}); err != nil {
		return err
	}
	if err := s.Resources.Fill(ctx, scope(ctx), kindmonitor.KindName, in.Body.Slug, spec); err != nil {
		return err
	}
	return s.Datadog.Test(ctx, *spec)
}

func (s *Server) monitorStatus(ctx context.Context, d resource.Document) (MonitorStatus, error) {
	last, found, err := s.Monitors.Last(ctx, who(ctx).WorkspaceID, d.ID)
	if err != nil || !found {
		return MonitorStatus{}, err
	}
	return MonitorStatus{&MonitorReportBody{State: last.State, At: stamp(last.At), NextAt: optionalStamp(last.NextAt), Attempts: last.Attempts, Error: last.Error}}, nil
}
