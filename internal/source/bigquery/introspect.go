package bigquery

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/value"
	"golang.org/x/sync/errgroup"
	rest "google.golang.org/api/bigquery/v2"
)

// listSize is how many entries a page of a list has.
const listSize = 1000

// parallelTables is how many tables are looked at at a time; BigQuery allows 100 such requests a second and user:
// https://cloud.google.com/bigquery/quotas#api_request_quotas
const parallelTables = 16

// Test gets a token, looks for a table and at it, which shows that the permissions are there (S-48), and runs a
// statement.
func (s *Source) Test(ctx context.Context) error {
	return s.within(ctx, "", func(ctx context.Context) error {
		datasets, err := s.datasets(ctx)
		if err != nil {
			return err
		}
		if err := s.testTable(ctx, datasets); err != nil {
			return err
		}
		_, _, err = s.run(ctx, "SELECT 1 AS test", connector.Query{Class: connector.WorkloadInteractive, Tag: "test"})
		return err
	})
}

// testTable looks at one table, of the first dataset that has any.
func (s *Source) testTable(ctx context.Context, datasets []string) error {
	for _, dataset := range datasets {
		tables, err := s.list(ctx, dataset)
		if err != nil {
			return err
		}
		if len(tables) == 0 {
			continue
		}
		if _, err = s.table(ctx, s.settings.Project, dataset, tables[0].TableReference.TableId); missing(err) {
			return nil // dropped meanwhile
		}
		return err
	}
	return nil
}

// Introspect lists the tables and views of the project's datasets that lie where queries run.
func (s *Source) Introspect(ctx context.Context) ([]connector.Table, error) {
	var found []connector.Table
	err := s.within(ctx, "", func(ctx context.Context) (err error) {
		found, err = s.introspect(ctx)
		return err
	})
	return found, err
}

func (s *Source) introspect(ctx context.Context) ([]connector.Table, error) {
	datasets, err := s.datasets(ctx)
	if err != nil {
		return nil, err
	}
	var refs []*rest.TableReference
	for _, dataset := range datasets {
		tables, err := s.list(ctx, dataset)
		if err != nil {
			return nil, err
		}
		for _, t := range tables {
			refs = append(refs, t.TableReference)
		}
	}
	found := make([]*connector.Table, len(refs))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallelTables)
	for i, ref := range refs {
		group.Go(func() (err error) {
			found[i], err = s.look(ctx, ref)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return sorted(found), nil
}

func sorted(found []*connector.Table) []connector.Table {
	all := make([]connector.Table, 0, len(found))
	for _, t := range found {
		if t != nil {
			all = append(all, *t)
		}
	}
	slices.SortFunc(all, func(a, b connector.Table) int {
		return cmp.Or(cmp.Compare(a.Ref.Schema, b.Ref.Schema), cmp.Compare(a.Ref.Name, b.Ref.Name))
	})
	return all
}

// datasets lists the datasets that lie where queries run, without our own.
func (s *Source) datasets(ctx context.Context) ([]string, error) {
	var names []string
	for token := ""; ; {
		page, err := retried(ctx, s, func() (*rest.DatasetList, error) {
			return s.client.rest.Datasets.List(s.settings.Project).MaxResults(listSize).PageToken(token).Context(ctx).Do()
		})
		if err != nil {
			return nil, err
		}
		for _, d := range page.Datasets {
			name := d.DatasetReference.DatasetId
			if here := d.Location == "" || strings.EqualFold(d.Location, s.settings.Location); here && !s.schemas.Own(name) {
				names = append(names, name)
			}
		}
		if token = page.NextPageToken; token == "" {
			return names, nil
		}
	}
}

// list lists the tables and views of a dataset; a dataset that is gone has none.
func (s *Source) list(ctx context.Context, dataset string) ([]*rest.TableListTables, error) {
	return s.listOf(ctx, s.settings.Project, dataset)
}

func (s *Source) listOf(ctx context.Context, project, dataset string) ([]*rest.TableListTables, error) {
	var tables []*rest.TableListTables
	for token := ""; ; {
		page, err := retried(ctx, s, func() (*rest.TableList, error) {
			return s.client.rest.Tables.List(project, dataset).MaxResults(listSize).PageToken(token).Context(ctx).Do()
		})
		if missing(err) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		tables = append(tables, page.Tables...)
		if token = page.NextPageToken; token == "" {
			return tables, nil
		}
	}
}

// look describes a table; one that is gone is nil.
func (s *Source) look(ctx context.Context, ref *rest.TableReference) (*connector.Table, error) {
	t, err := s.table(ctx, ref.ProjectId, ref.DatasetId, ref.TableId)
	if missing(err) {
		return nil, nil //nolint:nilnil // dropped meanwhile
	}
	if err != nil {
		return nil, err
	}
	found := &connector.Table{Ref: query.TableRef{Schema: ref.DatasetId, Name: ref.TableId}, Kind: kindOf(t.Type)}
	if s.settings.CacheProject != "" { // names without a project mean another one
		found.Ref.Database = s.settings.Project
	}
	if found.Kind == "table" && t.Type != "EXTERNAL" {
		n := int64(t.NumRows)
		found.Rows = &n
	}
	if t.Schema == nil || len(t.Schema.Fields) == 0 {
		return nil, nil //nolint:nilnil // a table without columns cannot be read
	}
	found.Columns, err = columnsIfHeld(t.Schema.Fields)
	return found, err
}

// columnsIfHeld leaves out columns that cannot be held: the others can be read.
func columnsIfHeld(fields []*rest.TableFieldSchema) (value.Schema, error) {
	return columns(slices.DeleteFunc(slices.Clone(fields), func(f *rest.TableFieldSchema) bool { return held(f) != nil }))
}

// kindOf: https://cloud.google.com/bigquery/docs/reference/rest/v2/tables#Table.FIELDS.type
func kindOf(t string) string {
	switch t {
	case "VIEW", "MATERIALIZED_VIEW":
		return "view"
	default:
		return "table"
	}
}
