package pubsub

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"golang.org/x/oauth2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"

	"github.com/millrace/millrace/internal/cloud"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
)

// scope is what access tokens are for.
const scope = "https://www.googleapis.com/auth/pubsub"

// requestTimeout is how long a request may take.
const requestTimeout = 60 * time.Second

// maxAnswer is the largest answer that is read.
const maxAnswer = 16 << 20

// client calls the publisher's service. It never repeats a call by itself.
type client struct {
	address string
	network connector.Network
	conn    *grpc.ClientConn
	service pubsubpb.PublisherClient
	tokens  *cloud.Tokens // nil without TLS
	who     string        // the tokens are of
}

// connect returns a client, which connects when it is used.
func (d *destination) connect() (*client, error) {
	address, secure, err := d.settings.address()
	if err != nil {
		return nil, err
	}
	c := &client{address: address, network: d.network}
	transport := insecure.NewCredentials()
	if secure {
		transport = credentials.NewTLS(&tls.Config{MinVersion: tls.VersionTLS12})
		asker := &http.Client{Transport: d.network.Direct().Transport(), Timeout: requestTimeout}
		if c.tokens, err = d.settings.Credential.Tokens(asker, scope); err != nil {
			return nil, fault.Wrap(err, fault.CodeInvalid, "the GCP credential cannot be used")
		}
		c.who = d.settings.Credential.Who()
	}
	c.conn, err = grpc.NewClient("passthrough:///"+address,
		grpc.WithTransportCredentials(transport), grpc.WithDisableRetry(), grpc.WithNoProxy(), grpc.WithStatsHandler(watcher{}),
		grpc.WithContextDialer(func(ctx context.Context, address string) (net.Conn, error) {
			return d.network.DialContext(ctx, "tcp", address)
		}),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxAnswer)),
	)
	if err != nil {
		return nil, fault.Wrap(err, fault.CodeInvalid, "the endpoint cannot be used")
	}
	c.service = pubsubpb.NewPublisherClient(c.conn)
	return c, nil
}

func (c *client) close() error { return c.conn.Close() }

func (c *client) list(ctx context.Context, r *pubsubpb.ListTopicsRequest) (*pubsubpb.ListTopicsResponse, error) {
	var answer *pubsubpb.ListTopicsResponse
	err := c.call(ctx, func(ctx context.Context) (err error) {
		answer, err = c.service.ListTopics(ctx, r)
		return err
	})
	return answer, err
}

func (c *client) publish(ctx context.Context, r *pubsubpb.PublishRequest) (*pubsubpb.PublishResponse, error) {
	var answer *pubsubpb.PublishResponse
	err := c.call(ctx, func(ctx context.Context) (err error) {
		answer, err = c.service.Publish(ctx, r)
		return err
	})
	return answer, err
}

// call makes a call with an access token and says what its error means. Where the token is not accepted, which means that
// nothing was done, it is made once more with another one.
func (c *client) call(ctx context.Context, do func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	access, err := c.try(ctx, do)
	if access == "" || !fault.Is(err, fault.CodeDestinationAuth) {
		return err
	}
	c.tokens.Refuse(access)
	_, err = c.try(ctx, do)
	return err
}

// try makes a call once.
func (c *client) try(ctx context.Context, do func(ctx context.Context) error) (access string, err error) {
	if err := ctx.Err(); err != nil {
		return "", c.fault(err, false)
	}
	if c.tokens != nil {
		token, err := c.tokens.Token()
		if err != nil {
			return "", tokenFault(err)
		}
		access = token.AccessToken
		ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+access)
	}
	sent := &atomic.Bool{}
	if err := do(context.WithValue(ctx, sentKey{}, sent)); err != nil {
		return access, c.fault(err, sent.Load())
	}
	return access, nil
}

// tokenFault is about an access token that could not be got: nothing was sent.
func tokenFault(err error) error {
	e := fault.Wrap(err, fault.CodeDestinationAuth, "getting an access token of Google").
		WithSuggestion("Check whether the service account and its key still exist and are enabled.")
	e.Class = fault.Retryable
	if refused, ok := errors.AsType[*oauth2.RetrieveError](err); ok && refused.Response != nil && refused.Response.StatusCode < http.StatusInternalServerError {
		e.Class = fault.Fatal
	}
	return e
}

// sentKey is where a call's context has the note of whether its request may have left.
type sentKey struct{}

// watcher notes that a call's request was handed to a connection.
type watcher struct{}

var _ stats.Handler = watcher{}

// TagRPC changes nothing.
func (watcher) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }

// HandleRPC sees the parts of calls.
func (watcher) HandleRPC(ctx context.Context, s stats.RPCStats) {
	if _, out := s.(*stats.OutPayload); !out {
		return
	}
	if sent, ok := ctx.Value(sentKey{}).(*atomic.Bool); ok {
		sent.Store(true)
	}
}

// TagConn changes nothing.
func (watcher) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }

// HandleConn sees nothing.
func (watcher) HandleConn(context.Context, stats.ConnStats) {}

// fault says what an error means (https://cloud.google.com/pubsub/docs/reference/error-codes). sent tells that the request
// may have arrived: then every status by which the service does not clearly say no leaves it open what became of it.
func (c *client) fault(err error, sent bool) error {
	s := status.Convert(err)
	e := fault.Wrap(errors.New(s.Message()), fault.CodeDestinationUnreachable, "%s: %s", c.address, s.Code())
	switch s.Code() { //nolint:exhaustive // the others leave it open
	case codes.InvalidArgument, codes.FailedPrecondition, codes.OutOfRange, codes.Unimplemented:
		e.Code, e.Class = fault.CodeDestinationRejected, fault.Permanent
		return e
	case codes.NotFound:
		e.Code, e.Class = fault.CodeDestinationSchema, fault.Permanent
		return e.WithSuggestion("Check the project and the topic's name, or create the topic.")
	case codes.PermissionDenied:
		e.Code, e.Class = fault.CodeDestinationDenied, fault.Permanent
		return e.WithSuggestion("Give the service account the roles Pub/Sub Publisher and Pub/Sub Viewer.")
	case codes.Unauthenticated:
		e.Code, e.Class = fault.CodeDestinationAuth, fault.Fatal
		if c.who != "" {
			return e.WithSuggestion("Check that %s exists and is enabled, or create another key.", c.who)
		}
		return e
	case codes.ResourceExhausted:
		e.Code, e.Class = fault.CodeDestinationThrottled, fault.Throttled
		return e
	case codes.DeadlineExceeded:
		e.Code = fault.CodeDestinationTimeout
	case codes.Canceled:
		e.Code = fault.CodeRunCancelled
	case codes.Unknown:
		if errors.Is(err, context.Canceled) {
			e.Code = fault.CodeRunCancelled
		}
	}
	e.Class = fault.Retryable
	if sent {
		e.Class = fault.Unknown
	}
	if e.Code == fault.CodeDestinationUnreachable {
		return e.WithSuggestion("%s%s", e.Hint(), c.network.Firewall())
	}
	return e
}
