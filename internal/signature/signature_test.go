package signature

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/cloud"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/httpx"
)

func request(t *testing.T, method, address, body string, headers ...string) *httpx.Request {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	h := http.Header{}
	for i := 0; i < len(headers); i += 2 {
		h.Set(headers[i], headers[i+1])
	}
	return &httpx.Request{Method: method, URL: u, Header: h, Body: []byte(body)}
}

func at(seconds int64) clock.Clock { return clock.NewManual(time.Unix(seconds, 0)) }

const form = "application/x-www-form-urlencoded"

// TestBaseString: the worked example of RFC 5849, 3.4.1.1.
func TestBaseString(t *testing.T) {
	t.Parallel()
	r := request(t, "POST", "http://EXAMPLE.COM:80/request?b5=%3D%253D&a3=a&c%40=&a2=r%20b", "c2&a3=2+q", "Content-Type", form+"; charset=utf-8")
	got, err := baseString(r, []param{
		{"oauth_consumer_key", "9djdj82h48djs9d2"}, {"oauth_token", "kkk9d7dh3k39sjv7"}, {"oauth_signature_method", "HMAC-SHA1"},
		{"oauth_timestamp", "137131201"}, {"oauth_nonce", "7d8f3e4a"},
	})
	want := "POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q%26a3%3Da%26b5%3D%253D%25253D%26c%2540%3D%26c2%3D%26oauth_consumer_key%3D9djdj82h48djs9d2%26oauth_nonce%3D7d8f3e4a%26oauth_signature_method%3DHMAC-SHA1%26oauth_timestamp%3D137131201%26oauth_token%3Dkkk9d7dh3k39sjv7"
	if err != nil || got != want {
		t.Errorf("got  %s, %v\nwant %s", got, err, want)
	}
	r.URL.RawQuery = "a=%zz"
	if _, err := baseString(r, nil); !fault.Is(err, fault.CodeMappingReject) {
		t.Errorf("a query that cannot be read: %v", err)
	}
}

// TestOAuth1WithoutVersion: the request for a photograph in RFC 5849, 1.2, which names no version.
func TestOAuth1WithoutVersion(t *testing.T) {
	t.Parallel()
	s, err := NewOAuth1(OAuth1Options{ConsumerKey: "dpf43f3p2l4k3l03", ConsumerSecret: "kd94hf93k423kf44", Token: "nnch734d00sl2jdk", TokenSecret: "pfkkdhi9sl3r4s00", Method: MethodHMACSHA1})
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.sign(request(t, "GET", "http://photos.example.net/photos?file=vacation.jpg&size=original", ""), []param{
		{"oauth_consumer_key", "dpf43f3p2l4k3l03"}, {"oauth_token", "nnch734d00sl2jdk"}, {"oauth_signature_method", "HMAC-SHA1"},
		{"oauth_timestamp", "137131202"}, {"oauth_nonce", "chapoH"},
	})
	if want := "MdpQcU8iPSUjWoN/UDMsK2sui9I="; err != nil || got != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
}

// TestOAuth1: worked examples of vendors.
//
//   - X: https://docs.x.com/fundamentals/authentication/oauth-1-0a/creating-a-signature, whose older edition named the
//     host api.twitter.com, to which the published signature belongs
//   - NetSuite: https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/section_1534941088.html
func TestOAuth1(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		options   OAuth1Options
		seconds   int64
		nonce     string
		address   string
		body      string
		kind      string
		realm     string
		signature string
	}{
		"X": {
			OAuth1Options{
				ConsumerKey: "xvz1evFS4wEEPTGEFPHBog", ConsumerSecret: "kAcSOqF21Fu85e7zjz7ZN2U4ZRhfV3WpwPAoE3Z7kBw",
				Token: "370773112-GmHxMAgYyLbNEtIKZeRNFsMKPR9EyMZeS9weJAEb", TokenSecret: "LswwdoUaIvS8ltyTt5jkRh4J50vUPVVHtR2YPi5kE", Method: MethodHMACSHA1,
			},
			1318622958, "kYjzVBB8Y0ZFabxSWbWovY3uYSQ2pTgmZeNu2VS4cg",
			"https://api.twitter.com/1.1/statuses/update.json?include_entities=true", "status=Hello%20Ladies%20%2b%20Gentlemen%2c%20a%20signed%20OAuth%20request%21", form,
			"", "hCtSmYh%2BiHYCEqBWrE7C7hYmtUk%3D",
		},
		"NetSuite": {
			OAuth1Options{
				ConsumerKey: "ef40afdd8abaac111b13825dd5e5e2ddddb44f86d5a0dd6dcf38c20aae6b67e4", ConsumerSecret: "d26ad321a4b2f23b0741c8d38392ce01c3e23e109df6c96eac6d099e9ab9e8b5",
				Token: "2b0ce516420110bcbd36b69e99196d1b7f6de3c6234c5afb799b73d87569f5cc", TokenSecret: "c29a677df7d5439a458c063654187e3d678d73aca8e3c9d8bea1478a3eb0d295", Realm: "123456",
			},
			1508242306, "fjaLirsIcCGVZWzBX0pg",
			"https://123456.restlets.api.netsuite.com/app/site/hosting/restlet.nl?script=6&deploy=1&customParam=someValue&testParam=someOtherValue", `{"not":"signed"}`, "application/json",
			`realm="123456", `, "%2BKK4SKNgz4ZiILGLwOMtfYlgcXSy1eis8ldE9X90azQ%3D",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.options.Clock = at(c.seconds)
			s, err := NewOAuth1(c.options)
			if err != nil {
				t.Fatal(err)
			}
			s.nonce = func() string { return c.nonce }
			r := request(t, "POST", c.address, c.body, "Content-Type", c.kind)
			if err := s.Authorize(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			method := c.options.Method
			if method == "" {
				method = MethodHMACSHA256
			}
			want := fmt.Sprintf(`OAuth %soauth_consumer_key="%s", oauth_nonce="%s", oauth_signature_method="%s", oauth_timestamp="%d", oauth_token="%s", oauth_version="1.0", oauth_signature="%s"`,
				c.realm, c.options.ConsumerKey, c.nonce, method, c.seconds, c.options.Token, c.signature)
			if got := r.Header.Get("Authorization"); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
			if len(r.Secrets) == 0 || s.Refused(r, &httpx.Response{Status: 401}) {
				t.Error("nothing is hidden, or a refused request would be sent again")
			}
		})
	}
}

