package connection

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/kind/credential"
	"github.com/millrace/millrace/internal/secret"
)

func credentials(t *testing.T, n connector.Network) Credentials {
	t.Helper()
	key, err := secret.NewKey([]byte("0123456789abcdef0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	return Credentials{Types: credential.Types(credential.Policy{AWSAccount: "123456789012"}), Key: key, Network: n}
}

// An external ID is good in the workspace that it was issued in, and no other text is.
//
// Req: X-26
func TestExternalID(t *testing.T) {
	t.Parallel()
	c := credentials(t, connector.Network{})
	first, err := c.ExternalID(1)
	if err != nil {
		t.Fatal(err)
	}
	second, err := c.ExternalID(1)
	if err != nil || first == second {
		t.Errorf("%q twice, %v", first, err)
	}
	// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html: 2 to 1224 letters, digits and some signs
	if len(first) < 30 || strings.Trim(first, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		t.Errorf("%q", first)
	}
	for id, good := range map[string]bool{first: true, second: true, "": false, "chosen": false, "millrace-": false, first + "0": false, strings.ToUpper(first): false} {
		if c.issued(1, id) != good {
			t.Errorf("%q: %v", id, !good)
		}
	}
	if c.issued(2, first) {
		t.Error("it is good in another workspace")
	}
}

// What Microsoft Entra says of an application is shown, with what to do.
//
// Req: X-28
func TestEntra(t *testing.T) {
	t.Parallel()
	for words, advice := range map[string]string{
		"AADSTS7000215: Invalid client secret provided.":                 "and not its ID",
		"AADSTS7000222: The provided client secret keys are expired.":    "expired",
		"AADSTS700016: Application with identifier 'x' was not found.":   "client ID",
		"AADSTS90002: Tenant 'acme' not found.":                          "tenant ID",
		"AADSTS50000: There was an error issuing a token, as is said so": fault.CodeCredential.Info().Hint,
	} {
		t.Run(words[:13], func(t *testing.T) {
			t.Parallel()
			server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				if strings.Contains(r.URL.Path, "openid-configuration") {
					base := "https://" + r.Host + "/tenant"
					_ = json.NewEncoder(w).Encode(map[string]string{"authorization_endpoint": base + "/authorize", "token_endpoint": base + "/token", "issuer": base}) //nolint:errcheck // a test's end
					return
				}
				w.WriteHeader(http.StatusUnauthorized)
				_ = json.NewEncoder(w).Encode(map[string]string{"error": "invalid_client", "error_description": words}) //nolint:errcheck // a test's end
			}))
			t.Cleanup(server.Close)
			c := credentials(t, connector.Network{})
			client := server.Client()
			err := c.testAzure(t.Context(), client, connector.Settings{
				"auth": "application", "tenantId": "6731de76-14a6-49ae-97bc-6eba6914391e", "clientId": "6731de76-14a6-49ae-97bc-6eba6914391e",
				"clientSecret": "s3~cret", "authority": server.URL + "/",
			})
			if !fault.Is(err, fault.CodeCredential) || !strings.Contains(err.Error(), words) || !strings.Contains(fault.As(err).Hint(), advice) || strings.Contains(err.Error(), "s3~cret") {
				t.Errorf("%v; %s", err, fault.As(err).Hint())
			}
		})
	}
}

// A role is assumed with its external ID by the server's own identity, whose account is not among what is sent.
//
// Req: X-26
func TestRoleIsRefused(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIASERVER")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "server-secret")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	asked := make(chan string, 8)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm() //nolint:errcheck // a test's end
		asked <- r.Form.Get("Action") + " " + r.Form.Get("RoleArn") + " " + r.Form.Get("ExternalId")
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write([]byte(`<ErrorResponse><Error><Code>AccessDenied</Code><Message>User is not authorized to perform: sts:AssumeRole</Message></Error></ErrorResponse>`)) //nolint:errcheck // a test's end
	}))
	t.Cleanup(server.Close)
	c := credentials(t, connector.Network{})
	id, err := c.ExternalID(1)
	if err != nil {
		t.Fatal(err)
	}
	role := "arn:aws:iam::210987654321:role/millrace"
	err = c.Test(t.Context(), 1, credential.Spec{Type: "aws", Configuration: map[string]any{"auth": "role", "roleArn": role, "externalId": id, "stsEndpoint": server.URL}})
	if !fault.Is(err, fault.CodeCredential) || !strings.Contains(err.Error(), "not authorized to perform: sts:AssumeRole") || !strings.Contains(fault.As(err).Hint(), "trust policy") {
		t.Errorf("%v; %s", err, fault.As(err).Hint())
	}
	if got := <-asked; got != "AssumeRole "+role+" "+id {
		t.Errorf("asked %s", got)
	}
}

// A provider that cannot be reached is no refusal, and the advice names this server's addresses.
//
// Req: X-19
func TestProviderIsUnreachable(t *testing.T) {
	t.Parallel()
	c := credentials(t, connector.Network{Egress: []string{"203.0.113.7"}, Dial: func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Err: net.UnknownNetworkError("down")}
	}})
	for kind, configuration := range map[string]map[string]any{
		"aws":   {"auth": "keys", "accessKeyId": "A", "secretAccessKey": "s"},
		"azure": {"tenantId": "acme.example.com", "clientId": "6731de76-14a6-49ae-97bc-6eba6914391e", "clientSecret": "s~"},
	} {
		err := c.Test(t.Context(), 1, credential.Spec{Type: kind, Configuration: configuration})
		if !fault.Is(err, fault.CodeCredentialDown) || !strings.Contains(fault.As(err).Hint(), "203.0.113.7") {
			t.Errorf("%s: %v", kind, err)
		}
	}
}
