package athena

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsathena "github.com/aws/aws-sdk-go-v2/service/athena"
	"github.com/aws/aws-sdk-go-v2/service/athena/types"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/source/stream"
	"github.com/millrace/millrace/internal/value"
)

// ask calls Amazon about the catalogue, as a statement that ends with the source.
func (s *Source) ask(ctx context.Context, f func(ctx context.Context) error) error {
	x, err := s.statements.Begin(ctx)
	if err != nil {
		return err
	}
	defer s.statements.Settle()
	defer x.End()
	if err := f(x.Context()); err != nil {
		return s.client.explain(x, err, stream.Text{})
	}
	return nil
}

// Introspect lists the tables and views of the data catalogue.
func (s *Source) Introspect(ctx context.Context) ([]connector.Table, error) {
	var tables []connector.Table
	err := s.ask(ctx, func(ctx context.Context) error {
		databases, err := s.databases(ctx)
		if err != nil {
			return err
		}
		if len(databases) == 0 {
			return fault.New(fault.CodeSourceDenied, "the data catalogue shows no database").
				WithSuggestion("Either there is none, or the credential may not see any: it needs athena:ListDatabases and glue:GetDatabases, and grants on databases where Lake Formation rules.")
		}
		for _, name := range databases {
			if s.schemas.Own(name) || strings.EqualFold(name, "information_schema") {
				continue
			}
			found, err := s.tablesOf(ctx, name)
			if err != nil {
				return err
			}
			tables = append(tables, found...)
		}
		return nil
	})
	slices.SortFunc(tables, func(a, b connector.Table) int {
		return cmp.Or(cmp.Compare(a.Ref.Schema, b.Ref.Schema), cmp.Compare(a.Ref.Name, b.Ref.Name))
	})
	return tables, err
}

func (s *Source) databases(ctx context.Context) ([]string, error) {
	var names []string
	pages := awsathena.NewListDatabasesPaginator(s.client.athena, &awsathena.ListDatabasesInput{CatalogName: &s.client.settings.Catalog, WorkGroup: s.workgroup()})
	for pages.HasMorePages() {
		p, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, d := range p.DatabaseList {
			names = append(names, aws.ToString(d.Name))
		}
	}
	return names, nil
}

func (s *Source) workgroup() *string {
	if s.client.settings.Workgroup == "" {
		return nil
	}
	return &s.client.settings.Workgroup
}

func (s *Source) tablesOf(ctx context.Context, database string) ([]connector.Table, error) {
	var tables []connector.Table
	pages := awsathena.NewListTableMetadataPaginator(s.client.athena, &awsathena.ListTableMetadataInput{
		CatalogName: &s.client.settings.Catalog, DatabaseName: &database, WorkGroup: s.workgroup(),
	})
	for pages.HasMorePages() {
		p, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, m := range p.TableMetadataList {
			t := connector.Table{Ref: query.TableRef{Schema: database, Name: aws.ToString(m.Name)}, Kind: "table"}
			if strings.Contains(aws.ToString(m.TableType), "VIEW") {
				t.Kind = "view"
			}
			for _, c := range slices.Concat(m.Columns, m.PartitionKeys) {
				t.Columns = append(t.Columns, columnOf(c))
			}
			tables = append(tables, t)
		}
	}
	return tables, nil
}

func columnOf(c types.Column) value.Column {
	t := catalogued(aws.ToString(c.Type))
	return value.Column{Name: aws.ToString(c.Name), Type: t.Value(), Native: t.Text, Nullable: true, Description: aws.ToString(c.Comment)}
}

// ListOptions loads the pick-lists of the source's form.
func (s *Source) ListOptions(ctx context.Context, list string) ([]connector.Option, error) {
	var names []string
	err := s.ask(ctx, func(ctx context.Context) (err error) {
		switch list {
		case listWorkgroups:
			names, err = s.workgroups(ctx)
		case listCatalogs:
			names, err = s.catalogs(ctx)
		case listDatabases:
			names, err = s.databases(ctx)
		default:
			err = fault.New(fault.CodeNotFound, "the source has no list %q", list)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	options := make([]connector.Option, len(names))
	for i, name := range names {
		options[i] = connector.Option{Value: name, Label: name}
	}
	return options, nil
}

func (s *Source) workgroups(ctx context.Context) (names []string, err error) {
	pages := awsathena.NewListWorkGroupsPaginator(s.client.athena, &awsathena.ListWorkGroupsInput{})
	for pages.HasMorePages() {
		p, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, w := range p.WorkGroups {
			names = append(names, aws.ToString(w.Name))
		}
	}
	return names, nil
}

func (s *Source) catalogs(ctx context.Context) (names []string, err error) {
	pages := awsathena.NewListDataCatalogsPaginator(s.client.athena, &awsathena.ListDataCatalogsInput{WorkGroup: s.workgroup()})
	for pages.HasMorePages() {
		p, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, c := range p.DataCatalogsSummary {
			names = append(names, aws.ToString(c.CatalogName))
		}
	}
	return names, nil
}
