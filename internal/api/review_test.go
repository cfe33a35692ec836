package api_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/millrace/millrace/internal/api"
	"github.com/millrace/millrace/internal/fault"
)

// rpcConnector is a connector that speaks JSON-RPC: it has the option channel, and says what is wrong with a sync.
type rpcConnector struct {
	*httptest.Server

	mu       sync.Mutex
	errors   string // of validate, as JSON
	seen     []string
	validate []string // the configurations that it was asked about
}

func newRPCConnector(t *testing.T) *rpcConnector {
	t.Helper()
	c := &rpcConnector{errors: "[]"}
	c.Server = httptest.NewServer(c)
	t.Cleanup(c.Close)
	return c
}

func (c *rpcConnector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var q struct {
		ID, Method string
		Params     struct{ Configuration json.RawMessage }
	}
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen = append(c.seen, q.Method)
	switch q.Method {
	case "list_options":
		fmt.Fprintf(w, `{"jsonrpc": "2.0", "id": %q, "result": {"options": {"schema": {"required": ["channel"], "properties": {"channel": {"type": "string"}}}}}}`, q.ID)
	case "validate":
		c.validate = append(c.validate, string(q.Params.Configuration))
		fmt.Fprintf(w, `{"jsonrpc": "2.0", "id": %q, "result": {"errors": %s}}`, q.ID, c.errors)
	default:
		fmt.Fprintf(w, `{"jsonrpc": "2.0", "id": %q, "error": {"code": -32601, "message": "Method not found"}}`, q.ID)
	}
}

func (c *rpcConnector) says(errs string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.errors = errs
}

// asked returns the configurations that the connector was asked about since the last time.
func (c *rpcConnector) asked() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	asked := c.validate
	c.validate = nil
	return asked
}

func ownSync(options string) object {
	return object{
		"model": "people", "destination": "own", "type": "rows", "mode": "trigger", "schedule": object{"type": "manual"}, "disabled": false,
		"mappings": []object{{"to": "mail", "from": "email"}}, "settings": object{"options": options},
	}
}

func ownDestination(url string) object {
	return object{"type": "custom", "configuration": object{"url": url}}
}

const refusals = `[{"field": "channel", "message": "there is no such channel"}, "mail and phone go together"]`

// What a connector has against a sync keeps the sync from being saved, where the connector says it is wrong.
//
// Req: FLD-03
func TestReview(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		c := newRPCConnector(t)
		w.furnish()
		w.ok("POST", "/api/destinations", document("own", "Own", ownDestination(c.URL)))

		c.says(refusals)
		bad := document("to-own", "To own", ownSync(`{"channel": "#general"}`))
		refused := func(a answer) {
			t.Helper()
			a.want(http.StatusUnprocessableEntity)
			a.lists("error.issues", "path", "spec.settings.options.channel", "spec.settings").lists("error.issues", "message", "there is no such channel", "mail and phone go together")
		}
		refused(w.send("POST", "/api/syncs", bad))
		w.send("GET", "/api/syncs/to-own", nil).want(http.StatusNotFound)
		w.send("POST", "/api/validate/syncs", bad).want(http.StatusOK).lists("issues", "path", "spec.settings.options.channel", "spec.settings")
		w.send("POST", "/api/v1/syncs", object{
			"slug": "to-own", "name": "To own", "modelId": w.send("GET", "/api/models/people", nil).id("metadata.id"), "destinationId": w.send("GET", "/api/destinations/own", nil).id("metadata.id"),
			"configuration": object{"mode": "trigger", "type": "rows", "mappings": []object{{"to": "mail", "from": "email"}}, "options": `{"channel": "#general"}`}, "schedule": nil, "disabled": false,
		}).want(http.StatusUnprocessableEntity)
		if got := c.asked(); len(got) == 0 || got[0] != `{"channel":"#general","customMappings":[{"from":"email","to":"mail"}],"identifierMapping":[],"mappings":[]}` {
			t.Errorf("it was asked about %q", got)
		}
		w.send("POST", "/api/syncs", document("to-own", "To own", ownSync(`{}`))).want(http.StatusUnprocessableEntity).has("error.path", "spec.settings.options.channel")
		w.send("POST", "/api/syncs", document("to-own", "To own", ownSync(`[`))).want(http.StatusUnprocessableEntity).has("error.path", "spec.settings.options")
		if got := c.asked(); got != nil {
			t.Errorf("it was asked about what is known to be wrong: %q", got)
		}

		c.says("[]")
		a := w.ok("POST", "/api/syncs", bad).want(http.StatusCreated)
		if a.at("warnings") != nil {
			t.Errorf("there are warnings: %s", a.body)
		}
		c.says(refusals)
		refused(w.send("PUT", "/api/syncs/to-own", document("to-own", "To own", ownSync(`{"channel": "#other"}`))))
	})
}

