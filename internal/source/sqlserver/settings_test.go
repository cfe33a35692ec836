package sqlserver

import (
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/source/sqlserver/sqlservertest"
)

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
