package manifest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"sync"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/template"
	"github.com/millrace/millrace/internal/value"
)

// resources are what a run's sync has at the vendor. They are made with the first rows.
type resources struct {
	mu    sync.Mutex
	made  bool
	fresh bool // one of them was made by this run
	all   value.Value
	err   error // why they cannot be had, and the run cannot go on
}

// get returns the values of all resources, by their names, and makes those that do not exist. With those that were there
// before, the requests that begin a run are made. Where a batch needs them, the requests are of it.
func (rs *resources) get(ctx context.Context, s *session, b *connector.Batch) (value.Value, error) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if rs.made || rs.err != nil {
		return rs.all, rs.err
	}
	var fields []value.Field
	for i := range s.kind.Resources {
		r := &s.kind.Resources[i]
		v, err := s.resource(ctx, r, value.OfMap(fields), b)
		if err != nil {
			return value.Value{}, rs.failed(err)
		}
		fields = append(fields, value.Field{Name: r.Name, Value: v})
	}
	all := value.OfMap(fields)
	if !rs.fresh {
		if err := s.aside(all, b).begins(ctx, s.kind.Begin); err != nil {
			return value.Value{}, rs.failed(err)
		}
	}
	rs.all, rs.made = all, true
	return rs.all, nil
}

// failed keeps an error after which asking again is no use, or may make another one of the same name: it is about no
// row, and so it ends the run.
func (rs *resources) failed(err error) error {
	switch fault.ClassOf(err) {
	case fault.Permanent, fault.Unknown, fault.Fatal:
		rs.err = fault.Reclass(err, fault.Fatal)
		return rs.err
	default:
		return err
	}
}

// resource returns one resource: what the settings say, what an earlier run made, or what is made now. Another name, or
// whatever else its request has, is another resource.
func (s *session) resource(ctx context.Context, r *Resource, before value.Value, b *connector.Batch) (value.Value, error) {
	a := s.aside(before, b)
	makes, err := a.scope.holds(&r.When)
	if err != nil {
		return value.Value{}, err
	}
	if !makes {
		return a.scope.eval(&r.Else.source)
	}
	key, err := s.resourceKey(ctx, a, r)
	if err != nil {
		return value.Value{}, err
	}
	if s.auth.tokens != nil { // before the state is held: a new token is kept there as well
		if _, err := s.auth.tokens.Get(ctx, s.client.Client); err != nil {
			return value.Value{}, err
		}
	}
	text, err := s.state.Update(ctx, key, func(ctx context.Context, old string) (string, error) {
		if old != "" {
			return old, nil
		}
		s.resources.fresh = true
		v, err := a.make(ctx, r)
		return string(v.AppendJSON(nil)), err
	})
	if err != nil {
		return value.Value{}, err
	}
	return value.ParseJSON(text) //nolint:wrapcheck // it was encoded here
}

// aside is an attempt without rows, on behalf of a batch where one needs it.
func (s *session) aside(made value.Value, b *connector.Batch) *attempt {
	a := s.bare(made)
	if b != nil {
		a.batch = &connector.Batch{Checkpoint: forgotten, Next: b.Next, Hold: b.Hold}
	}
	return a
}

// begins makes the requests that begin a run. An answer that is not as it must be ends the run.
func (a *attempt) begins(ctx context.Context, steps []Step) error {
	for i := range steps {
		st := &steps[i]
		_, run, err := a.taking(st)
		if err != nil {
			return err
		}
		if !run {
			continue
		}
		if err := a.exchange(ctx, st, nil); err != nil {
			return err
		}
		if err := a.required(st); err != nil {
			return err
		}
	}
	return nil
}

// required is what is wrong where the last answer is not as a step must have it.
func (a *attempt) required(st *Step) error {
	good, err := a.scope.holds(&st.Require)
	if err != nil || good {
		return err
	}
	words, err := a.scope.text(&st.Message.source)
	if err != nil {
		return err
	}
	e := fault.New(fault.CodeDestinationSchema, "%s", a.client.Redact(orElse(words, "the vendor does not know what rows go to")))
	return helped(fault.Reclass(e, fault.Fatal), st.Hint)
}

// resourceKey names a resource of a sync by what its first request will be.
func (s *session) resourceKey(ctx context.Context, a *attempt, r *Resource) (string, error) {
	request, err := s.client.request(ctx, a.scope, r.Steps[len(r.Steps)-1].parts(), nil)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(append([]byte(request.Method+" "+request.URL.String()+" "), request.Body...))
	return "resource " + r.Name + " of " + strconv.FormatInt(s.job.SyncID, 10) + " " + hex.EncodeToString(sum[:8]), nil
}

// make makes a resource. Something else than a value means that it was not made.
func (a *attempt) make(ctx context.Context, r *Resource) (value.Value, error) {
	if err := a.steps(ctx, r.Steps); err != nil {
		if a.wrote {
			err = fault.Reclass(err, fault.Fatal) // a part of it exists, and another attempt would make it again
		}
		return value.Value{}, err
	}
	v, err := a.scope.eval(&r.Value.source)
	if err == nil && v.IsNull() {
		return v, fault.Reclass(fault.New(fault.CodeDestinationAnswer, "making %s: the answer does not say what identifies it", r.Name), fault.Fatal)
	}
	return v, err
}

// bodySource is the expression body.
var bodySource = source{text: "body", path: "body", tmpl: mustParse("{{ body }}")}

func mustParse(text string) *template.Template {
	t, err := template.Parse(text)
	if err != nil {
		panic(err)
	}
	return t
}
