package manifest

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

// progress is how far an emptying has come.
type progress struct {
	Step int                        `json:"step"`
	Vars map[string]json.RawMessage `json:"vars"`
}

// Clear empties what the sync's settings select. Where the vendor takes long, how far it came is kept, and a later call
// goes on from there.
func (s *session) Clear(ctx context.Context) error {
	made, err := s.resources.get(ctx, s, nil)
	if err != nil {
		return err
	}
	a := s.bare(made)
	key := "clear " + strconv.FormatInt(s.job.SyncID, 10)
	at, err := s.cleared(ctx, a, key)
	if err != nil {
		return err
	}
	for ; at < len(s.kind.Clear); at++ {
		if err := s.keepProgress(ctx, a, key, at); err != nil {
			return err
		}
		if err := a.clearing(ctx, &s.kind.Clear[at]); err != nil {
			if class := fault.ClassOf(err); class == fault.Permanent || class == fault.Fatal {
				s.forgetProgress(ctx, key) //nolint:errcheck // the first error says more
			}
			return err
		}
	}
	return s.forgetProgress(ctx, key)
}

// forgetProgress lets the next emptying begin anew.
func (s *session) forgetProgress(ctx context.Context, key string) error {
	_, err := s.state.Update(ctx, key, func(context.Context, string) (string, error) { return "", nil })
	return err
}

// cleared reads how far an earlier call came.
func (s *session) cleared(ctx context.Context, a *attempt, key string) (int, error) {
	text, found, err := s.state.Load(ctx, key)
	if err != nil || !found || text == "" {
		return 0, err
	}
	var p progress
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		return 0, nil //nolint:nilerr // it is done again
	}
	for name, text := range p.Vars {
		if v, err := value.ParseJSON(string(text)); err == nil {
			a.scope.keepVar(name, v)
		}
	}
	return p.Step, nil
}

func (s *session) keepProgress(ctx context.Context, a *attempt, key string, step int) error {
	p := progress{Step: step, Vars: map[string]json.RawMessage{}}
	for _, f := range a.scope.vars {
		p.Vars[f.Name] = f.Value.AppendJSON(nil)
	}
	text, err := json.Marshal(p)
	if err != nil {
		return fault.Wrap(err, fault.CodeInternal, "encoding the progress")
	}
	_, err = s.state.Update(ctx, key, func(context.Context, string) (string, error) { return string(text), nil })
	return err
}

// clearing makes one step; work that is not over is asked for again later.
func (a *attempt) clearing(ctx context.Context, st *Step) error {
	_, run, err := a.taking(st)
	if err != nil || !run {
		return err
	}
	if !st.Until.given() {
		return a.exchange(ctx, st, nil)
	}
	over, err := a.look(ctx, st, nil)
	if err != nil || over {
		return err
	}
	every := time.Duration(st.Every)
	if every == 0 {
		every = defaultEvery
	}
	return fault.RetryAfter(fault.New(fault.CodeDestinationThrottled, "the vendor is still emptying it"), every)
}
