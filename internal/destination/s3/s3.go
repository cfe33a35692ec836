// Package s3 is the destination "Amazon S3 and compatible": files as objects of a bucket. Other
// stores that speak the protocol work through an endpoint of their own.
package s3

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"gocloud.dev/blob"
	"gocloud.dev/blob/s3blob"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/cloud"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/destination/file"
	"github.com/millrace/millrace/internal/fault"
)

// Slug is the destination's slug.
const Slug = "s3"

// Info describes the destination.
func Info() connector.DestinationInfo {
	return connector.DestinationInfo{
		Slug:      Slug,
		Name:      "Amazon S3 and compatible",
		Category:  "file_storage",
		Summary:   "Writes files to a bucket of Amazon S3, MinIO, R2, Wasabi and other stores with the same protocol",
		Verified:  true,
		Fields:    fields(),
		SyncTypes: []connector.SyncType{file.SyncType()},
		Open:      open,
	}
}

func open(o connector.DestinationOptions) (connector.Destination, error) {
	d := &destination{dir: o.Dir, clock: o.Clock, network: o.Network}
	if err := o.Settings.WithDefaults(fields()).Decode(&d.settings); err != nil {
		return nil, err
	}
	var err error
	if d.client, err = newClient(d.settings, d.network); err != nil {
		return nil, err
	}
	return d, nil
}

// destination is a bucket.
type destination struct {
	dir      string
	clock    clock.Clock
	network  connector.Network
	settings settings
	client   *s3.Client
}

var _ connector.Destination = (*destination)(nil)

// headerTimeout is how long a store may take to start answering a request that it has received.
const headerTimeout = 60 * time.Second

// newClient makes a client that knows only the given settings: nothing is read from the environment
// or from files of the server, unless a credential says so.
func newClient(s settings, n connector.Network) (*s3.Client, error) {
	transport := n.Transport()
	transport.ResponseHeaderTimeout = headerTimeout
	config, err := s.identity().Config(context.Background(), s.Region, &http.Client{Transport: transport})
	if err != nil {
		return nil, fault.Wrap(err, fault.CodeDestinationAuth, "reading the AWS credential")
	}
	return s3.NewFromConfig(config, func(o *s3.Options) {
		o.UsePathStyle = s.PathStyle
		if s.Endpoint != "" {
			o.BaseEndpoint = aws.String(s.Endpoint)
			// Many compatible stores refuse the newer checksum headers.
			o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
			o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
		}
	}), nil
}

// identity is who writes the files.
func (s settings) identity() cloud.AWS {
	if s.Authentication == byCredential {
		return s.Credential
	}
	return cloud.AWS{
		AccessKeyID: s.AccessKeyID, SecretAccessKey: s.SecretAccessKey, SessionToken: s.SessionToken,
		RoleARN: s.RoleARN, ExternalID: s.ExternalID, STSEndpoint: s.STSEndpoint,
	}
}

// Test lists one object under the prefix. Where that is not allowed it lists unfinished uploads: a
// writer needs one of the two permissions. Whether objects may be written cannot be known without
// writing one, so the first run tells.
func (d *destination) Test(ctx context.Context) error {
	if err := file.OneError(d.settings.check()); err != nil {
		return err
	}
	_, err := d.client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{
		Bucket:  aws.String(d.settings.Bucket),
		Prefix:  aws.String(file.Prefix(d.settings.Prefix)),
		MaxKeys: aws.Int32(1),
	}, once)
	if err == nil {
		return nil
	}
	denied := d.fault(err, "listing objects under "+d.address())
	if !fault.Is(denied, fault.CodeDestinationDenied) {
		return denied
	}
	_, err = d.client.ListMultipartUploads(ctx, &s3.ListMultipartUploadsInput{
		Bucket:     aws.String(d.settings.Bucket),
		Prefix:     aws.String(file.Prefix(d.settings.Prefix)),
		MaxUploads: aws.Int32(1),
	}, once)
	if err == nil {
		return nil
	}
	return denied
}

// once turns retries off: who tests a connection waits for the answer.
func once(o *s3.Options) { o.RetryMaxAttempts = 1 }

func (d *destination) address() string {
	return "s3://" + d.settings.Bucket + "/" + file.Prefix(d.settings.Prefix)
}

// Check reports every error of the settings.
func (d *destination) Check(job connector.SyncJob) error {
	issues := d.settings.check()
	var more fault.Issues
	if err := file.Check(job, d.settings.PublicKey); errors.As(err, &more) {
		issues = append(issues, more...)
	}
	return issues.Err()
}

// Begin starts a run. Nothing is sent to the bucket before the run is finished.
func (d *destination) Begin(ctx context.Context, job connector.SyncJob) (connector.Session, error) {
	if err := file.OneError(d.settings.check()); err != nil {
		return nil, fault.Reclass(err, fault.Fatal)
	}
	bucket, err := s3blob.OpenBucket(ctx, d.client, d.settings.Bucket, nil)
	if err != nil {
		return nil, d.fault(err, "opening "+d.address())
	}
	return d.place(bucket).Begin(file.Options{PublicKey: d.settings.PublicKey, Dir: d.dir, Clock: d.clock}, job)
}

func (d *destination) place(bucket *blob.Bucket) *file.Bucket {
	return &file.Bucket{
		Blobs:  bucket,
		Prefix: file.Prefix(d.settings.Prefix),
		Base:   "s3://" + d.settings.Bucket + "/",
		Fault:  func(err error, name string) error { return d.fault(err, "uploading "+name) },
	}
}

// Close does nothing: idle connections end by themselves.
func (d *destination) Close() error { return nil }
