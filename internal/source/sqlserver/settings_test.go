package sqlserver

import (
	"strings"
	"testing"

	"github.com/microsoft/go-mssqldb/msdsn"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/source/sqlserver/sqlservertest"
)

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
		p, err := settings{Auth: authString, ConnectionString: c.text}.place()
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		if g := p.config; g.Host != c.host || g.Port != c.port || g.Database != c.database || g.User != c.user || g.Password != c.password || g.Encryption != c.encryption || p.trust != c.trust {
			t.Errorf("%s: %+v, trust %v", c.text, g, p.trust)
		}
	}
	for _, text := range []string{
		"", "Database=d", "Server", "Server=a;Pass word=hunter2", "Server=a;Certificate=/etc/passwd", "Server=a;log=63", "Server=a;Failover Partner=b",
		"Server=a;Password='hunter2", "Server=a;Password='hunter2'x", "Server=a,0", "Server=a,x", "Server=a:1433", `Server=a\named`, "Server=http://a/", "Server=a/",
		"Server=a;Password=x;hunter2=1", "Server=a;Encrypt=maybe", "Server=a;Authentication=Active Directory Default", "Server=a;Protocol=np", "Server=a;=b",
	} {
		_, err := settings{Auth: authString, ConnectionString: text}.place()
		if !fault.Is(err, fault.CodeInvalid) || strings.Contains(err.Error()+fault.As(err).Hint(), "hunter2") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// Req: S-68
func TestConnectionStringConnects(t *testing.T) {
	t.Parallel()
	_, s := serve(t, sqlservertest.Options{})
	text := "Server=tcp:127.0.0.1," + portOf(s) + ";Database=analytics;User Id=millrace;Password=hunter2-secret;Encrypt=false;TrustServerCertificate=true"
	for _, info := range []connector.SourceInfo{Server(), Synapse()} {
		own := connector.Settings{"auth": "connectionString", "connectionString": text}
		if issues := own.Check("settings", info.Fields, nil); len(issues) > 0 {
			t.Errorf("%s: %v", info.Slug, issues)
		}
		if err := openAt(t, info, own, connector.Network{}).Test(t.Context()); err != nil {
			t.Errorf("%s: %v", info.Slug, err)
		}
	}
}

// A host is a name and nothing else.
//
// Req: S-68
func TestHost(t *testing.T) {
	t.Parallel()
	for _, host := range []string{"http://db.example.com", "db.example.com/", "https://db/x", `db\named`, "", "a b", "user@db"} {
		_, err := settings{Host: host, Port: 1433}.place()
		if !fault.Is(err, fault.CodeInvalid) || fault.As(err).Path != "host" {
			t.Errorf("%q: %v", host, err)
		}
	}
	for _, host := range []string{"db.example.com", "10.0.0.1", "::1", "workspace.sql.azuresynapse.net"} {
		if _, err := (settings{Host: host, Port: 1433}).place(); err != nil {
			t.Errorf("%q: %v", host, err)
		}
	}
}

// Each product asks for what its ways to sign in need.
//
// Req: S-23, S-24, S-25
func TestFields(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		info     connector.SourceInfo
		settings connector.Settings
		missing  string // "" for none
	}{
		{Server(), connector.Settings{"host": "h", "database": "d", "user": "u"}, ""},
		{Server(), connector.Settings{"auth": "connectionString"}, "connectionString"},
		{Server(), connector.Settings{"auth": "clientSecret", "host": "h", "database": "d"}, "auth"},
		{Synapse(), connector.Settings{"auth": "clientSecret", "host": "h", "database": "d", "tenantId": "t", "clientId": "c"}, "clientSecret"},
		{Synapse(), connector.Settings{"auth": "clientCertificate", "host": "h", "database": "d", "tenantId": "t", "clientId": "c", "thumbprint": "x"}, "privateKey"},
		{Fabric(), connector.Settings{"host": "h", "database": "d", "tenantId": "t", "clientId": "c", "clientSecret": "s"}, ""},
		{Fabric(), connector.Settings{"auth": "password", "host": "h", "database": "d", "tenantId": "t", "clientId": "c", "clientSecret": "s"}, "auth"},
	} {
		issues := c.settings.Check("spec", c.info.Fields, nil)
		if c.missing == "" && len(issues) > 0 || c.missing != "" && (len(issues) != 1 || issues[0].Path != "spec."+c.missing) {
			t.Errorf("%s %v: %v", c.info.Slug, c.settings, issues)
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

func FuzzSingle(f *testing.F) {
	f.Add("SELECT '(' AS a, [b]]] FROM c /* ; /* ) */ */ -- )\n WHERE (1 = 1)")
	f.Fuzz(func(_ *testing.T, text string) { _ = checkSingle(text) }) //nolint:errcheck // it must end, and not panic
}
