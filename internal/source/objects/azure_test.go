package objects_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/sourcetest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/source/objects"
	"github.com/millrace/millrace/test/services"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"
)

// Req: S-33, S-75, S-76, S-77, S-78, S-79
func TestAzure(t *testing.T) {
	a := services.NewAzurite(t)
	shared, err := container.NewSharedKeyCredential(a.Account, a.Key)
	if err != nil {
		t.Fatal(err)
	}
	client, err := container.NewClientWithSharedKeyCredential(a.Endpoint+"/exports", shared, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Create(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	put := func(t *testing.T, path string, content []byte) {
		t.Helper()
		if _, err := client.NewBlockBlobClient(path).UploadStream(t.Context(), bytes.NewReader(content), &blockblob.UploadStreamOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	newer := func(t *testing.T, path string, content []byte) { // the store's clock counts seconds
		t.Helper()
		var last time.Time
		for pages := client.NewListBlobsFlatPager(nil); pages.More(); {
			page, err := pages.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, item := range page.Segment.BlobItems {
				if at := *item.Properties.LastModified; at.After(last) && *item.Name != path {
					last = at
				}
			}
		}
		for {
			put(t, path, content)
			properties, err := client.NewBlobClient(path).GetProperties(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			if properties.LastModified.After(last) {
				return
			}
		}
	}
	settings := connector.Settings{"authentication": "key", "accountKey": a.Key, "accountName": a.Account, "containerName": "exports", "endpoint": a.Endpoint}
	sourcetest.RunFiles(t, sourcetest.Files{
		Info: objects.Azure(), Settings: settings, Put: put, Newer: newer,
		Failing: []sourcetest.Failing{
			{Name: "wrong key", Settings: with(settings, "accountKey", "d3Jvbmcga2V5IG9mIHRoZSBhY2NvdW50"), Code: fault.CodeSourceDenied, Says: "AuthorizationFailure"}, // Azure itself says AuthenticationFailed
			{Name: "wrong key at Azure", Settings: with(settings, "endpoint", answering(t, 403, "", "x-ms-error-code", "AuthenticationFailed")), Code: fault.CodeSourceAuth, Says: "AuthenticationFailed"},
			{Name: "no role", Settings: with(settings, "endpoint", answering(t, 403, "", "x-ms-error-code", "AuthorizationPermissionMismatch")), Code: fault.CodeSourceDenied, Says: "AuthorizationPermissionMismatch"},
			{Name: "no container", Settings: with(settings, "containerName", "absent"), Code: fault.CodeSourceUnreachable, Says: "ContainerNotFound"},
			{Name: "no server", Settings: with(settings, "endpoint", "http://127.0.0.1:1/x"), Code: fault.CodeSourceUnreachable, Says: "connection refused"},
		},
	})
	_, err = objects.Azure().Open(connector.SourceOptions{Settings: with(settings, "accountKey", "not base64!")})
	if !fault.Is(err, fault.CodeInvalid) {
		t.Errorf("a key that is none: %v", err)
	}
}
