package sample

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/sourcetest"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/value"
)

// shared is a folder in which each dataset is generated once for all tests that only read it.
var shared string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "millrace-samples-*")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	shared = dir
	code := m.Run()
	if err := os.RemoveAll(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

func infoOf(t *testing.T, slug string) connector.SourceInfo {
	t.Helper()
	infos := Infos()
	i := slices.IndexFunc(infos, func(i connector.SourceInfo) bool { return i.Slug == slug })
	if i < 0 {
		t.Fatalf("there is no sample %q", slug)
	}
	return infos[i]
}

func openIn(t *testing.T, info connector.SourceInfo, dir string) connector.Source {
	t.Helper()
	s, err := info.Open(connector.SourceOptions{Dir: filepath.Join(dir, info.Slug), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() }) //nolint:errcheck // the test is over
	return s
}

func read(t *testing.T, s connector.Source, sql string) sourcetest.Table {
	t.Helper()
	r, err := s.Query(t.Context(), connector.Query{SQL: sql})
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	defer r.Release()
	return sourcetest.Read(t, r)
}

// number is the answer to a question with one.
func number(t *testing.T, s connector.Source, sql string) int64 {
	t.Helper()
	return read(t, s, sql).Rows[0][0].Int()
}

// table describes a table of a sample by its columns, each "name type".
func table(name string, columns ...string) connector.Table {
	t := connector.Table{Ref: query.TableRef{Schema: "public", Name: name}, Kind: "table"}
	for _, c := range columns {
		name, typ, _ := strings.Cut(c, " ")
		if typ == "" {
			typ = string(value.TypeString)
		}
		t.Columns = append(t.Columns, value.Column{Name: name, Type: value.Type(typ)})
	}
	return t
}

// documented are the tables, with numbers as text where people are to cast them.
var documented = map[string][]connector.Table{
	"sample-b2c": {
		table("customers", "customer_id", "first_name", "last_name", "email", "phone", "city", "state", "country", "ltv", "brand_affinity", "VIP", "items_in_cart", "signup_date", "email_consent boolean"),
		table("products", "product_id", "name", "brand", "category", "price number"),
		table("orders", "order_id", "customer_id", "ordered_at timestamp", "status"),
		table("order_items", "order_id", "line number", "product_id", "quantity number", "unit_price number"),
		table("events", "event_id", "customer_id", "event", "occurred_at timestamp", "properties object"),
	},
	"sample-b2b": {
		table("organizations", "organization_id", "name", "type", "segment", "industry", "total_storage_used_mb", "total_users_invited", "documents_uploaded_l30d", "created_at"),
		table("users", "user_id", "organization_id", "first_name", "last_name", "email", "role", "last_active_at", "logins_l30d"),
		table("subscriptions", "subscription_id", "organization_id", "plan", "monthly_price number", "status"),
		table("invoices", "invoice_id", "organization_id", "amount number", "issued_at timestamp", "paid boolean"),
	},
}

// Req: S-37, S-86, S-88
func TestConformance(t *testing.T) {
	t.Parallel()
	for _, info := range Infos() {
		t.Run(info.Slug, func(t *testing.T) {
			t.Parallel()
			sourcetest.Run(t, sourcetest.Fixture{
				Info: info, Settings: connector.Settings{}, Tables: documented[info.Slug],
				Rows: func(n int64) string {
					return fmt.Sprintf("SELECT i AS id, 'row ' || i AS name FROM range(1, %d) r(i)", n+1)
				},
				Endless: "SELECT sum(hash(a.range + b.range)) AS n FROM range(10000000) a, range(10000000) b",
				Says: sourcetest.Says{
					Syntax: `Parser Error: syntax error at or near "WHERE"`, Table: "Catalog Error: Table with name no_such_table does not exist!",
					Column: `Binder Error: Referenced column "no_such_column" not found in FROM clause!`,
				},
			})
		})
	}
}

// Req: S-37, S-85, S-87
func TestDescription(t *testing.T) {
	t.Parallel()
	names := map[string]string{"sample-b2b": "B2B SaaS", "sample-b2c": "B2C eCommerce"}
	titles := map[string][]string{
		"sample-b2b": {"Product-led sales upsell opportunities", "Lifecycle marketing to inactive admins", "New Business Tier product introduction"},
		"sample-b2c": {"Abandoned cart retargeting ads", "Seasonal Rebook campaign - Nano X2", "Annual VIP celebration event in Florida"},
	}
	for slug, name := range names {
		info := infoOf(t, slug)
		if info.Name != name || !info.Sample || len(info.Fields) != 0 || !slices.Equal(info.Methods, []string{"sql", "table"}) || !slices.Equal(info.Engines, []string{"basic"}) {
			t.Errorf("%+v", info)
		}
		var got []string
		for _, q := range info.Queries {
			got = append(got, q.Title)
		}
		if !slices.Equal(got, titles[slug]) {
			t.Errorf("%s has the queries %q", slug, got)
		}
	}
}

// Req: S-37, S-86, S-87
func TestSampleQueries(t *testing.T) {
	t.Parallel()
	for _, info := range Infos() {
		s := openIn(t, info, shared)
		for _, q := range info.Queries {
			got := read(t, s, q.SQL)
			if len(got.Rows) < 20 {
				t.Errorf("%s returns %d rows", q.Title, len(got.Rows))
			}
			for _, row := range got.Rows {
				if row[0].IsNull() || row[0].String() == "" {
					t.Fatalf("%s has a row without a key", q.Title)
				}
			}
		}
	}
}

// Req: S-37, S-86
func TestContent(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		slug, sql string
		least     int64
		most      int64
	}{
		{"sample-b2c", "SELECT count(*) FROM public.customers", 50_000, 1_000_000},
		{"sample-b2c", "SELECT count(*) FROM public.events", 500_000, 10_000_000},
		{"sample-b2c", "SELECT count(*) FROM public.events WHERE event LIKE '%cart%'", 100_000, 10_000_000},
		{"sample-b2c", "SELECT count(*) - count(DISTINCT customer_id) FROM public.customers", 0, 0},
		{"sample-b2c", "SELECT count(*) - count(DISTINCT lower(email)) FROM public.customers", 0, 0},
		{"sample-b2c", "SELECT count(*) FROM public.customers WHERE NOT regexp_full_match(email, '[a-z.]+[0-9]+@example[.]com')", 0, 0},
		{"sample-b2c", "SELECT count(*) FROM public.events ANTI JOIN public.customers USING (customer_id)", 0, 0},
		{"sample-b2c", "SELECT count(*) FROM public.orders ANTI JOIN public.customers USING (customer_id)", 0, 0},
		{"sample-b2c", "SELECT count(*) FROM public.order_items ANTI JOIN public.orders USING (order_id)", 0, 0},
		{"sample-b2c", "SELECT count(*) FROM public.order_items ANTI JOIN public.products USING (product_id)", 0, 0},
		{"sample-b2c", "SELECT count(*) - count(DISTINCT event_id) FROM public.events", 0, 0},
		{"sample-b2c", "SELECT count(DISTINCT VIP) FROM public.customers", 3, 10},
		{"sample-b2b", "SELECT count(*) FROM public.users", 10_000, 1_000_000},
		{"sample-b2b", "SELECT count(*) FROM public.users ANTI JOIN public.organizations USING (organization_id)", 0, 0},
		{"sample-b2b", "SELECT count(*) - count(DISTINCT user_id) FROM public.users", 0, 0},
		{"sample-b2b", "SELECT count(*) - count(DISTINCT organization_id) FROM public.organizations", 0, 0},
		{"sample-b2b", "SELECT count(*) FROM public.invoices ANTI JOIN public.organizations USING (organization_id)", 0, 0},
		{"sample-b2b", "SELECT count(*) FROM public.organizations WHERE TRY_CAST(total_storage_used_mb AS INT) IS NULL OR TRY_CAST(total_users_invited AS INT) IS NULL OR TRY_CAST(documents_uploaded_l30d AS INT) IS NULL", 0, 0},
	} {
		if n := number(t, openIn(t, infoOf(t, c.slug), shared), c.sql); n < c.least || n > c.most {
			t.Errorf("%s: %d, want %d to %d", c.sql, n, c.least, c.most)
		}
	}
}

