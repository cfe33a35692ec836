package sfmc_test

import (
	"encoding/csv"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/millrace/millrace/internal/connector/destinationtest"
	"github.com/millrace/millrace/internal/connector/sftpserver/sftptest"
)

// cloud stands in for Marketing Cloud: it makes data extensions, and imports files from a place into them.
type cloud struct {
	t     *testing.T
	url   string
	wsdl  *wsdl
	fetch func(name string) (io.ReadCloser, error) // a file of the location

	mu          sync.Mutex
	extensions  map[string]map[string]map[string]string // rows by what they are found by, by the key
	rows        map[string]destinationtest.Record       // of the data extension people, by the REST API; nil where nobody looks
	fields      map[string][]string
	definitions map[string]*tree
	imports     []summary
	actions     []string // what was asked, by kind
	automation  []string // what an automation's status will be, one answer after another
	notices     []string
}

// summary is what became of an import.
type summary struct{ errors, total int }

// bad is an email address that no data extension takes.
const bad = "not-an-address"

func newCloud(t *testing.T) *cloud {
	t.Helper()
	c := &cloud{t: t, wsdl: readWSDL(t), extensions: map[string]map[string]map[string]string{}, fields: map[string][]string{}, definitions: map[string]*tree{}}
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	c.url = server.URL
	return c
}

func (c *cloud) did(action string) { c.actions = append(c.actions, action) }

func (c *cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch r.URL.Path {
	case "/v2/token":
		fmt.Fprint(w, `{"access_token":"at1","expires_in":1079}`)
	case "/Service.asmx":
		c.soap(w, r)
	default:
		c.did(r.Method + " " + r.URL.Path)
		if c.rows != nil && strings.Contains(r.URL.Path, "/rowset") {
			c.rowset(w, r)
			return
		}
		fmt.Fprint(w, `{}`)
	}
}

func (c *cloud) soap(w http.ResponseWriter, r *http.Request) {
	var doc tree
	if err := xml.NewDecoder(r.Body).Decode(&doc); err != nil {
		c.t.Errorf("the request is no XML: %v", err)
		return
	}
	if doc.text("Header", "fueloauth") != "at1" || r.Header.Get("SOAPAction") == "" {
		c.t.Error("the request has no token, or no action")
	}
	request := doc.at("Body").Nodes[0]
	if c.wsdl != nil {
		if err := c.wsdl.judge(request); err != nil {
			c.t.Errorf("the vendor's description: %v", err)
		}
	}
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	fmt.Fprintf(w, `<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>%s</soap:Body></soap:Envelope>`, c.answer(request))
}

func (c *cloud) answer(request *tree) string {
	switch request.XMLName.Local {
	case "RetrieveRequestMsg":
		kind := request.text("RetrieveRequest", "ObjectType")
		c.did("Retrieve " + kind)
		return c.found(kind, request.text("RetrieveRequest", "Filter", "Value"))
	case "PerformRequestMsg":
		what := request.at("Definitions", "Definition")
		c.did("Start " + what.attr("type"))
		return `<PerformResponseMsg><Results><Result>` + c.start(what) + `</Result></Results></PerformResponseMsg>`
	default:
		var b strings.Builder
		for _, o := range request.Nodes {
			if o.XMLName.Local == "Objects" {
				b.WriteString("<Results>" + c.change(strings.TrimSuffix(request.XMLName.Local, "Request"), o) + "</Results>")
			}
		}
		return "<Response>" + b.String() + "</Response>"
	}
}

const taken = `<StatusCode>OK</StatusCode><StatusMessage>done</StatusMessage>`

func refused(words string) string {
	return `<StatusCode>Error</StatusCode><StatusMessage>` + words + `</StatusMessage>`
}

