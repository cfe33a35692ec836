package bigquery

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/millrace/millrace/internal/fault"
	rest "google.golang.org/api/bigquery/v2"
	"google.golang.org/api/googleapi"
)

// catalog is an Iceberg REST catalogue:
// https://github.com/apache/iceberg/blob/main/open-api/rest-catalog-open-api.yaml
type catalog struct {
	source  *Source
	address string
}

// icebergRef names a table of a catalogue.
type icebergRef struct {
	Namespace []string `json:"namespace"`
	Name      string   `json:"name"`
}

// get asks for a part of the catalogue. Google bills the project that the header names.
func (c catalog) get(ctx context.Context, path string, ask url.Values, into any) error {
	_, err := retried(ctx, c.source, func() (struct{}, error) {
		return struct{}{}, c.once(ctx, path, ask, into)
	})
	return err
}

func (c catalog) once(ctx context.Context, path string, ask url.Values, into any) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.address+path+"?"+ask.Encode(), http.NoBody)
	if err != nil {
		return err
	}
	r.Header.Set("x-goog-user-project", c.source.settings.Project)
	answer, err := c.source.client.http.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close() //nolint:errcheck // read to its end
	if err := googleapi.CheckResponse(answer); err != nil {
		return err
	}
	if err := json.NewDecoder(answer.Body).Decode(into); err != nil {
		return fmt.Errorf("reading the answer of the Iceberg catalogue: %w", err)
	}
	return nil
}

// prefix is what the paths of a warehouse's catalogue begin with.
func (c catalog) prefix(ctx context.Context, warehouse string) (string, error) {
	var config struct {
		Overrides map[string]string `json:"overrides"`
		Defaults  map[string]string `json:"defaults"`
	}
	err := c.get(ctx, "/v1/config", url.Values{"warehouse": {strings.TrimRight(warehouse, "/")}}, &config)
	if missing(err) {
		return "", fault.Wrap(err, fault.CodeSourceQuery, "looking for the catalogue of %s", warehouse).
			WithSuggestion("Check the bucket's name in the Iceberg catalog warehouse URI.")
	}
	if err != nil {
		return "", err
	}
	prefix := config.Overrides["prefix"]
	if prefix == "" {
		prefix = config.Defaults["prefix"]
	}
	if prefix == "" {
		return "", fault.New(fault.CodeSourceQuery, "the Iceberg catalogue of %s did not say where its tables are", warehouse).
			WithSuggestion("Check the bucket's name in the Iceberg catalog warehouse URI.")
	}
	return prefix, nil
}

func (c catalog) namespaces(ctx context.Context, prefix string) ([][]string, error) {
	var all [][]string
	ask := url.Values{}
	for {
		var page struct {
			Namespaces [][]string `json:"namespaces"`
			Next       string     `json:"next-page-token"`
		}
		if err := c.get(ctx, "/v1/"+prefix+"/namespaces", ask, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Namespaces...)
		if page.Next == "" {
			return all, nil
		}
		ask.Set("pageToken", page.Next)
	}
}

// pathOf is a namespace in a path: its parts stand apart by a control character.
func pathOf(namespace []string) string { return url.PathEscape(strings.Join(namespace, "\x1f")) }

func (c catalog) tables(ctx context.Context, prefix string, namespace []string) ([]icebergRef, error) {
	var all []icebergRef
	ask := url.Values{}
	for {
		var page struct {
			Identifiers []icebergRef `json:"identifiers"`
			Next        string       `json:"next-page-token"`
		}
		if err := c.get(ctx, "/v1/"+prefix+"/namespaces/"+pathOf(namespace)+"/tables", ask, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Identifiers...)
		if page.Next == "" {
			return all, nil
		}
		ask.Set("pageToken", page.Next)
	}
}

// icebergField is a column of a table, or a field of a struct: https://iceberg.apache.org/spec/#schemas
type icebergField struct {
	Name     string          `json:"name"`
	Required bool            `json:"required"`
	Type     json.RawMessage `json:"type"`
	Doc      string          `json:"doc"`
}

