//go:build !teradata

package odbc

import "context"

// Available reports whether this build has ODBC.
const Available = false

// Open returns ErrAbsent.
func Open(context.Context, string) (Conn, error) { return nil, ErrAbsent }