// checksums are of every table: count, and the combined hashes of its rows. Whoever changes the data raises
// edition, so that existing installations get new files, and writes the new sums here.
var checksums = map[string]string{
	"sample-b2b public.organizations": "5000 16131690161985555693",
	"sample-b2b public.users":         "40000 16601284355902663827",
	"sample-b2b public.subscriptions": "5000 17463590218536885575",
	"sample-b2b public.invoices":      "30000 4239239550118922761",
	"sample-b2c public.customers":     "50000 5704666941274747263",
	"sample-b2c public.products":      "120 4529923242066301611",
	"sample-b2c public.orders":        "90000 10622097178836008780",
	"sample-b2c public.order_items":   "179972 12701350845749796235",
	"sample-b2c public.events":        "500000 8001409430318684323",
}

// The data is the same everywhere and always, without anything but the program.
//
// Req: S-37, S-86
func TestDeterministic(t *testing.T) {
	t.Parallel()
	for slug, tables := range documented {
		s := openIn(t, infoOf(t, slug), shared)
		for _, table := range tables {
			name := slug + " " + table.Ref.String()
			row := read(t, s, "SELECT count(*), bit_xor(md5_number_lower(CAST(t AS VARCHAR))) FROM "+s.Dialect().Table(table.Ref)+" t").Rows[0]
			if got := row[0].String() + " " + row[1].String(); got != checksums[name] {
				t.Errorf("%q: %q,", name, got)
			}
		}
	}
}

// Nothing can be written, and the sources of all workspaces share one file.
//
// Req: S-88
func TestSharedAndReadOnly(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	info := infoOf(t, "sample-b2b")
	one, other := openIn(t, info, dir), openIn(t, info, dir)
	done := make(chan error, 2)
	for _, s := range []connector.Source{one, other} {
		go func() { done <- s.Test(t.Context()) }()
	}
	for range 2 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	for _, sql := range []string{
		"DROP TABLE public.users", "DELETE FROM public.users", "CREATE TABLE public.mine (a INTEGER)", "UPDATE public.users SET role = 'admin' RETURNING user_id",
		"SELECT 1; DELETE FROM public.users",
	} {
		if r, err := one.Query(t.Context(), connector.Query{SQL: sql}); err == nil {
			r.Release()
			t.Errorf("%s: it worked", sql)
		}
	}
	if n := number(t, other, "SELECT count(*) FROM public.users"); n != 40_000 {
		t.Errorf("%d users are left", n)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.duckdb*"))
	if err != nil || len(files) != 1 {
		t.Errorf("the files are %q: %v", files, err)
	}
}
