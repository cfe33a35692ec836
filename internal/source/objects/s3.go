package objects

import (
	"context"
	"errors"
	"io"
	"iter"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	"github.com/millrace/millrace/internal/cloud"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
)

// S3 describes the source of files in Amazon S3, or in a store with the same protocol (S-31).
func S3() connector.SourceInfo {
	info := connector.SourceInfo{
		Slug: "s3", Name: "Amazon S3", Category: "file", Summary: "CSV, JSON and Parquet files in a bucket",
		Fields: []connector.Field{
			{Name: "credential", Label: "AWS credential", Type: connector.FieldCredential, Providers: []string{cloud.ProviderAWS}, Required: true, Help: "It needs s3:GetObject on the files and s3:ListBucket on the bucket."},
			{Name: "region", Label: "Region", Type: connector.FieldString, Default: "us-east-1", Required: true, Example: "eu-central-1", Help: "The region that the bucket is in."},
			{Name: "bucket", Label: "Bucket name", Type: connector.FieldString, Required: true, Example: "acme-exports", Help: "Only the name, not a URL."},
			{Name: "endpoint", Label: "Endpoint", Type: connector.FieldString, Advanced: true, Example: "https://minio.example.com:9000", Help: "The address of another store with the same protocol. Empty means Amazon S3."},
			{Name: "pathStyle", Label: "Path-style addresses", Type: connector.FieldBoolean, Default: false, Advanced: true, Help: "Put the bucket into the path instead of the host name, as MinIO and most self-hosted stores need it."},
		},
		Methods: []string{"file"}, Engines: []string{connector.EngineBasic}, Verified: false,
		Files: &connector.FileRules{Extensions: extensions, Newest: true},
	}
	info.Open = func(o connector.SourceOptions) (connector.Source, error) {
		b := &s3Bucket{network: o.Network}
		if err := o.Settings.Decode(b); err != nil {
			return nil, err
		}
		if err := checkName("bucket", b.Bucket); err != nil {
			return nil, err
		}
		if err := b.connect(); err != nil {
			return nil, err
		}
		return newSource(info, b, o.Dir), nil
	}
	return info
}

// s3Bucket is a bucket with the protocol of S3.
type s3Bucket struct {
	Credential cloud.AWS `json:"credential"`
	Region     string    `json:"region"`
	Bucket     string    `json:"bucket"`
	Endpoint   string    `json:"endpoint"`
	PathStyle  bool      `json:"pathStyle"`

	network   connector.Network
	transport *http.Transport
	client    *s3.Client
}

var _ store = (*s3Bucket)(nil)

func (b *s3Bucket) connect() error {
	b.transport = b.network.Transport()
	client := &http.Client{Transport: b.transport}
	c, err := b.Credential.Config(context.Background(), b.Region, client)
	if err != nil {
		return fault.Wrap(err, fault.CodeSourceAuth, "reading the AWS credential")
	}
	b.client = s3.NewFromConfig(c, func(o *s3.Options) {
		o.UsePathStyle = b.PathStyle
		if b.Endpoint != "" {
			o.BaseEndpoint = aws.String(b.Endpoint)
			// Many compatible stores refuse the newer checksum headers.
			o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
			o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
		}
	})
	return nil
}

func (b *s3Bucket) close() error {
	b.transport.CloseIdleConnections()
	return nil
}

func (b *s3Bucket) test(ctx context.Context) error {
	_, err := b.client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &b.Bucket, Prefix: aws.String(""), MaxKeys: aws.Int32(1)})
	return b.fault(err, "listing the bucket "+b.Bucket)
}

// list goes through all pages; each has at most 1000 objects.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
func (b *s3Bucket) list(ctx context.Context, prefix string) iter.Seq2[connector.FileEntry, error] {
	return func(yield func(connector.FileEntry, error) bool) {
		pages := s3.NewListObjectsV2Paginator(b.client, &s3.ListObjectsV2Input{Bucket: &b.Bucket, Prefix: &prefix})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				yield(connector.FileEntry{}, b.fault(err, "listing the bucket "+b.Bucket))
				return
			}
			for _, o := range page.Contents {
				if !yield(connector.FileEntry{Path: aws.ToString(o.Key), Size: aws.ToInt64(o.Size), Modified: aws.ToTime(o.LastModified)}, nil) {
					return
				}
			}
		}
	}
}

