package bigquery

import (
	"fmt"
	"strings"
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/sourcetest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/source/bigquery/bigquerytest"
	"github.com/millrace/millrace/internal/value"
)

func icebergOptions() bigquerytest.Options {
	column := func(name string, typ any) map[string]any {
		return map[string]any{"id": 1, "name": name, "required": false, "type": typ}
	}
	person := map[string]any{"type": "struct", "fields": []any{column("street", "string"), column("no", "int")}}
	id := column("id", "long")
	id["required"], id["doc"] = true, "who it is"
	o := options()
	o.Setup = append(append([]string{}, setup...),
		`ATTACH ':memory:' AS "acme-lake"`, `CREATE SCHEMA "acme-lake".sales`, `CREATE SCHEMA "acme-lake".millrace_planner`,
		`CREATE TABLE "acme-lake".sales.orders (id BIGINT, name VARCHAR, amount DECIMAL(12, 2), big DECIMAL(38, 2), f DOUBLE, ok BOOLEAN, day DATE, "at" TIMESTAMP, seen TIMESTAMPTZ, clock TIME,
		   token BLOB, raw BLOB, fixed BLOB, tags VARCHAR[], home STRUCT(street VARCHAR, no BIGINT), pairs STRUCT("key" VARCHAR, "value" BIGINT)[])`,
		`INSERT INTO "acme-lake".sales.orders (id, name) VALUES (1, 'one'), (2, 'two')`,
		`CREATE TABLE "acme-lake".sales.a (id BIGINT)`, `CREATE TABLE "acme-lake".sales.b (id BIGINT)`, `CREATE TABLE "acme-lake".sales.c (id BIGINT)`,
		`CREATE TABLE "acme-lake".millrace_planner.plan (id BIGINT)`,
	)
	o.Tables = []bigquerytest.IcebergTable{
		{Namespace: "sales", Name: "orders", Fields: []map[string]any{
			id, column("name", "string"), column("amount", "decimal(12, 2)"), column("big", "decimal(38,2)"), column("f", "float"), column("ok", "boolean"), column("day", "date"),
			column("at", "timestamp"), column("seen", "timestamptz"), column("clock", "time"), column("token", "uuid"), column("raw", "binary"), column("fixed", "fixed[16]"),
			column("tags", map[string]any{"type": "list", "element-id": 2, "element": "string"}), column("home", person),
			column("pairs", map[string]any{"type": "map", "key-id": 3, "key": "string", "value-id": 4, "value": "long"}),
		}},
		{Namespace: "millrace_planner", Name: "plan", Fields: []map[string]any{id}},
	}
	for _, name := range []string{"c", "b", "a"} {
		o.Tables = append(o.Tables, bigquerytest.IcebergTable{Namespace: "sales", Name: name, Fields: []map[string]any{column("id", "long")}})
	}
	return o
}

func icebergSettings(s *bigquerytest.Server) connector.Settings {
	return with(with(settingsOf(s), "warehouse", "gs://"+bigquerytest.Bucket), "catalogEndpoint", s.URL+"/iceberg/v1/restcatalog")
}

func quickIceberg() connector.SourceInfo {
	i := IcebergInfo()
	inner := i.Open
	i.Open = func(o connector.SourceOptions) (connector.Source, error) {
		s, err := inner(o)
		if err == nil {
			s.(*Iceberg).source.backoff = 1
		}
		return s, err
	}
	return i
}

