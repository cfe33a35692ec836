package api_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/query"
)

// boxInfo is a source of the world whose models choose a file or a sheet.
func boxInfo(w *world) connector.SourceInfo {
	return connector.SourceInfo{
		Slug: "box", Name: "Box", Methods: []string{"file", "sheet"}, Engines: []string{"basic"}, Books: true,
		Files: &connector.FileRules{Extensions: []string{".csv"}, Newest: true},
		Open: func(o connector.SourceOptions) (connector.Source, error) {
			return &box{w.source.open(o).(*memorySource)}, nil
		},
	}
}

// box yields the rows of the memory source, and says in a comment which file or sheet was asked for.
type box struct{ *memorySource }

func (b *box) Query(ctx context.Context, q connector.Query) (array.RecordReader, error) {
	switch {
	case q.SQL != b.Dialect().SelectTable(query.TableRef{Name: "rows"}) && !strings.Contains(q.SQL, "count"):
		return nil, queryFailed("SQL " + q.SQL)
	case q.File != nil && q.File.Newest:
		b.said = map[string]string{"id": "newest of " + q.File.Path}
	case q.File != nil:
		b.said = map[string]string{"id": q.File.Path}
	case q.Sheet != nil:
		b.said = map[string]string{"id": q.Sheet.Workbook + " " + q.Sheet.Name}
	}
	return b.memorySource.Query(ctx, q)
}

func (b *box) ListFiles(_ context.Context, prefix string, limit int) ([]connector.FileEntry, bool, error) {
	if b.fail != nil {
		return nil, false, b.fail
	}
	return []connector.FileEntry{{Path: prefix + "a.csv", Size: int64(limit), Modified: time.Unix(0, 0).UTC()}}, true, nil
}

func (b *box) Workbooks(context.Context) ([]connector.Option, error) {
	return []connector.Option{{Value: "id 1", Label: "People.xlsx"}}, b.fail
}

func (b *box) Sheets(_ context.Context, workbook string) ([]string, error) {
	return []string{"First of " + workbook, "Second"}, b.fail
}

// Req: S-78, S-83, S-84
func TestChoices(t *testing.T) {
	t.Parallel()
	each(t, func(_ *testing.T, w *world) {
		w.furnish()
		w.ok("POST", "/api/sources", document("box", "Box", object{"type": "box", "configuration": object{}}))
		w.ok("GET", "/api/sources/box/files?prefix=exports/", nil).has("items.0.path", "exports/a.csv").has("items.0.size", 200).has("more", true).has("items.0.modified", "1970-01-01T00:00:00Z")
		w.ok("GET", "/api/sources/box/files?limit=5", nil).has("items.0.path", "a.csv").has("items.0.size", 5)
		w.send("GET", "/api/sources/box/files?limit=0", nil).want(422)
		w.ok("GET", "/api/sources/box/workbooks", nil).has("items.0.value", "id 1").has("items.0.label", "People.xlsx")
		w.ok("GET", "/api/sources/box/sheets?workbook=id+1", nil).has("items.0", "First of id 1").has("items.1", "Second")
		for _, list := range []string{"files", "workbooks", "sheets"} {
			w.send("GET", "/api/sources/shop/"+list, nil).want(422).has("error.code", "input.invalid")
			w.send("GET", "/api/sources/nobody/"+list, nil).want(404)
		}
		w.source.fail = queryFailed("it is closed")
		for _, list := range []string{"files", "workbooks", "sheets"} {
			w.send("GET", "/api/sources/box/"+list, nil).want(422).has("error.message", "it is closed")
		}
	})
}

// Models of files and sheets are previewed, saved and refreshed as others are.
//
// Req: M-13, M-15, S-78, S-83, S-84
func TestModelsOfFilesAndSheets(t *testing.T) {
	t.Parallel()
	each(t, func(_ *testing.T, w *world) {
		w.furnish()
		w.ok("POST", "/api/sources", document("box", "Box", object{"type": "box", "configuration": object{}}))
		for _, c := range []struct {
			name string
			spec object
			says string
		}{
			{"one", object{"method": "file", "file": object{"path": "a.csv"}}, "a.csv"},
			{"newest", object{"method": "file", "file": object{"path": "day-", "newest": true}}, "newest of day-"},
			{"any", object{"method": "file", "file": object{"path": "", "newest": true}}, "newest of "},
			{"sheet", object{"method": "sheet", "sheet": object{"workbook": "id 1", "name": "First"}}, "id 1 First"},
		} {
			c.spec["source"] = "box"
			w.ok("POST", "/api/models/preview", c.spec).has("columns.0.description", c.says)
			c.spec["primaryKey"] = "id"
			w.ok("POST", "/api/models", document(c.name, c.name, c.spec))
			w.ok("POST", "/api/models/"+c.name+"/refresh", nil).has("spec.columns.0.description", c.says)
		}
		for _, c := range []struct {
			spec object
			path string
		}{
			{object{"method": "file"}, "spec.file"}, {object{"method": "file", "file": object{"path": ""}}, "spec.file"}, {object{"method": "file", "file": object{"path": "a.xls"}}, "spec.file.path"},
			{object{"method": "sheet", "sheet": object{"workbook": "x", "name": ""}}, "spec.sheet"}, {object{"method": "sheet", "sheet": object{"name": "First"}}, "spec.sheet.workbook"}, {object{"method": "sql", "sql": "SELECT 1"}, "spec.method"},
		} {
			c.spec["source"], c.spec["primaryKey"] = "box", "id"
			w.send("POST", "/api/models", document("bad", "Bad", c.spec)).want(422).has("error.path", c.path)
		}
		w.send("POST", "/api/models/preview", object{"source": "box", "method": "file"}).want(422).has("error.path", "file")
	})
}

// The compatible API calls a file or a sheet a custom query.
//
// Req: S-78
func TestCustomQueries(t *testing.T) {
	t.Parallel()
	each(t, func(_ *testing.T, w *world) {
		w.furnish()
		w.ok("POST", "/api/sources", document("box", "Box", object{"type": "box", "configuration": object{}}))
		id := w.ok("GET", "/api/v1/sources?slug=box", nil).at("data.0.id")
		made := w.ok("POST", "/api/v1/models", object{
			"name": "Files", "slug": "files", "queryType": "custom", "sourceId": id, "isSchema": false, "primaryKey": "id", "custom": object{"query": object{"path": "a.csv"}},
		}).has("queryType", "custom").has("custom.query.path", "a.csv")
		path := fmt.Sprint("/api/v1/models/", made.at("id"))
		w.ok("PATCH", path, object{"custom": object{"query": object{"workbook": "id 1", "name": "First"}}}).has("custom.query.name", "First").has("custom.query.path", nil)
		w.ok("GET", "/api/models/files", nil).has("spec.method", "sheet").has("spec.file", nil).has("spec.columns.0.description", "id 1 First")
	})
}
