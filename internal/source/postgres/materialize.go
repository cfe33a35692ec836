package postgres

import (
	"strconv"
	"strings"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/query"
)

// materialize is Materialize. A transaction of it may only read what its first statement could have read
// (https://materialize.com/docs/sql/begin/), so that looking up types would decide what a query may read: each
// statement stands alone, which is a snapshot as well.
func materialize() variant {
	return variant{
		info: connector.SourceInfo{Slug: "materialize", Name: "Materialize", Summary: "Views, sources and queries of Materialize"},
		port: 6875, dialect: query.Materialize, begin: materializeBegin,
		fields:  []connector.Field{{Name: "cluster", Label: "Cluster", Type: connector.FieldString, Example: "quickstart", Help: "Which cluster answers; empty means the user's own default."}},
		tables:  func(x *session) ([]foundColumn, error) { return x.columns(materializeTablesSQL) },
		types:   materializeTypes,
		scalars: scalars, numeric: numericColumn, digits: query.Native("numeric"),
	}
}

func materializeBegin(o connector.Settings, _ connector.Workload) string {
	if cluster := o.Text("cluster"); cluster != "" {
		return "SET cluster = " + query.Materialize.Text(cluster)
	}
	return "SET TimeZone = 'UTC'"
}

// materializeTablesSQL lists what can be read: https://materialize.com/docs/sql/system-catalog/mz_catalog/
const materializeTablesSQL = `
SELECT s.name, r.name, CASE WHEN r.type IN ('view', 'materialized-view') THEN 'view' ELSE 'table' END, NULL,
       c.name, c.type_oid, c.type_mod, c.type, c.nullable, ''
FROM mz_catalog.mz_relations r
JOIN mz_catalog.mz_schemas s ON s.id = r.schema_id
JOIN mz_catalog.mz_databases d ON d.id = s.database_id
JOIN mz_catalog.mz_columns c ON c.id = r.id
WHERE d.name = current_database()
ORDER BY s.name, r.name, c.position`

// materializeTypesSQL tells the types with those of their elements: lists are written as arrays are.
const materializeTypesSQL = `
SELECT t.oid, t.name, e.oid
FROM mz_catalog.mz_types t
LEFT JOIN mz_catalog.mz_array_types a ON a.id = t.id
LEFT JOIN mz_catalog.mz_list_types l ON l.id = t.id
LEFT JOIN mz_catalog.mz_types e ON e.id = coalesce(a.element_id, l.element_id)
WHERE t.oid IN `

// unsigned are the numbers that PostgreSQL has not: https://materialize.com/docs/sql/types/uint/
var unsigned = map[string]bool{"uint2": true, "uint4": true, "uint8": true}

func materializeTypes(x *session, oids []uint32) (map[uint32]typeInfo, error) {
	wanted := make([]string, len(oids))
	for i, oid := range oids {
		wanted[i] = strconv.FormatUint(uint64(oid), 10)
	}
	rows, err := x.ask(materializeTypesSQL + "(" + strings.Join(wanted, ", ") + ")")
	if err != nil {
		return nil, err
	}
	found := map[uint32]typeInfo{}
	for _, row := range rows {
		oid, err := strconv.ParseUint(string(row[0]), 10, 32)
		if err != nil {
			return nil, err
		}
		t := typeInfo{name: string(row[1]), delim: ','}
		if of, err := strconv.ParseUint(string(row[2]), 10, 32); err == nil && of != 0 {
			t.shape, t.of = shapeArray, uint32(of)
		} else if unsigned[t.name] {
			t.shape = shapeNumber
		}
		found[uint32(oid)] = t
	}
	return found, nil
}
