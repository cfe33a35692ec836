package salesforce

import (
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/destinationtest"
	"github.com/millrace/millrace/internal/connector/manifest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/httpx"
	"github.com/millrace/millrace/internal/value"
)

func manifested(t *testing.T) connector.DestinationInfo {
	t.Helper()
	file, err := os.ReadFile("manifest.yaml")
	if err != nil {
		t.Fatal(err)
	}
	m, err := manifest.Parse("manifest.yaml", file)
	if err != nil {
		t.Fatal(err)
	}
	return m.Info(httpx.AnyNetwork, Hooks())
}

const consumerSecret = "s3cret-of-the-app"

// org is an organisation with one object, whose field id is an external id.
type org struct {
	external bool

	mu      sync.Mutex
	records []map[string]value.Value
	jobs    map[string]*stored
}

// stored is a job with its table and what became of it.
type stored struct {
	operation string
	table     [][]string
	failed    [][]string
	results   []string // of the lines, in their order
	done      bool
}

func (o *org) serve(t *testing.T) string {
	t.Helper()
	o.jobs = map[string]*stored{}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /oauth2/token", func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("client_secret") != consumerSecret {
			reply(w, http.StatusBadRequest, map[string]any{"error": "invalid_client", "error_description": "the app is not known"})
			return
		}
		reply(w, http.StatusOK, map[string]any{"access_token": "access-token", "instance_url": "https://acme.example"})
	})
	handle := func(pattern string, do func(w http.ResponseWriter, r *http.Request, body []byte)) {
		method, path, _ := strings.Cut(pattern, " ")
		if !strings.HasPrefix(path, async) {
			path = rest + path
		}
		mux.HandleFunc(method+" "+path, func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil || r.Header.Get("Authorization") != "Bearer access-token" {
				reply(w, http.StatusUnauthorized, []any{map[string]any{"errorCode": "INVALID_SESSION_ID", "message": "Session expired or invalid"}})
				return
			}
			o.mu.Lock()
			defer o.mu.Unlock()
			do(w, r, body)
		})
	}
	handle("GET /sobjects", func(w http.ResponseWriter, _ *http.Request, _ []byte) { reply(w, http.StatusOK, map[string]any{}) })
	handle("GET /sobjects/Thing__c/describe", func(w http.ResponseWriter, _ *http.Request, _ []byte) {
		reply(w, http.StatusOK, map[string]any{"name": "Thing__c", "fields": []any{
			map[string]any{"name": "id", "type": "string", "createable": true, "updateable": true, "externalId": o.external, "idLookup": true, "caseSensitive": true},
			map[string]any{"name": "value", "type": "string", "createable": true, "updateable": true},
		}})
	})
	handle("GET /query", o.query)
	handle("PATCH /composite/sobjects/Thing__c/id", o.collection)
	handle("PATCH /composite/sobjects", o.collection)
	handle("POST /composite/sobjects", o.collection)
	handle("DELETE /composite/sobjects", o.remove)
	handle("POST /jobs/ingest", o.open)
	handle("PUT /jobs/ingest/{id}/batches", func(w http.ResponseWriter, r *http.Request, body []byte) {
		o.jobs[r.PathValue("id")].table, _ = csv.NewReader(strings.NewReader(string(body))).ReadAll() //nolint:errcheck // an empty table is seen
		w.WriteHeader(http.StatusCreated)
	})
	handle("PATCH /jobs/ingest/{id}", func(w http.ResponseWriter, r *http.Request, _ []byte) {
		o.work(o.jobs[r.PathValue("id")])
		reply(w, http.StatusOK, map[string]any{})
	})
	handle("GET /jobs/ingest/{id}", func(w http.ResponseWriter, r *http.Request, _ []byte) {
		j := o.jobs[r.PathValue("id")]
		reply(w, http.StatusOK, map[string]any{"id": r.PathValue("id"), "state": map[bool]string{true: "JobComplete", false: "Open"}[j.done], "numberRecordsFailed": len(j.failed)})
	})
	handle("GET /jobs/ingest/{id}/failedResults", func(w http.ResponseWriter, r *http.Request, _ []byte) {
		j := o.jobs[r.PathValue("id")]
		out := csv.NewWriter(w)
		out.Write(append([]string{"sf__Id", "sf__Error"}, j.table[0]...)) //nolint:errcheck // the client sees
		out.WriteAll(j.failed)                                            //nolint:errcheck // the client sees
	})
	o.serveBatches(handle)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}

