// Package mysql reads MySQL and MariaDB, and the places that speak MySQL's protocol: PlanetScale and SingleStore.
//
// Each query has a connection of its own. Where the server has read-only transactions there is one, with a consistent
// snapshot; nothing is left behind, and a statement ends when its context does. Rows stream from the wire into Arrow
// builders.
package mysql

import (
	"context"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/query"
)

// product is what differs between the places that speak the protocol.
type product struct {
	dialect query.Dialect

	// session is set when a connection begins: expressions by variable.
	session map[string]string

	// begin starts the transaction of a query; none where the product has no such transactions.
	begin []string

	// prepares says that statements are prepared by the server, so that rows come in binary form: the only one that
	// holds every digit of a FLOAT.
	prepares bool

	// explains says that EXPLAIN leaves the resolved statement as a warning, which tells where columns come from.
	explains bool

	// kills says that a connection can be ended from another one: the server that both reach says which it is.
	kills bool

	// encryption are the modes that may be chosen; the first is the default. None means the fields of SingleStore.
	encryption []connector.Option
}

// The sessions of MySQL and MariaDB: instants are written in UTC, texts in UTF-8 whatever the column's character set
// is, and the backslash is an escape, as query.MySQL writes it; the rest of the server's sql_mode stays as models were
// written for it. A reader that pauses has an hour before the server gives it up; a transaction that nobody uses any
// more ends after ten minutes.
// https://dev.mysql.com/doc/refman/8.4/en/server-system-variables.html
var mysqlSession = map[string]string{
	"time_zone":             "'+00:00'",
	"character_set_client":  "utf8mb4",
	"character_set_results": "utf8mb4",
	"collation_connection":  "utf8mb4_general_ci",
	"sql_mode":              "REPLACE(@@sql_mode, 'NO_BACKSLASH_ESCAPES', '')",
	"net_write_timeout":     "3600",
	"wait_timeout":          "600",
}

var mysqlProduct = product{
	dialect: query.MySQL, session: mysqlSession, prepares: true, explains: true, kills: true,
	// https://dev.mysql.com/doc/refman/8.4/en/commit.html: a snapshot needs REPEATABLE READ
	begin:      []string{"SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"},
	encryption: []connector.Option{optionRequire, optionVerifyCA, optionVerifyFull, optionDisable},
}

// planetscaleProduct: a query returns at most 100,000 rows (https://planetscale.com/docs/reference/planetscale-system-limits)
// unless the workload is olap, which streams them and has no transactions (https://github.com/vitessio/vitess/issues/7447).
// One statement reads one state of each shard. Connections end at one of many gateways, which number them each for itself,
// so that none is ended from another.
var planetscaleProduct = product{
	dialect: query.MySQL, session: map[string]string{"workload": "'olap'"},
	encryption: []connector.Option{optionVerifyFull, optionRequire},
}

// singlestoreProduct: it does not fully support prepared statements
// (https://docs.singlestore.com/cloud/developer-resources/unsupported-mysql-features/), and a time zone that is set has no
// effect (https://docs.singlestore.com/db/v9.1/user-and-cluster-administration/maintain-your-cluster/setting-the-time-zone/time-zone-engine-variables/).
var singlestoreProduct = product{dialect: query.SingleStore, kills: true}

// Infos describes the sources.
func Infos() []connector.SourceInfo {
	m := mysqlProduct.info("mysql", "MySQL", "Tables, views and queries of a MySQL or MariaDB database", "db.example.com")
	m.Verified = true // by a real MariaDB
	return []connector.SourceInfo{
		m,
		planetscaleProduct.info("planetscale", "PlanetScale", "Tables, views and queries of a PlanetScale database", "aws.connect.psdb.cloud"),
		singlestoreProduct.info("singlestore", "SingleStore", "Tables, views and queries of a SingleStore database", "svc-….svc.singlestore.com"),
	}
}

func (p product) info(slug, name, summary, host string) connector.SourceInfo {
	return connector.SourceInfo{
		Slug: slug, Name: name, Category: "database", Summary: summary, Fields: p.fields(host), Methods: []string{"sql", "table"},
		Engines: []string{connector.EngineBasic}, Open: func(o connector.SourceOptions) (connector.Source, error) { return open(p, o) },
	}
}

func open(p product, o connector.SourceOptions) (connector.Source, error) {
	var s settings
	if err := o.Settings.Decode(&s); err != nil {
		return nil, err
	}
	config, err := s.config(p)
	if err != nil {
		return nil, err
	}
	return &Source{
		product: p, config: config, network: o.Network, databases: s.databases(), numeric: s.TinyInt == tinyNumber,
		sessions: map[*session]bool{},
	}, nil
}

// Dialect is the product's.
func (s *Source) Dialect() query.Dialect { return s.product.dialect }

// Test connects, and reads the catalog as discovery does.
func (s *Source) Test(ctx context.Context) error {
	_, err := s.Introspect(ctx)
	return err
}