// TestNonces: no two requests have the same nonce, which providers would take for a replay.
func TestNonces(t *testing.T) {
	t.Parallel()
	s, err := NewOAuth1(OAuth1Options{ConsumerKey: "k", ConsumerSecret: "s", Token: "t", TokenSecret: "ts", Clock: at(1)})
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	seen := map[string]bool{}
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			r := request(t, "GET", "https://api.example.com", "")
			if err := s.Authorize(t.Context(), r); err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			seen[r.Header.Get("Authorization")] = true
		})
	}
	all.Wait()
	if len(seen) != 50 {
		t.Errorf("50 requests have %d signatures", len(seen))
	}
}

// TestAWS: cases of Amazon's test suite for Signature Version 4.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
func TestAWS(t *testing.T) {
	t.Parallel()
	const session = "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA=="
	for name, c := range map[string]struct {
		request *httpx.Request
		session string
		want    string
	}{
		"get-vanilla": {
			request(t, "GET", "https://example.amazonaws.com/", ""), "",
			"host;x-amz-date, Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
		},
		"get-vanilla-query-order-key-case": {
			request(t, "GET", "https://example.amazonaws.com/?Param2=value2&Param1=value1", ""), "",
			"host;x-amz-date, Signature=b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
		},
		"post-vanilla": {
			request(t, "POST", "https://example.amazonaws.com/", ""), "",
			"host;x-amz-date, Signature=5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
		},
		"post-header-value-case": {
			request(t, "POST", "https://example.amazonaws.com/", "", "My-Header1", "VALUE1"), "",
			"host;my-header1;x-amz-date, Signature=cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d",
		},
		"post-sts-header-before": {
			request(t, "POST", "https://example.amazonaws.com/", ""), session,
			"host;x-amz-date;x-amz-security-token, Signature=85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := NewAWS(t.Context(), AWSOptions{
				Identity: cloud.AWS{Auth: "keys", AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", SessionToken: c.session},
				Region:   "us-east-1", Service: "service", Clock: clock.NewManual(time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC)),
			})
			if err != nil {
				t.Fatal(err)
			}
			for range 2 { // also where the request was signed already
				if err := s.Authorize(t.Context(), c.request); err != nil {
					t.Fatal(err)
				}
				want := "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=" + c.want
				if got := c.request.Header.Get("Authorization"); got != want {
					t.Errorf("got  %s\nwant %s", got, want)
				}
			}
			if got := c.request.Header.Get("X-Amz-Security-Token"); got != c.session {
				t.Errorf("session token %q", got)
			}
		})
	}
}

