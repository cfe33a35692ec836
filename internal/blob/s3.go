package blob

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/millrace/millrace/internal/cloud"
	"github.com/millrace/millrace/internal/fault"
	"gocloud.dev/blob"
	"gocloud.dev/blob/s3blob"
)

// S3 is a bucket of Amazon S3, or of a store with the same protocol.
type S3 struct {
	Bucket          string
	Region          string
	Prefix          string
	ServerIdentity  bool // the server's own credentials are used instead of the keys
	AccessKeyID     string
	SecretAccessKey string
	SessionToken    string // of temporary keys
	RoleARN         string // assumed with the credentials; empty means none
	ExternalID      string // what the role's trust policy asks for
	Endpoint        string // of another store; empty means Amazon's
	STSEndpoint     string // empty means Amazon's of the region
	PathStyle       bool
	Results         bool // warehouses may write results into it, which nobody seals
}

var _ Place = S3{}

// Label names the bucket.
func (p S3) Label() string {
	what := "Amazon S3, bucket " + p.Bucket
	if p.Endpoint != "" {
		what = p.Endpoint + ", bucket " + p.Bucket
	}
	return label(what, p.prefix())
}

// Identity is the endpoint, the bucket and the prefix: a bucket's name is unique at its store.
func (p S3) Identity() string { return "s3 " + p.Endpoint + " " + p.Bucket + "/" + p.prefix() }

func (p S3) prefix() string { return folderOf(p.Prefix) }

func (p S3) opened() (Where, bool) {
	return Where{Provider: ProviderS3, Bucket: p.Bucket, Region: p.Region, Endpoint: p.Endpoint}, p.Results
}

func (p S3) open(ctx context.Context, o Options) (*blob.Bucket, func() error, error) {
	c, err := p.identity().Config(ctx, p.Region, o.client())
	if err != nil {
		return nil, nil, err
	}
	client := s3.NewFromConfig(c, func(so *s3.Options) {
		so.UsePathStyle = p.PathStyle
		if p.Endpoint != "" {
			so.BaseEndpoint = aws.String(p.Endpoint)
			// Many compatible stores refuse the newer checksum headers.
			so.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
			so.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
		}
	})
	b, err := s3blob.OpenBucket(ctx, client, p.Bucket, nil)
	return b, nil, err
}

// identity is who opens the bucket.
func (p S3) identity() cloud.AWS {
	a := cloud.AWS{
		AccessKeyID: p.AccessKeyID, SecretAccessKey: p.SecretAccessKey, SessionToken: p.SessionToken, RoleARN: p.RoleARN, ExternalID: p.ExternalID, STSEndpoint: p.STSEndpoint,
	}
	if p.ServerIdentity {
		a.Auth = cloud.AuthServer
	}
	return a
}

// s3Actions are the permissions of each operation.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
var s3Actions = map[operation]string{
	writing: "s3:PutObject", reading: "s3:GetObject", deleting: "s3:DeleteObject", listing: "s3:ListBucket",
}

func (p S3) advice(x problem) string {
	switch x.code { //nolint:exhaustive // the other codes' hints fit
	case fault.CodeStorageDenied:
		if x.operation == listing {
			return fmt.Sprintf("Allow this identity s3:ListBucket on arn:aws:s3:::%s, where s3:prefix is like %q.", p.Bucket, p.prefix()+"*")
		}
		return fmt.Sprintf("Allow this identity %s on arn:aws:s3:::%s/%s*, and the use of the key where the bucket is encrypted with SSE-KMS.", s3Actions[x.operation], p.Bucket, p.prefix())
	case fault.CodeStorageAuth:
		return p.authAdvice(x.err)
	case fault.CodeStorageMissing:
		return p.whereAdvice(x.err)
	}
	return ""
}

func (p S3) authAdvice(err error) string {
	switch {
	case p.RoleARN != "" && inSTS(err):
		return "The role cannot be assumed: its trust policy must name the account or user of these credentials and, where it asks for one, the external ID."
	case p.ServerIdentity:
		return "The server has no AWS credentials of its own: give its machine or pod a role, or choose access keys."
	default:
		return "Check the access key ID and its secret; a key that was deactivated or deleted is refused too."
	}
}

// whereAdvice tells the bucket's real region where the store names it.
func (p S3) whereAdvice(err error) string {
	var r *awshttp.ResponseError
	if errors.As(err, &r) && r.Response != nil {
		if region := regionOf(r.Response.Header); region != "" && region != p.Region {
			return "The bucket is in the region " + region + ": set it."
		}
	}
	return "Check the bucket's name, the region and the endpoint, or create the bucket."
}

func regionOf(h http.Header) string { return strings.TrimSpace(h.Get("X-Amz-Bucket-Region")) }
