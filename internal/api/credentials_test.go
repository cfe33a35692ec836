package api_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func credentialSpec() object {
	return object{"type": "aws", "configuration": object{"auth": "keys", "accessKeyId": "AKIA", "secretAccessKey": "s3same-secret"}}
}

// serviceAccount is the key of a service account whose tokens are issued at an address.
func serviceAccount(t testing.TB, issuer string) string {
	t.Helper()
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(object{
		"type": "service_account", "project_id": "acme", "client_id": "1066", "client_email": "robot@acme.example.com", "token_uri": issuer,
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A credential's secrets never come back; of a service account its ID and e-mail are shown, and its test asks Google.
//
// Req: X-27
func TestCredentialOfGoogle(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		status := http.StatusOK
		issuer := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Type", "application/json")
			rw.WriteHeader(status)
			if status == http.StatusOK {
				_, _ = rw.Write([]byte(`{"access_token":"t","token_type":"Bearer","expires_in":3600}`)) //nolint:errcheck // a test's end
				return
			}
			_, _ = rw.Write([]byte(`{"error":"invalid_grant","error_description":"Invalid JWT Signature."}`)) //nolint:errcheck // a test's end
		}))
		t.Cleanup(issuer.Close)
		key := serviceAccount(t, issuer.URL)
		a := w.ok("POST", "/api/credentials", document("google", "Google", object{"type": "gcp", "configuration": object{"serviceAccountKey": key}}))
		a.has("status.clientId", "1066").has("status.clientEmail", "robot@acme.example.com").has("status.projectId", "acme").has("spec.configuration.serviceAccountKey.$secret", "set")
		if strings.Contains(a.body, "PRIVATE KEY") {
			t.Error("the key comes back")
		}
		test := object{"type": "gcp", "slug": "google", "configuration": a.at("spec.configuration")}
		w.ok("POST", "/api/credentials/test", test).has("ok", true)
		w.ok("GET", "/api/credentials/google", nil).has("status.lastTest.ok", true)
		status = http.StatusBadRequest
		refused := w.ok("POST", "/api/credentials/test", test).has("ok", false).has("error.code", "credential.refused")
		if !strings.Contains(refused.body, "Invalid JWT Signature.") || strings.Contains(refused.body, "PRIVATE KEY") {
			t.Errorf("%s", refused.body)
		}
		w.send("POST", "/api/credentials", document("p12", "P12", object{"type": "gcp", "configuration": object{"serviceAccountKey": "MIIKUAIBAzCC"}})).
			want(422).has("error.path", "spec.configuration.serviceAccountKey")
		// A source that names it gets it whole, and keeps it from being deleted.
		w.ok("POST", "/api/sources", document("db", "DB", object{"type": "memory", "configuration": object{"host": "h", "password": "x", "cloud": "google"}})).has("spec.configuration.cloud", "google")
		w.ok("GET", "/api/sources/db/tables?refresh=true", nil)
		got, _ := w.source.opened["cloud"].(map[string]any)
		if got["serviceAccountKey"] != key || got["auth"] != "key" {
			t.Errorf("the source got %v", got)
		}
		w.send("DELETE", "/api/credentials/google", nil).want(409).has("error.code", "resource.referenced")
		w.ok("GET", "/api/credentials/google", nil).has("status.useCount", 1.0)
		w.send("POST", "/api/sources", document("x", "X", object{"type": "memory", "configuration": object{"host": "h", "password": "x", "cloud": "absent"}})).
			want(422).has("error.path", "spec.configuration.cloud")
		w.ok("POST", "/api/credentials", document("entra", "Entra", object{"type": "azure", "configuration": object{"tenantId": "acme.example.com", "clientId": "6731de76-14a6-49ae-97bc-6eba6914391e", "clientSecret": "v~lue"}}))
		w.send("POST", "/api/sources", document("x", "X", object{"type": "memory", "configuration": object{"host": "h", "password": "x", "cloud": "entra"}})).
			want(422).has("error.path", "spec.configuration.cloud")
	})
}

// An access key is tried with STS, and what it says is shown with advice.
//
// Req: X-26
func TestCredentialOfAmazon(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		answer, status := `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult><Account>1</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`, http.StatusOK
		sts := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
			rw.WriteHeader(status)
			_, _ = rw.Write([]byte(answer)) //nolint:errcheck // a test's end
		}))
		t.Cleanup(sts.Close)
		configuration := object{"auth": "keys", "accessKeyId": "AKIA", "secretAccessKey": "s3same-secret", "stsEndpoint": sts.URL}
		w.ok("POST", "/api/credentials", document("amazon", "Amazon", object{"type": "aws", "configuration": configuration})).has("spec.configuration.secretAccessKey.$secret", "set")
		test := object{"type": "aws", "configuration": configuration}
		w.ok("POST", "/api/credentials/test", test).has("ok", true)
		answer, status = `<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code><Message>The request signature we calculated does not match</Message></Error></ErrorResponse>`, http.StatusForbidden
		a := w.ok("POST", "/api/credentials/test", test).has("ok", false).has("error.code", "credential.refused").has("error.suggestion", "Check the secret access key.")
		if !strings.Contains(a.body, "The request signature we calculated does not match") || strings.Contains(a.body, "s3same-secret") {
			t.Errorf("%s", a.body)
		}
		w.ok("GET", "/api/catalog/credentials", nil).lists("items", "slug", "aws", "gcp", "azure")
		// A role needs an external ID, and only one that was issued here for this workspace.
		id := w.ok("POST", "/api/credentials/external-id", nil).at("externalId")
		role := object{"auth": "role", "roleArn": "arn:aws:iam::210987654321:role/millrace", "externalId": id, "stsEndpoint": sts.URL}
		w.ok("POST", "/api/credentials", document("role", "Role", object{"type": "aws", "configuration": role})).has("spec.configuration.externalId.$secret", "set")
		role["externalId"] = "chosen-by-somebody"
		w.ok("POST", "/api/credentials/test", object{"type": "aws", "configuration": role}).has("ok", false).has("error.code", "input.invalid")
	})
}

// A secret's ID in the place of its value is refused, and a token service that cannot be reached is told.
//
// Req: X-28
func TestCredentialOfMicrosoft(t *testing.T) {
	t.Parallel()
	each(t, func(_ *testing.T, w *world) {
		configuration := object{"tenantId": "6731de76-14a6-49ae-97bc-6eba6914391e", "clientId": "6731de76-14a6-49ae-97bc-6eba6914391e", "clientSecret": "6731de76-14a6-49ae-97bc-6eba6914391e"}
		w.send("POST", "/api/credentials", document("entra", "Entra", object{"type": "azure", "configuration": configuration})).
			want(422).has("error.path", "spec.configuration.clientSecret")
		configuration["clientSecret"] = "s3same~secret"
		configuration["authority"] = "https://127.0.0.1:1/"
		w.ok("POST", "/api/credentials/test", object{"type": "azure", "configuration": configuration}).has("ok", false).has("error.code", "credential.unreachable")
	})
}