// columns are those of the table's current schema, as BigQuery reads them.
func (c catalog) columns(ctx context.Context, prefix string, ref icebergRef) ([]*rest.TableFieldSchema, error) {
	var table struct {
		Metadata struct {
			Current int `json:"current-schema-id"`
			Schemas []struct {
				ID     int            `json:"schema-id"`
				Fields []icebergField `json:"fields"`
			} `json:"schemas"`
		} `json:"metadata"`
	}
	if err := c.get(ctx, "/v1/"+prefix+"/namespaces/"+pathOf(ref.Namespace)+"/tables/"+url.PathEscape(ref.Name), url.Values{}, &table); err != nil {
		return nil, err
	}
	for _, s := range table.Metadata.Schemas {
		if s.ID == table.Metadata.Current {
			return icebergFields(s.Fields), nil
		}
	}
	return nil, nil
}

func icebergFields(fields []icebergField) []*rest.TableFieldSchema {
	all := make([]*rest.TableFieldSchema, len(fields))
	for i, f := range fields {
		all[i] = icebergType(f.Type)
		all[i].Name, all[i].Description = f.Name, f.Doc
		if f.Required && all[i].Mode == "" {
			all[i].Mode = "REQUIRED"
		}
	}
	return all
}

// icebergTypes: https://cloud.google.com/bigquery/docs/iceberg-external-tables#data_mapping
var icebergTypes = map[string]string{
	"boolean": typeBool, "int": typeInt64, "long": typeInt64, "float": typeFloat64, "double": typeFloat64, "date": typeDate, "time": typeTime,
	"timestamp": typeDatetime, "timestamptz": typeTimestamp, "string": typeString, "uuid": typeBytes, "binary": typeBytes,
}

// icebergType is a type of Iceberg as BigQuery reads it; one that it does not know keeps its name.
func icebergType(raw json.RawMessage) *rest.TableFieldSchema {
	var name string
	if json.Unmarshal(raw, &name) == nil {
		return icebergScalar(name)
	}
	var nested struct {
		Type    string          `json:"type"`
		Fields  []icebergField  `json:"fields"`
		Element json.RawMessage `json:"element"`
		Key     json.RawMessage `json:"key"`
		Value   json.RawMessage `json:"value"`
	}
	if json.Unmarshal(raw, &nested) != nil {
		return &rest.TableFieldSchema{Type: "UNKNOWN"}
	}
	switch nested.Type {
	case "struct":
		return &rest.TableFieldSchema{Type: typeStruct, Fields: icebergFields(nested.Fields)}
	case "list":
		item := icebergType(nested.Element)
		if item.Mode == modeRepeated {
			return &rest.TableFieldSchema{Type: "LIST OF LISTS"}
		}
		item.Mode = modeRepeated
		return item
	case "map":
		pair := []icebergField{{Name: "key", Type: nested.Key}, {Name: "value", Type: nested.Value}}
		return &rest.TableFieldSchema{Type: typeStruct, Mode: modeRepeated, Fields: icebergFields(pair)}
	default:
		return &rest.TableFieldSchema{Type: strings.ToUpper(nested.Type)}
	}
}

func icebergScalar(name string) *rest.TableFieldSchema {
	if known, ok := icebergTypes[name]; ok {
		return &rest.TableFieldSchema{Type: known}
	}
	if strings.HasPrefix(name, "fixed[") {
		return &rest.TableFieldSchema{Type: typeBytes}
	}
	var precision, scale int64
	if n, err := fmt.Sscanf(strings.ReplaceAll(name, " ", ""), "decimal(%d,%d)", &precision, &scale); err == nil && n == 2 {
		f := &rest.TableFieldSchema{Type: typeNumeric, Precision: precision, Scale: scale}
		if precision-scale > numericWhole || scale > numericScale {
			f.Type = typeBigNumeric
		}
		return f
	}
	return &rest.TableFieldSchema{Type: strings.ToUpper(name)}
}
