package delivery

import (
	"context"

	"github.com/millrace/millrace/internal/connector"
)

// Recover finishes the ledger of a run whose process ended: a transactional destination is asked what
// became of the batches that were announced and never answered. Whatever stays unknown stays in
// doubt (D4).
func Recover(ctx context.Context, l *Ledger, idempotency connector.Idempotency, r connector.Resolver, job connector.SyncJob) error {
	if idempotency != connector.Transactional {
		return nil
	}
	for batch, token := range l.unanswered() {
		state := InDoubt
		switch resolve(ctx, r, job, token) {
		case connector.ResolvedTaken:
			state = Accepted
		case connector.ResolvedNotTaken:
			state = NotSent
		}
		if err := l.Apply(Record{Kind: RecordAnswer, Batch: batch, State: state}); err != nil {
			return err
		}
	}
	return nil
}

// resolve asks what became of a batch. Without a token, the step whose answer may be lost had not begun.
func resolve(ctx context.Context, r connector.Resolver, job connector.SyncJob, token string) connector.Resolution {
	switch {
	case token == "":
		return connector.ResolvedNotTaken
	case r == nil:
		return connector.ResolvedUnknown
	}
	answer, err := r.Resolve(ctx, job, token)
	if err != nil {
		return connector.ResolvedUnknown
	}
	return answer
}
