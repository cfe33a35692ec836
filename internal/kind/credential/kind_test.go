package credential

import (
	"slices"
	"testing"

	"github.com/millrace/millrace/internal/cloud"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/resource"
	"github.com/millrace/millrace/internal/resource/resourcetest"
)

func TestGolden(t *testing.T) {
	t.Parallel()
	resourcetest.Golden(t, Kind(Types(Policy{})), "testdata/golden.json")
}

const id = "6731de76-14a6-49ae-97bc-6eba6914391e"

// Every error of a credential is told at once, with its place; what the operator does not allow is no choice.
//
// Req
func TestValidate(t *testing.T) {
	t.Parallel()
	account := `{"type":"service_account","client_email":"a@b","private_key":"k"}`
	for name, c := range map[string]struct {
		kind   string
		policy Policy
		with   map[string]any
		want   []string // paths below spec.configuration
	}{
		"access key":           {"aws", Policy{}, map[string]any{"accessKeyId": "A", "secretAccessKey": "s"}, nil},
		"nothing":              {"aws", Policy{}, nil, []string{"accessKeyId", "secretAccessKey"}},
		"role":                 {"aws", Policy{AWSAccount: "1"}, map[string]any{"roleArn": "arn:aws:iam::123456789012:role/x", "externalId": "e"}, nil},
		"role without":         {"aws", Policy{AWSAccount: "1"}, map[string]any{"auth": "role"}, []string{"externalId", "roleArn"}},
		"not a role":           {"aws", Policy{AWSAccount: "1"}, map[string]any{"roleArn": "arn:aws:iam::123456789012:user/x", "externalId": "e"}, []string{"roleArn"}},
		"role not offered":     {"aws", Policy{}, map[string]any{"auth": "role"}, []string{"auth", "externalId", "roleArn"}},
		"identity not allowed": {"aws", Policy{}, map[string]any{"auth": "server"}, []string{"auth"}},
		"identity":             {"aws", Policy{ServerIdentity: true}, map[string]any{"auth": "server"}, nil},
		"endpoint":             {"aws", Policy{}, map[string]any{"accessKeyId": "A", "secretAccessKey": "s", "stsEndpoint": "sts"}, []string{"stsEndpoint"}},
		"service account":      {"gcp", Policy{}, map[string]any{"serviceAccountKey": account}, nil},
		"another kind of file": {"gcp", Policy{}, map[string]any{"serviceAccountKey": `{"type":"external_account"}`}, []string{"serviceAccountKey"}},
		"P12":                  {"gcp", Policy{}, map[string]any{"serviceAccountKey": "MIIKUAIBAzCC"}, []string{"serviceAccountKey"}},
		"application":          {"azure", Policy{}, map[string]any{"tenantId": "acme.onmicrosoft.com", "clientId": id, "clientSecret": "a~b"}, nil},
		"the secret's ID":      {"azure", Policy{}, map[string]any{"tenantId": id, "clientId": id, "clientSecret": id}, []string{"clientSecret"}},
		"swapped":              {"azure", Policy{}, map[string]any{"tenantId": "a/b", "clientId": "app", "clientSecret": "a~b"}, []string{"clientId", "tenantId"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &Spec{Type: c.kind, Configuration: c.with}
			var paths []string
			for _, issue := range s.validate(Types(c.policy), func(string) bool { return false }) {
				paths = append(paths, issue.Path[len(configuration)+1:])
			}
			slices.Sort(paths)
			if !slices.Equal(paths, c.want) {
				t.Errorf("%v, want %v", paths, c.want)
			}
		})
	}
	if err := Check(Types(Policy{}), Spec{Type: "oracle"}); err == nil {
		t.Error("an unknown provider is taken")
	}
}

// What a connector gets decodes into the types of package cloud, without what does not belong to the way of
// authenticating that was chosen.
//
// Req: X-26
func TestResolve(t *testing.T) {
	t.Parallel()
	types := Types(Policy{AWSAccount: "123456789012"})
	got, err := Resolve(types, Spec{Type: "aws", Configuration: map[string]any{"auth": "role", "roleArn": "r", "externalId": "e", "accessKeyId": "left over"}})
	if err != nil {
		t.Fatal(err)
	}
	var a cloud.AWS
	if err := connector.Settings(got).Decode(&a); err != nil {
		t.Fatal(err)
	}
	if want := (cloud.AWS{Auth: cloud.AuthServer, RoleARN: "r", ExternalID: "e"}); a != want {
		t.Errorf("%+v, want %+v", a, want)
	}
}

// Credentials are found in settings and in objects of settings, and not where a setting does not exist.
//
// Req: X-26
func TestReferences(t *testing.T) {
	t.Parallel()
	fields := []connector.Field{
		{Name: "auth", Type: connector.FieldSelect, Default: "cloud"},
		{Name: "cloud", Type: connector.FieldCredential, ShowIf: &connector.ShowIf{Field: "auth", In: []string{"cloud"}}},
		{Name: "inner", Type: connector.FieldObject, Fields: []connector.Field{{Name: "key", Type: connector.FieldCredential}}},
	}
	for _, c := range []struct {
		settings map[string]any
		want     []resource.Ref
	}{
		{map[string]any{"cloud": "a", "inner": map[string]any{"key": "b"}}, []resource.Ref{
			{Kind: KindName, Slug: "a", Path: "spec.configuration.cloud"}, {Kind: KindName, Slug: "b", Path: "spec.configuration.inner.key"},
		}},
		{map[string]any{"auth": "password", "cloud": "a"}, nil},
	} {
		if got := References(configuration, c.settings, fields); !slices.Equal(got, c.want) {
			t.Errorf("%v, want %v", got, c.want)
		}
	}
}
