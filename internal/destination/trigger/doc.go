// Package trigger is what destinations share that send something of one's own making when rows are added, changed or
// removed: the settings of each operation, bodies from a template, a column or the mapping, values that are fixed or
// taken from each row, and limits of each operation's own.
//
// A destination describes its settings with the fields of this package, compiles them once for a run with a Compiler,
// and writes the rows of a batch with a Scratch.
package trigger