func (b *s3Bucket) open(ctx context.Context, path string) (io.ReadCloser, error) {
	o, err := b.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &b.Bucket, Key: &path})
	if err != nil {
		return nil, b.fault(err, "reading "+path)
	}
	return &body{ReadCloser: o.Body, want: aws.ToInt64(o.ContentLength), path: path, network: b.network}, nil
}

// s3Codes are the store's error codes. https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
var s3Codes = map[string]fault.Code{
	"AccessDenied": fault.CodeSourceDenied, "AllAccessDisabled": fault.CodeSourceDenied, "AccountProblem": fault.CodeSourceDenied,
	"Forbidden": fault.CodeSourceDenied, "KMS.DisabledException": fault.CodeSourceDenied, "InvalidObjectState": fault.CodeSourceFile,
	"InvalidAccessKeyId": fault.CodeSourceAuth, "SignatureDoesNotMatch": fault.CodeSourceAuth, "ExpiredToken": fault.CodeSourceAuth,
	"ExpiredTokenException": fault.CodeSourceAuth, "InvalidToken": fault.CodeSourceAuth, "InvalidClientTokenId": fault.CodeSourceAuth,
	"RequestTimeTooSkewed": fault.CodeSourceAuth, "NoSuchKey": fault.CodeSourceFile, "RequestTimeout": fault.CodeSourceTimeout,
}

// fault gives an error its code, in the store's own words, and says what to do.
func (b *s3Bucket) fault(err error, doing string) error {
	if err == nil {
		return nil
	}
	code, api, status := fault.CodeSourceUnreachable, smithy.APIError(nil), 0
	var answer *awshttp.ResponseError
	if errors.As(err, &answer) && answer.Response != nil {
		status = answer.HTTPStatusCode()
		code = codeOfStatus(status)
	}
	if errors.As(err, &api) {
		if known, ok := s3Codes[api.ErrorCode()]; ok {
			code = known
		}
	}
	if strings.Contains(err.Error(), "static credentials are empty") || strings.Contains(err.Error(), "refresh cached credentials") {
		code = fault.CodeSourceAuth
	}
	e := fault.Wrap(err, code, "%s", doing)
	switch code { //nolint:exhaustive // the other codes' hints fit
	case fault.CodeSourceDenied:
		return e.WithSuggestion("Allow this identity s3:GetObject on arn:aws:s3:::%s/* and s3:ListBucket on arn:aws:s3:::%s, and kms:Decrypt where the bucket is encrypted with SSE-KMS.", b.Bucket, b.Bucket)
	case fault.CodeSourceAuth:
		return e.WithSuggestion("%s", b.authAdvice())
	case fault.CodeSourceFile:
		return e.WithSuggestion("Check the path; it begins below the bucket. An archived object must be restored first.")
	case fault.CodeSourceUnreachable:
		return b.where(e, answer, status)
	}
	return e
}

func (b *s3Bucket) authAdvice() string {
	switch {
	case b.Credential.RoleARN != "":
		return "Check the access key, and that the role's trust policy names its user and, where it asks for one, the external ID."
	case b.Credential.Auth == cloud.AuthServer:
		return "The server has no AWS credentials of its own: give its machine or pod a role, or use a credential with access keys."
	default:
		return "Check the access key ID and its secret; a key that was deactivated or deleted is refused too."
	}
}

// where tells the bucket's real region where the store names it.
func (b *s3Bucket) where(e *fault.Error, answer *awshttp.ResponseError, status int) error {
	if status != 0 {
		if region := answer.Response.Header.Get("X-Amz-Bucket-Region"); region != "" && region != b.Region {
			return fault.Reclass(e.WithSuggestion("The bucket is in the region %s: set it in the source.", region), fault.Fatal)
		}
	}
	return unreachable(e, status, b.network, "Check the bucket's name, the region and the endpoint.")
}
