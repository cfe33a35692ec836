//go:build teradata

package odbc

// #cgo linux LDFLAGS: -lodbc
// #cgo darwin LDFLAGS: -L/usr/local/opt/unixodbc/lib -L/opt/homebrew/opt/unixodbc/lib -lodbc
// #cgo darwin CFLAGS: -I/usr/local/opt/unixodbc/include -I/opt/homebrew/opt/unixodbc/include
// #include <sql.h>
// #include <sqlext.h>
// #include <sqlucode.h>
//
// static SQLRETURN typeName(void *statement, SQLUSMALLINT column, void *name, SQLSMALLINT size) {
//   SQLSMALLINT length = 0;
//   return SQLColAttributeW((SQLHSTMT)statement, column, SQL_DESC_TYPE_NAME, (SQLPOINTER)name, size, &length, NULL);
// }
import "C"

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"
	"unsafe"

	"github.com/alexbrainman/odbc/api"
)

// Available reports whether this build has ODBC.
const Available = true

// Attributes of connections that the binding does not name.
const (
	attrAccessMode   = 101 // SQL_ATTR_ACCESS_MODE
	modeReadOnly     = 1   // SQL_MODE_READ_ONLY
	attrLoginTimeout = 103 // SQL_ATTR_LOGIN_TIMEOUT, in seconds
	loginTimeout     = 30
)

// environment is the driver manager's. The process has one, and connections are not pooled in it: a session has the tag
// of whoever it was made for.
var environment = sync.OnceValues(func() (api.SQLHENV, error) {
	var h api.SQLHANDLE
	if failed(api.SQLAllocHandle(api.SQL_HANDLE_ENV, nil, &h)) {
		return nil, errors.New("the driver manager of ODBC does not start")
	}
	env := api.SQLHENV(h)
	if failed(api.SQLSetEnvUIntPtrAttr(env, api.SQL_ATTR_ODBC_VERSION, api.SQL_OV_ODBC3, 0)) {
		return nil, diagnosis(api.SQL_HANDLE_ENV, h, "SQLSetEnvAttr")
	}
	return env, nil
})

func failed(r api.SQLRETURN) bool { return r != api.SQL_SUCCESS && r != api.SQL_SUCCESS_WITH_INFO }

type conn struct{ h api.SQLHDBC }

// Open connects as a connection string says. It cannot be interrupted: whoever wants that ends what it connects to.
func Open(_ context.Context, connection string) (Conn, error) {
	env, err := environment()
	if err != nil {
		return nil, err
	}
	var h api.SQLHANDLE
	if failed(api.SQLAllocHandle(api.SQL_HANDLE_DBC, api.SQLHANDLE(env), &h)) {
		return nil, diagnosis(api.SQL_HANDLE_ENV, api.SQLHANDLE(env), "SQLAllocHandle")
	}
	c := &conn{api.SQLHDBC(h)}
	api.SQLSetConnectUIntPtrAttr(c.h, attrLoginTimeout, loginTimeout, api.SQL_IS_UINTEGER)
	api.SQLSetConnectUIntPtrAttr(c.h, attrAccessMode, modeReadOnly, api.SQL_IS_UINTEGER) // a hint that drivers may ignore
	text := api.StringToUTF16(connection)
	if failed(api.SQLDriverConnect(c.h, 0, (*api.SQLWCHAR)(unsafe.Pointer(&text[0])), api.SQL_NTS, nil, 0, nil, api.SQL_DRIVER_NOPROMPT)) {
		defer api.SQLFreeHandle(api.SQL_HANDLE_DBC, h)
		return nil, diagnosis(api.SQL_HANDLE_DBC, h, "SQLDriverConnect")
	}
	return c, nil
}

func (c *conn) Close() error {
	defer api.SQLFreeHandle(api.SQL_HANDLE_DBC, api.SQLHANDLE(c.h))
	if failed(api.SQLDisconnect(c.h)) {
		return diagnosis(api.SQL_HANDLE_DBC, api.SQLHANDLE(c.h), "SQLDisconnect")
	}
	return nil
}

func (c *conn) Exec(ctx context.Context, sql string) error {
	r, err := c.run(ctx, sql)
	if err != nil {
		return err
	}
	return r.Close()
}

func (c *conn) Query(ctx context.Context, sql string) (Rows, error) {
	r, err := c.run(ctx, sql)
	if err != nil {
		return nil, err
	}
	if err := r.describe(); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	r.bind()
	return r, nil
}

