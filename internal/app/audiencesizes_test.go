package app

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/millrace/millrace/internal/config"
	"github.com/millrace/millrace/internal/connection"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/state"
	"github.com/millrace/millrace/internal/db"
	"github.com/millrace/millrace/internal/db/dbtest"
	"github.com/millrace/millrace/internal/engine/audiencesize"
	"github.com/millrace/millrace/internal/engine/sync/run"
	"github.com/millrace/millrace/internal/secret"
)

// The process opens ad accounts and warehouses as its documents describe them: what a stand-in of Meta tells comes into
// a DuckDB file, and is known of the sync.
//
// Req: SY-94, SY-95, MB-14
func TestAudienceSizes(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		vendor := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/act_17/customaudiences" || r.Header.Get("Authorization") != "Bearer secret-token" {
				w.WriteHeader(http.StatusForbidden)
				return
			}
			_, _ = fmt.Fprint(w, `{"data": [{"id": "1", "name": "Buyers", "approximate_count_lower_bound": 4900}]}`)
		}))
		defer vendor.Close()
		x := newPlanned(t, d, `{"type":"manual"}`)
		key, err := secret.NewKey(make([]byte, 32))
		if err != nil {
			t.Fatal(err)
		}
		x.Config = &config.Config{Home: t.TempDir(), LeaseTime: time.Minute}
		x.state = state.NewStore(d, key, x.now)
		x.engine = run.New(run.EngineOptions{
			Store: x.runs, Registry: x.Registry, Connections: connection.New(connection.Options{Registry: x.Registry, Documents: x.documents}),
			State: x.state, Clock: x.now, Log: x.log, Dir: x.dir(),
		})
		x.openAudienceSizes()
		path := filepath.Join(t.TempDir(), "house.duckdb")
		file, err := sql.Open("duckdb", path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := file.ExecContext(t.Context(), "CREATE SCHEMA millrace_planner"); err != nil {
			t.Fatal(err)
		}
		if err := file.Close(); err != nil {
			t.Fatal(err)
		}
		create := func(kind, slug string, spec map[string]any) int64 {
			t.Helper()
			text, err := json.Marshal(spec)
			if err != nil {
				t.Fatal(err)
			}
			return x.create(kind, slug, string(text)).ID
		}
		house := create("source", "house", map[string]any{"type": "duckdb", "engine": "lightning", "configuration": map[string]any{"path": path}})
		ads := create("destination", "ads", map[string]any{
			"type": "meta", "configuration": map[string]any{"token": "secret-token", "adAccount": "17", "baseUrl": vendor.URL},
			"audienceSizes": map[string]any{"enabled": true, "source": "house"},
		})
		buyers := create("sync", "buyers", map[string]any{
			"model": "model", "destination": "ads", "type": "audience", "mode": "add", "settings": map[string]any{"choice": "existing", "audience": "1"},
			"mappings": []any{map[string]any{"to": "EXTERN_ID", "from": "id"}}, "schedule": map[string]any{"type": "manual"},
		})
		x.audiences.Sweep(t.Context())
		st, ok, err := x.audiences.Standing(t.Context(), 1, ads)
		if err != nil || !ok || st.State != audiencesize.Done {
			t.Fatalf("%+v, %+v, %v", st, st.Failure, err)
		}
		all, err := x.audiences.Matches(t.Context(), 1, buyers, 10)
		if err != nil || len(all) != 1 || *all[0].Matched != 4900 || all[0].Members != nil {
			t.Errorf("%+v, %v", all, err)
		}
		w, err := warehouses{x.bundles(), x.engine}.Warehouse(t.Context(), 1, house)
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close() //nolint:errcheck // the test is over
		r, err := w.Query(t.Context(), connector.Query{SQL: "SELECT audience_name, audience_size, sync_id FROM millrace_audit.external_audiences_metadata_v1"})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Release()
		if !r.Next() || r.RecordBatch().NumRows() != 1 || r.RecordBatch().Column(2).ValueStr(0) != strconv.FormatInt(buyers, 10) {
			t.Error("the view does not tell the audience and its sync")
		}
	})
}
