package sfmc_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/destinationtest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

// rowset carries out a request about rows of the data extension people: all of them, or none where one is refused.
func (c *cloud) rowset(w http.ResponseWriter, r *http.Request) {
	var rows []struct{ Keys, Values map[string]value.Value }
	if err := json.NewDecoder(r.Body).Decode(&rows); err != nil {
		c.t.Errorf("the rows are no JSON: %v", err)
	}
	for _, row := range rows {
		if strings.Contains(row.Values["value"].String(), bad) {
			w.WriteHeader(http.StatusBadRequest)
			w.Write([]byte(`{"message":"Unable to save rows"}`)) //nolint:errcheck // a test's
			return
		}
	}
	for _, row := range rows {
		key := row.Keys["id"].String()
		if strings.HasSuffix(r.URL.Path, "/delete") {
			delete(c.rows, key)
			delete(c.extensions["people"], key)
			continue
		}
		if c.rows[key] == nil {
			c.rows[key] = destinationtest.Record{"id": row.Keys["id"]}
		}
		maps.Copy(c.rows[key], row.Values)
	}
	w.Write([]byte(`[]`)) //nolint:errcheck // a test's
}

func (c *cloud) records(*testing.T) []destinationtest.Record {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Collect(maps.Values(c.rows))
}

// imported are the rows that files and the SOAP API brought: texts alone.
func (c *cloud) imported(*testing.T) (all []destinationtest.Record) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, row := range c.extensions["people"] {
		rec := destinationtest.Record{}
		for name, text := range row {
			rec[name] = value.OfText(text)
		}
		all = append(all, rec)
	}
	return all
}

// Rows arrive as they were sent: by the API, as files, and as a mirror.
//
// Req: FLD-32, SY-15, SY-18, SY-21, SY-74, SY-78
func TestConformance(t *testing.T) {
	t.Parallel()
	api := func(c connector.TargetColumn, v value.Value) destinationtest.Arrival {
		switch v.Kind() {
		case value.Null:
			return destinationtest.Arrival{Value: v, Absent: c.Omit}
		case value.Day, value.Time, value.Bytes:
			return destinationtest.Text(v) // JSON has no such values
		default:
			return destinationtest.As(v)
		}
	}
	files := func(c connector.TargetColumn, v value.Value) destinationtest.Arrival {
		if v.IsNull() {
			return destinationtest.Arrival{Value: value.OfText(""), Absent: c.Omit}
		}
		return destinationtest.As(value.OfText(strings.ReplaceAll(v.String(), "\r\n", "\n"))) // the stand-in reads lines so
	}
	mirror := func(c connector.TargetColumn, v value.Value) destinationtest.Arrival {
		c.Omit = false // there is nothing that could stay
		return files(c, v)
	}
	for name, c := range map[string]struct {
		mode    connector.Mode
		by      string
		arrival func(connector.TargetColumn, value.Value) destinationtest.Arrival
	}{
		"api":    {connector.ModeUpsert, "api", api},
		"files":  {connector.ModeUpsert, "files", files},
		"mirror": {connector.ModeAll, "files", mirror},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fixture := destinationtest.Fixture{
				Info: described(), Removes: c.mode == connector.ModeUpsert, Arrival: c.arrival,
				Target: func(t *testing.T, columns []connector.TargetColumn) destinationtest.Target {
					t.Helper()
					w, _ := bucketWorld(t)
					w.cloud.extensions["people"] = map[string]map[string]string{}
					w.cloud.rows = map[string]destinationtest.Record{}
					w.settings["baseUrl"] = w.cloud.url
					maps.Copy(w.settings, connector.Settings{"subdomain": "mc1", "clientId": "c1", "clientSecret": "very-secret-client"})
					j := job(c.mode, connector.Settings{"by": c.by})
					j.Columns, j.Match = columns, []connector.MatchPair{{From: "id", To: "id"}}
					read := w.cloud.imported
					if c.by == "api" {
						read = w.cloud.records
					}
					return destinationtest.Target{Settings: w.settings, Job: j, Read: read}
				},
				Failing: []destinationtest.Failing{{
					Name: "nobody there", Settings: connector.Settings{"subdomain": "mc1", "clientId": "c1", "clientSecret": "very-secret-client", "baseUrl": "http://127.0.0.1:1"},
					Code: fault.CodeDestinationUnreachable, Says: "refused",
				}},
				Invalid: []destinationtest.Invalid{{
					Name: "no location", Settings: connector.Settings{"subdomain": "mc1", "clientId": "c1", "clientSecret": "very-secret-client"},
					Edit: func(job *connector.SyncJob) { job.Settings["by"] = "files" }, Paths: []string{"spec.settings"},
				}},
			}
			if c.mode == connector.ModeUpsert {
				fixture.Refused = []destinationtest.Refused{{
					Name: "bad value", Column: connector.TargetColumn{Name: "value", From: "value", Type: value.TypeString},
					Value: value.OfText(bad), Says: "Unable to save rows",
				}}
			}
			destinationtest.Run(t, fixture)
		})
	}
}
