package bigquery

import (
	"context"
	"strings"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
	"golang.org/x/sync/errgroup"
)

// defaultCatalog is BigLake's Iceberg REST catalogue: https://cloud.google.com/biglake/docs/use-iceberg-rest-catalog
const defaultCatalog = "https://biglake.googleapis.com/iceberg/v1/restcatalog"

// IcebergInfo describes the source of BigLake's Iceberg tables. They are found through the catalogue and read with
// BigQuery, which cannot write them (S-54).
func IcebergInfo() connector.SourceInfo {
	fields := append(commonFields(), connector.Field{
		Name: "warehouse", Label: "Iceberg catalog warehouse URI", Type: connector.FieldString, Required: true, Example: "gs://acme-iceberg",
		Help: "The bucket that holds the Iceberg tables; its catalogue lists them.",
	})
	fields = append(append(fields, jobFields()...), connector.Field{
		Name: "catalogEndpoint", Label: "Catalogue address", Type: connector.FieldString, Advanced: true, Example: defaultCatalog,
	})
	return connector.SourceInfo{
		Slug: "bigquery-iceberg", Name: "BigQuery Iceberg", Category: "warehouse", Summary: "Apache Iceberg tables of BigLake, read with Google BigQuery",
		Fields: fields, Methods: []string{"sql", "table"}, Engines: []string{connector.EngineBasic}, Open: openIceberg,
	}
}

func openIceberg(o connector.SourceOptions) (connector.Source, error) {
	s, err := decode(o.Settings)
	if err != nil {
		return nil, err
	}
	if bucket, ok := strings.CutPrefix(s.Warehouse, "gs://"); !ok || strings.Trim(bucket, "/") == "" {
		return nil, fault.New(fault.CodeInvalid, "the warehouse must be a bucket, such as gs://acme-iceberg").WithPath("warehouse")
	}
	if s.CatalogEndpoint == "" {
		s.CatalogEndpoint = defaultCatalog
	}
	address, err := parseAddress("catalogEndpoint", s.CatalogEndpoint)
	if err != nil {
		return nil, err
	}
	source, err := newSource(s, o)
	if err != nil {
		return nil, err
	}
	return &Iceberg{source: source, catalog: catalog{source: source, address: address.String()}}, nil
}

// Iceberg answers queries about the tables of an Iceberg catalogue. It is safe for concurrent use.
type Iceberg struct {
	source  *Source
	catalog catalog
}

var _ connector.Source = (*Iceberg)(nil)

// Dialect is BigQuery's.
func (*Iceberg) Dialect() query.Dialect { return query.BigQuery }

// Query streams the rows of one statement, which may read other tables of BigQuery too.
func (i *Iceberg) Query(ctx context.Context, q connector.Query) (array.RecordReader, error) {
	return i.source.Query(ctx, q)
}

// Close ends every connection.
func (i *Iceberg) Close() error { return i.source.Close() }

// Test asks the catalogue for a table, and BigQuery for a row.
func (i *Iceberg) Test(ctx context.Context) error {
	return i.within(ctx, func(ctx context.Context) error {
		prefix, refs, err := i.list(ctx)
		if err != nil {
			return err
		}
		if len(refs) > 0 {
			if _, err := i.catalog.columns(ctx, prefix, refs[0]); err != nil && !missing(err) {
				return err
			}
		}
		_, _, err = i.source.run(ctx, "SELECT 1 AS test", connector.Query{Class: connector.WorkloadInteractive, Tag: "test"})
		return err
	})
}

// Introspect lists the tables of the catalogue, with names of four parts: project, catalogue, namespace and table (S-53).
func (i *Iceberg) Introspect(ctx context.Context) ([]connector.Table, error) {
	var all []connector.Table
	err := i.within(ctx, func(ctx context.Context) error {
		prefix, refs, err := i.list(ctx)
		if err != nil {
			return err
		}
		found := make([]*connector.Table, len(refs))
		group, ctx := errgroup.WithContext(ctx)
		group.SetLimit(parallelTables)
		for n, ref := range refs {
			group.Go(func() (err error) {
				found[n], err = i.look(ctx, prefix, ref)
				return err
			})
		}
		if err := group.Wait(); err != nil {
			return err
		}
		all = sorted(found)
		return nil
	})
	return all, err
}

// list lists the tables of every namespace that is not ours.
func (i *Iceberg) list(ctx context.Context) (prefix string, refs []icebergRef, err error) {
	if prefix, err = i.catalog.prefix(ctx, i.source.settings.Warehouse); err != nil {
		return "", nil, err
	}
	namespaces, err := i.catalog.namespaces(ctx, prefix)
	if err != nil {
		return "", nil, err
	}
	for _, namespace := range namespaces {
		if query.IsOwnSchema(strings.Join(namespace, ".")) {
			continue
		}
		tables, err := i.catalog.tables(ctx, prefix, namespace)
		if err != nil {
			return "", nil, err
		}
		refs = append(refs, tables...)
	}
	return prefix, refs, nil
}

// look describes a table; one that is gone is nil.
func (i *Iceberg) look(ctx context.Context, prefix string, ref icebergRef) (*connector.Table, error) {
	fields, err := i.catalog.columns(ctx, prefix, ref)
	if missing(err) || err == nil && len(fields) == 0 {
		return nil, nil //nolint:nilnil // dropped meanwhile, or nothing to read
	}
	if err != nil {
		return nil, err
	}
	all, err := columnsIfHeld(fields)
	if err != nil {
		return nil, err
	}
	return &connector.Table{
		Kind: "table", Columns: all,
		Ref: query.TableRef{Database: i.source.settings.Project + "." + catalogOf(prefix), Schema: strings.Join(ref.Namespace, "."), Name: ref.Name},
	}, nil
}

// catalogOf is the catalogue's name in a prefix, such as projects/123/catalogs/acme-iceberg.
func catalogOf(prefix string) string { return prefix[strings.LastIndexByte(prefix, '/')+1:] }

// icebergDenied says what an account needs (S-54): https://cloud.google.com/biglake/docs/use-iceberg-rest-catalog
const icebergDenied = "Grant the roles BigQuery User, BigQuery Data Viewer, BigLake Viewer and Service Usage Consumer to the service account in the project, " +
	"and Storage Object Viewer on the bucket; the BigQuery and BigLake APIs must be enabled."

func (i *Iceberg) within(ctx context.Context, call func(ctx context.Context) error) error {
	err := i.source.within(ctx, "", call)
	if fault.Is(err, fault.CodeSourceDenied) {
		return fault.As(err).WithSuggestion(icebergDenied)
	}
	return err
}
