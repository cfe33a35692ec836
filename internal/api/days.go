package api

import (
	"cmp"
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/millrace/millrace/internal/engine/sync/run"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
)

// RunDayBody is what the runs did that ended on one day.
type RunDayBody struct {
	Day      string `json:"day" format:"date"`
	Runs     int64  `json:"runs" doc:"that ended on the day"`
	Failed   int64  `json:"failed" doc:"of the runs"`
	Sent     int64  `json:"sent" doc:"rows that arrived"`
	Rejected int64  `json:"rejected" doc:"rows whose change was seen and did not arrive"`
}

// days tells what the runs of all syncs did, day by day.
func (s *Server) days(api huma.API) {
	type runDays struct {
		Zone string       `json:"zone" doc:"in which days begin and end"`
		Days []RunDayBody `json:"days" nullable:"false" doc:"the oldest first; the last one is today"`
	}
	register(s, api, op(http.MethodGet, "/api/runs/days", "list-run-days", "Count the rows that runs sent and the runs that failed, by day", nil), func(ctx context.Context, in *struct {
		Zone string `query:"zone" default:"UTC" doc:"the name of a time zone, such as Europe/Berlin"`
		Days int    `query:"days" default:"14" minimum:"1" maximum:"31"`
	}) (*body[runDays], error) {
		zone, err := zoneOf(in.Zone)
		if err != nil {
			return nil, err
		}
		days, err := s.Runs.Days(ctx, who(ctx).WorkspaceID, zone.Location(), in.Days)
		return &body[runDays]{runDays{Zone: in.Zone, Days: dayBodies(days)}}, err
	})
}

func dayBodies(days []run.Day) []RunDayBody {
	bodies := make([]RunDayBody, len(days))
	for i, d := range days {
		bodies[i] = RunDayBody(d)
	}
	return bodies
}

// zoneOf reads the time zone that a request names; UTC where it names none.
func zoneOf(name string) (query.Zone, error) {
	zone, err := query.ZoneOf(cmp.Or(name, "UTC"))
	if err != nil {
		return zone, fault.As(err).WithPath("zone")
	}
	return zone, nil
}
