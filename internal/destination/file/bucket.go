package file

import (
	"context"
	"errors"
	"io"

	"gocloud.dev/blob"

	"github.com/millrace/millrace/internal/connector"
)

// Bucket is a Place in an object store. An object appears when its upload is complete, in one step:
// that is the store's own promise. Large files go up in parts; an upload that fails is aborted.
type Bucket struct {
	Blobs  *blob.Bucket
	Prefix string                    // before every name; ends with a slash unless empty
	Base   string                    // the address of the bucket, such as "s3://exports/"
	Fault  func(error, string) error // says an error of the store, about a name, in our vocabulary
}

var _ Place = (*Bucket)(nil)

// Uploads: parts are at least minPart large and a file has at most maxParts of them. A few parts at
// a time are held in memory. https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
const (
	minPart     = 8 << 20
	maxParts    = 9_000
	uploadLanes = 3
)

// Publish uploads the file.
func (b *Bucket) Publish(ctx context.Context, name string, f *Staged) error {
	r, err := f.Open()
	if err != nil {
		return err
	}
	err = b.Blobs.Upload(ctx, b.Prefix+name, onlyReader{r}, &blob.WriterOptions{
		BufferSize:                  partSize(f.Size),
		MaxConcurrency:              uploadLanes,
		ContentType:                 f.ContentType,
		DisableContentTypeDetection: true,
	})
	if err != nil {
		r.Close() //nolint:errcheck // the upload's own error says more
		return b.Fault(err, b.Prefix+name)
	}
	return r.Close()
}

// onlyReader hides every other method, so that the upload streams.
type onlyReader struct{ io.Reader }

func partSize(size int64) int { return int(max(minPart, size/maxParts+1)) }

// URL returns the object's address.
func (b *Bucket) URL(name string) string { return b.Base + b.Prefix + name }

// Begin starts a run whose files go to the bucket, which is closed with the session. Place is set
// from the bucket.
func (b *Bucket) Begin(o Options, job connector.SyncJob) (connector.Session, error) {
	o.Place = b
	s, err := Begin(o, job)
	if err != nil {
		b.Blobs.Close() //nolint:errcheck // nothing was written
		return nil, err
	}
	return &bucketSession{Session: s, blobs: b.Blobs}, nil
}

// bucketSession closes the bucket with the run.
type bucketSession struct {
	*Session

	blobs  *blob.Bucket
	closed bool
}

// Close deletes what was not published.
func (s *bucketSession) Close() error {
	if s.closed {
		return nil
	}
	s.closed = true
	return errors.Join(s.Session.Close(), s.blobs.Close())
}
