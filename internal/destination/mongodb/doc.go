// Package mongodb is the destination "MongoDB": documents of a collection.
//
// A batch is one bulk write of updates that may insert, each of which finds its document by _id or by a field with a
// unique index. Each has an answer of its own, and each says what its fields are to be: a batch whose answer was lost is
// sent again.
package mongodb
