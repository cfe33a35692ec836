// Package manifest reads what dbt writes down of a project, manifest.json, as a stream: a project's manifest may have
// hundreds of megabytes. It knows the models and the analyses, and passes over everything else.
//
// https://docs.getdbt.com/reference/artifacts/manifest-json names the versions of the format and the keys.
package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/millrace/millrace/internal/fault"
)

// oldest is the first version of the format whose code is called compiled_code: that of dbt 1.3.
const oldest = 7

// The kinds of nodes that a model can be made of.
const (
	TypeModel    = "model"
	TypeAnalysis = "analysis"
)

// Metadata is what a manifest says of itself.
type Metadata struct {
	Version     int       // of the format; that of dbt Fusion, 20, has the same nodes as 12
	DBT         string    // dbt's own version
	Adapter     string    // the kind of warehouse that the code was compiled for, such as snowflake
	Project     string    // the project's name
	GeneratedAt time.Time // zero where it does not say
}

// Node is a model or an analysis.
type Node struct {
	ID           string   `json:"id"` // unique, such as model.shop.customers
	Type         string   `json:"type"`
	Name         string   `json:"name"`
	Package      string   `json:"package"`
	Version      string   `json:"version,omitempty"` // of a model with versions
	Path         string   `json:"path"`              // of its file, in the project's folder
	Description  string   `json:"description,omitempty"`
	Database     string   `json:"database,omitempty"`
	Schema       string   `json:"schema,omitempty"`
	Relation     string   `json:"relation,omitempty"` // the table or view as SQL names it; empty where there is none
	Materialized string   `json:"materialized,omitempty"`
	Language     string   `json:"language"` // sql or python
	Hooks        bool     `json:"hooks,omitempty"`
	Code         string   `json:"-"` // compiled; empty where it was not compiled
	Columns      []Column `json:"-"` // sorted by their names
}

// Column is a column that the project describes.
type Column struct {
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	Type        string `json:"type,omitempty"` // as the project says
}

// Describe returns the description of a column. Warehouses change the case of names, so that it does not count.
func (n Node) Describe(column string) string {
	for _, c := range n.Columns {
		if strings.EqualFold(c.Name, column) {
			return c.Description
		}
	}
	return ""
}

// Read calls take for each model and analysis of a manifest, in the order in which they stand.
func Read(r io.Reader, take func(Node) error) (Metadata, error) {
	d := &reader{json: json.NewDecoder(r), take: take}
	if err := d.object(d.top); err != nil {
		return d.meta, explained(err, d.json.InputOffset())
	}
	if d.meta.Version == 0 {
		return d.meta, bad("this is no manifest of dbt: it has no metadata.dbt_schema_version").WithSuggestion(suggestFile)
	}
	if !d.nodes {
		return d.meta, bad("the manifest has no nodes").WithSuggestion(suggestFile)
	}
	return d.meta, nil
}

const suggestFile = "Take the file manifest.json from the folder target of the dbt project, after dbt compile, dbt build or dbt run."

func bad(format string, args ...any) *fault.Error {
	return fault.New(fault.CodeDBTManifest, format, args...)
}

// explained tells a file that is not JSON from what take and the network say.
func explained(err error, offset int64) error {
	var syntax *json.SyntaxError
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, errShape):
		return bad("the manifest cannot be read beyond byte %d: %v", offset, err).WithSuggestion(suggestFile)
	case errors.As(err, &wrong):
		return bad("the manifest has %s where %s belongs, in %q before byte %d", wrong.Value, wrong.Type, wrong.Field, offset).WithSuggestion(suggestFile)
	default:
		return err
	}
}

var errShape = errors.New("an object is expected")

// reader goes through one manifest.
type reader struct {
	json  *json.Decoder
	take  func(Node) error
	meta  Metadata
	nodes bool
}

// object calls f at the value of each member of the object that comes next. f reads the value.
func (d *reader) object(f func(name string) error) error {
	t, err := d.json.Token()
	if err != nil {
		return err
	}
	if t == nil {
		return nil
	}
	if t != json.Delim('{') {
		return errShape
	}
	for d.json.More() {
		name, err := d.json.Token()
		if err != nil {
			return err
		}
		if err := f(fmt.Sprint(name)); err != nil {
			return err
		}
	}
	_, err = d.json.Token()
	return err
}

func (d *reader) top(name string) error {
	switch name {
	case "metadata":
		return d.metadata()
	case "nodes":
		d.nodes = true
		return d.object(d.node)
	default:
		return d.skip()
	}
}

// skip passes over a value, member by member: one of them may be larger than memory is meant to be.
func (d *reader) skip() error {
	t, err := d.json.Token()
	if err != nil {
		return err
	}
	delim, nested := t.(json.Delim)
	if !nested {
		return nil
	}
	for d.json.More() {
		if delim == '{' {
			if _, err := d.json.Token(); err != nil {
				return err
			}
		}
		var member json.RawMessage
		if err := d.json.Decode(&member); err != nil {
			return err
		}
	}
	_, err = d.json.Token()
	return err
}

