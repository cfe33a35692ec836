package postgres

import (
	"encoding/binary"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/millrace/millrace/internal/value"
)

// shape is how the text of a type is read.
type shape uint8

// The shapes.
const (
	shapeText      shape = iota // text, and every type that we do not know better
	shapeArray                  // {a,b}
	shapeComposite              // (a,b)
	shapeDomain                 // as its base
	shapeHstore                 // "a"=>"b"
	shapeNumber                 // a number that the driver has no name for
)

// typeInfo is what the catalog says of a type.
type typeInfo struct {
	name   string
	shape  shape
	delim  byte     // between the items of an array
	of     uint32   // the items of an array, the base of a domain
	names  []string // of a composite's fields
	fields []uint32 // their types
}

// catalog knows the types of one result.
type catalog struct {
	variant    variant
	types      map[uint32]typeInfo
	moneyScale int32
}

func (x *session) newCatalog() *catalog {
	return &catalog{variant: x.owner.variant, types: map[uint32]typeInfo{}}
}

// typesOf looks up the types of a result's columns that are not scalars, and tells whether it had to ask.
func (x *session) typesOf(fields []pgconn.FieldDescription) (_ *catalog, looked bool, err error) {
	c := x.newCatalog()
	var unknown []uint32
	for _, f := range fields {
		if f.DataTypeOID == moneyOID && !looked {
			if c.moneyScale, err = x.moneyScale(); err != nil {
				return nil, true, err
			}
			looked = true
		}
		if c.unknown(f.DataTypeOID) {
			unknown = append(unknown, f.DataTypeOID)
		}
	}
	return c, looked || len(unknown) > 0, c.load(x, unknown)
}

func (c *catalog) unknown(oid uint32) bool {
	_, scalar := c.variant.scalars[oid]
	_, known := c.types[oid]
	return !scalar && !known && oid != moneyOID
}

// moneyScale asks how many digits money has after the point: one unit, in the smallest parts.
func (x *session) moneyScale() (int32, error) {
	r := x.conn.PgConn().ExecParams(x.ctx, "SELECT '1'::money", nil, nil, nil, []int16{formatBinary}).Read()
	if r.Err != nil {
		return 0, r.Err
	}
	var scale int32
	if len(r.Rows) == 1 && len(r.Rows[0][0]) == 8 {
		for unit := binary.BigEndian.Uint64(r.Rows[0][0]); unit >= 10; unit /= 10 {
			scale++
		}
	}
	return scale, nil
}

// load reads the types, and those that they are made of.
func (c *catalog) load(x *session, oids []uint32) error {
	for len(oids) > 0 {
		found, err := c.variant.types(x, oids)
		if err != nil {
			return fmt.Errorf("looking up types: %w", err)
		}
		for _, oid := range oids {
			c.types[oid] = found[oid] // a type that is gone reads as text
		}
		oids = nil
		for _, t := range found {
			for _, part := range append(t.fields, t.of) {
				if part != 0 && c.unknown(part) {
					oids = append(oids, part)
				}
			}
		}
	}
	return nil
}

const typesSQL = `
SELECT t.oid, format_type(t.oid, NULL), t.typtype::text, t.typname = 'hstore' AND t.typtype = 'b', coalesce(item.oid, 0),
       coalesce(item.typdelim::text, ','), t.typbasetype,
       ARRAY(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum),
       ARRAY(SELECT a.atttypid::bigint FROM pg_attribute a WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum)
FROM pg_type t LEFT JOIN pg_type item ON item.typarray = t.oid
WHERE t.oid::bigint = ANY ($1)`

func lookUp(x *session, oids []uint32) (map[uint32]typeInfo, error) {
	wanted := make([]int64, len(oids))
	for i, oid := range oids {
		wanted[i] = int64(oid)
	}
	rows, err := x.conn.Query(x.ctx, typesSQL, wanted)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	found := map[uint32]typeInfo{}
	for rows.Next() {
		var oid, item, base uint32
		var kind, delim string
		var hstore bool
		var fields []int64
		var t typeInfo
		if err := rows.Scan(&oid, &t.name, &kind, &hstore, &item, &delim, &base, &t.names, &fields); err != nil {
			return nil, err
		}
		t.delim = delim[0]
		for _, f := range fields {
			t.fields = append(t.fields, uint32(f))
		}
		t.setShape(kind, hstore, item, base)
		found[oid] = t
	}
	return found, rows.Err()
}

func (t *typeInfo) setShape(kind string, hstore bool, item, base uint32) {
	switch {
	case item != 0:
		t.shape, t.of = shapeArray, item
	case kind == "d":
		t.shape, t.of = shapeDomain, base
	case kind == "c":
		t.shape = shapeComposite
	case hstore:
		t.shape = shapeHstore
	}
}

// column says how a column of the type is read. Arrays, composites and hstores become JSON text: how deep an
// array is nested is a property of each value in PostgreSQL, not of the column, so that no list type holds all.
func (c *catalog) column(name string, oid uint32, typmod int32) column {
	col := c.plan(oid, typmod)
	col.field.Name = name
	return col
}

func (c *catalog) plan(oid uint32, typmod int32) column {
	switch oid {
	case pgtype.NumericOID:
		return c.variant.numeric(typmod)
	case moneyOID:
		return moneyColumn(c.moneyScale)
	}
	if known, ok := c.variant.scalars[oid]; ok {
		return known
	}
	t := c.types[oid]
	switch t.shape {
	case shapeDomain:
		return c.plan(t.of, typmod)
	case shapeNumber:
		return text(t.name, value.TypeNumber, intoNumber)
	case shapeArray, shapeComposite, shapeHstore:
		return text(t.name, value.TypeObject, c.intoJSON(oid))
	default:
		return text(t.name, "", intoText)
	}
}
