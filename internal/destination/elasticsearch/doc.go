// Package elasticsearch is the destination "Elasticsearch": documents of an index that exists.
//
// A batch is one request of the bulk API, whose answer has a status for each row. Documents are named by their _id, or
// found by the value of another field; those that are added in the second way get an _id that is made of that value, so
// that sending a batch again adds nothing.
package elasticsearch
