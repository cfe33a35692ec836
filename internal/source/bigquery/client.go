package bigquery

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"syscall"
	"time"

	storage "cloud.google.com/go/bigquery/storage/apiv1"
	gax "github.com/googleapis/gax-go/v2"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"golang.org/x/oauth2"
	rest "google.golang.org/api/bigquery/v2"
	"google.golang.org/api/googleapi"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
)

// scope is what tokens are for: https://developers.google.com/identity/protocols/oauth2/scopes#bigquery
const scope = "https://www.googleapis.com/auth/cloud-platform"

// tokenTimeout is how long Google may take to issue a token.
const tokenTimeout = 30 * time.Second

// answerTimeout is how long Google may take to begin an answer; where a job is waited for it answers in time (pollTime).
const answerTimeout = 2 * time.Minute

// client reaches Google's services with one identity.
type client struct {
	network   connector.Network
	transport *http.Transport
	tokens    oauth2.TokenSource
	http      *http.Client // with tokens
	rest      *rest.Service
	conn      *grpc.ClientConn // nil where the Storage Read API is not to be used
	storage   *storage.BigQueryReadClient
}

// newClient connects to nothing, except that the server's own identity may have to be found.
func newClient(s settings, n connector.Network) (*client, error) {
	c := &client{network: n, transport: n.Transport()}
	c.transport.ResponseHeaderTimeout = answerTimeout
	var err error
	if c.tokens, err = s.Credential.TokenSource(context.Background(), &http.Client{Transport: c.transport, Timeout: tokenTimeout}, scope); err != nil {
		return nil, fault.Wrap(err, fault.CodeSourceAuth, "reading the Google Cloud credential").WithPath("credential").
			WithSuggestion("Create a key of the type JSON for the service account, and give the whole file to the Google Cloud credential.")
	}
	c.http = &http.Client{Transport: &oauth2.Transport{Source: c.tokens, Base: c.transport}}
	endpoint, err := parseAddress("endpoint", s.Endpoint)
	if err != nil {
		return nil, err
	}
	if c.rest, err = rest.NewService(context.Background(), option.WithHTTPClient(c.http), option.WithEndpoint(endpoint.String()+"/bigquery/v2/")); err != nil {
		return nil, fault.Wrap(err, fault.CodeInvalid, "making a client of BigQuery")
	}
	c.rest.UserAgent = "millrace"
	if !s.StorageRead {
		return c, nil
	}
	return c, c.openStorage(s.StorageEndpoint)
}

// openStorage prepares the client of the Storage Read API; its first call connects.
func (c *client) openStorage(address string) error {
	u, err := parseAddress("storageEndpoint", address)
	if err != nil {
		return err
	}
	port, security := "443", credentials.NewTLS(nil)
	if u.Scheme == "http" {
		port, security = "80", insecure.NewCredentials()
	}
	if u.Port() != "" {
		port = u.Port()
	}
	// passthrough: the host's name is resolved by whoever dials, which may be a tunnel's other end.
	c.conn, err = grpc.NewClient("passthrough:///"+net.JoinHostPort(u.Hostname(), port),
		grpc.WithTransportCredentials(security), grpc.WithNoProxy(), grpc.WithPerRPCCredentials(bearer{c.tokens, u.Scheme == "https"}),
		grpc.WithContextDialer(func(ctx context.Context, address string) (net.Conn, error) {
			return c.network.DialContext(ctx, "tcp", address)
		}))
	if err != nil {
		return fault.Wrap(err, fault.CodeInvalid, "making a client of the Storage Read API").WithPath("storageEndpoint")
	}
	if c.storage, err = storage.NewBigQueryReadClient(context.Background(), option.WithGRPCConn(c.conn)); err != nil {
		return fault.Wrap(err, fault.CodeInvalid, "making a client of the Storage Read API").WithPath("storageEndpoint")
	}
	// The library would try for ten minutes; here pages are the other way.
	c.storage.CallOptions.CreateReadSession, c.storage.CallOptions.ReadRows = nil, nil
	return nil
}

// bearer shows a token in each call of the Storage Read API.
type bearer struct {
	tokens oauth2.TokenSource
	secure bool
}

// GetRequestMetadata returns the header.
func (b bearer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	t, err := b.tokens.Token()
	if err != nil {
		return nil, err
	}
	return map[string]string{"authorization": t.Type() + " " + t.AccessToken}, nil
}

// RequireTransportSecurity keeps tokens off connections that are not encrypted, unless the address asks for one.
func (b bearer) RequireTransportSecurity() bool { return b.secure }

func (c *client) close() error {
	var err error
	if c.conn != nil {
		err = c.conn.Close()
	}
	c.transport.CloseIdleConnections()
	return err
}

// transientReasons are errors of a moment: https://cloud.google.com/bigquery/docs/error-messages
var transientReasons = []string{"backendError", "rateLimitExceeded", "jobRateLimitExceeded", "internalError"}

// transient reports whether the same request may succeed when it is sent again.
func transient(err error) bool {
	var answer *googleapi.Error
	if !errors.As(err, &answer) {
		return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF)
	}
	if len(answer.Errors) > 0 && slices.Contains(transientReasons, answer.Errors[0].Reason) {
		return true
	}
	switch answer.Code {
	case http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout, http.StatusTooManyRequests:
		return true
	default:
		return false
	}
}

// attempts is how often something is tried, with waits of 1, 2, 4 and 8 seconds at most in between.
const attempts = 5

// retried calls until it works, or fails for good.
func retried[T any](ctx context.Context, s *Source, call func() (T, error)) (T, error) {
	pause := gax.Backoff{Initial: s.backoff, Max: 32 * s.backoff, Multiplier: 2}
	for n := 1; ; n++ {
		if err := ctx.Err(); err != nil {
			var none T
			return none, err
		}
		answer, err := call()
		if err == nil || n == attempts || !transient(err) || gax.Sleep(ctx, pause.Pause()) != nil {
			return answer, err
		}
	}
}

// httpStatus returns the HTTP status of an answer of Google's, 0 for other errors.
func httpStatus(err error) int {
	if answer, ok := errors.AsType[*googleapi.Error](err); ok {
		return answer.Code
	}
	return 0
}

// hostOf is the host of an address, for people.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	return u.Hostname()
}