// TestAWSBody: what is signed is what httpx sends, and S3 is told the body's digest too.
func TestAWSBody(t *testing.T) {
	t.Parallel()
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s|%v|%d|%s|%s", body, err, r.ContentLength, r.Header.Get("X-Amz-Content-Sha256"), r.Header.Get("Authorization"))
	}))
	t.Cleanup(api.Close)
	s, err := NewAWS(t.Context(), AWSOptions{Identity: cloud.AWS{Auth: "keys", AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret"}, Region: "us-east-1", Service: "s3"})
	if err != nil {
		t.Fatal(err)
	}
	client, err := httpx.New(httpx.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	r := request(t, "PUT", api.URL+"/a%20b", "hello")
	shared := r.Header
	resp, err := httpx.Authorized(t.Context(), s, r, func() (*httpx.Response, error) {
		resp, x, err := client.Do(t.Context(), r)
		if text := fmt.Sprint(x); !strings.Contains(text, "Signature="+httpx.Hidden) { // the API repeats what it was sent
			t.Errorf("the signature is recorded: %s", text)
		}
		return resp, err
	})
	const digest = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824" // SHA-256 of hello
	if err != nil || !strings.HasPrefix(string(resp.Body), "hello|<nil>|5|"+digest+"|AWS4-HMAC-SHA256 ") || !strings.Contains(string(resp.Body), "content-length;host;x-amz-content-sha256;x-amz-date") {
		t.Errorf("got %v, %s", err, resp.Body)
	}
	if len(shared) != 0 {
		t.Errorf("headers that may be shared were written to: %v", shared)
	}
}

// TestAWSRole: an assumed role's credentials are got once, and anew when the API says that they are over; an identity
// that may not assume the role ends the run, a service that does not answer does not.
func TestAWSRole(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	asked, status := 0, http.StatusOK
	sts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		asked++
		w.Header().Set("Content-Type", "text/xml")
		w.WriteHeader(status)
		if status != http.StatusOK {
			fmt.Fprint(w, `<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>not authorized to assume the role</Message></Error></ErrorResponse>`)
			return
		}
		fmt.Fprintf(w, `<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIA%d</AccessKeyId><SecretAccessKey>secret</SecretAccessKey><SessionToken>session-%d</SessionToken><Expiration>2999-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`, asked, asked)
	}))
	t.Cleanup(sts.Close)
	signer := func(endpoint string) *AWS {
		s, err := NewAWS(t.Context(), AWSOptions{
			Identity: cloud.AWS{Auth: "keys", AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret", RoleARN: "arn:aws:iam::123456789012:role/r", STSEndpoint: endpoint},
			Region:   "us-east-1", Service: "execute-api", Client: sts.Client(),
		})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := signer(sts.URL)
	var sessions []string
	answer := &httpx.Response{Status: http.StatusForbidden, Body: []byte(`{"__type":"ExpiredTokenException"}`)}
	for range 3 {
		r := request(t, "GET", "https://example.amazonaws.com/", "")
		resp, err := httpx.Authorized(t.Context(), s, r, func() (*httpx.Response, error) {
			sessions = append(sessions, r.Header.Get("X-Amz-Security-Token"))
			next := answer
			answer = &httpx.Response{Status: http.StatusForbidden, Body: []byte("AccessDenied")}
			return next, nil
		})
		if err != nil || resp.Status != http.StatusForbidden {
			t.Fatal(err)
		}
	}
	if got := strings.Join(sessions, " "); got != "session-1 session-2 session-2 session-2" {
		t.Errorf("sent %s", got)
	}
	mu.Lock()
	status = http.StatusForbidden
	mu.Unlock()
	if err := signer(sts.URL).Authorize(t.Context(), request(t, "GET", "https://example.amazonaws.com/", "")); !fault.Is(err, fault.CodeCredential) || fault.ClassOf(err) != fault.Fatal {
		t.Errorf("a role that may not be assumed: %v", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("stop"))
	if err := signer("http://127.0.0.1:1").Authorize(ctx, request(t, "GET", "https://example.amazonaws.com/", "")); !fault.Is(err, fault.CodeCredentialDown) || fault.ClassOf(err) != fault.Retryable {
		t.Errorf("a service that does not answer: %v", err)
	}
}

// TestHMAC: worked examples of vendors, and of RFC 4231, 4.3.
//
//   - Slack: https://api.slack.com/authentication/verifying-requests-from-slack
//   - GitHub: https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
func TestHMAC(t *testing.T) {
	t.Parallel()
	const slack = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
	for name, c := range map[string]struct {
		options HMACOptions
		address string
		body    string
		want    map[string]string
	}{
		"Slack": {
			HMACOptions{
				Secret: []byte("8f742231b10e8888abcd99yyyzzz85a5"), Message: "v0:{timestamp}:{body}",
				Headers: []HMACHeader{{"X-Slack-Signature", "v0={signature}"}, {"X-Slack-Request-Timestamp", "{timestamp}"}}, Clock: at(1531420618),
			},
			"https://example.com/", slack,
			map[string]string{"X-Slack-Signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503", "X-Slack-Request-Timestamp": "1531420618"},
		},
		"GitHub": {
			HMACOptions{Secret: []byte("It's a Secret to Everybody"), Message: "{body}", Headers: []HMACHeader{{"X-Hub-Signature-256", "sha256={signature}"}}},
			"https://example.com/", "Hello, World!",
			map[string]string{"X-Hub-Signature-256": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"},
		},
		"RFC 4231, SHA-512": {
			HMACOptions{Secret: []byte("Jefe"), Message: "{body}", Hash: "sha512", Headers: []HMACHeader{{"X-Signature", "{signature}"}}},
			"https://example.com/", "what do ya want for nothing?",
			map[string]string{"X-Signature": "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"},
		},
		"base64": { // the digest of RFC 4231, 4.3, in another writing
			HMACOptions{Secret: []byte("Jefe"), Message: "{body}", Encoding: "base64", Headers: []HMACHeader{{"X-Signature", "{signature}"}}},
			"https://example.com/", "what do ya want for nothing?",
			map[string]string{"X-Signature": "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM="},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := NewHMAC(c.options)
			if err != nil {
				t.Fatal(err)
			}
			r := request(t, "POST", c.address, c.body)
			if err := s.Authorize(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			for name, want := range c.want {
				if got := r.Header.Get(name); got != want {
					t.Errorf("%s: got %s, want %s", name, got, want)
				}
			}
			if s.Refused(r, &httpx.Response{Status: 401}) {
				t.Error("a refused request would be sent again")
			}
		})
	}
}

// TestHMACParts: what a message can be made of. What stands in braces in a body is the body's.
func TestHMACParts(t *testing.T) {
	t.Parallel()
	s, err := NewHMAC(HMACOptions{
		Secret: []byte("k"), Message: "{method} {url} {host} {path} {query} {digest} {timestamp} {nonce} {body}", Hash: "sha1", Encoding: "base64url", Timestamp: "rfc3339",
		Headers: []HMACHeader{{"x-signature", "{timestamp},{nonce},{digest},{signature}"}}, Clock: at(1531420618),
	})
	if err != nil {
		t.Fatal(err)
	}
	r := request(t, "PATCH", "https://api.example.com:8443/a%2Fb?c=d+e", `{timestamp}`, "Host", "other.example.com")
	if err := s.Authorize(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(r.Header.Get("X-Signature"), ",")
	if len(parts) != 4 || len(parts[1]) < 20 {
		t.Fatalf("got %q", parts)
	}
	digest := fmt.Sprintf("%x", sha1.Sum([]byte("{timestamp}")))
	mac := hmac.New(sha1.New, []byte("k"))
	mac.Write([]byte("PATCH https://api.example.com:8443/a%2Fb?c=d+e other.example.com /a%2Fb c=d+e " + digest + " 2018-07-12T18:36:58Z " + parts[1] + " {timestamp}"))
	if want := base64.RawURLEncoding.EncodeToString(mac.Sum(nil)); parts[0] != "2018-07-12T18:36:58Z" || parts[2] != digest || parts[3] != want {
		t.Errorf("got %q, want %s", parts, want)
	}
	again := request(t, "PATCH", "https://api.example.com", "")
	if err := s.Authorize(t.Context(), again); err != nil || strings.Contains(again.Header.Get("X-Signature"), parts[1]) {
		t.Errorf("%v: the nonce is used again", err)
	}
	if !slices.Contains(r.Secrets, parts[3]) || !slices.Contains(r.Secrets, "k") {
		t.Error("secret and signature are not hidden")
	}
}

// TestOptions: options that cannot work are all named before anything is sent.
func TestOptions(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		make func() error
		want string
	}{
		"OAuth 1.0a": {
			func() error {
				_, err := NewOAuth1(OAuth1Options{Method: "PLAINTEXT", Realm: `a"b`})
				return err
			}, "consumerKey consumerSecret token tokenSecret method realm",
		},
		"AWS": {func() error { _, err := NewAWS(t.Context(), AWSOptions{}); return err }, "region service accessKeyId secretAccessKey"},
		"HMAC": {
			func() error {
				_, err := NewHMAC(HMACOptions{Message: "{row}", Headers: []HMACHeader{{"a b", "{body}"}}, Hash: "md5", Encoding: "octal", Timestamp: "days"})
				return err
			}, "message hash encoding timestamp secret headers headers headers",
		},
		"an open brace": {
			func() error {
				_, err := NewHMAC(HMACOptions{Secret: []byte("k"), Message: "{body", Headers: []HMACHeader{{"X-Signature", "{signature}"}}})
				return err
			}, "message",
		},
		"nothing is signed": {
			func() error {
				_, err := NewHMAC(HMACOptions{Secret: []byte("k"), Headers: []HMACHeader{{"X-Signature", "{signature}"}}})
				return err
			}, "message",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var paths []string
			if issues, ok := errors.AsType[fault.Issues](c.make()); ok {
				for _, i := range issues {
					paths = append(paths, i.Path)
				}
			}
			if got := strings.Join(paths, " "); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}
