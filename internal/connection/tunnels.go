package connection

import (
	"context"
	"net"

	"github.com/millrace/millrace/internal/fault"
	kindtunnel "github.com/millrace/millrace/internal/kind/tunnel"
	"github.com/millrace/millrace/internal/resource"
	"github.com/millrace/millrace/internal/tunnel"
	"github.com/uptrace/bun"
)

// Follow makes and removes what a tunnel needs with its document.
func (s *Set) Follow(documents *resource.Store) {
	documents.OnCreate(func(ctx context.Context, tx bun.Tx, sc resource.Scope, d resource.Document) error {
		if d.Kind != kindtunnel.KindName {
			return nil
		}
		return s.Store.Create(ctx, tx, sc.WorkspaceID, d.ID, TunnelSpec(d).Type)
	})
	documents.OnUpdate(func(ctx context.Context, tx bun.Tx, u resource.Updated) error {
		if u.After.Kind != kindtunnel.KindName {
			return nil
		}
		before, after := TunnelSpec(u.Before).Target(0, 0), TunnelSpec(u.After).Target(0, 0)
		if before == after {
			return nil
		}
		return s.Store.Moved(ctx, tx, u.After.ID, before.Bastion != after.Bastion)
	})
	documents.OnDelete(func(ctx context.Context, tx bun.Tx, _ resource.Scope, d resource.Document) error {
		if d.Kind != kindtunnel.KindName {
			return nil
		}
		s.Clients.Forget(d.ID)
		return s.Store.Delete(ctx, tx, d.ID)
	})
}

// Dial opens a connection through the tunnel with the slug to the tunnel's service.
func (s *Set) Dial(ctx context.Context, workspaceID int64, slug string) (net.Conn, error) {
	d, err := s.Documents.Get(ctx, resource.Scope{WorkspaceID: workspaceID, Actor: actor}, kindtunnel.KindName, slug)
	if err != nil {
		return nil, err
	}
	spec := TunnelSpec(d)
	if spec.Type == tunnel.Reverse {
		return s.Server.Dial(ctx, workspaceID, d.ID)
	}
	return s.Clients.Dial(ctx, spec.Target(workspaceID, d.ID))
}

// Test opens the tunnel anew, where it is this server that opens it, and a connection through it.
func (s *Set) Test(ctx context.Context, workspaceID int64, d resource.Document) error {
	spec := TunnelSpec(d)
	if spec.Type == tunnel.Standard {
		return s.Clients.Check(ctx, spec.Target(workspaceID, d.ID))
	}
	conn, err := s.Server.Dial(ctx, workspaceID, d.ID)
	if err != nil {
		return err
	}
	return conn.Close()
}

// Rotate makes a new key. The old one works until the new one was used, or with at once no longer. Of a reverse tunnel
// what is returned has the only copy of the private key.
func (s *Set) Rotate(ctx context.Context, workspaceID int64, d resource.Document, at bool) (tunnel.Pair, error) {
	pair, err := s.Store.Rotate(ctx, workspaceID, d.ID, at)
	if err == nil {
		s.Server.Recheck(ctx, d.ID)
	}
	return pair, err
}

// Keep opens the standard tunnels of every workspace that are not open. It is called again and again by processes that
// work, so that a tunnel is open before it is needed, and how it stands is known.
func (s *Set) Keep(ctx context.Context) error {
	records, err := s.Store.Standards(ctx)
	if err != nil {
		return err
	}
	targets := make([]tunnel.Target, 0, len(records))
	for _, r := range records {
		d, err := s.Documents.GetByID(ctx, resource.Scope{WorkspaceID: r.WorkspaceID, Actor: actor}, kindtunnel.KindName, r.ID)
		if fault.Is(err, fault.CodeNotFound) {
			continue // deleted meanwhile
		}
		if err != nil {
			return err
		}
		targets = append(targets, TunnelSpec(d).Target(r.WorkspaceID, r.ID))
	}
	s.Clients.Keep(ctx, targets)
	return nil
}
