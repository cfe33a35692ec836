package signature

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/smithy-go"
	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/cloud"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/httpx"
)

// AWSOptions say who signs, and for what.
type AWSOptions struct {
	Identity cloud.AWS
	Region   string
	Service  string       // as the signature names it, such as execute-api
	Client   *http.Client // makes the requests that an assumed role needs; nil: the standard one
	Clock    clock.Clock  // default: the system's
}

// AWS signs requests with Signature Version 4.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
type AWS struct {
	credentials *aws.CredentialsCache
	region      string
	service     string
	signer      *v4.Signer
	clock       clock.Clock
}

var _ httpx.Authorizer = (*AWS)(nil)

// NewAWS returns a signer. It connects to nothing. Its error names every option that is missing.
func NewAWS(ctx context.Context, o AWSOptions) (*AWS, error) {
	var issues fault.Issues
	required("region", "the region", o.Region, &issues)
	required("service", "the service", o.Service, &issues)
	if o.Identity.Auth != cloud.AuthServer {
		required("accessKeyId", "the access key ID", o.Identity.AccessKeyID, &issues)
		required("secretAccessKey", "the secret access key", o.Identity.SecretAccessKey, &issues)
	}
	if err := issues.Err(); err != nil {
		return nil, err
	}
	if o.Clock == nil {
		o.Clock = clock.System{}
	}
	if o.Client == nil {
		o.Client = http.DefaultClient
	}
	c, err := o.Identity.Config(ctx, o.Region, o.Client)
	if err != nil {
		return nil, explainCredentials(err)
	}
	cache, ok := c.Credentials.(*aws.CredentialsCache)
	if !ok {
		cache = aws.NewCredentialsCache(c.Credentials)
	}
	return &AWS{
		credentials: cache, region: o.Region, service: o.Service, clock: o.Clock,
		signer: v4.NewSigner(func(s *v4.SignerOptions) { s.DisableURIPathEscaping = o.Service == "s3" }),
	}, nil
}

// hashed are services that want the digest of the body in a header too.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
// https://github.com/opensearch-project/opensearch-java/pull/339 (OpenSearch Serverless)
var hashed = map[string]bool{"s3": true, "aoss": true}

// Authorize signs the request in its headers.
func (s *AWS) Authorize(ctx context.Context, r *httpx.Request) error {
	credentials, err := s.credentials.Retrieve(ctx)
	if err != nil {
		return explainCredentials(err)
	}
	sum := sha256.Sum256(r.Body)
	digest := hex.EncodeToString(sum[:])
	h := r.Header.Clone()
	if h == nil {
		h = http.Header{}
	}
	h.Del("Authorization") // of an earlier attempt
	h.Del("X-Amz-Security-Token")
	if hashed[s.service] {
		h.Set("X-Amz-Content-Sha256", digest)
	}
	u := *r.URL // the signer writes to it
	req := &http.Request{Method: r.Method, URL: &u, Header: h, Host: hostOf(r), ContentLength: int64(len(r.Body))}
	if err := s.signer.SignHTTP(ctx, credentials, req, digest, s.service, s.region, s.clock.Now()); err != nil {
		return fault.Wrap(err, fault.CodeInternal, "signing the request")
	}
	r.Header = h
	_, signature, _ := strings.Cut(h.Get("Authorization"), "Signature=")
	hide(r, credentials.SecretAccessKey, credentials.SessionToken, signature)
	return nil
}

// Refused reports whether temporary credentials ended before their time, and forgets them.
func (s *AWS) Refused(_ *httpx.Request, resp *httpx.Response) bool {
	said := resp.Header.Get("X-Amzn-Errortype")
	if resp.Status < http.StatusBadRequest || !strings.Contains(said, "ExpiredToken") && !bytes.Contains(resp.Body, []byte("ExpiredToken")) {
		return false
	}
	s.credentials.Invalidate()
	return true
}

// explainCredentials tells an identity that Amazon refuses from a service that cannot be asked.
func explainCredentials(err error) error {
	if api, ok := errors.AsType[smithy.APIError](err); ok && api.ErrorFault() != smithy.FaultServer && !strings.Contains(api.ErrorCode(), "Throttl") {
		return fault.Wrap(err, fault.CodeCredential, "getting the credentials to sign with")
	}
	return fault.Wrap(err, fault.CodeCredentialDown, "getting the credentials to sign with")
}
