package pubsub

import (
	"context"
	"net"
	"net/http"
	"strings"
	"testing"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/millrace/millrace/internal/cloud"
	"github.com/millrace/millrace/internal/cloud/cloudtest"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
)

// guarded is a publisher's service that asks for the tokens of an issuer.
func guarded(t *testing.T, service pubsubpb.PublisherServer, issuer *cloudtest.Issuer) (address string) {
	t.Helper()
	s := grpc.NewServer(grpc.UnaryInterceptor(func(ctx context.Context, r any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
		m, _ := metadata.FromIncomingContext(ctx)
		if sent := m.Get("authorization"); len(sent) != 1 || !issuer.Accepts(sent[0]) {
			return nil, status.Error(codes.Unauthenticated, "Request had invalid authentication credentials.")
		}
		return next(ctx, r)
	}))
	pubsubpb.RegisterPublisherServer(s, service)
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go s.Serve(l) //nolint:errcheck // it ends with the test
	t.Cleanup(s.Stop)
	return l.Addr().String()
}

// A token that Google does not accept any more in the middle of a run is renewed once, and each message is there once. Where
// the next one is refused too, the run fails for the sake of the credential, and no row is rejected.
//
// Req: SY-17, SY-78
func TestRefusedToken(t *testing.T) {
	t.Parallel()
	credential, issuer := cloudtest.NewIssuer(t)
	fake := server(t, []string{"rows"})
	s := begin(t, connector.Settings{"projectId": project, "endpoint": "http://" + guarded(t, &fake.GServer, issuer)},
		connector.Settings{"added": map[string]any{"enabled": true, "topic": "rows"}})
	identity := cloud.GCP{Auth: "key", ServiceAccountKey: credential["serviceAccountKey"].(string)}
	c := s.(*session).client // has no tokens, since the server speaks no TLS
	c.who = identity.Who()
	var err error
	if c.tokens, err = identity.Tokens(http.DefaultClient, scope); err != nil {
		t.Fatal(err)
	}
	send := func(id string) (connector.Result, error) {
		return s.Write(t.Context(), &connector.Batch{Operation: connector.Added, Rows: []connector.Row{row(id)}})
	}
	for _, id := range []string{"1", "2"} {
		if result, err := send(id); err != nil || len(result.Rejected) != 0 {
			t.Fatalf("%v %v", result, err)
		}
		issuer.Revoke(false)
	}
	if n := len(fake.Messages()); n != 2 || issuer.Issued() != 2 {
		t.Errorf("%d messages, %d tokens", n, issuer.Issued())
	}
	issuer.Revoke(true)
	result, err := send("3")
	e := fault.As(err)
	if e == nil || e.Code != fault.CodeDestinationAuth || e.Class != fault.Fatal || !strings.Contains(e.Hint(), cloudtest.Email) || len(result.Rejected) != 0 {
		t.Errorf("%v, rejected %v", err, result.Rejected)
	}
	if strings.Contains(e.Error()+e.Hint(), cloudtest.Token) {
		t.Errorf("a token is told: %v", e)
	}
	if n := len(fake.Messages()); n != 2 || issuer.Issued() != 3 {
		t.Errorf("%d messages, %d tokens", n, issuer.Issued())
	}
}
