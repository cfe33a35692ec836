package aws

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/millrace/millrace/internal/cloud"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/destination/aws/awstest"
	"github.com/millrace/millrace/internal/fault"
)

// issuer is a stand-in of the token service: it gives keys of a role to whoever knows its external ID.
type issuer struct {
	*httptest.Server

	mu    sync.Mutex
	forms []string
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	i := &issuer{}
	i.Server = awstest.New(t, "sts", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i.mu.Lock()
		defer i.mu.Unlock()
		if err := r.ParseForm(); err != nil || r.PostForm.Get("ExternalId") != "the-external-id" {
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, `<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>not this role</Message></Error></ErrorResponse>`)
			return
		}
		i.forms = append(i.forms, r.PostForm.Get("Action")+" "+r.PostForm.Get("RoleArn"))
		fmt.Fprintf(w, `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials><AccessKeyId>%s</AccessKeyId><SecretAccessKey>role-secret</SecretAccessKey><SessionToken>role-token</SessionToken><Expiration>2126-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`, awstest.AccessKeyID)
	}))
	return i
}

const role = "arn:aws:iam::123456789012:role/millrace"

// TestIdentities: requests are signed with keys, or with those of a role that is assumed once with an external ID, whether
// the settings or a shared credential say so; no exchange shows a secret.
func TestIdentities(t *testing.T) {
	t.Parallel()
	tokens := newIssuer(t)
	var mu sync.Mutex
	var got []string
	service := awstest.New(t, "sqs", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		got = append(got, r.Header.Get("X-Amz-Security-Token"))
	}))
	keys := Settings{Auth: authKeys, AccessKeyID: awstest.AccessKeyID, SecretAccessKey: awstest.SecretAccessKey, Endpoint: service.URL}
	inline := keys
	inline.RoleARN, inline.ExternalID, inline.STSEndpoint = role, "the-external-id", tokens.URL
	shared := Settings{Auth: authCredential, Endpoint: service.URL, Credential: inline.identity()}
	stranger := inline
	stranger.ExternalID = "another"
	for _, c := range []struct {
		settings Settings
		token    string
		refused  bool
	}{{keys, "", false}, {inline, "role-token", false}, {shared, "role-token", false}, {stranger, "", true}} {
		if issues := c.settings.Check(); len(issues) > 0 {
			t.Fatal(issues)
		}
		client, err := c.settings.Open(t.Context(), Options{Service: "sqs", Region: awstest.Region})
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		for range 2 {
			resp, x, err := client.Post(t.Context(), Request{Body: []byte("{}")})
			if c.refused {
				if !fault.Is(err, fault.CodeDestinationAuth) || fault.ClassOf(err) != fault.Fatal {
					t.Errorf("a stranger: %v", err)
				}
				continue
			}
			if err != nil || resp.Status != http.StatusOK || got[len(got)-1] != c.token {
				t.Errorf("%+v %v %q", resp, err, got)
			}
			for _, h := range x.RequestHeaders {
				if (h.Name == "Authorization" || h.Name == "X-Amz-Security-Token") && h.Value != "[secret]" {
					t.Errorf("the request log shows %v", h)
				}
			}
		}
	}
	if len(tokens.forms) != 2 || tokens.forms[0] != "AssumeRole "+role {
		t.Errorf("the issuer was asked %q", tokens.forms)
	}
}

// TestFault: errors by their names, in each of the places where services put them.
//
// Req: SY-76
func TestFault(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status int
		header string
		body   string
		name   string
		class  fault.Class
		code   fault.Code
	}{
		{400, "", `{"__type":"com.amazonaws.sqs#RequestThrottled","message":"slow down"}`, "RequestThrottled", fault.Throttled, fault.CodeDestinationThrottled},
		{400, "", `{"__type":"ExpiredTokenException"}`, "ExpiredTokenException", fault.Fatal, fault.CodeDestinationAuth},
		{403, "UnrecognizedClientException:http://x/", `{"message":"no"}`, "UnrecognizedClientException", fault.Fatal, fault.CodeDestinationAuth},
		{403, "", `{"code":"AccessDenied"}`, "AccessDenied", fault.Permanent, fault.CodeDestinationDenied},
		{500, "", `x`, "", fault.Retryable, fault.CodeDestinationRejected},
	} {
		s := awstest.New(t, "sqs", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if c.header != "" {
				w.Header().Set("X-Amzn-Errortype", c.header)
			}
			w.WriteHeader(c.status)
			fmt.Fprint(w, c.body)
		}))
		client, err := Settings{Auth: authKeys, AccessKeyID: awstest.AccessKeyID, SecretAccessKey: "s", Endpoint: s.URL}.Open(t.Context(), Options{Service: "sqs", Region: awstest.Region})
		if err != nil {
			t.Fatal(err)
		}
		resp, _, err := client.Post(t.Context(), Request{})
		client.Close()
		if err != nil {
			t.Fatal(err)
		}
		if e, name := client.Fault(resp); name != c.name || e.Class != c.class || e.Code != c.code {
			t.Errorf("%s: %q %s %s", c.body, name, e.Code, e.Class)
		}
	}
}

// TestBase: each region has an address of its own.
func TestBase(t *testing.T) {
	t.Parallel()
	for region, want := range map[string]string{"eu-central-1": "https://sqs.eu-central-1.amazonaws.com/", "cn-north-1": "https://sqs.cn-north-1.amazonaws.com.cn/"} {
		if u, err := (Settings{}).base(Options{Service: "sqs", Region: region}); err != nil || u.String() != want {
			t.Errorf("%s: %v %v", region, u, err)
		}
	}
	var issues fault.Issues
	(Settings{Credential: cloud.AWS{Auth: "role"}, Region: "Frankfurt"}).CheckRegion(&issues)
	if len(issues) != 1 {
		t.Error("Frankfurt is no region")
	}
	if names := Fields("x", true); names[len(names)-3].Name != "region" || names[len(names)-3].Type != connector.FieldString {
		t.Errorf("the fields are %v", names)
	}
}
