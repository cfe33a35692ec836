package cli

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// What did not keep a document from being applied is told beside what became of it.
func TestApplyWarns(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"results": [{"kind": "sync", "slug": "s", "action": "created", "changes": [],
			"warnings": [{"code": "destination.unreachable", "message": "nobody was asked", "suggestion": "Ask again."}]}]}`)
	}))
	t.Cleanup(server.Close)
	root := &cobra.Command{Use: "millrace", SilenceUsage: true, SilenceErrors: true}
	Flags(root)
	root.AddCommand(applyCommand())
	var out, told bytes.Buffer
	root.SetOut(&out)
	root.SetErr(&told)
	root.SetIn(strings.NewReader("kind: sync\nmetadata: {slug: s, name: S}\nspec: {}\n"))
	root.SetArgs([]string{"apply", "-f", "-", "--server", server.URL, "--api-key", "k"})
	if err := root.ExecuteContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	if out.String() != "sync/s created\n" || told.String() != "warning: sync/s: nobody was asked\n  → Ask again.\n" {
		t.Errorf("%q, and %q", out.String(), told.String())
	}
}
