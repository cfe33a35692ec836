package storage_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/millrace/millrace/internal/cloud"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/kind/credential"
	kind "github.com/millrace/millrace/internal/kind/storage"
	"github.com/millrace/millrace/internal/resource"
)

// A storage is opened with a credential that others share. One that changes counts from then on, and one that is named
// cannot be deleted.
//
// Req
func TestSharedCredential(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		keys := func(id string) resource.Write {
			return resource.Write{Name: "Lake", Slug: "lake-keys", Spec: w.json(credential.Spec{
				Type: cloud.ProviderAWS, Configuration: map[string]any{"auth": "keys", "accessKeyId": id, "secretAccessKey": "very-secret"},
			})}
		}
		shared := func(name string) resource.Write {
			return resource.Write{Name: "Shared", Slug: "shared", Spec: w.json(kind.Spec{Type: kind.TypeS3, Configuration: map[string]any{
				"bucket": "lake", "prefix": "shared", "endpoint": w.store, "pathStyle": true, "auth": "credential", "credential": name,
			}})}
		}
		if _, err := w.docs.Create(t.Context(), scope, kind.KindName, shared("lake-keys")); err == nil {
			t.Error("a credential that is not there is taken")
		}
		_, err := w.docs.Create(t.Context(), scope, credential.KindName, keys("AKIAONE"))
		w.must(err)
		_, err = w.docs.Create(t.Context(), scope, kind.KindName, shared("lake-keys"))
		w.must(err)
		w.switchTo("shared")
		w.upload("syncs/1/baseline/1/rows")
		if got, _ := w.signed.Load().(string); !strings.Contains(got, "Credential=AKIAONE/") {
			t.Errorf("the request is signed as %q", got)
		}
		_, err = w.docs.Update(t.Context(), scope, credential.KindName, "lake-keys", keys("AKIATWO"))
		w.must(err)
		w.upload("syncs/1/baseline/2/rows")
		if got, _ := w.signed.Load().(string); !strings.Contains(got, "Credential=AKIATWO/") {
			t.Errorf("after a change, the request is signed as %q", got)
		}
		if err := w.docs.Delete(t.Context(), scope, credential.KindName, "lake-keys", 2); !fault.Is(err, fault.CodeReferenced) {
			t.Errorf("the credential of a storage goes: %v", err)
		}
		var spec kind.Spec
		w.must(json.Unmarshal(shared("lake-keys").Spec, &spec))
		w.must(w.engine.Test(t.Context(), workspace, spec))
	})
}

func (w *world) json(v any) json.RawMessage {
	w.t.Helper()
	text, err := json.Marshal(v)
	w.must(err)
	return text
}
