package httpx

import "context"

// Authorizer adds to a request what lets it in: a token, or a signature. Implementations are safe for concurrent use,
// and change of the request only Header, which they replace rather than write to, and Secrets.
type Authorizer interface {
	// Authorize is called before each sending of a request, whose address, headers and body are final.
	Authorize(ctx context.Context, r *Request) error
	// Refused is shown the answer to a request as it was authorized. It reports whether the other side says that it did
	// nothing because of the authorization, and another one may do better.
	Refused(r *Request, resp *Response) bool
}

// Authorized lets do send a request with an authorization. Where the other side refuses it, the request is sent once
// more with a new one. Nil authorizers leave the request as it is.
func Authorized(ctx context.Context, a Authorizer, r *Request, do func() (*Response, error)) (*Response, error) {
	if a == nil {
		return do()
	}
	if err := a.Authorize(ctx, r); err != nil {
		return nil, err
	}
	resp, err := do()
	if err != nil || !a.Refused(r, resp) {
		return resp, err
	}
	if err := a.Authorize(ctx, r); err != nil {
		return nil, err
	}
	return do()
}
