package postgres

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/value"
)

// redshift is Amazon Redshift. Its protocol is that of an old PostgreSQL with types of its own; no page says what the
// binary forms of values are, so that all travel as text.
func redshift() variant {
	return variant{
		info: connector.SourceInfo{Slug: "redshift", Name: "Amazon Redshift", Category: "warehouse", Summary: "Tables, views and queries of an Amazon Redshift cluster or workgroup", SyncLogs: true, Results: true},
		port: 5439, fields: queryGroupFields(), dialect: query.Redshift, transactions: true, comments: true,
		begin: redshiftBegin, write: "BEGIN READ WRITE;" + redshiftSettings,
		tables: redshiftTables, types: redshiftTypes, load: (*session).insertRows,
		unload:  redshiftUnload,
		scalars: redshiftScalars(), numeric: textNumeric, digits: query.TypeText,
	}
}

// The fields that name the query groups of the classes.
const (
	fieldBatchGroup       = "batchQueryGroup"
	fieldInteractiveGroup = "interactiveQueryGroup"
)

// queryGroupFields: a rule of the cluster's workload management can route by query group; without one, a query goes
// to the default queue (https://docs.aws.amazon.com/redshift/latest/dg/cm-c-executing-queries.html).
func queryGroupFields() []connector.Field {
	return []connector.Field{
		{Name: fieldBatchGroup, Label: "Query group of runs", Type: connector.FieldString, Default: "millrace_batch", Advanced: true, Help: "Workload management can give the queries of runs a queue of their own by this name."},
		{Name: fieldInteractiveGroup, Label: "Query group of people", Type: connector.FieldString, Default: "millrace_interactive", Advanced: true, Help: "The same for previews and discovery, for which somebody waits."},
	}
}

// redshiftSettings: https://docs.aws.amazon.com/redshift/latest/dg/cm_chap_ConfigurationRef.html
const redshiftSettings = "SET timezone TO 'UTC'; SET datestyle TO 'ISO, YMD'; SET extra_float_digits TO 2"

func redshiftBegin(o connector.Settings, class connector.Workload) string {
	group := o.Text(fieldBatchGroup)
	if class == connector.WorkloadInteractive {
		group = o.Text(fieldInteractiveGroup)
	}
	if group == "" {
		return "BEGIN READ ONLY;" + redshiftSettings
	}
	return "BEGIN READ ONLY; SET query_group TO " + query.Redshift.Text(group) + ";" + redshiftSettings
}

// The types that PostgreSQL has not, by the numbers that Amazon's own driver knows them by:
// https://github.com/aws/amazon-redshift-python-driver/blob/master/redshift_connector/utils/oids.py
const (
	superOID      = 4000
	varbyteOID    = 6551
	geometryOID   = 3000
	geographyOID  = 3001
	geometryHex   = 3999
	intervalYMOID = 1188
	intervalDSOID = 1190
)

func redshiftScalars() map[uint32]column {
	of := map[uint32]column{
		pgtype.BoolOID:        parsed("boolean", arrow.FixedWidthTypes.Boolean, parseBoolean),
		pgtype.Int2OID:        parsed("smallint", arrow.PrimitiveTypes.Int16, parseInteger[int16]((*array.Int16Builder).Append, 16)),
		pgtype.Int4OID:        parsed("integer", arrow.PrimitiveTypes.Int32, parseInteger[int32]((*array.Int32Builder).Append, 32)),
		pgtype.Int8OID:        parsed("bigint", arrow.PrimitiveTypes.Int64, parseInteger[int64]((*array.Int64Builder).Append, 64)),
		pgtype.Float4OID:      parsed("real", arrow.PrimitiveTypes.Float32, parseReal),
		pgtype.Float8OID:      parsed("double precision", arrow.PrimitiveTypes.Float64, parseDouble),
		pgtype.DateOID:        parsed("date", arrow.FixedWidthTypes.Date32, parseDate),
		pgtype.TimestampOID:   parsed("timestamp", &arrow.TimestampType{Unit: arrow.Microsecond}, parseTimestamp),
		pgtype.TimestamptzOID: parsed("timestamptz", &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}, parseTimestamp),
		varbyteOID:            {arrow.Field{Type: arrow.BinaryTypes.Binary, Nullable: true, Metadata: metadata("", "varbyte")}, formatText, intoHex},
		superOID:              text("super", value.TypeObject, intoText),
		pgtype.NumericOID:     text("numeric", value.TypeNumber, intoNumber),
	}
	for oid, name := range map[uint32]string{
		pgtype.TextOID: "text", pgtype.VarcharOID: "character varying", pgtype.BPCharOID: "character", pgtype.NameOID: "name", pgtype.QCharOID: "char",
		pgtype.TimeOID: "time", pgtype.TimetzOID: "timetz", pgtype.OIDOID: "oid", pgtype.UnknownOID: "unknown", pgtype.UUIDOID: "uuid",
		geometryOID: "geometry", geometryHex: "geometry", geographyOID: "geography", intervalYMOID: "interval year to month", intervalDSOID: "interval day to second",
	} {
		of[oid] = text(name, "", intoText)
	}
	return of
}

// redshiftTypes: whatever is no scalar of Redshift's list reads as text.
func redshiftTypes(*session, []uint32) (map[uint32]typeInfo, error) {
	return map[uint32]typeInfo{}, nil
}

