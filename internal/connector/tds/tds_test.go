package tds

import (
	"strings"
	"testing"

	"github.com/microsoft/go-mssqldb/msdsn"

	"github.com/millrace/millrace/internal/fault"
)

// placeOf is where a connection string leads.
func placeOf(text string) (Place, error) {
	s, err := FromString(text)
	if err != nil {
		return Place{}, err
	}
	return s.Place()
}

// Req: S-68
func TestConnectionString(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text, host, database, user, password string
		port                                 uint64
		encryption                           msdsn.Encryption
		trust                                bool
	}{
		{"Server=server;Database=database;User Id=username;Password=password;Encrypt=true", "server", "database", "username", "password", 1433, msdsn.EncryptionRequired, false},
		{"server = tcp:db.example.com, 1444 ;initial catalog=d;uid=u;pwd='it''s; \"p\"=';Encrypt=False;TrustServerCertificate=yes;", "db.example.com", "d", "u", `it's; "p"=`, 1444, msdsn.EncryptionOff, true},
		{`Data Source=10.0.0.1;Port=1500;Database="a;b";User ID=DOMAIN\u;Password=;Encrypt=Strict;Application Name=x;Connect Timeout=5`, "10.0.0.1", "a;b", `DOMAIN\u`, "", 1500, msdsn.EncryptionStrict, false},
		{"Server=[fe80::1],1433;Database=d", "fe80::1", "d", "", "", 1433, msdsn.EncryptionRequired, false},
	} {
		p, err := placeOf(c.text)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		if g := p.Config; g.Host != c.host || g.Port != c.port || g.Database != c.database || g.User != c.user || g.Password != c.password || g.Encryption != c.encryption || p.Trust != c.trust {
			t.Errorf("%s: %+v, trust %v", c.text, g, p.Trust)
		}
	}
	for _, text := range []string{
		"", "Database=d", "Server", "Server=a;Pass word=hunter2", "Server=a;Certificate=/etc/passwd", "Server=a;log=63", "Server=a;Failover Partner=b",
		"Server=a;Password='hunter2", "Server=a;Password='hunter2'x", "Server=a,0", "Server=a,x", "Server=a:1433", `Server=a\named`, "Server=http://a/", "Server=a/",
		"Server=a;Password=x;hunter2=1", "Server=a;Encrypt=maybe", "Server=a;Authentication=Active Directory Default", "Server=a;Protocol=np", "Server=a;=b",
	} {
		_, err := placeOf(text)
		if !fault.Is(err, fault.CodeInvalid) || strings.Contains(err.Error()+fault.As(err).Hint(), "hunter2") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// A host is a name and nothing else.
//
// Req: S-68
func TestHost(t *testing.T) {
	t.Parallel()
	for _, host := range []string{"http://db.example.com", "db.example.com/", "https://db/x", `db\named`, "", "a b", "user@db"} {
		_, err := Settings{Host: host, Port: DefaultPort}.Place()
		if !fault.Is(err, fault.CodeInvalid) || fault.As(err).Path != "host" {
			t.Errorf("%q: %v", host, err)
		}
	}
	for _, host := range []string{"db.example.com", "10.0.0.1", "::1", "workspace.sql.azuresynapse.net"} {
		if _, err := (Settings{Host: host, Port: DefaultPort}).Place(); err != nil {
			t.Errorf("%q: %v", host, err)
		}
	}
}

func FuzzConnectionString(f *testing.F) {
	f.Add("Server=server;Database=database;User Id=username;Password='pa''ss;';Encrypt=true")
	f.Add(`Server="a";;=;'`)
	f.Fuzz(func(t *testing.T, text string) {
		pairs, err := splitString(text)
		if err == nil && len(pairs) > len(text) {
			t.Errorf("%q has %d pairs", text, len(pairs))
		}
	})
}
