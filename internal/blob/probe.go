package blob

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"slices"

	"github.com/millrace/millrace/internal/fault"
)

// probePrefix is where probes put their object.
const probePrefix = "probe/"

// Probe writes, lists, reads and deletes an object of the workspace, and so finds out whether the place can be used.
// The error says which of them is not possible, and what to grant.
func (b *Bucket) Probe(ctx context.Context, workspaceID int64) error {
	content := make([]byte, 32)
	if _, err := rand.Read(content); err != nil {
		return fault.Wrap(err, fault.CodeInternal, "making a test object")
	}
	key := probePrefix + hex.EncodeToString(content[:8])
	if err := b.put(ctx, workspaceID, key, bytes.NewReader(content)); err != nil {
		return err
	}
	seen := b.see(ctx, workspaceID, key, content)
	removed := b.delete(ctx, workspaceID, key)
	if seen != nil {
		return seen
	}
	return removed
}

// see finds an object in the listing and reads it.
func (b *Bucket) see(ctx context.Context, workspaceID int64, key string, want []byte) error {
	keys, err := b.List(ctx, workspaceID, probePrefix)
	if err != nil {
		return err
	}
	if !slices.Contains(keys, key) {
		return fault.New(fault.CodeStorage, "the test object was written and does not show in the listing").
			WithSuggestion("The store must list an object as soon as it is written.")
	}
	var got bytes.Buffer
	if err := b.read(ctx, workspaceID, key, &got); err != nil {
		return err
	}
	if !bytes.Equal(got.Bytes(), want) {
		return fault.New(fault.CodeStorage, "the test object came back changed")
	}
	return nil
}