// serveBatches serves the first version of the Bulk API, whose answers are XML and whose results are in order.
func (o *org) serveBatches(handle func(pattern string, do func(w http.ResponseWriter, r *http.Request, body []byte))) {
	const open = `<?xml version="1.0"?><%s xmlns="http://www.force.com/2009/06/asyncapi/dataload"><id>%s</id><state>%s</state></%[1]s>`
	checked := func(pattern string, do func(w http.ResponseWriter, r *http.Request, body []byte)) {
		handle(pattern, func(w http.ResponseWriter, r *http.Request, body []byte) {
			if r.Header.Get("X-SFDC-Session") != "access-token" {
				w.WriteHeader(http.StatusBadRequest)
				fmt.Fprint(w, `<error xmlns="http://www.force.com/2009/06/asyncapi/dataload"><exceptionCode>InvalidSessionId</exceptionCode><exceptionMessage>Invalid session id</exceptionMessage></error>`)
				return
			}
			do(w, r, body)
		})
	}
	checked("POST "+async+"/job", func(w http.ResponseWriter, _ *http.Request, body []byte) {
		var ask jobInfo
		if err := xml.Unmarshal(body, &ask); err != nil || ask.Content != "CSV" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		id := "750" + strconv.Itoa(len(o.jobs))
		o.jobs[id] = &stored{operation: ask.Operation}
		w.WriteHeader(http.StatusCreated)
		fmt.Fprintf(w, open, "jobInfo", id, "Open")
	})
	checked("POST "+async+"/job/{id}", func(w http.ResponseWriter, r *http.Request, _ []byte) {
		fmt.Fprintf(w, open, "jobInfo", r.PathValue("id"), "Closed")
	})
	checked("POST "+async+"/job/{id}/batch", func(w http.ResponseWriter, r *http.Request, body []byte) {
		j := o.jobs[r.PathValue("id")]
		j.table, _ = csv.NewReader(strings.NewReader(string(body))).ReadAll() //nolint:errcheck // an empty table is seen
		o.work(j)
		w.WriteHeader(http.StatusCreated)
		fmt.Fprintf(w, open, "batchInfo", "751A", "Queued")
	})
	checked("GET "+async+"/job/{id}/batch/751A", func(w http.ResponseWriter, _ *http.Request, _ []byte) {
		fmt.Fprintf(w, open, "batchInfo", "751A", batchDone)
	})
	checked("GET "+async+"/job/{id}/batch/751A/result", func(w http.ResponseWriter, r *http.Request, _ []byte) {
		fmt.Fprintln(w, `"Id","Success","Created","Error"`)
		for _, result := range o.jobs[r.PathValue("id")].results {
			fmt.Fprintf(w, "\"\",\"%t\",\"false\",%q\n", result == "", result)
		}
	})
}

func reply(w http.ResponseWriter, status int, body any) {
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(body) //nolint:errcheck // the client sees
}

var literals = regexp.MustCompile(`'((?:[^'\\]|\\.)*)'`)

// longestAddress is how long an address may be.
const longestAddress = 16_384

func (o *org) query(w http.ResponseWriter, r *http.Request, _ []byte) {
	if len(r.RequestURI) > longestAddress {
		reply(w, http.StatusRequestURITooLong, []any{map[string]any{"errorCode": "URI_TOO_LONG", "message": "the address is too long"}})
		return
	}
	records := []any{}
	for _, m := range literals.FindAllStringSubmatch(r.FormValue("q"), -1) {
		for _, rec := range o.records {
			if rec["id"].String() == m[1] {
				records = append(records, map[string]value.Value{"Id": rec["Id"], "id": rec["id"]})
			}
		}
	}
	reply(w, http.StatusOK, map[string]any{"records": records})
}

// save writes one record, or says that it cannot.
func (o *org) save(fields map[string]value.Value) bool {
	if fields["value"].String() == "bad" {
		return false
	}
	for _, rec := range o.records {
		if id, told := fields["Id"]; told && rec["Id"].Equal(id) || !told && rec["id"].Equal(fields["id"]) {
			maps.Copy(rec, fields)
			return true
		}
	}
	fields["Id"] = value.OfText("a00" + strconv.Itoa(len(o.records)))
	o.records = append(o.records, fields)
	return true
}

