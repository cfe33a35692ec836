package blob_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"cloud.google.com/go/storage"
	"github.com/millrace/millrace/internal/blob"
	"github.com/millrace/millrace/internal/blob/blobtest"
	"github.com/millrace/millrace/internal/fault"
	"google.golang.org/api/option"
)

func gcsClient(t *testing.T, endpoint string) *storage.Client {
	t.Helper()
	c, err := storage.NewClient(context.WithoutCancel(t.Context()), option.WithoutAuthentication(), option.WithEndpoint(endpoint+"/storage/v1/"), storage.WithJSONReads())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// refusal is how a provider says no, and what a person must learn from it.
type refusal struct {
	name   string
	place  blob.Place
	answer func(r *http.Request) *http.Response // nil lets the request through
	code   fault.Code
	hint   []string
}

func s3Error(status int, code, message string, headers ...string) func(*http.Request) *http.Response {
	return func(r *http.Request) *http.Response {
		return blobtest.Respond(r, status, fmt.Sprintf(`<?xml version="1.0"?><Error><Code>%s</Code><Message>%s</Message></Error>`, code, message), headers...)
	}
}

func only(method string, answer func(*http.Request) *http.Response) func(*http.Request) *http.Response {
	return func(r *http.Request) *http.Response {
		if r.Method != method {
			return nil
		}
		return answer(r)
	}
}

func listings(answer func(*http.Request) *http.Response) func(*http.Request) *http.Response {
	return func(r *http.Request) *http.Response {
		if r.Method != http.MethodGet || r.URL.Query().Get("list-type") == "" && !strings.HasSuffix(r.URL.Path, "/o") {
			return nil
		}
		return answer(r)
	}
}

func s3Refusals(t *testing.T) []refusal {
	p := s3Place(newS3(t), "bucket", "prod")
	role := p
	role.RoleARN, role.ExternalID, role.STSEndpoint = "arn:aws:iam::123456789012:role/millrace", "acme", "http://sts.test"
	denied := s3Error(http.StatusForbidden, "AccessDenied", "Access Denied")
	return []refusal{
		{"wrong secret", p, s3Error(http.StatusForbidden, "SignatureDoesNotMatch", "The request signature we calculated does not match"), fault.CodeStorageAuth, []string{"access key ID and its secret"}},
		{"unknown key", p, s3Error(http.StatusForbidden, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist"), fault.CodeStorageAuth, []string{"access key ID"}},
		{"may not write", p, only(http.MethodPut, denied), fault.CodeStorageDenied, []string{"s3:PutObject", "arn:aws:s3:::bucket/prod/*", "192.0.2.7"}},
		{"may not list", p, listings(denied), fault.CodeStorageDenied, []string{"s3:ListBucket", "arn:aws:s3:::bucket", `"prod/*"`}},
		{"may not read", p, func(r *http.Request) *http.Response {
			if r.Method == http.MethodGet && r.URL.Query().Get("list-type") == "" {
				return denied(r)
			}
			return nil
		}, fault.CodeStorageDenied, []string{"s3:GetObject"}},
		{"may not delete", p, only(http.MethodDelete, denied), fault.CodeStorageDenied, []string{"s3:DeleteObject"}},
		{"other region", p, s3Error(http.StatusMovedPermanently, "PermanentRedirect", "use another endpoint", "X-Amz-Bucket-Region", "eu-west-3"), fault.CodeStorageMissing, []string{"eu-west-3"}},
		{"trust policy", role, func(r *http.Request) *http.Response {
			if r.URL.Host != "sts.test" {
				return nil
			}
			return blobtest.Respond(r, http.StatusForbidden, `<ErrorResponse><Error><Code>AccessDenied</Code><Message>not authorized to perform: sts:AssumeRole</Message></Error></ErrorResponse>`)
		}, fault.CodeStorageAuth, []string{"trust policy", "external ID"}},
	}
}

func gcsError(status int, message string) func(*http.Request) *http.Response {
	return func(r *http.Request) *http.Response {
		return blobtest.Respond(r, status, fmt.Sprintf(`{"error":{"code":%d,"message":%q}}`, status, message), "Content-Type", "application/json")
	}
}

func gcsRefusals(t *testing.T) []refusal {
	endpoint, key := newGCS(t)
	p := blob.GCS{ProjectID: "acme", Bucket: "bucket", Prefix: "prod", Key: key, Endpoint: endpoint}
	gone := p
	gone.Key = serviceAccount(t, "http://tokens.test/token")
	denied := gcsError(http.StatusForbidden, "millrace@acme.iam.gserviceaccount.com does not have storage.objects access")
	return []refusal{
		{"deleted key", gone, func(r *http.Request) *http.Response {
			if r.URL.Host != "tokens.test" {
				return nil
			}
			return blobtest.Respond(r, http.StatusBadRequest, `{"error":"invalid_grant","error_description":"Invalid JWT Signature."}`, "Content-Type", "application/json")
		}, fault.CodeStorageAuth, []string{"service account"}},
		{"may not write", p, func(r *http.Request) *http.Response {
			if !strings.HasPrefix(r.URL.Path, "/upload/") {
				return nil
			}
			return denied(r)
		}, fault.CodeStorageDenied, []string{"storage.objects.create", "bucket", "acme", "192.0.2.7"}},
		{"may not list", p, listings(denied), fault.CodeStorageDenied, []string{"storage.objects.list"}},
		{"may not read", p, func(r *http.Request) *http.Response {
			if r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/o/") {
				return denied(r)
			}
			return nil
		}, fault.CodeStorageDenied, []string{"storage.objects.get"}},
		{"may not delete", p, only(http.MethodDelete, denied), fault.CodeStorageDenied, []string{"storage.objects.delete"}},
	}
}

func azureError(status int, code, message string) func(*http.Request) *http.Response {
	return func(r *http.Request) *http.Response {
		return blobtest.Respond(r, status, fmt.Sprintf(`<?xml version="1.0"?><Error><Code>%s</Code><Message>%s</Message></Error>`, code, message), "x-ms-error-code", code)
	}
}

// authority answers as the one that gives out tokens.
func authority(answer func(*http.Request) *http.Response) func(*http.Request) *http.Response {
	return func(r *http.Request) *http.Response {
		switch {
		case r.URL.Host != "login.test":
			return nil
		case strings.Contains(r.URL.Path, "openid-configuration"):
			return blobtest.Respond(r, http.StatusOK, `{"token_endpoint":"https://login.test/tenant/oauth2/v2.0/token","authorization_endpoint":"https://login.test/tenant/oauth2/v2.0/authorize","issuer":"https://login.test/tenant/v2.0"}`, "Content-Type", "application/json")
		default:
			return answer(r)
		}
	}
}

func azureRefusals() []refusal {
	key := blob.Azure{Account: "acme", Container: "container", Prefix: "prod", AccountKey: "c2VjcmV0", Endpoint: "https://acme.test"}
	app := key
	app.AccountKey, app.TenantID, app.ClientID, app.ClientSecret, app.Authority = "", "tenant", "client", "secret", "https://login.test/"
	no := func(text string) func(*http.Request) *http.Response {
		return authority(func(r *http.Request) *http.Response {
			return blobtest.Respond(r, http.StatusUnauthorized, text, "Content-Type", "application/json")
		})
	}
	return []refusal{
		{"secret ID for the value", app, no(`{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided.","error_codes":[7000215]}`), fault.CodeStorageAuth, []string{"value", "ID"}},
		{"expired secret", app, no(`{"error":"invalid_client","error_description":"AADSTS7000222: The provided client secret keys for app are expired.","error_codes":[7000222]}`), fault.CodeStorageAuth, []string{"expired"}},
		{"role or network rules", key, azureError(http.StatusForbidden, "AuthorizationFailure", "This request is not authorized to perform this operation."), fault.CodeStorageDenied, []string{"Storage Blob Data Contributor", "network rules", "192.0.2.7"}},
		{"wrong role", key, azureError(http.StatusForbidden, "AuthorizationPermissionMismatch", "This request is not authorized to perform this operation using this permission."), fault.CodeStorageDenied, []string{"Storage Blob Data Contributor"}},
		{"wrong account key", key, azureError(http.StatusForbidden, "AuthenticationFailed", "Server failed to authenticate the request."), fault.CodeStorageAuth, []string{"account key"}},
		{"keys are forbidden", key, azureError(http.StatusForbidden, "KeyBasedAuthenticationNotPermitted", "Key based authentication is not permitted on this storage account."), fault.CodeStorageAuth, []string{"allows access with keys"}},
		{"no container", key, azureError(http.StatusNotFound, "ContainerNotFound", "The specified container does not exist."), fault.CodeStorageMissing, []string{"container"}},
	}
}

// What a provider refuses is explained: which code, and what to grant or correct. None of it is taken for an absent
// object, since an absent baseline makes a sync stop.
//
// Req
func TestRefusals(t *testing.T) {
	t.Parallel()
	all := map[string][]refusal{"s3": s3Refusals(t), "gcs": gcsRefusals(t), "azure": azureRefusals()}
	for provider, refusals := range all {
		for _, x := range refusals {
			t.Run(provider+", "+x.name, func(t *testing.T) {
				t.Parallel()
				b := blobtest.Open(t, x.place, &blobtest.Recorder{Answer: func(r *http.Request) (*http.Response, error) { return x.answer(r), nil }})
				err := b.Probe(t.Context(), 1)
				if !fault.Is(err, x.code) {
					t.Fatalf("%v; want %s", err, x.code)
				}
				for _, words := range x.hint {
					if !strings.Contains(fault.As(err).Hint(), words) {
						t.Errorf("the hint %q does not say %q", fault.As(err).Hint(), words)
					}
				}
				for _, private := range []string{"secret\"", "c2VjcmV0", "PRIVATE KEY"} {
					if strings.Contains(err.Error(), private) {
						t.Errorf("the error shows a secret: %v", err)
					}
				}
			})
		}
	}
}

// Reading from a bucket that does not exist is told from reading an object that does not.
//
// Req: X-15
func TestGCSMissingBucket(t *testing.T) {
	t.Parallel()
	endpoint, key := newGCS(t)
	for message, code := range map[string]fault.Code{
		"The specified bucket does not exist.": fault.CodeStorageMissing, "No such object: bucket/prod/w/1/syncs/1/x": fault.CodeNotFound,
	} {
		b := blobtest.Open(t, blob.GCS{ProjectID: "acme", Bucket: "bucket", Key: key, Endpoint: endpoint}, &blobtest.Recorder{Answer: func(r *http.Request) (*http.Response, error) {
			if !strings.Contains(r.URL.Path, "/o/") {
				return nil, nil
			}
			return gcsError(http.StatusNotFound, message)(r), nil
		}})
		if err := b.Download(t.Context(), 1, "syncs/1/x", filepath.Join(t.TempDir(), "to")); !fault.Is(err, code) {
			t.Errorf("%s: %v", message, err)
		}
	}
}

// A role is assumed with the given keys and the external ID, and its temporary keys sign the requests.
//
// Req
func TestRole(t *testing.T) {
	t.Parallel()
	p := s3Place(newS3(t), "bucket", "")
	p.RoleARN, p.ExternalID, p.STSEndpoint = "arn:aws:iam::123456789012:role/millrace", "acme", "http://sts.test"
	b := blobtest.Open(t, p, &blobtest.Recorder{Answer: func(r *http.Request) (*http.Response, error) {
		if r.URL.Host != "sts.test" {
			if !strings.Contains(r.Header.Get("Authorization"), "Credential=ASIAROLE/") {
				return s3Error(http.StatusForbidden, "AccessDenied", "not signed with the role's keys")(r), nil
			}
			return nil, nil
		}
		body, err := io.ReadAll(r.Body)
		if err != nil || !strings.Contains(string(body), "ExternalId=acme") {
			t.Errorf("the role is asked for with %s: %v", body, err)
		}
		return blobtest.Respond(r, http.StatusOK, `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>
			<AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>role-secret</SecretAccessKey><SessionToken>role-token</SessionToken>
			<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`), nil
	}})
	if err := b.Probe(t.Context(), 1); err != nil {
		t.Error(err)
	}
}

// Of Google's credential files only keys of service accounts are taken: others would have the server read files or
// ask addresses of their author's choice.
//
// Req: X-15
func TestServiceAccount(t *testing.T) {
	t.Parallel()
	external, err := json.Marshal(map[string]any{
		"type": "external_account", "audience": "x", "token_url": "http://169.254.169.254/", "credential_source": map[string]string{"file": "/etc/passwd"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, key := range map[string]string{"other type": string(external), "p12": "\x30\x82", "empty": "{}"} {
		_, err := blob.OpenPlace(t.Context(), blob.GCS{Bucket: "b", Key: key}, blob.Options{}, blobtest.Key(t))
		if !fault.Is(err, fault.CodeInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A place is another one exactly where its objects are other ones.
func TestIdentity(t *testing.T) {
	t.Parallel()
	a := s3Place("", "bucket", "prod")
	same := a
	same.AccessKeyID, same.Prefix, same.Region = "AKIAOTHER", "/prod/", "eu-west-1"
	if a.Identity() != same.Identity() || a.Label() != same.Label() {
		t.Errorf("%q and %q are one place", a.Identity(), same.Identity())
	}
	for _, other := range []blob.Place{
		s3Place("", "bucket", "dev"), s3Place("", "other", "prod"), s3Place("http://minio", "bucket", "prod"),
		blob.GCS{Bucket: "bucket", Prefix: "prod"}, blob.Azure{Account: "a", Container: "bucket", Prefix: "prod"}, blob.Azure{Account: "b", Container: "bucket", Prefix: "prod"},
	} {
		if other.Identity() == a.Identity() || other.Label() == a.Label() {
			t.Errorf("%q and %q are two places", a.Identity(), other.Identity())
		}
	}
}

// What a folder lacks is no connection.
func TestFolderFaults(t *testing.T) {
	t.Parallel()
	b, err := blob.Open(t.Context(), "", t.TempDir(), blobtest.Key(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() }) //nolint:errcheck // a folder
	if err := b.Download(t.Context(), 1, "syncs/1/x", filepath.Join(t.TempDir(), "to")); !fault.Is(err, fault.CodeNotFound) {
		t.Errorf("an absent object: %v", err)
	}
}
