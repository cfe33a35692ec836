// Package tds is how connectors reach SQL Server and its relatives, which speak TDS: settings and connection strings, whom
// to trust, and connections that go through a connector's network.
package tds
