// Package redis is the destination "Redis": keys and members of sorted sets, in one server or in a cluster.
//
// A row becomes one command or a few, and a batch becomes a pipeline of them, in a transaction where the connection says
// so. Each command has an answer of its own, so that a row that the server refuses, such as one whose key holds another
// type, is refused alone and with the server's words. Every command sets what it says, whatever was there before: a batch
// whose answer was lost is sent again.
package redis
