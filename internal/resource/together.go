package resource

import (
	"context"

	"github.com/uptrace/bun"
)

// Creator makes one document, which later ones of the same transaction may refer to.
type Creator func(kind string, w Write) (Document, error)

// Together calls f with a Creator whose documents are made all or none. f must use no other method of the store: it
// runs within a transaction.
func (s *Store) Together(ctx context.Context, sc Scope, f func(create Creator) error) error {
	return s.db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		return f(func(kind string, w Write) (Document, error) {
			k, err := s.kinds.Kind(kind)
			if err != nil {
				return Document{}, err
			}
			return s.create(ctx, tx, sc, k, w)
		})
	})
}
