package elasticsearch_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/millrace/millrace/internal/value"
)

// server answers as Elasticsearch's documents say: documents are merged, types are enforced, searches see what was there
// at the last refresh, and each action of a bulk request has an answer of its own.
type server struct {
	t    *testing.T
	spec *description
	URL  *url.URL
	http *httptest.Server

	mu      sync.Mutex
	about   string
	auth    string // the only Authorization that is let in; empty lets everybody in
	indices map[string]*index
	aliases map[string]string
	intrude func(w http.ResponseWriter, r *http.Request) bool // answers instead
	fail    func(action, id string) (status int, kind, reason string)
	bulks   int
}

type index struct {
	types   map[string]string
	docs    map[string]value.Value
	visible map[string]value.Value // what searches see
}

const aboutServer = `{"name":"n","cluster_name":"c","version":{"number":"8.19.3","build_flavor":"default"},"tagline":"You Know, for Search"}`

func newServer(t *testing.T) *server {
	t.Helper()
	s := &server{t: t, about: aboutServer, indices: map[string]*index{}, aliases: map[string]string{}, spec: describe(t)}
	s.http = httptest.NewServer(s)
	t.Cleanup(s.http.Close)
	s.URL = address(t, s.http.URL)
	return s
}

func address(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// create makes an index with fields of types: the name, a colon, the type.
func (s *server) create(name string, fields ...string) {
	i := &index{types: map[string]string{}, docs: map[string]value.Value{}, visible: map[string]value.Value{}}
	for _, f := range fields {
		name, kind, _ := strings.Cut(f, ":")
		i.types[name] = kind
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.indices[name] = i
}

// put makes a document that searches see.
func (s *server) put(name, id, source string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.indices[name]
	i.docs[id] = value.OfJSON(source).Parsed()
	i.visible[id] = i.docs[id]
}

// refresh lets searches see what was written.
func (s *server) refresh(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.indices[name]
	clear(i.visible)
	maps.Copy(i.visible, i.docs)
}

// sources returns the documents of an index by their _id, as JSON.
func (s *server) sources(name string) map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := map[string]string{}
	for id, d := range s.indices[name].docs {
		all[id] = string(d.AppendJSON(nil))
	}
	return all
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Elastic-Product", "Elasticsearch")
	if s.intrude != nil && s.intrude(w, r) {
		return
	}
	if s.auth != "" && r.Header.Get("Authorization") != s.auth {
		refuse(w, http.StatusUnauthorized, "security_exception", "missing authentication credentials for REST request ["+r.URL.Path+"]")
		return
	}
	s.spec.check(s.t, r, body)
	path := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	switch {
	case r.URL.Path == "/" || r.URL.Path == "":
		fmt.Fprint(w, s.about)
	case r.URL.Path == "/_cat/indices" && r.URL.Query().Get("format") == "json":
		s.cat(w)
	case r.URL.Path == "/_alias":
		s.listAliases(w)
	case len(path) == 2 && path[1] == "_mapping" && r.Method == http.MethodGet:
		s.mapping(w, path[0])
	case len(path) == 2 && path[1] == "_bulk" && r.Method == http.MethodPost:
		s.bulk(w, r, body)
	case len(path) == 2 && path[1] == "_msearch" && r.Method == http.MethodPost:
		s.msearch(w, path[0], r, body)
	default:
		refuse(w, http.StatusBadRequest, "illegal_argument_exception", "no handler found for uri ["+r.URL.Path+"] and method ["+r.Method+"]")
	}
}

func refuse(w http.ResponseWriter, status int, kind, reason string) {
	w.WriteHeader(status)
	send(w, map[string]any{"error": map[string]any{"root_cause": []any{}, "type": kind, "reason": reason}, "status": status})
}

func send(w io.Writer, v any) { _ = json.NewEncoder(w).Encode(v) } //nolint:errcheck // the client sees

func (s *server) resolve(name string) (string, *index) {
	if to, alias := s.aliases[name]; alias {
		name = to
	}
	return name, s.indices[name]
}

func (s *server) cat(w http.ResponseWriter) {
	rows := []any{}
	for _, name := range slices.Sorted(maps.Keys(s.indices)) {
		rows = append(rows, map[string]string{"index": name, "health": "green", "docs.count": strconv.Itoa(len(s.indices[name].docs))})
	}
	send(w, rows)
}

func (s *server) listAliases(w http.ResponseWriter) {
	all := map[string]any{}
	for name := range s.indices {
		of := map[string]any{}
		for alias, to := range s.aliases {
			if to == name {
				of[alias] = map[string]any{}
			}
		}
		all[name] = map[string]any{"aliases": of}
	}
	send(w, all)
}

func (s *server) mapping(w http.ResponseWriter, name string) {
	full, i := s.resolve(name)
	if i == nil {
		refuse(w, http.StatusNotFound, "index_not_found_exception", "no such index ["+name+"]")
		return
	}
	properties := map[string]any{}
	for field, kind := range i.types {
		at := properties
		path := strings.Split(field, ".")
		for _, part := range path[:len(path)-1] {
			object, known := at[part].(map[string]any)
			if !known {
				object = map[string]any{"properties": map[string]any{}}
				at[part] = object
			}
			at = object["properties"].(map[string]any)
		}
		at[path[len(path)-1]] = typeOf(kind)
	}
	send(w, map[string]any{full: map[string]any{"mappings": map[string]any{"properties": properties}}})
}

func typeOf(kind string) map[string]any {
	switch kind {
	case "text+keyword": // what a text becomes by itself
		return map[string]any{"type": "text", "fields": map[string]any{"keyword": map[string]any{"type": "keyword", "ignore_above": 256}}}
	case "text+english":
		return map[string]any{"type": "text", "fields": map[string]any{"english": map[string]any{"type": "text", "analyzer": "english"}}}
	case "disabled":
		return map[string]any{"type": "object", "enabled": false}
	default:
		return map[string]any{"type": kind}
	}
}

// lines reads lines of JSON, as the bulk API insists on them.
func lines(w http.ResponseWriter, r *http.Request, body []byte) ([]string, bool) {
	if kind := r.Header.Get("Content-Type"); kind != "application/x-ndjson" {
		refuse(w, http.StatusNotAcceptable, "media_type_header_exception", "Content-Type header ["+kind+"] is not supported")
		return nil, false
	}
	if !bytes.HasSuffix(body, []byte("\n")) {
		refuse(w, http.StatusBadRequest, "illegal_argument_exception", "The bulk request must be terminated by a newline [\\n]")
		return nil, false
	}
	var all []string
	scanner := bufio.NewScanner(bytes.NewReader(body))
	scanner.Buffer(nil, 64<<20)
	for scanner.Scan() {
		all = append(all, scanner.Text())
	}
	return all, true
}

type meta struct {
	Index   string `json:"_index"`
	ID      string `json:"_id"`
	Retries int    `json:"retry_on_conflict"`
}

func (s *server) bulk(w http.ResponseWriter, r *http.Request, body []byte) {
	all, ok := lines(w, r, body)
	if !ok {
		return
	}
	s.bulks++
	items := []any{}
	for n := 0; n < len(all); n++ {
		var action map[string]meta
		if err := json.Unmarshal([]byte(all[n]), &action); err != nil || len(action) != 1 {
			refuse(w, http.StatusBadRequest, "illegal_argument_exception", fmt.Sprintf("Malformed action/metadata line [%d]", n+1))
			return
		}
		for name, m := range action {
			source := ""
			if name != "delete" {
				n++
				source = all[n]
			}
			items = append(items, map[string]any{name: s.act(name, m, source)})
		}
	}
	send(w, map[string]any{"items": items})
}

func failure(status int, kind, reason, cause string) map[string]any {
	e := map[string]any{"type": kind, "reason": reason}
	if cause != "" {
		e["caused_by"] = map[string]any{"reason": cause}
	}
	return map[string]any{"status": status, "error": e}
}

func (s *server) act(name string, m meta, source string) map[string]any {
	if s.fail != nil {
		if status, kind, reason := s.fail(name, m.ID); status != 0 {
			return failure(status, kind, reason, "")
		}
	}
	_, i := s.resolve(m.Index)
	switch {
	case i == nil:
		return failure(http.StatusNotFound, "index_not_found_exception", "no such index ["+m.Index+"]", "")
	case len(m.ID) > 512 || m.ID == "":
		return failure(http.StatusBadRequest, "illegal_argument_exception", "id is too long, must be no longer than 512 bytes", "")
	}
	old, exists := i.docs[m.ID]
	if name == "delete" {
		if !exists {
			return map[string]any{"status": http.StatusNotFound}
		}
		delete(i.docs, m.ID)
		return map[string]any{"status": http.StatusOK}
	}
	request, err := value.ParseJSON(source)
	doc, found := request.Get("doc")
	if name != "update" || err != nil || !found {
		return failure(http.StatusBadRequest, "action_request_validation_exception", "script or doc is missing", "")
	}
	upsert, _ := request.Get("doc_as_upsert")
	if !exists && !upsert.Bool() {
		return failure(http.StatusNotFound, "document_missing_exception", "["+m.ID+"]: document missing", "")
	}
	if field, kind, cause := i.accept("", doc); field != "" {
		return failure(http.StatusBadRequest, "document_parsing_exception", fmt.Sprintf("[1:2] failed to parse field [%s] of type [%s] in document with id '%s'", field, kind, m.ID), cause)
	}
	i.docs[m.ID] = merge(old, doc)
	return map[string]any{"status": http.StatusOK}
}

// merge is the documented merge of a partial document: objects member by member, all else replaced.
func merge(old, doc value.Value) value.Value {
	if old.Kind() != value.Map || doc.Kind() != value.Map {
		return doc
	}
	var fields []value.Field
	for _, f := range old.Fields() {
		if v, has := doc.Get(f.Name); has {
			f.Value = merge(f.Value, v)
		}
		fields = append(fields, f)
	}
	for _, f := range doc.Fields() {
		if _, had := old.Get(f.Name); !had {
			fields = append(fields, f)
		}
	}
	return value.OfMap(fields)
}

var isoDate = regexp.MustCompile(`^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?)?$`)

// accept enforces the types of the fields, and detects those of new ones.
// https://www.elastic.co/docs/manage-data/data-store/mapping/dynamic-field-mapping
func (i *index) accept(prefix string, doc value.Value) (field, kind, cause string) {
	for _, f := range doc.Fields() {
		name := prefix + f.Name
		items := []value.Value{f.Value}
		if f.Value.Kind() == value.List && i.types[name] != "disabled" {
			items = f.Value.List()
		}
		for _, v := range items {
			if v.IsNull() || i.types[name] == "disabled" {
				continue
			}
			if v.Kind() == value.Map && i.types[name] == "" {
				if field, kind, cause := i.accept(name+".", v); field != "" {
					return field, kind, cause
				}
				continue
			}
			if i.types[name] == "" {
				i.types[name] = detect(v)
			}
			if cause := unfit(i.types[name], v); cause != "" {
				return name, i.types[name], cause
			}
		}
	}
	return "", "", ""
}

func detect(v value.Value) string {
	switch v.Kind() {
	case value.Bool:
		return "boolean"
	case value.Int:
		return "long"
	case value.Decimal, value.Float:
		return "float"
	}
	if isoDate.MatchString(v.String()) {
		return "date"
	}
	return "text+keyword"
}

func unfit(kind string, v value.Value) string {
	switch kind {
	case "long", "double", "float":
		if _, err := strconv.ParseFloat(v.String(), 64); err != nil {
			return `For input string: "` + v.String() + `"`
		}
	case "boolean":
		if text := v.String(); text != "true" && text != "false" && text != "" {
			return "Failed to parse value [" + text + "] as only [true] or [false] are allowed."
		}
	case "date":
		text := v.String()
		if _, err := time.Parse("2006-01-02", text[:min(10, len(text))]); v.Kind() != value.Int && (err != nil || !isoDate.MatchString(text)) {
			return "failed to parse date field [" + text + "] with format [strict_date_optional_time||epoch_millis]"
		}
	case "text", "text+keyword", "text+english", "keyword":
		if v.Kind() == value.Map {
			return "Can't get text on a START_OBJECT at 1:2"
		}
	}
	return ""
}

func (s *server) msearch(w http.ResponseWriter, name string, r *http.Request, body []byte) {
	all, ok := lines(w, r, body)
	if !ok {
		return
	}
	full, i := s.resolve(name)
	responses := []any{}
	for n := 1; n < len(all); n += 2 {
		var search struct {
			Size  int `json:"size"`
			Query struct {
				Term map[string]struct{ Value value.Value } `json:"term"`
			} `json:"query"`
		}
		if err := json.Unmarshal([]byte(all[n]), &search); err != nil || len(search.Query.Term) != 1 {
			refuse(w, http.StatusBadRequest, "parsing_exception", "unknown query")
			return
		}
		for field, q := range search.Query.Term {
			if s.fail != nil {
				if status, kind, reason := s.fail("search", q.Value.String()); status != 0 {
					responses = append(responses, failure(status, kind, reason, ""))
					continue
				}
			}
			var hits []any
			for _, id := range slices.Sorted(maps.Keys(i.visible)) {
				if i.holds(i.visible[id], field, q.Value) && len(hits) < search.Size {
					hits = append(hits, map[string]string{"_index": full, "_id": id})
				}
			}
			answer := map[string]any{"status": http.StatusOK, "_shards": map[string]int{"failed": 0}}
			if len(hits) > 0 { // filter_path leaves empty objects out
				answer["hits"] = map[string]any{"hits": hits}
			}
			responses = append(responses, answer)
		}
	}
	send(w, map[string]any{"responses": responses})
}

// holds is a term query: of a text it compares words in lower case, of a keyword the whole value.
func (i *index) holds(doc value.Value, field string, want value.Value) bool {
	whole := strings.TrimSuffix(field, ".keyword")
	v := doc
	for part := range strings.SplitSeq(whole, ".") {
		v, _ = v.Get(part)
	}
	if v.IsNull() {
		return false
	}
	if strings.HasPrefix(i.types[whole], "text") && whole == field {
		return slices.Contains(strings.Fields(strings.ToLower(v.String())), want.String())
	}
	return v.String() == want.String()
}