func (o *org) collection(w http.ResponseWriter, _ *http.Request, body []byte) {
	var ask struct {
		Records []map[string]value.Value `json:"records"`
	}
	if err := json.Unmarshal(body, &ask); err != nil {
		reply(w, http.StatusBadRequest, []any{map[string]any{"errorCode": "JSON_PARSER_ERROR", "message": err.Error()}})
		return
	}
	answers := []saved{}
	for _, fields := range ask.Records {
		delete(fields, "attributes")
		a := saved{Success: o.save(fields)}
		if !a.Success {
			a.Errors = []refusal{{Code: "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", Message: "bad value for restricted picklist field"}}
		}
		answers = append(answers, a)
	}
	reply(w, http.StatusOK, answers)
}

func (o *org) drop(id string) {
	o.records = slices.DeleteFunc(o.records, func(rec map[string]value.Value) bool { return rec["Id"].String() == id })
}

func (o *org) remove(w http.ResponseWriter, r *http.Request, _ []byte) {
	answers := []saved{}
	for id := range strings.SplitSeq(r.FormValue("ids"), ",") {
		o.drop(id)
		answers = append(answers, saved{ID: id, Success: true})
	}
	reply(w, http.StatusOK, answers)
}

func (o *org) open(w http.ResponseWriter, _ *http.Request, body []byte) {
	var ask struct {
		Operation string `json:"operation"`
	}
	if err := json.Unmarshal(body, &ask); err != nil {
		reply(w, http.StatusBadRequest, []any{})
		return
	}
	id := "750" + strconv.Itoa(len(o.jobs))
	o.jobs[id] = &stored{operation: ask.Operation}
	reply(w, http.StatusOK, map[string]any{"id": id, "state": "Open"})
}

// work does what a job is about, its last line first.
func (o *org) work(j *stored) {
	j.done = true
	j.results = make([]string, len(j.table)-1)
	for i := len(j.table) - 1; i > 0; i-- {
		line := j.table[i]
		if j.operation == opDelete {
			o.drop(line[0])
			continue
		}
		fields := map[string]value.Value{}
		for c, cell := range line {
			switch cell {
			case "":
			case empties:
				fields[j.table[0][c]] = value.Value{}
			default:
				fields[j.table[0][c]] = value.OfText(cell)
			}
		}
		if !o.save(fields) {
			j.results[i-1] = "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST:bad value for restricted picklist field:value --"
			j.failed = append(j.failed, append([]string{"", j.results[i-1]}, line...))
		}
	}
}

func (o *org) read(*testing.T) (all []destinationtest.Record) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, rec := range o.records {
		found := destinationtest.Record{"id": rec["id"]}
		if v, there := rec["value"]; there {
			found["value"] = v
		}
		all = append(all, found)
	}
	return all
}

func settings(secret, address string) connector.Settings {
	return connector.Settings{"method": "client", "consumerKey": "key", "consumerSecret": secret, "baseUrl": address}
}

func syncJob(t *testing.T, info connector.DestinationInfo, api string, columns []connector.TargetColumn) connector.SyncJob {
	t.Helper()
	kind, err := info.SyncType("objects")
	if err != nil {
		t.Fatal(err)
	}
	return connector.SyncJob{
		Type: "objects", Mode: connector.ModeUpsert, Delete: connector.DeleteRecord, Columns: columns,
		Match:    []connector.MatchPair{{From: "id", To: "id"}},
		Settings: connector.Settings{"object": "Thing__c", "api": api}.WithDefaults(kind.Fields),
	}
}

// A look-up of many long values is parted, since an address has a longest length.
//
// Req: SY-21
func TestLongLookup(t *testing.T) {
	t.Parallel()
	info := manifested(t)
	o := &org{}
	d, err := info.Open(connector.DestinationOptions{Settings: settings(consumerSecret, o.serve(t))})
	if err != nil {
		t.Fatal(err)
	}
	columns := []connector.TargetColumn{{Name: "id", From: "id"}, {Name: "value", From: "value"}}
	work := syncJob(t, info, "rest", columns)
	s, err := d.Begin(t.Context(), work)
	if err != nil {
		t.Fatal(err)
	}
	b := &connector.Batch{Operation: connector.Added}
	for i := range collection {
		b.Rows = append(b.Rows, destinationtest.Row(work, strings.Repeat("long ", 30)+strconv.Itoa(i), value.OfText("x")))
	}
	for range 2 { // what was made is found again
		if res, err := s.Write(t.Context(), b); err != nil || len(res.Rejected) > 0 {
			t.Fatalf("%v, %v", res, err)
		}
	}
	if got := len(o.read(t)); got != collection {
		t.Errorf("there are %d records, want %d", got, collection)
	}
}

