package storage

import (
	"errors"
	"maps"
	"slices"
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/resource/resourcetest"
)

func TestGolden(t *testing.T) {
	t.Parallel()
	resourcetest.Golden(t, Kind(Types(false)), "testdata/golden.json")
}

// The fields of each provider, and what is wrong with them.
//
// Req: X-10
func TestValidate(t *testing.T) {
	t.Parallel()
	s3 := map[string]any{"region": "eu-central-1", "bucket": "acme", "accessKeyId": "AKIA", "secretAccessKey": "s"}
	gcs := map[string]any{"projectId": "acme", "bucket": "acme", "serviceAccountKey": `{"type":"service_account","client_email":"a@b","private_key":"k"}`}
	azure := map[string]any{"accountName": "acme", "container": "acme-millrace", "tenantId": "t", "clientId": "c", "clientSecret": "s"}
	with := func(base map[string]any, pairs ...any) map[string]any {
		m := map[string]any{}
		maps.Copy(m, base)
		for i := 0; i < len(pairs); i += 2 {
			m[pairs[i].(string)] = pairs[i+1]
			if pairs[i+1] == nil {
				delete(m, pairs[i].(string))
			}
		}
		return m
	}
	tests := []struct {
		kind   string
		with   map[string]any
		server bool
		want   []string // paths below spec.configuration
	}{
		{"s3", s3, false, nil},
		{"s3", with(s3, "prefix", "a/b/"), false, nil},
		{"s3", with(s3, "bucket", nil, "accessKeyId", nil, "secretAccessKey", nil), false, []string{"accessKeyId", "bucket", "secretAccessKey"}},
		{"s3", with(s3, "bucket", "s3://acme/x", "prefix", "../x", "endpoint", "minio", "roleArn", "role", "stsEndpoint", "http://u:p@h"), false, []string{"bucket", "endpoint", "prefix", "roleArn", "stsEndpoint"}},
		{"s3", with(s3, "externalId", "x"), false, []string{"externalId"}},
		{"s3", with(s3, "auth", "server"), false, []string{"auth"}},
		{"s3", map[string]any{"bucket": "acme", "auth": "server"}, true, nil},
		{"s3", map[string]any{"bucket": "acme", "auth": "credential", "credential": "lake"}, false, nil},
		{"s3", map[string]any{"bucket": "acme", "auth": "credential"}, false, []string{"credential"}},
		{"gcs", map[string]any{"projectId": "acme", "bucket": "acme", "auth": "credential", "credential": "lake"}, false, nil},
		{"azure", map[string]any{"accountName": "acme", "container": "acme", "auth": "credential"}, false, []string{"credential"}},
		{"gcs", gcs, false, nil},
		{"gcs", with(gcs, "projectId", nil, "serviceAccountKey", `{"type":"external_account"}`), false, []string{"projectId", "serviceAccountKey"}},
		{"azure", azure, false, nil},
		{"azure", with(azure, "auth", "key", "accountKey", "k", "tenantId", nil, "clientId", nil, "clientSecret", nil), false, nil},
		{"azure", with(azure, "accountName", "acme.blob.core.windows.net", "container", "A--b", "authority", "http://login"), false, []string{"accountName", "authority", "container"}},
		{"azure", with(azure, "clientSecret", nil), false, []string{"clientSecret"}},
	}
	for _, test := range tests {
		err := Check(Types(test.server), Spec{Type: test.kind, Configuration: test.with})
		var issues fault.Issues
		errors.As(err, &issues)
		var paths []string
		for _, issue := range issues {
			paths = append(paths, issue.Path[len(configuration)+1:])
		}
		slices.Sort(paths)
		if !slices.Equal(paths, test.want) {
			t.Errorf("%s %v: %v, want %v", test.kind, test.with, err, test.want)
		}
	}
	if err := Check(Types(false), Spec{Type: "ftp"}); !fault.Is(err, fault.CodeInvalid) && err == nil {
		t.Errorf("an unknown type: %v", err)
	}
}

// Whatever a person fills in arrives at the place: no field is asked for in vain.
//
// Req: X-10
func TestEveryFieldCounts(t *testing.T) {
	t.Parallel()
	for _, k := range Types(true) {
		full := connector.Settings{}
		for _, f := range k.Fields {
			full[f.Name] = "value of " + f.Name
			switch f.Type {
			case connector.FieldBoolean:
				full[f.Name] = true
			case connector.FieldCredential:
				full[f.Name] = map[string]any{"auth": "server"}
			}
		}
		for _, f := range k.Fields {
			variants := []string{"keys", "key", "application", "server"}
			if f.ShowIf != nil {
				variants = f.ShowIf.In
			}
			counts := false
			for _, auth := range variants {
				is, without := connector.Settings{}, connector.Settings{}
				for name, v := range full {
					is[name], without[name] = v, v
				}
				is["auth"], without["auth"] = auth, auth
				if f.Name == "auth" {
					without["auth"] = "server"
				} else {
					delete(without, f.Name)
				}
				counts = counts || k.place(is) != k.place(without)
			}
			if !counts {
				t.Errorf("%s: the field %s changes nothing", k.Slug, f.Name)
			}
		}
	}
}
