// Package connection opens sources and destinations as documents describe them: it puts shared credentials in place,
// and decides how the place is reached: directly, within what the server's operator allows, or through a tunnel.
package connection

import (
	"context"
	"net"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/httpx"
	"github.com/millrace/millrace/internal/kind/credential"
	"github.com/millrace/millrace/internal/kind/destination"
	"github.com/millrace/millrace/internal/kind/source"
	kindtunnel "github.com/millrace/millrace/internal/kind/tunnel"
	"github.com/millrace/millrace/internal/resource"
	"github.com/millrace/millrace/internal/tunnel"
)

// actor is who reads documents here.
const actor = "millrace"

// Documents reads documents with their secrets in place.
type Documents interface {
	Resolve(ctx context.Context, sc resource.Scope, kind, slug string) (resource.Document, error)
}

var _ Documents = (*resource.Store)(nil)

// Tunnels opens connections through tunnels.
type Tunnels interface {
	Dial(ctx context.Context, workspaceID int64, slug string) (net.Conn, error)
}

// Options make an Opener. Without Documents and Tunnels, connections that name a credential or tunnel fail.
type Options struct {
	Registry    *connector.Registry
	Documents   Documents
	Tunnels     Tunnels
	Credentials Credentials
	Network     httpx.Network // where direct connections may go
	Egress      []string      // the addresses that this server connects from
}

// Opener opens connectors. It is safe for concurrent use.
type Opener struct {
	Options
}

// New returns an opener.
func New(o Options) *Opener { return &Opener{o} }

// Source opens the source that the spec, whose secrets are in place, describes. o lacks settings and network. Nothing
// is connected yet: a tunnel is opened with the first connection.
func (p *Opener) Source(ctx context.Context, workspaceID int64, s source.Spec, o connector.SourceOptions) (connector.Source, error) {
	info, err := p.Registry.Source(s.Type)
	if err != nil {
		return nil, err
	}
	if o.Settings, err = p.Settings(ctx, workspaceID, s.Configuration, info.Fields); err != nil {
		return nil, err
	}
	o.Network = p.Via(workspaceID, s.Tunnel)
	return info.Open(o)
}

// Destination is Source's counterpart.
func (p *Opener) Destination(ctx context.Context, workspaceID int64, s destination.Spec, o connector.DestinationOptions) (connector.Destination, error) {
	info, err := p.Registry.Destination(s.Type)
	if err != nil {
		return nil, err
	}
	if o.Settings, err = p.Settings(ctx, workspaceID, s.Configuration, info.Fields); err != nil {
		return nil, err
	}
	o.Network = p.Via(workspaceID, s.Tunnel)
	return info.Open(o)
}

// Via is how a place is reached: through the tunnel with the slug, or directly where that is empty. What the operator allows holds for direct connections, and for those to
// bastions; where a connection leaves from the customer's own network, that network's rules hold.
func (p *Opener) Via(workspaceID int64, slug string) connector.Network {
	n := connector.Network{Dial: p.Network.DialContext, Egress: p.Egress}
	if slug == "" {
		return n
	}
	n.Beside = n.Dial
	n.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
		if p.Tunnels == nil {
			return nil, fault.New(fault.CodeTunnelUnreachable, "there are no tunnels here")
		}
		return p.Tunnels.Dial(ctx, workspaceID, slug)
	}
	return n
}

// Settings returns a configuration with its defaults, and with credentials where their slugs stand.
func (p *Opener) Settings(ctx context.Context, workspaceID int64, configuration map[string]any, fields []connector.Field) (connector.Settings, error) {
	full := credential.Clone(connector.Settings(configuration).WithDefaults(fields), fields)
	var failed error
	credential.Visit("spec.configuration", full, fields, func(path, slug string, _ connector.Field, set func(any)) {
		if failed != nil {
			return
		}
		var resolved map[string]any
		if resolved, failed = p.credential(ctx, workspaceID, slug); failed != nil {
			failed = fault.As(failed).WithPath(path)
			return
		}
		set(resolved)
	})
	return full, failed
}

// credential returns what a connector gets of a credential.
func (p *Opener) credential(ctx context.Context, workspaceID int64, slug string) (map[string]any, error) {
	if p.Documents == nil {
		return nil, fault.New(fault.CodeBadReference, "there are no credentials here")
	}
	d, err := p.Documents.Resolve(ctx, resource.Scope{WorkspaceID: workspaceID, Actor: actor}, credential.KindName, slug)
	if err != nil {
		return nil, err
	}
	return p.Credentials.resolve(workspaceID, *d.Spec.(*credential.Spec)) //nolint:forcetypeassert // a credential's spec
}

// TunnelSpec is the spec of a tunnel's document.
func TunnelSpec(d resource.Document) *kindtunnel.Spec {
	return d.Spec.(*kindtunnel.Spec) //nolint:forcetypeassert // a tunnel's spec
}

var _ Tunnels = (*Set)(nil)

// Set is all tunnels of a server, of both types.
type Set struct {
	Store     *tunnel.Store
	Clients   *tunnel.Clients
	Server    *tunnel.Server
	Documents *resource.Store
}