// Records arrive as they were sent: by an external id and by another field, through requests and through jobs.
//
// Req: FLD-32, SY-15, SY-18, SY-21, SY-74
func TestConformance(t *testing.T) {
	t.Parallel()
	info := manifested(t)
	for _, c := range []struct {
		name, api string
		external  bool
	}{{"requests", "rest", true}, {"looked up", "rest", false}, {"jobs", apiJobs, true}, {"batches", apiBatches, true}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			bad := &org{}
			destinationtest.Run(t, destinationtest.Fixture{
				Info: info, Removes: true,
				Target: func(t *testing.T, columns []connector.TargetColumn) destinationtest.Target {
					t.Helper()
					o := &org{external: c.external}
					return destinationtest.Target{Settings: settings(consumerSecret, o.serve(t)), Job: syncJob(t, info, c.api, columns), Read: o.read}
				},
				Failing: []destinationtest.Failing{{
					Name: "wrong secret", Settings: settings("another-secret", bad.serve(t)), Code: fault.CodeDestinationAuth, Says: "the app is not known",
				}},
				Invalid: []destinationtest.Invalid{{
					Name: "upsert by Salesforce's id", Edit: func(job *connector.SyncJob) { job.Match[0].To = "Id" }, Paths: []string{"spec.settings"},
				}},
				Arrival: func(col connector.TargetColumn, v value.Value) destinationtest.Arrival { return arrival(c.api, col, v) },
				Refused: []destinationtest.Refused{{
					Name: "bad value", Column: connector.TargetColumn{Name: "value", From: "value", Type: value.TypeString},
					Value: value.OfText("bad"), Says: "bad value for restricted picklist field",
				}},
			})
		})
	}
}

// The first version of the Bulk API wants the access token in a header of its own, which no log shows.
//
// Req: SY-74
func TestBatchKeepsTokenSecret(t *testing.T) {
	t.Parallel()
	info := manifested(t)
	o := &org{external: true}
	d, err := info.Open(connector.DestinationOptions{Settings: settings(consumerSecret, o.serve(t))})
	if err != nil {
		t.Fatal(err)
	}
	work := syncJob(t, info, apiBatches, []connector.TargetColumn{{Name: "id", From: "id"}, {Name: "value", From: "value"}})
	s, err := d.Begin(t.Context(), work)
	if err != nil {
		t.Fatal(err)
	}
	b := &connector.Batch{Operation: connector.Added, Rows: []connector.Row{destinationtest.Row(work, "1", value.OfText("x"))}}
	if res, err := s.Write(t.Context(), b); err != nil || len(res.Rejected) > 0 || len(b.Exchanges) != 5 {
		t.Errorf("%v after %d requests: %v", res, len(b.Exchanges), err)
	}
	for _, x := range b.Exchanges {
		for _, h := range x.RequestHeaders {
			if h.Name == "X-Sfdc-Session" && h.Value != httpx.Hidden || strings.Contains(h.Value, "access-token") {
				t.Errorf("the log has %s: %s", h.Name, h.Value)
			}
		}
	}
}

// arrival is what becomes of a value: requests keep its kind, and jobs have texts, of which an empty one is null.
func arrival(api string, c connector.TargetColumn, v value.Value) destinationtest.Arrival {
	switch {
	case v.IsNull() && c.Omit:
		return destinationtest.Arrival{Absent: true}
	case v.IsNull():
		return destinationtest.As(v)
	case api != "rest" && text(v) == "":
		return destinationtest.As(value.Value{})
	case api != "rest":
		return destinationtest.As(value.OfText(strings.ReplaceAll(text(v), "\r\n", "\n"))) // as a reader of such tables has it
	case v.Kind() == value.List:
		return destinationtest.As(value.OfText(text(v)))
	}
	sent, err := value.ParseJSON(string(v.AppendJSON(nil)))
	if err != nil {
		return destinationtest.Arrival{Skip: true}
	}
	return destinationtest.As(sent)
}
