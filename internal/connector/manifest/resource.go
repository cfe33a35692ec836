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
	mu   sync.Mutex
	made bool
	all  value.Value
	err  error // why they cannot be had, and the run cannot go on
}

// get returns the values of all resources, by their names, and makes those that do not exist. Where a batch needs them,
// the requests are of it.
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
	rs.all, rs.made = value.OfMap(fields), true
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
	a := s.bare(before)
	if b != nil {
		a.batch = &connector.Batch{Checkpoint: forgotten, Next: b.Next, Hold: b.Hold}
	}
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
		v, err := a.make(ctx, r)
		return string(v.AppendJSON(nil)), err
	})
	if err != nil {
		return value.Value{}, err
	}
	return value.ParseJSON(text) //nolint:wrapcheck // it was encoded here
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