// change makes, changes or deletes an object.
func (c *cloud) change(action string, o *tree) string {
	kind, key := o.attr("type"), o.text("CustomerKey")
	c.did(action + " " + kind)
	switch kind {
	case "DataExtension":
		if _, exists := c.extensions[key]; exists == (action == "Create") {
			return refused("the data extension exists, or does not")
		}
		if action == "Create" {
			c.extensions[key] = map[string]map[string]string{}
		}
		for _, f := range o.at("Fields").Nodes {
			c.fields[key] = append(c.fields[key], f.text("Name")+" "+f.text("FieldType"))
		}
	case "ImportDefinition":
		if _, exists := c.definitions[key]; exists == (action == "Create") {
			return refused("the definition exists, or does not")
		}
		if c.definitions[key] = o; action == "Delete" {
			delete(c.definitions, key)
		}
	case "DataExtensionObject":
		row := map[string]string{}
		for _, p := range slices.Concat(o.at("Keys").Nodes, o.at("Properties").Nodes) {
			row[p.text("Name")] = p.at("Value").Text
		}
		if !c.put(key, o.at("Keys", "Key").text("Value"), row) {
			return refused("Unable to save rows") + `<ValueErrors><ValueError><Name>Email</Name><ErrorCode>70007</ErrorCode><ErrorMessage>The value is no email address</ErrorMessage></ValueError></ValueErrors>`
		}
	}
	return taken
}

func (c *cloud) put(key, id string, row map[string]string) bool {
	if slices.Contains(slices.Collect(maps.Values(row)), bad) {
		return false
	}
	if c.extensions[key][id] == nil {
		c.extensions[key][id] = map[string]string{}
	}
	maps.Copy(c.extensions[key][id], row)
	return true
}

// start begins an import or an automation.
func (c *cloud) start(what *tree) string {
	if what.attr("type") == "Automation" {
		return taken
	}
	d := c.definitions[what.text("CustomerKey")]
	if d == nil {
		return refused("there is no such definition")
	}
	f, err := c.fetch(d.text("FileSpec"))
	if err != nil {
		return refused("The import instance could not be validated for the following reason(s): FileNotFound")
	}
	defer f.Close() //nolint:errcheck // a test's
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return refused(err.Error())
	}
	key := d.text("DestinationObject", "CustomerKey")
	if d.text("UpdateType") == "Overwrite" {
		c.extensions[key] = map[string]map[string]string{}
	}
	s := summary{total: len(rows) - 1}
	for _, cells := range rows[1:] {
		row := map[string]string{}
		for i, name := range rows[0] {
			row[name] = cells[i]
		}
		if !c.put(key, cells[0], row) {
			s.errors++
		}
	}
	c.notices = append(c.notices, d.text("Notification", "ResponseAddress"))
	c.imports = append(c.imports, s)
	return taken + fmt.Sprintf(`<Task><StatusCode>OK</StatusCode><ID>%d</ID></Task>`, len(c.imports))
}

// found lists objects.
func (c *cloud) found(kind, filter string) string {
	var results strings.Builder
	switch kind {
	case "ImportResultsSummary":
		var n int
		fmt.Sscan(filter, &n) //nolint:errcheck // a test's
		s := c.imports[n-1]
		fmt.Fprintf(&results, `<Results><ImportStatus>Completed</ImportStatus><NumberErrors>%d</NumberErrors><TotalRows>%d</TotalRows></Results>`, s.errors, s.total)
	case "Automation":
		status := c.automation[0]
		c.automation = c.automation[1:]
		results.WriteString(`<Results><Status>` + status + `</Status></Results>`)
	case "DataExtensionField":
		for _, f := range c.fields[filter] {
			name, _, _ := strings.Cut(f, " ")
			results.WriteString(`<Results><Name>` + name + `</Name></Results>`)
		}
	}
	return `<RetrieveResponseMsg><OverallStatus>OK</OverallStatus><RequestID>r</RequestID>` + results.String() + `</RetrieveResponseMsg>`
}

// site is the FTP site of an account.
type site struct{ *sftptest.Server }

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{sftptest.Start(t)}
	if err := os.Mkdir(filepath.Join(s.Root, "Import"), 0o755); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *site) files(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(s.Root, "Import"))
	if err != nil {
		t.Fatal(err)
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names
}
