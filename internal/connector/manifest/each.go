package manifest

import (
	"context"

	"github.com/millrace/millrace/internal/connector"
)

// Each is a session that sends the rows of a batch one after another. An error of do is about the whole batch, so that
// the manifest says one row.
func (r *Run) Each(do func(ctx context.Context, r *Run, row Row, op connector.Operation) error) connector.Session {
	return &eachSession{Session: r.Session(), run: r, do: do}
}

type eachSession struct {
	connector.Session // the manifest's own

	run *Run
	do  func(context.Context, *Run, Row, connector.Operation) error
}

var _ connector.OperationLimiter = (*eachSession)(nil)

func (s *eachSession) LimitsOf(op connector.Operation) connector.Limits { return s.run.LimitsOf(op) }

func (s *eachSession) Write(ctx context.Context, b *connector.Batch) (connector.Result, error) {
	r, err := s.run.With(ctx, b)
	if err != nil {
		return connector.Result{}, err
	}
	for _, row := range r.Rows() {
		if err := s.do(ctx, r, row, b.Operation); err != nil {
			return connector.Result{}, err
		}
	}
	return r.Result(), nil
}