// run prepares and executes a statement.
func (c *conn) run(ctx context.Context, sql string) (*rows, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	var h api.SQLHANDLE
	if failed(api.SQLAllocHandle(api.SQL_HANDLE_STMT, api.SQLHANDLE(c.h), &h)) {
		return nil, diagnosis(api.SQL_HANDLE_DBC, api.SQLHANDLE(c.h), "SQLAllocHandle")
	}
	r := &rows{ctx: ctx, h: api.SQLHSTMT(h)}
	r.unwatch = context.AfterFunc(ctx, r.cancel)
	text := api.StringToUTF16(sql)
	err := r.check(api.SQLPrepare(r.h, (*api.SQLWCHAR)(unsafe.Pointer(&text[0])), api.SQL_NTS), "SQLPrepare")
	if err == nil {
		if ret := api.SQLExecute(r.h); ret != api.SQL_NO_DATA {
			err = r.check(ret, "SQLExecute")
		}
	}
	if err != nil {
		_ = r.Close() //nolint:errcheck // of a statement that failed
		return nil, err
	}
	return r, nil
}

// rows is a statement and its result.
type rows struct {
	ctx     context.Context //nolint:containedctx // of the statement, which outlives the call that begins it
	unwatch func() bool
	columns []Column
	cells   []cell
	pinner  runtime.Pinner

	mu    sync.Mutex // of the handle's end
	h     api.SQLHSTMT
	ended bool
}

// cancel tells the database to stop. It may be called while the statement runs.
func (r *rows) cancel() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.ended {
		api.SQLCancel(r.h)
	}
}

// check is the error of an answer, or why the statement was stopped.
func (r *rows) check(ret api.SQLRETURN, what string) error {
	switch {
	case !failed(ret):
		return nil
	case r.ctx.Err() != nil:
		return context.Cause(r.ctx)
	default:
		return diagnosis(api.SQL_HANDLE_STMT, api.SQLHANDLE(r.h), what)
	}
}

func (r *rows) Columns() []Column { return r.columns }

func (r *rows) describe() error {
	var n api.SQLSMALLINT
	if err := r.check(api.SQLNumResultCols(r.h, &n), "SQLNumResultCols"); err != nil {
		return err
	}
	for i := range int(n) {
		c, err := r.column(i)
		if err != nil {
			return err
		}
		r.columns = append(r.columns, c)
	}
	return nil
}

const nameLength = 1024 // characters; names have 128 at Teradata

func (r *rows) column(i int) (Column, error) {
	name, native := make([]uint16, nameLength), make([]uint16, nameLength)
	var length, kind, digits, nullable api.SQLSMALLINT
	var size api.SQLULEN
	ret := api.SQLDescribeCol(r.h, api.SQLUSMALLINT(i+1), (*api.SQLWCHAR)(unsafe.Pointer(&name[0])), nameLength, &length, &kind, &size, &digits, &nullable)
	if err := r.check(ret, "SQLDescribeCol"); err != nil {
		return Column{}, err
	}
	ret = api.SQLRETURN(C.typeName(unsafe.Pointer(r.h), C.SQLUSMALLINT(i+1), unsafe.Pointer(&native[0]), 2*(nameLength-1)))
	if err := r.check(ret, "SQLColAttribute"); err != nil {
		return Column{}, err
	}
	return Column{Name: api.UTF16ToString(name), Type: int(kind), Size: int64(size), Digits: int(digits), Native: api.UTF16ToString(native)}, nil
}

func (r *rows) Next() error {
	if r.ctx.Err() != nil {
		return context.Cause(r.ctx)
	}
	ret := api.SQLFetch(r.h)
	if ret == api.SQL_NO_DATA {
		if r.ctx.Err() != nil { // some drivers end the rows of a cancelled statement
			return context.Cause(r.ctx)
		}
		return io.EOF
	}
	return r.check(ret, "SQLFetch")
}

func (r *rows) Close() error {
	r.unwatch()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended {
		return nil
	}
	r.ended = true
	defer r.pinner.Unpin()
	if failed(api.SQLFreeHandle(api.SQL_HANDLE_STMT, api.SQLHANDLE(r.h))) {
		return unexpected("SQLFreeHandle")
	}
	return nil
}

// diagnosis is what the driver says of a failure: its first words.
func diagnosis(kind api.SQLSMALLINT, h api.SQLHANDLE, what string) error {
	state, message := make([]uint16, 6), make([]uint16, 4096)
	var native api.SQLINTEGER
	var length api.SQLSMALLINT
	ret := api.SQLGetDiagRec(kind, h, 1, (*api.SQLWCHAR)(unsafe.Pointer(&state[0])), &native, (*api.SQLWCHAR)(unsafe.Pointer(&message[0])), api.SQLSMALLINT(len(message)), &length)
	if failed(ret) {
		return unexpected(what)
	}
	return &Error{State: api.UTF16ToString(state), Native: int(native), Message: api.UTF16ToString(message)}
}

var errLonger = errors.New("a value is longer than the driver said of its column")

func unexpected(what string) error {
	return fmt.Errorf("the driver answered %s with neither success nor an error", what)
}