// redshiftTablesSQL lists the tables of the cluster, of Spectrum and of shared data that the user may see.
// https://docs.aws.amazon.com/redshift/latest/dg/r_SVV_ALL_COLUMNS.html and r_SVV_ALL_TABLES.html
const redshiftTablesSQL = `
SELECT c.schema_name, c.table_name, CASE WHEN t.table_type = 'VIEW' THEN 'view' ELSE 'table' END, c.column_name, c.data_type,
       c.numeric_precision, c.numeric_scale, CASE WHEN upper(c.is_nullable) = 'NO' THEN 'f' ELSE 't' END, coalesce(c.remarks, '')
FROM svv_all_columns c
JOIN svv_all_tables t ON t.database_name = c.database_name AND t.schema_name = c.schema_name AND t.table_name = c.table_name
WHERE c.database_name = current_database() AND c.schema_name <> 'information_schema' AND substring(c.schema_name, 1, 3) <> 'pg_'
ORDER BY c.schema_name, c.table_name, c.ordinal_position`

func redshiftTables(x *session) ([]foundColumn, error) {
	rows, err := x.ask(redshiftTablesSQL)
	if err != nil {
		return nil, err
	}
	found := make([]foundColumn, len(rows))
	for i, row := range rows {
		native := strings.ToLower(string(row[4]))
		f := foundColumn{schema: string(row[0]), table: string(row[1]), kind: string(row[2]), oid: redshiftOID(native), typmod: -1}
		f.column = value.Column{Name: string(row[3]), Native: native, Nullable: string(row[7]) == "t", Description: string(row[8])}
		if f.oid == pgtype.NumericOID && row[5] != nil {
			f.column.Native = fmt.Sprintf("numeric(%s,%s)", row[5], row[6])
			f.typmod = packTypmod(string(row[5]), string(row[6]))
		}
		found[i] = f
	}
	return found, nil
}

// sizes are the numbers behind a type's name, such as (10,2).
var sizes = regexp.MustCompile(`\(.*\)`)

// redshiftNames are the types' names as the catalog writes them: https://docs.aws.amazon.com/redshift/latest/dg/c_Supported_data_types.html
var redshiftNames = map[string]uint32{
	"boolean": pgtype.BoolOID, "bool": pgtype.BoolOID, "smallint": pgtype.Int2OID, "int2": pgtype.Int2OID, "integer": pgtype.Int4OID, "int": pgtype.Int4OID,
	"int4": pgtype.Int4OID, "bigint": pgtype.Int8OID, "int8": pgtype.Int8OID, "real": pgtype.Float4OID, "float4": pgtype.Float4OID,
	"double precision": pgtype.Float8OID, "double": pgtype.Float8OID, "float8": pgtype.Float8OID, "float": pgtype.Float8OID,
	"numeric": pgtype.NumericOID, "decimal": pgtype.NumericOID, "date": pgtype.DateOID,
	"timestamp": pgtype.TimestampOID, "timestamp without time zone": pgtype.TimestampOID, "timestamptz": pgtype.TimestamptzOID,
	"timestamp with time zone": pgtype.TimestamptzOID, "super": superOID, "varbyte": varbyteOID, "binary varying": varbyteOID, "varbinary": varbyteOID,
}

// redshiftOID returns the number of a type by its name; one that is not known reads as text.
func redshiftOID(native string) uint32 {
	if oid, ok := redshiftNames[strings.TrimSpace(sizes.ReplaceAllString(native, ""))]; ok {
		return oid
	}
	return pgtype.VarcharOID
}

// insertBytes and insertRowsMax limit a statement: it has 16 MB at most
// (https://docs.aws.amazon.com/redshift/latest/dg/c_redshift-sql.html), and takes long to be parsed.
const (
	insertBytes   = 4 << 20
	insertRowsMax = 1000
)

// insertRows sends the rows in statements of many: COPY reads from Amazon S3 and not from a client
// (https://docs.aws.amazon.com/redshift/latest/dg/r_COPY.html).
func (x *session) insertRows(table query.TableRef, r array.RecordReader) error {
	in := query.Insert{Table: table, Columns: namesOf(r.Schema())}
	types := make([]query.Type, len(in.Columns))
	for i, f := range r.Schema().Fields() {
		var err error
		if types[i], err = x.owner.variant.typeOf(f); err != nil {
			return err
		}
	}
	size := 0
	rows := &copied{reader: r}
	for rows.Next() {
		row, bytes := rows.constants(types)
		in.Rows, size = append(in.Rows, row), size+bytes
		if size >= insertBytes || len(in.Rows) >= insertRowsMax {
			if err := x.insert(&in, &size); err != nil {
				return err
			}
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	return x.insert(&in, &size)
}

func (x *session) insert(in *query.Insert, size *int) error {
	if len(in.Rows) == 0 {
		return nil
	}
	_, err := x.ask(x.owner.Dialect().Command(*in))
	in.Rows, *size = in.Rows[:0], 0
	return err
}

// constants returns the row as constants, and how long they are, roughly.
func (c *copied) constants(types []query.Type) (row []query.Expr, size int) {
	row = make([]query.Expr, len(c.read))
	for i, read := range c.read {
		v := read(c.row)
		row[i] = query.Value(v)
		if v.IsNull() {
			row[i] = query.Null(types[i])
		}
		size += len(v.Raw()) + 16
	}
	return row, size
}
