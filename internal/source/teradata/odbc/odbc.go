// Package odbc speaks to databases over the driver manager of this machine (unixODBC). Builds without the tag teradata
// hold nothing of it: there Open says so.
//
// It reads numbers, texts and bytes as they are: where database/sql over ODBC makes a float of a decimal, and a local time
// of a timestamp, this keeps the digits. The functions of the driver manager are those of
// https://learn.microsoft.com/en-us/sql/odbc/reference/syntax/odbc-api-reference.
package odbc

import (
	"context"
	"errors"
	"strings"
)

// ErrAbsent says that this build has no ODBC.
var ErrAbsent = errors.New("this build of Millrace has no ODBC")

// The types of columns, as ODBC numbers them:
// https://learn.microsoft.com/en-us/sql/odbc/reference/appendixes/sql-data-types
const (
	TypeChar          = 1
	TypeNumeric       = 2
	TypeDecimal       = 3
	TypeInteger       = 4
	TypeSmallInt      = 5
	TypeFloat         = 6
	TypeReal          = 7
	TypeDouble        = 8
	TypeVarchar       = 12
	TypeDate          = 91
	TypeTime          = 92
	TypeTimestamp     = 93
	TypeLongVarchar   = -1
	TypeBinary        = -2
	TypeVarbinary     = -3
	TypeLongVarbinary = -4
	TypeBigInt        = -5
	TypeTinyInt       = -6
	TypeBit           = -7
	TypeWChar         = -8
	TypeWVarchar      = -9
	TypeWLongVarchar  = -10
)

// Column is one column of a result, as the driver describes it.
type Column struct {
	Name   string
	Type   int    // one of the types above, or a number of the driver's own
	Size   int64  // digits, characters or bytes; 0 where the driver does not know
	Digits int    // behind the point
	Native string // how the database calls the type
}

// form is how values of a column are read.
type form int

const (
	asText form = iota // of every type that has no other form
	asInteger
	asFloat
	asBytes
)

func (c Column) form() form {
	switch c.Type {
	case TypeBit, TypeTinyInt, TypeSmallInt, TypeInteger, TypeBigInt:
		return asInteger
	case TypeFloat, TypeReal, TypeDouble:
		return asFloat
	case TypeBinary, TypeVarbinary, TypeLongVarbinary:
		return asBytes
	default:
		return asText
	}
}

// Integer reports whether values are whole numbers. What is neither Integer, Float nor Bytes is text.
func (c Column) Integer() bool { return c.form() == asInteger }

// Float reports whether values are floats.
func (c Column) Float() bool { return c.form() == asFloat }

// Bytes reports whether values are bytes.
func (c Column) Bytes() bool { return c.form() == asBytes }

// Conn is a connection to a database. One goroutine uses it at a time.
type Conn interface {
	// Exec runs a statement to its end and passes over its rows.
	Exec(ctx context.Context, sql string) error
	// Query runs a statement. The database is told to stop when ctx ends, also while rows are read.
	Query(ctx context.Context, sql string) (Rows, error)
	Close() error
}

// Rows are the rows of a running statement. Values are those of the row that Next came to; a null has no value. What
// they return is good until the next row.
type Rows interface {
	Columns() []Column
	// Next comes to the next row. Its error is io.EOF behind the last one.
	Next() error
	Integer(column int) (v int64, null bool, err error)
	Float(column int) (v float64, null bool, err error)
	Bytes(column int) (v []byte, null bool, err error)
	// Text is the text in UTF-8.
	Text(column int) (v []byte, null bool, err error)
	Close() error
}

// Error is what a driver or the driver manager says.
type Error struct {
	State   string // five letters and digits: https://learn.microsoft.com/en-us/sql/odbc/reference/appendixes/appendix-a-odbc-error-codes
	Native  int    // the database's own number, 0 for none
	Message string
}

// Error returns the driver's words.
func (e *Error) Error() string {
	return strings.TrimSpace(e.Message)
}
