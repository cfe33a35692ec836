// Package sqlserver is the destination "SQL Server": rows of a table that exists, of Microsoft SQL Server (2016 and newer)
// or Azure SQL Database.
//
// A batch is one transaction. Its rows travel as one parameter, a JSON array of texts, from which the server itself reads
// every value by the type of its column; a table variable holds them while rows are found, changed and added. An error of
// the server dooms the transaction, so that a batch with a bad row is not taken at all and the engine halves it until the
// row is alone with the server's words. A receipt in the same transaction tells what became of a batch whose answer was
// lost.
package sqlserver
