// Package awstest is a stand-in of an Amazon service: it refuses requests whose signature is not of the right key, service
// and region, and hands the others on.
package awstest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/millrace/millrace/internal/connector"
)

// The keys and the region that the stand-in knows.
const (
	AccessKeyID     = "AKIAIOSFODNN7EXAMPLE"
	SecretAccessKey = "secret-access-key"
	Region          = "eu-central-1"
)

var signature = regexp.MustCompile(`^AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request, SignedHeaders=([a-z0-9;-]+), Signature=[0-9a-f]{64}$`)

// New returns a service of that name, as signatures have it.
func New(t testing.TB, service string, h http.Handler) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if problem := check(service, r); problem != "" {
			Refuse(w, http.StatusForbidden, "InvalidSignatureException", problem)
			return
		}
		h.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func check(service string, r *http.Request) string {
	m := signature.FindStringSubmatch(r.Header.Get("Authorization"))
	switch {
	case m == nil:
		return "the request is not signed"
	case m[1] != AccessKeyID:
		return "the key " + m[1] + " is not known"
	case m[3] != Region || m[4] != service:
		return "the signature is for " + m[3] + "/" + m[4]
	case !strings.Contains(m[5], "host") || !strings.Contains(m[5], "x-amz-date") || !strings.HasPrefix(r.Header.Get("X-Amz-Date"), m[2]):
		return "the host or the time is not signed"
	default:
		return ""
	}
}

// Refuse answers with an error.
func Refuse(w http.ResponseWriter, status int, name, message string) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"__type":"com.amazonaws.service#%s","message":%q}`, name, message)
}

// Settings are those of a connection to the service.
func Settings(s *httptest.Server) connector.Settings {
	return connector.Settings{
		"auth": "keys", "accessKeyId": AccessKeyID, "secretAccessKey": SecretAccessKey, "region": Region, "endpoint": s.URL,
	}
}
