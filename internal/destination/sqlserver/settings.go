package sqlserver

import (
	"math"
	"net"
	"strconv"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/tds"
	"github.com/millrace/millrace/internal/destination/sqltable"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
)

// settings are the destination's own. A port that is no port is reported, and not refused while it is read.
type settings struct {
	Auth             string  `json:"auth"`
	ConnectionString string  `json:"connectionString"`
	Host             string  `json:"host"`
	Port             float64 `json:"port"`
	Database         string  `json:"database"`
	User             string  `json:"user"`
	Password         string  `json:"password"`
	Encryption       string  `json:"encryption"`
	Trust            bool    `json:"trustServerCertificate"`
	CACertificate    string  `json:"caCertificate"`
}

// server is where the settings lead, and who signs in.
func (s settings) server() (tds.Settings, error) {
	if s.Auth == authString {
		return tds.FromString(s.ConnectionString)
	}
	return tds.Settings{
		Host: s.Host, Port: uint16(s.Port), Database: s.Database, User: s.User, Password: s.Password,
		Encryption: s.Encryption, Trust: s.Trust, CACertificate: s.CACertificate,
	}, nil
}

// place says how to connect.
func (s settings) place() (tds.Place, error) {
	if err := s.check().Err(); err != nil {
		return tds.Place{}, fault.As(err)
	}
	server, err := s.server()
	if err != nil {
		return tds.Place{}, err
	}
	return server.Place()
}

// check reports every setting that cannot work.
func (s settings) check() fault.Issues {
	var issues fault.Issues
	server, err := s.server()
	if err == nil {
		_, err = server.Place()
	}
	if err != nil {
		e := fault.As(err)
		issues = append(issues, e.WithPath("spec.configuration."+e.Path))
	}
	if s.Auth == authString {
		return issues
	}
	if s.Port != math.Trunc(s.Port) || s.Port < 1 || s.Port > math.MaxUint16 {
		issues.Add("spec.configuration.port", fault.CodeInvalid, "the port must be a whole number from 1 to %d", math.MaxUint16)
	}
	for field, text := range map[string]string{"database": s.Database, "user": s.User} {
		if text == "" {
			issues.Add("spec.configuration."+field, fault.CodeInvalid, "the %s is missing", field)
		}
	}
	return issues
}

// address returns the database's address, as the request log shows it.
func (s settings) address() string {
	server, err := s.server()
	if err != nil {
		return "sqlserver://"
	}
	return "sqlserver://" + net.JoinHostPort(server.Host, strconv.Itoa(int(server.Port))) + "/" + server.Database
}

// syncSettings are a sync's own.
type syncSettings struct {
	sqltable.Batching

	Schema string `json:"schema"`
	Table  string `json:"table"`
	Fit    string `json:"fit"`
}

func (s syncSettings) ref() query.TableRef { return query.TableRef{Schema: s.Schema, Name: s.Table} }

// exact says that a value is stored as it was sent, or not at all.
func (s syncSettings) exact() bool { return s.Fit != fitAdapt }

// decode reads the settings of a job.
func decode(job connector.SyncJob) (syncSettings, error) {
	var s syncSettings
	err := job.Settings.WithDefaults(syncType().Fields).Decode(&s)
	return s, err
}
