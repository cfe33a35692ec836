package manifest

import (
	"context"
	"encoding/json"

	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

// Send makes a request with a body of JSON, none where it is nil, and returns the answer's body. The status counts where
// the request failed, too; it is 0 where no answer came.
func (r *Run) Send(ctx context.Context, method, path string, body any) (answer value.Value, status int, err error) {
	var text []byte
	if body != nil {
		if text, err = json.Marshal(body); err != nil {
			return value.Value{}, 0, fault.Wrap(err, fault.CodeInternal, "encoding a request")
		}
	}
	resp, err := r.Ask(ctx, method, path, text, nil)
	if resp == nil {
		return value.Value{}, 0, err
	}
	if err == nil && resp.Truncated {
		err = fault.Reclass(fault.New(fault.CodeDestinationAnswer, "the answer is too long to be read"), fault.Unknown)
	}
	return resp.Value(), resp.Status, err
}

// Fetch makes a request that changes nothing: where its answer is lost, it can be made again.
func (r *Run) Fetch(ctx context.Context, method, path string, body any) (answer value.Value, status int, err error) {
	answer, status, err = r.Send(ctx, method, path, body)
	if fault.ClassOf(err) == fault.Unknown {
		err = fault.Reclass(err, fault.Retryable)
	}
	return answer, status, err
}

// At returns what lies in a value behind some names; null where one of them is missing.
func At(v value.Value, names ...string) value.Value {
	for _, name := range names {
		v = v.Parsed()
		v, _ = v.Get(name)
	}
	return v.Parsed()
}

// TextAt is what lies there as a text; empty where it is missing or null.
func TextAt(v value.Value, names ...string) string {
	if v = At(v, names...); v.IsNull() {
		return ""
	}
	return v.String()
}
