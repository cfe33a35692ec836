package api

import (
	"context"
	"fmt"
	"net"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/millrace/millrace/internal/connection"
	"github.com/millrace/millrace/internal/fault"
	kindtunnel "github.com/millrace/millrace/internal/kind/tunnel"
	"github.com/millrace/millrace/internal/resource"
	"github.com/millrace/millrace/internal/tunnel"
)

// TunnelStatus is what is known of a tunnel beyond its document.
type TunnelStatus struct {
	State     tunnel.State `json:"state" enum:"pending,connected,disconnected,error"`
	Error     *ErrorInfo   `json:"error"`
	ChangedAt *string      `json:"changedAt" doc:"when it came into this state"`
	UseCount  int          `json:"useCount" doc:"sources and destinations that are reached through it"`

	PublicKey   string `json:"publicKey,omitempty" doc:"standard: what belongs into authorized_keys on the SSH host"`
	Fingerprint string `json:"fingerprint,omitempty" doc:"of the key in use"`
	NextKey     string `json:"nextPublicKey,omitempty" doc:"the key that takes the place of the one in use as soon as it is used"`

	HostKey            string `json:"hostKey,omitempty" doc:"standard: that of the SSH host; reverse: that of this server, for known_hosts"`
	HostKeyFingerprint string `json:"hostKeyFingerprint,omitempty"`

	TunnelID   string `json:"tunnelId,omitempty" doc:"reverse: the user that the client signs in as"`
	TunnelPort int    `json:"tunnelPort,omitempty" doc:"reverse: the port that the client forwards"`
	Server     string `json:"server,omitempty" doc:"reverse: host and port of this server's SSH server; absent where the operator has not set one up"`
	Command    string `json:"command,omitempty" doc:"reverse: what the client runs"`
	KeyIssued  bool   `json:"keyIssued" doc:"reverse: a private key was issued"`
}

// TunnelKeyBody is a new key of a tunnel.
type TunnelKeyBody struct {
	PublicKey  string `json:"publicKey"`
	PrivateKey string `json:"privateKey,omitempty" doc:"reverse: shown this once and not stored"`
}

// NetworkBody is what is known of this server's way to others.
type NetworkBody struct {
	Egress []string `json:"egress" nullable:"false" doc:"addresses that this server connects from, as its operator says"`
	SSH    string   `json:"ssh,omitempty" doc:"host and port that clients of reverse tunnels connect to; absent: the operator has not set it up"`
}

func (s *Server) tunnels(api huma.API) {
	register(s, api, op(http.MethodGet, "/api/network", "get-network", "The addresses that this server connects from", nil), func(context.Context, *struct{}) (*body[NetworkBody], error) {
		b := NetworkBody{Egress: s.Egress, SSH: s.SSH}
		if b.Egress == nil {
			b.Egress = []string{}
		}
		return &body[NetworkBody]{b}, nil
	})
	const path = "/api/tunnels/{slug}"
	register(s, api, op(http.MethodPost, path+"/test", "test-tunnel", "Open a tunnel anew, and a connection through it", nil), func(ctx context.Context, in *slugInput) (*body[TestBody], error) {
		d, err := s.Resources.Get(ctx, scope(ctx), kindtunnel.KindName, in.Slug)
		if err != nil {
			return nil, err
		}
		return s.try(ctx, func(ctx context.Context) error { return s.Tunnels.Test(ctx, who(ctx).WorkspaceID, d) }), nil
	})
	register(s, api, op(http.MethodPost, path+"/rotate", "rotate-tunnel-key", "Make a new key for a tunnel", nil), func(ctx context.Context, in *struct {
		Slug string `path:"slug"`
		Body struct {
			Immediately bool `json:"immediately,omitempty" doc:"the old key stops working at once, instead of when the new one is first used"`
		}
	}) (*body[TunnelKeyBody], error) {
		return s.rotateTunnel(ctx, in.Slug, in.Body.Immediately)
	})
	register(s, api, op(http.MethodPost, path+"/forget-host-key", "forget-tunnel-host-key", "Forget the host key of a tunnel's SSH host: the next one that it shows is kept", nil), func(ctx context.Context, in *slugInput) (*struct{}, error) {
		d, err := s.Resources.Get(ctx, scope(ctx), kindtunnel.KindName, in.Slug)
		if err != nil {
			return nil, err
		}
		if connection.TunnelSpec(d).HostKey != "" {
			return nil, fault.New(fault.CodeInvalid, "the tunnel's document says which host key is right").WithPath("spec.hostKey").WithSuggestion("Change or remove the host key in the tunnel's settings.")
		}
		if err := s.Tunnels.Store.Unpin(ctx, who(ctx).WorkspaceID, d.ID); err != nil {
			return nil, err
		}
		s.Tunnels.Clients.Forget(d.ID)
		return nil, s.Resources.Record(ctx, scope(ctx), d, "forgot the host key", "")
	})
}

