package blob

import (
	"context"
	"net/http"
	"strings"

	"gocloud.dev/blob"
)

// Place is a bucket of a provider with what it takes to reach it: S3, GCS or Azure.
type Place interface {
	// Label names the place for people, such as "Amazon S3, bucket acme, prefix prod/".
	Label() string
	// Identity is equal for two places exactly where they hold the same objects. Credentials are no part of it.
	Identity() string

	open(ctx context.Context, o Options) (*blob.Bucket, func() error, error)
	prefix() string
	// opened says where the bucket is, if its owner lets warehouses write into it (Folder).
	opened() (Where, bool)
	// advice says what to do about an error of an operation; empty where the code's own hint fits.
	advice(p problem) string
}

// Options say how places are reached.
type Options struct {
	// Transport makes the connections to places that people configure; nil means the standard one. Whoever runs
	// the server confines with it where they may lie.
	Transport http.RoundTripper
	// Egress lists the addresses that this server connects from, for those who must allow them.
	Egress []string
}

func (o Options) client() *http.Client {
	return &http.Client{Transport: o.transport()}
}

func (o Options) transport() http.RoundTripper {
	if o.Transport == nil {
		return http.DefaultTransport
	}
	return o.Transport
}

// egress is a sentence about the addresses that a firewall must admit.
func (o Options) egress() string {
	if len(o.Egress) == 0 {
		return ""
	}
	return " This server connects from " + strings.Join(o.Egress, ", ") + "."
}

// folderOf is a prefix as objects carry it: with a slash at its end and none at its start.
func folderOf(prefix string) string {
	p := strings.Trim(prefix, "/")
	if p == "" {
		return ""
	}
	return p + "/"
}

func label(what, prefix string) string {
	if prefix == "" {
		return what
	}
	return what + ", prefix " + prefix
}
