package signature

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/millrace/millrace/internal/clock"
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
			s := NewAWS("us-east-1", "service", clock.NewManual(time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC)))
			keys := aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", SessionToken: c.session}
			for range 2 { // also where the request was signed already
				if err := s.Sign(t.Context(), c.request, keys); err != nil {
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

// TestAWSBody: what is signed is what httpx sends, and headers that may be shared are not written to.
func TestAWSBody(t *testing.T) {
	t.Parallel()
	r := request(t, "POST", "https://sqs.us-east-1.amazonaws.com/a%20b", "hello", "Content-Type", "application/x-amz-json-1.0")
	shared := r.Header
	s := NewAWS("us-east-1", "sqs", clock.NewManual(time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC)))
	if err := s.Sign(t.Context(), r, aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret", SessionToken: "session"}); err != nil {
		t.Fatal(err)
	}
	if got := r.Header.Get("Authorization"); !strings.Contains(got, "SignedHeaders=content-length;content-type;host;x-amz-date;x-amz-security-token, ") {
		t.Error(got)
	}
	if len(shared) != 1 || r.URL.EscapedPath() != "/a%20b" {
		t.Errorf("the request's own headers %v or address %s were written to", shared, r.URL)
	}
	if !slices.Equal(r.Secrets, []string{"secret", "session"}) {
		t.Errorf("hidden are %v", r.Secrets)
	}
}

// TestWebhook: the example of the Standard Webhooks libraries, and the same secret written plainly.
// https://github.com/standard-webhooks/standard-webhooks/tree/main/libraries
func TestWebhook(t *testing.T) {
	t.Parallel()
	key, err := base64.StdEncoding.DecodeString("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", string(key)} {
		got := Webhook(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", []byte(`{"test": 2432232314}`))
		if got != "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" {
			t.Errorf("%s for the secret %q", got, secret)
		}
	}
}

// TestSigned: the example of GitHub, whose webhooks are signed in the same way.
// https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
func TestSigned(t *testing.T) {
	t.Parallel()
	const given = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
	for _, c := range []struct {
		secret, body, given string
		want                bool
	}{
		{"It's a Secret to Everybody", "Hello, World!", given, true},
		{"It's a Secret to Everybody", "Hello, World!", " " + strings.ToUpper(given), true},
		{"It's a Secret to Everybody", "Hello, World?", given, false},
		{"another", "Hello, World!", given, false},
		// printf '{"event":"sync_end"}' | openssl dgst -sha256 -hmac secret
		{"secret", `{"event":"sync_end"}`, "56356B701DC5E8B9DCCD89B4FB0F69150F70003629464D470507D6AA389EAFC6", true},
		{"It's a Secret to Everybody", "Hello, World!", given[:62], false},
		{"It's a Secret to Everybody", "Hello, World!", "no digits", false},
		{"", "Hello, World!", hex.EncodeToString(digest(nil, []byte("Hello, World!"))), false},
	} {
		if got := Signed(c.secret, []byte(c.body), c.given); got != c.want {
			t.Errorf("%q with %q and %q: %v", c.body, c.secret, c.given, got)
		}
	}
}

// TestOptions: options that cannot work are all named before anything is sent.
func TestOptions(t *testing.T) {
	t.Parallel()
	_, err := NewOAuth1(OAuth1Options{Method: "PLAINTEXT", Realm: `a"b`})
	var paths []string
	if issues, ok := errors.AsType[fault.Issues](err); ok {
		for _, i := range issues {
			paths = append(paths, i.Path)
		}
	}
	if got, want := strings.Join(paths, " "), "consumerKey consumerSecret token tokenSecret method realm"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