// A change that the connector never learns of is saved without asking: above all, a sync can always be stopped.
func TestReviewOfWhatIsSent(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		c := newRPCConnector(t)
		w.furnish()
		w.ok("POST", "/api/destinations", document("own", "Own", ownDestination(c.URL)))
		saved := ownSync(`{"channel": "#general"}`)
		w.ok("POST", "/api/syncs", document("to-own", "To own", saved))
		c.says(refusals)
		c.asked()
		saved["disabled"], saved["description"] = true, "stopped"
		saved["schedule"] = object{"type": "interval", "interval": object{"unit": "hour", "quantity": 1}}
		w.ok("PUT", "/api/syncs/to-own", document("to-own", "Another name", saved))
		w.ok("POST", "/api/syncs/to-own/enable", nil)
		w.ok("POST", "/api/apply", object{"documents": []object{withKind("sync", document("to-own", "To own", saved))}})
		if got := c.asked(); got != nil {
			t.Errorf("it was asked about %q", got)
		}
	})
}

func withKind(kind string, d object) object {
	d["kind"] = kind
	return d
}

// Documents that are applied together are asked about together; nothing is written where one is refused.
func TestReviewOfApplied(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		c := newRPCConnector(t)
		w.furnish()
		people := modelSpec()
		delete(people, "columns")
		to := ownSync(`{"channel": "#general"}`)
		to["model"] = "others"
		documents := []object{
			withKind("model", document("others", "Others", people)), withKind("destination", document("own", "Own", ownDestination(c.URL))), withKind("sync", document("to-own", "To own", to)),
		}
		for _, dry := range []bool{true, false} {
			c.says(refusals)
			w.send("POST", "/api/apply", object{"documents": documents, "dryRun": dry}).want(http.StatusUnprocessableEntity).
				lists("error.issues", "path", "sync to-own: spec.settings.options.channel", "sync to-own: spec.settings")
			w.send("GET", "/api/models/others", nil).want(http.StatusNotFound)
		}
		c.says("[]")
		c.asked()
		w.ok("POST", "/api/apply", object{"documents": documents}).lists("results", "action", "created", "created", "created").lists("results", "warnings", "<nil>", "<nil>", "<nil>")
		if got := c.asked(); len(got) != 1 {
			t.Errorf("it was asked about %q", got)
		}
		c.says(refusals)
		w.ok("POST", "/api/apply", object{"documents": documents}).lists("results", "action", "unchanged", "unchanged", "unchanged")
	})
}

// A connector that does not answer keeps nobody from saving; people are told that it was not asked.
func TestReviewUnasked(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.furnish()
		told := func(a answer, path string) {
			t.Helper()
			a.has(path+".code", fault.CodeDestinationUnreachable)
			if !strings.HasPrefix(a.text(path+".message"), "The destination could not be asked about the sync: ") || !strings.Contains(a.text(path+".suggestion"), "when a run begins") {
				t.Errorf("%s", a.body)
			}
		}
		gone := newRPCConnector(t)
		gone.Close()
		w.ok("POST", "/api/destinations", document("own", "Own", ownDestination(gone.URL)))
		draft := document("to-own", "To own", ownSync(`{"channel": "#general"}`))
		told(w.ok("POST", "/api/validate/syncs", draft), "warnings.0")
		told(w.ok("POST", "/api/syncs", draft), "warnings.0")
		told(w.ok("POST", "/api/apply", object{"documents": []object{withKind("sync", document("to-own", "To own", ownSync(`{"channel": "#other"}`)))}}), "results.0.warnings.0")

		over := make(chan struct{})
		silent := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-over }))
		t.Cleanup(silent.Close)
		t.Cleanup(func() { close(over) })
		w.ok("POST", "/api/destinations", document("silent", "Silent", ownDestination(silent.URL)))
		o := w.options
		o.Patience = time.Millisecond
		w.handler = api.New(o)
		spec := ownSync(`{}`)
		spec["destination"] = "silent"
		told(w.ok("POST", "/api/syncs", document("to-silent", "To silent", spec)), "warnings.0")
	})
}

// Every destination says what is wrong with a sync's settings by themselves. What is wrong with its own is told: it
// stands in another document.
func TestReviewBySettings(t *testing.T) {
	t.Parallel()
	each(t, func(_ *testing.T, w *world) {
		w.furnish()
		changed := syncSpec()
		changed["settings"] = object{"object": "person"}
		d := document("people-to-crm", "People to CRM", changed)
		w.target.check = fault.Issues{fault.New(fault.CodeInvalid, "no such object").WithPath("spec.settings.object")}
		w.send("PUT", "/api/syncs/people-to-crm", d).want(http.StatusUnprocessableEntity).has("error.path", "spec.settings.object").has("error.message", "no such object")
		w.target.check = errors.New("a mistake of the program") //nolint:err113 // no fault
		w.send("PUT", "/api/syncs/people-to-crm", d).want(http.StatusInternalServerError)
		w.target.check = fault.Issues{fault.New(fault.CodeInvalid, "no place").WithPath("spec.configuration.place")}
		w.ok("PUT", "/api/syncs/people-to-crm", d).has("warnings.0.message", "The destination could not be asked about the sync: no place")
	})
}
