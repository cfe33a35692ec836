// Package postgres is the destination "PostgreSQL": rows of a table that exists.
//
// A batch is one transaction. Its rows travel by COPY in text form, so that the server itself reads every
// value by the rules of its column's type, and are merged into the table by one statement. A row that the
// server refuses is found by the line that COPY names, or by halving, and refused alone with the server's
// words. A receipt in the same transaction tells what became of a batch whose answer was lost.
package postgres
