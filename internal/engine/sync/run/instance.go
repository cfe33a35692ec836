package run

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
)

// Instance names this installation in a warehouse that it may share with others. It is made when it is first needed.
func (s *Store) Instance(ctx context.Context) (string, error) {
	var made [4]byte
	_, _ = rand.Read(made[:]) // it never fails
	_, err := s.db.NewRaw("INSERT INTO instance (one, id) VALUES (1, ?) ON CONFLICT (one) DO NOTHING", hex.EncodeToString(made[:])).Exec(ctx)
	if err != nil {
		return "", fmt.Errorf("naming this installation: %w", err)
	}
	var id string
	if err := s.db.NewSelect().Table("instance").Column("id").Scan(ctx, &id); err != nil {
		return "", fmt.Errorf("reading the installation's name: %w", err)
	}
	return id, nil
}