func (s *Server) rotateTunnel(ctx context.Context, slug string, at bool) (*body[TunnelKeyBody], error) {
	d, err := s.Resources.Get(ctx, scope(ctx), kindtunnel.KindName, slug)
	if err != nil {
		return nil, err
	}
	pair, err := s.Tunnels.Rotate(ctx, who(ctx).WorkspaceID, d, at)
	if err != nil {
		return nil, err
	}
	how := "the old one works until the new one is used"
	if at {
		how = "the old one stopped working"
	}
	if err := s.Resources.Record(ctx, scope(ctx), d, "made a new key", how); err != nil {
		s.Log.Error("noting a new key", "request", requestID(ctx), "error", err) // the key must be shown
	}
	return &body[TunnelKeyBody]{TunnelKeyBody{PublicKey: pair.Public, PrivateKey: pair.Private}}, nil
}

func (s *Server) tunnelStatus(ctx context.Context, d resource.Document, spec *kindtunnel.Spec) (*TunnelStatus, error) {
	r, err := s.Tunnels.Store.Get(ctx, who(ctx).WorkspaceID, d.ID)
	if err != nil {
		return nil, err
	}
	n, err := s.Resources.CountReferrers(ctx, scope(ctx), d.Kind, d.Slug)
	if err != nil {
		return nil, err
	}
	st := &TunnelStatus{
		State: r.State, ChangedAt: optionalStamp(r.ChangedAt), UseCount: n, Fingerprint: tunnel.Fingerprint(r.PublicKey), NextKey: r.NextKey,
		KeyIssued: r.PublicKey != "",
	}
	if f := r.Failure; f != nil {
		st.Error = &ErrorInfo{Code: string(f.Code), Message: f.Message, Suggestion: f.Suggestion}
	}
	if spec.Type == tunnel.Standard {
		st.PublicKey, st.HostKey = r.PublicKey, r.HostKey
		if spec.HostKey != "" {
			st.HostKey = spec.HostKey
		}
	} else {
		st.TunnelID, st.TunnelPort, st.Server, st.Command = r.Login, r.Port, s.SSH, s.command(r)
		st.HostKey = s.Tunnels.Server.HostKey()
	}
	st.HostKeyFingerprint = tunnel.Fingerprint(st.HostKey)
	return st, nil
}

// command is what the client of a reverse tunnel runs. Keep-alives and the end at a refused forward let whatever
// restarts it notice that it must.
func (s *Server) command(r tunnel.Record) string {
	host, port, err := net.SplitHostPort(s.SSH)
	if err != nil {
		return ""
	}
	return fmt.Sprintf("ssh -N -i %s.pem -p %s -R 0.0.0.0:%d:$SERVICE_HOST:$SERVICE_PORT -o ExitOnForwardFailure=yes -o ServerAliveInterval=15 %s@%s",
		r.Login, port, r.Port, r.Login, host)
}