// Req: S-13, S-53, S-54, S-04
func TestIcebergConformance(t *testing.T) {
	t.Parallel()
	s := bigquerytest.New(t, icebergOptions())
	settings := icebergSettings(s)
	lake := func(name string) query.TableRef {
		return query.TableRef{Database: bigquerytest.Project + "." + bigquerytest.Bucket, Schema: "sales", Name: name}
	}
	sourcetest.Run(t, sourcetest.Fixture{
		Info: quickIceberg(), Settings: settings, SQL: replaced, Values: values,
		Tables: []connector.Table{
			{Ref: lake("a"), Kind: "table", Columns: value.Schema{found("id", value.TypeNumber, "INT64")}},
			{Ref: lake("orders"), Kind: "table", Columns: value.Schema{
				found("id", value.TypeNumber, "INT64"), found("name", value.TypeString, "STRING"), found("amount", value.TypeNumber, "NUMERIC(12, 2)"),
				found("big", value.TypeNumber, "BIGNUMERIC(38, 2)"), found("f", value.TypeNumber, "FLOAT64"), found("ok", value.TypeBoolean, "BOOL"), found("day", value.TypeDate, "DATE"),
				found("at", value.TypeTimestamp, "DATETIME"), found("seen", value.TypeTimestamp, "TIMESTAMP"), found("clock", value.TypeString, "TIME"),
				found("token", value.TypeString, "BYTES"), found("raw", value.TypeString, "BYTES"), found("fixed", value.TypeString, "BYTES"),
				found("tags", value.TypeObject, "ARRAY<STRING>"), found("home", value.TypeObject, "STRUCT<street STRING, no INT64>"),
				found("pairs", value.TypeObject, "ARRAY<STRUCT<key STRING, value INT64>>"),
			}},
		},
		Hidden: []query.TableRef{{Database: "acme-shop.acme-lake", Schema: "millrace_planner", Name: "plan"}},
		Failing: []sourcetest.Failing{
			{Name: "key", Settings: with(settings, "credential", map[string]any{"auth": "key", "serviceAccountKey": s.WrongKey(t)}), Code: fault.CodeSourceAuth, Says: "Invalid JWT Signature."},
		},
		Rows: func(n int64) string {
			return fmt.Sprintf("SELECT g AS id, CONCAT('row ', CAST(g AS STRING)) AS name FROM UNNEST(GENERATE_ARRAY(1, %d)) AS g", n)
		},
		Endless: "SELECT COUNT(*) AS n FROM UNNEST(GENERATE_ARRAY(1, 10000000000000)) AS a",
		Says:    sourcetest.Says{Syntax: "Syntax error: Unexpected keyword WHERE at [2:8]", Table: `Table "no_such_table" must be qualified`, Column: "Unrecognized name: no_such_column"},
		Running: func(_ *testing.T, tag string) bool { return s.Running(Label(tag)) },
	})
}

// Req: S-53, S-54
func TestIceberg(t *testing.T) {
	t.Parallel()
	o := icebergOptions()
	server := bigquerytest.New(t, o)
	open := func(s connector.Settings) *Iceberg {
		opened, err := quickIceberg().Open(connector.SourceOptions{Settings: s.WithDefaults(IcebergInfo().Fields)})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = opened.Close() }) //nolint:errcheck // the test is over
		return opened.(*Iceberg)
	}
	s := open(icebergSettings(server))
	joined := "SELECT o.name, c.email FROM `acme-shop.acme-lake.sales.orders` AS o JOIN `shop`.`customers` AS c ON c.id = o.id ORDER BY 1"
	if got := read(t, s, joined); len(got.Rows) != 2 || got.Rows[1][1].String() != "2@example.com" {
		t.Errorf("joined with BigQuery's own table: %v", got.Rows)
	}
	if err := failure(t, s, "DELETE FROM `acme-shop.acme-lake.sales.orders` WHERE TRUE"); err.Code != fault.CodeSourceQuery {
		t.Errorf("%v", err)
	}
	found, err := s.Introspect(t.Context())
	if err != nil || len(found) != 4 || found[3].Columns[0].Description != "who it is" || found[3].Columns[0].Nullable {
		t.Errorf("found %v, %v", found, err)
	}
	if err := open(with(icebergSettings(server), "warehouse", "gs://elsewhere")).Test(t.Context()); !fault.Is(err, fault.CodeSourceQuery) || !strings.Contains(err.Error(), "gs://elsewhere does not exist") || !strings.Contains(fault.As(err).Hint(), "bucket") {
		t.Errorf("another bucket: %v", err)
	}
	if err := open(with(icebergSettings(server), "project", "another")).Test(t.Context()); !fault.Is(err, fault.CodeSourceDenied) || !strings.Contains(fault.As(err).Hint(), "Service Usage Consumer") {
		t.Errorf("another project: %v", err)
	}
	o.Denied = map[string]bool{"biglake.tables.list": true}
	if err := open(icebergSettings(bigquerytest.New(t, o))).Test(t.Context()); !fault.Is(err, fault.CodeSourceDenied) || !strings.Contains(fault.As(err).Hint(), "BigLake Viewer") {
		t.Errorf("without permission: %v", err)
	}
	for name, v := range map[string]string{"warehouse": "acme-lake", "catalogEndpoint": "nowhere"} {
		if _, err := IcebergInfo().Open(connector.SourceOptions{Settings: with(icebergSettings(server), name, v)}); fault.As(err) == nil || fault.As(err).Path != name {
			t.Errorf("%s %q: %v", name, v, err)
		}
	}
}
