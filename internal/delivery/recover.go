package delivery

import (
	"context"

	"github.com/millrace/millrace/internal/connector"
)

// Recover finishes the ledger of a run whose process ended: the destination is asked what became of the batches that
// were announced and never answered, where it is transactional or noted a token, such as the name of a job. Whatever
// stays unknown stays in doubt (D4).
func Recover(ctx context.Context, l *Ledger, idempotency connector.Idempotency, r connector.Resolver, job connector.SyncJob) error {
	for batch, token := range l.unanswered() {
		if !asked(idempotency, r, token) {
			continue
		}
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

// asked reports whether a destination can tell what became of a batch: always where it is transactional, and otherwise
// where a token was noted before the step whose answer is lost.
func asked(idempotency connector.Idempotency, r connector.Resolver, token string) bool {
	return idempotency == connector.Transactional || r != nil && token != ""
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
