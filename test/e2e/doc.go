// Package e2e tests the whole binary: started as a process, spoken to over HTTP and the command line, killed
// and stopped in the middle of its work.
package e2e
