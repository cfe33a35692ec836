package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/millrace/millrace/internal/fault"
	"gocloud.dev/blob"
)

// The providers whose buckets warehouses can write into.
const (
	ProviderS3  = "s3"
	ProviderGCS = "gcs"
)

// Where is where the objects of a Folder lie, as a warehouse is told.
type Where struct {
	Provider string
	Bucket   string
	Prefix   string // of the objects' names, with a slash at its end
	Region   string // of a bucket of S3
	Endpoint string // of another store than the provider's own; empty means the provider's
}

// Folder is a folder of a workspace whose objects somebody else writes: they are not sealed, and anybody who may read the
// bucket can read them. What lies there is removed with DeletePrefix.
type Folder struct {
	bucket *Bucket
	root   string // of the objects' names, within the place
	where  Where
}

// Folder returns a folder that others may write into. There is none where the place's owner did not open it to others.
func (b *Bucket) Folder(workspaceID int64, key string) (*Folder, bool) {
	if b.place == nil {
		return nil, false
	}
	w, ok := b.place.opened()
	if !ok {
		return nil, false
	}
	root := object(workspaceID, folderOf(key))
	w.Prefix = b.place.prefix() + root
	return &Folder{bucket: b, root: root, where: w}, true
}

// Where says where the folder is.
func (f *Folder) Where() Where { return f.where }

// List returns the names of the folder's objects, in order. What has no content is no object.
func (f *Folder) List(ctx context.Context) ([]string, error) {
	var names []string
	it := f.bucket.bucket.List(&blob.ListOptions{Prefix: f.root})
	for {
		o, err := it.Next(ctx)
		if errors.Is(err, io.EOF) {
			return names, nil
		}
		if err != nil {
			return nil, f.bucket.fault(err, listing, "listing results")
		}
		if !o.IsDir && o.Size > 0 {
			names = append(names, strings.TrimPrefix(o.Key, f.root))
		}
	}
}

// fetchAttempts is how often an object is fetched before its absence or a broken connection is believed.
const fetchAttempts = 3

// Fetch writes an object, as it lies there, to a local file.
func (f *Folder) Fetch(ctx context.Context, name, localPath string) error {
	var err error
	for range fetchAttempts {
		if err = f.fetch(ctx, name, localPath); err == nil || ctx.Err() != nil {
			return err
		}
	}
	return err
}

func (f *Folder) fetch(ctx context.Context, name, localPath string) (err error) {
	to, err := os.OpenFile(localPath, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600) //nolint:gosec // a path of our own
	if err != nil {
		return f.bucket.fault(err, other, "writing "+filepath.Base(localPath))
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	if err := f.bucket.bucket.Download(ctx, f.root+name, to, nil); err != nil {
		return f.bucket.fault(err, reading, "reading results")
	}
	return nil
}

// grantTime is how long credentials for a folder are good for: the longest that a role which assumes another one can have.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
const grantTime = time.Hour

// Grant returns temporary credentials that can list, read and write in this folder and do nothing else (S-80).
func (f *Folder) Grant(ctx context.Context) (aws.Credentials, error) {
	p, ok := f.bucket.place.(S3)
	if !ok {
		return aws.Credentials{}, fault.New(fault.CodeStorage, "only a bucket of Amazon S3 gives out credentials for a folder")
	}
	client := &http.Client{Transport: f.bucket.options.transport()}
	c, err := p.identity().Scoped(ctx, p.Region, client, folderPolicy(f.where), grantTime)
	if err != nil {
		return aws.Credentials{}, f.bucket.fault(err, other, "getting credentials for a folder")
	}
	return c, nil
}

// folderPolicy allows what a warehouse needs to leave a result in a folder.
// https://docs.aws.amazon.com/redshift/latest/dg/copy-usage_notes-access-permissions.html
func folderPolicy(w Where) string {
	bucket := "arn:" + partitionOf(w.Region) + ":s3:::" + w.Bucket
	return fmt.Sprintf(`{"Version":"2012-10-17","Statement":[`+
		`{"Effect":"Allow","Action":"s3:ListBucket","Resource":%q,"Condition":{"StringLike":{"s3:prefix":[%q]}}},`+
		`{"Effect":"Allow","Action":["s3:GetObject","s3:PutObject"],"Resource":%q}]}`, bucket, w.Prefix+"*", bucket+"/"+w.Prefix+"*")
}

// partitionOf is the part of Amazon's cloud that a region is of.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
func partitionOf(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	default:
		return "aws"
	}
}
