package connector_test

import (
	"context"
	"testing"

	"github.com/millrace/millrace/internal/connector"
)

// What changes one key may change another one meanwhile, such as a token that is renewed while a list is made.
//
// Req: SY-17
func TestMemoryNested(t *testing.T) {
	t.Parallel()
	state := connector.Memory()
	got, err := state.Update(t.Context(), "list", func(ctx context.Context, _ string) (string, error) {
		token, err := state.Update(ctx, "token", func(context.Context, string) (string, error) { return "t", nil })
		return "made with " + token, err
	})
	if err != nil || got != "made with t" {
		t.Fatalf("%q, %v", got, err)
	}
	if token, found, err := state.Load(t.Context(), "token"); token != "t" || !found || err != nil {
		t.Errorf("the token is %q, %t, %v", token, found, err)
	}
}
