// Package sqltable is what destinations that write to tables of SQL databases have in common: what a sync's match and
// mapping must be whatever the database, how its rows are brought, and how numbers, instants, bytes and documents are
// read from values.
package sqltable
