package signature

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/httpx"
)

// AWS signs requests to one service in one region with Amazon's Signature Version 4. It is safe for concurrent use.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
type AWS struct {
	region  string
	service string
	clock   clock.Clock
	signer  *v4.Signer
}

// NewAWS returns a signer. service is what the signature calls it, such as execute-api.
func NewAWS(region, service string, c clock.Clock) *AWS {
	return &AWS{region: region, service: service, clock: c, signer: v4.NewSigner()}
}

// Sign signs the request in its headers, and hides the keys from logs.
func (s *AWS) Sign(ctx context.Context, r *httpx.Request, keys aws.Credentials) error {
	sum := sha256.Sum256(r.Body)
	h := r.Header.Clone()
	if h == nil {
		h = http.Header{}
	}
	h.Del("Authorization") // of an earlier attempt
	h.Del("X-Amz-Security-Token")
	u := *r.URL // the signer writes to it
	req := &http.Request{Method: r.Method, URL: &u, Header: h, Host: hostOf(r), ContentLength: int64(len(r.Body))}
	if err := s.signer.SignHTTP(ctx, keys, req, hex.EncodeToString(sum[:]), s.service, s.region, s.clock.Now()); err != nil {
		return fault.Wrap(err, fault.CodeInternal, "signing the request")
	}
	r.Header = h
	hide(r, keys.SecretAccessKey, keys.SessionToken)
	return nil
}
