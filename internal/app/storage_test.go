package app

import (
	"strings"
	"testing"

	"github.com/millrace/millrace/internal/config"
)

// People of a workspace learn what kind of storage the server has, and not where: addresses may be secrets.
//
// Req: X-07
func TestServerStorageIsNamedWithoutItsAddress(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"": "folder", "file:///var/lib/millrace": "folder", "s3://bucket-name?awssdk=v2": "S3", "gs://bucket-name": "Google", "azblob://bucket-name?sas=secret": "Azure",
	} {
		got := serverStorage(&config.Config{StorageURL: address, Home: "/home/somebody"})
		if !strings.Contains(got, want) || strings.Contains(got, "bucket-name") || strings.Contains(got, "/") || strings.Contains(got, "secret") {
			t.Errorf("%q is named %q", address, got)
		}
	}
}