// schemaName finds kind and version in the address of a schema.
var schemaName = regexp.MustCompile(`/dbt/([a-z_-]+)/v([0-9]+)(?:\.json|/)`)

func (d *reader) metadata() error {
	var m struct {
		Schema    string `json:"dbt_schema_version"`
		DBT       string `json:"dbt_version"`
		Adapter   string `json:"adapter_type"`
		Project   string `json:"project_name"`
		Generated string `json:"generated_at"`
	}
	if err := d.json.Decode(&m); err != nil {
		return err
	}
	found := schemaName.FindStringSubmatch(m.Schema)
	switch {
	case m.Schema == "":
		return nil // reported at the end
	case found == nil:
		return bad("the manifest's format %q is not one of dbt's", m.Schema).WithSuggestion(suggestFile)
	case found[1] != "manifest":
		return bad("this is dbt's file %s, not its manifest", strings.ReplaceAll(found[1], "-", "_")+".json").WithSuggestion(suggestFile)
	}
	d.meta = Metadata{DBT: m.DBT, Adapter: m.Adapter, Project: m.Project}
	d.meta.Version, _ = strconv.Atoi(found[2])                        //nolint:errcheck // digits; a number that is too large is no version
	d.meta.GeneratedAt, _ = time.Parse(time.RFC3339Nano, m.Generated) //nolint:errcheck // it only informs
	if d.meta.Version < oldest {
		return bad("the manifest has version %d of the format, which dbt older than 1.3 writes", d.meta.Version).
			WithSuggestion("Compile the project with dbt 1.3 or newer.")
	}
	return nil
}

// rawNode is what of a node is read.
type rawNode struct {
	ResourceType string               `json:"resource_type"`
	UniqueID     string               `json:"unique_id"`
	Name         string               `json:"name"`
	Package      string               `json:"package_name"`
	Version      json.RawMessage      `json:"version"` // a number or a text
	Path         string               `json:"original_file_path"`
	Description  string               `json:"description"`
	Database     string               `json:"database"`
	Schema       string               `json:"schema"`
	Relation     string               `json:"relation_name"`
	Language     string               `json:"language"`
	Code         string               `json:"compiled_code"`
	Columns      map[string]rawColumn `json:"columns"`
	Config       struct {
		Materialized string          `json:"materialized"`
		PreHook      json.RawMessage `json:"pre-hook"`
		PostHook     json.RawMessage `json:"post-hook"`
	} `json:"config"`
}

type rawColumn struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	Type        string `json:"data_type"`
}

func (d *reader) node(id string) error {
	kind, _, _ := strings.Cut(id, ".")
	if kind != TypeModel && kind != TypeAnalysis { // tests, seeds, snapshots and operations: most of a large project
		var passed json.RawMessage
		return d.json.Decode(&passed)
	}
	var raw rawNode
	if err := d.json.Decode(&raw); err != nil {
		return err
	}
	return d.take(raw.node(id, kind))
}

func (raw rawNode) node(id, kind string) Node {
	n := Node{
		ID: clean(id), Type: kind, Name: clean(raw.Name), Package: clean(raw.Package), Version: clean(raw.version()), Path: clean(raw.Path),
		Description: clean(raw.Description), Database: clean(raw.Database), Schema: clean(raw.Schema), Relation: clean(raw.Relation),
		Materialized: clean(raw.Config.Materialized), Language: clean(raw.Language), Hooks: some(raw.Config.PreHook) || some(raw.Config.PostHook),
		Code: clean(raw.Code), Columns: []Column{},
	}
	if n.Name == "" {
		n.Name = n.ID[strings.LastIndexByte(n.ID, '.')+1:]
	}
	if n.Language == "" {
		n.Language = LanguageSQL
	}
	if kind == TypeAnalysis {
		n.Relation, n.Materialized = "", "" // dbt never makes a table of one
	}
	for name, c := range raw.Columns {
		if c.Name != "" {
			name = c.Name
		}
		n.Columns = append(n.Columns, Column{Name: clean(name), Description: clean(c.Description), Type: clean(c.Type)})
	}
	slices.SortFunc(n.Columns, func(a, b Column) int { return strings.Compare(a.Name, b.Name) })
	return n
}

func (raw rawNode) version() string {
	if !some(raw.Version) {
		return ""
	}
	return strings.Trim(string(raw.Version), `"`)
}

// some reports whether a value is there, and is no empty list.
func some(v json.RawMessage) bool {
	return len(v) > 0 && !bytes.Equal(v, []byte("null")) && !bytes.Equal(v, []byte("[]"))
}

// clean removes what no database keeps in a text.
func clean(s string) string { return strings.ReplaceAll(s, "\x00", "") }
