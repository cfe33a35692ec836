// Package mysql is the destinations "MySQL" and "MariaDB": rows of a table that exists.
//
// A batch is one transaction of multi-row statements whose literals are written for the types of their columns. The
// session is strict, and what the server would store in another form than it was sent (a note of the server tells) is
// refused: nothing is cut, rounded or padded unless the sync asks for it. A row that the server refuses is found by
// the number that the server names, or by halving, and refused alone with the server's words. A receipt in the same
// transaction tells what became of a batch whose answer was lost.
package mysql
