// Package aws is what destinations at Amazon Web Services share: the settings of who asks, requests that are signed with
// Signature Version 4 and recorded for the request log, and what an answer's error means.
package aws

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/cloud"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/destination/trigger"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/httpx"
	"github.com/millrace/millrace/internal/signature"
)

// Where the keys come from.
const (
	authCredential = "credential"
	authKeys       = "keys"
)

// Settings are those of Fields.
type Settings struct {
	Auth            string    `json:"auth"`
	Credential      cloud.AWS `json:"credential"`
	AccessKeyID     string    `json:"accessKeyId"`
	SecretAccessKey string    `json:"secretAccessKey"`
	SessionToken    string    `json:"sessionToken"`
	RoleARN         string    `json:"roleArn"`
	ExternalID      string    `json:"externalId"`
	Region          string    `json:"region"`
	Endpoint        string    `json:"endpoint"`
	STSEndpoint     string    `json:"stsEndpoint"`
}

// Fields ask who makes requests and where. permissions names what the identity must be allowed; region says whether the
// region is asked for.
func Fields(permissions string, region bool) []connector.Field {
	keys := trigger.When("auth", authKeys)
	list := []connector.Field{
		{
			Name: "auth", Label: "Authentication", Type: connector.FieldSelect, Default: authCredential,
			Options: []connector.Option{
				{Value: authCredential, Label: "AWS credential", Help: "A role with an external ID, or keys, that connections share."}, {Value: authKeys, Label: "Access key"},
			},
		},
		{Name: "credential", Label: "AWS credential", Type: connector.FieldCredential, Providers: []string{cloud.ProviderAWS}, Required: true, ShowIf: trigger.When("auth", authCredential), Help: "It needs " + permissions + "."},
		{Name: "accessKeyId", Label: "Access key ID", Type: connector.FieldString, Required: true, ShowIf: keys, Help: "Of a user that is allowed " + permissions + "."},
		{Name: "secretAccessKey", Label: "Secret access key", Type: connector.FieldSecret, Secret: true, Required: true, ShowIf: keys},
		{Name: "sessionToken", Label: "Session token", Type: connector.FieldSecret, Secret: true, Advanced: true, ShowIf: keys, Help: "Only for temporary keys, which stop working when they expire."},
		{Name: "roleArn", Label: "Role to assume", Type: connector.FieldString, Advanced: true, ShowIf: keys, Example: "arn:aws:iam::123456789012:role/millrace", Help: "The keys above are exchanged for temporary ones of this role."},
		{Name: "externalId", Label: "External ID", Type: connector.FieldString, Advanced: true, ShowIf: keys, Help: "What the role's trust policy asks for, if it does."},
	}
	if region {
		list = append(list, connector.Field{Name: "region", Label: "Region", Type: connector.FieldString, Required: true, Target: true, Example: "eu-central-1"})
	}
	return append(list,
		connector.Field{Name: "endpoint", Label: "Endpoint", Type: connector.FieldString, Advanced: true, Target: true, Example: "https://vpce-0123.example.vpce.amazonaws.com", Help: "The address of a private endpoint, or of another service with the same protocol. Empty means Amazon's of the region."},
		connector.Field{Name: "stsEndpoint", Label: "STS endpoint", Type: connector.FieldString, Advanced: true, ShowIf: keys, Help: "The address at which the role is assumed. Empty means Amazon's of the region."},
	)
}

const configuration = "spec.configuration."

var (
	roleName   = regexp.MustCompile(`^arn:[a-z0-9-]+:(iam|sts)::[0-9]*:.+`)
	regionName = regexp.MustCompile(`^[a-z]{2}(-[a-z0-9]+)+-[0-9]+$`)
)

// Check reports every setting that cannot work.
func (s Settings) Check() fault.Issues {
	var issues fault.Issues
	add := func(field, format string, args ...any) {
		issues.Add(configuration+field, fault.CodeInvalid, format, args...)
	}
	switch s.Auth {
	case authCredential, "":
		if s.Credential.Auth == "" {
			issues.Add(configuration+"credential", fault.CodeRequired, "an AWS credential is required")
		}
	case authKeys:
		if s.AccessKeyID == "" || s.SecretAccessKey == "" {
			add("accessKeyId", "the access key ID and its secret are both needed")
		}
		if s.RoleARN != "" && !roleName.MatchString(s.RoleARN) {
			add("roleArn", "%q is not the ARN of a role", s.RoleARN)
		}
		if s.RoleARN == "" && s.ExternalID != "" {
			add("externalId", "an external ID is only for a role to assume")
		}
	default:
		add("auth", "there is no authentication %q", s.Auth)
	}
	for field, text := range map[string]string{"endpoint": s.Endpoint, "stsEndpoint": s.STSEndpoint} {
		if text == "" {
			continue
		}
		if u, err := httpx.ParseBase(text); err != nil || u.RawQuery != "" {
			add(field, "an address such as https://sqs.eu-central-1.amazonaws.com is needed")
		}
	}
	return issues
}

// CheckRegion reports a region that cannot be.
func (s Settings) CheckRegion(issues *fault.Issues) {
	if !regionName.MatchString(s.Region) {
		issues.Add(configuration+"region", fault.CodeInvalid, "%q is not a region such as eu-central-1", s.Region)
	}
}

// identity is who asks.
func (s Settings) identity() cloud.AWS {
	if s.Auth != authKeys {
		return s.Credential
	}
	return cloud.AWS{
		Auth: authKeys, AccessKeyID: s.AccessKeyID, SecretAccessKey: s.SecretAccessKey, SessionToken: s.SessionToken,
		RoleARN: s.RoleARN, ExternalID: s.ExternalID, STSEndpoint: s.STSEndpoint,
	}
}

// Identify asks the token service who the keys belong to, which needs no permission.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
func (s Settings) Identify(ctx context.Context, region string, n connector.Network) error {
	client := &http.Client{Transport: n.Direct().Transport(), Timeout: identifyTimeout}
	id := s.identity()
	config, err := id.Config(ctx, region, client)
	if err != nil {
		return fault.Wrap(err, fault.CodeInvalid, "the AWS credential cannot be used")
	}
	_, err = sts.NewFromConfig(config, func(o *sts.Options) {
		o.RetryMaxAttempts = 1
		if id.STSEndpoint != "" {
			o.BaseEndpoint = awssdk.String(id.STSEndpoint)
		}
	}).GetCallerIdentity(ctx, nil)
	if err == nil {
		return nil
	}
	if api, ok := errors.AsType[smithy.APIError](err); ok && api.ErrorFault() != smithy.FaultServer {
		return credentialFault(err)
	}
	if errors.Is(err, context.Canceled) {
		return fault.Wrap(err, fault.CodeRunCancelled, "asking AWS who the keys belong to")
	}
	e := fault.Wrap(err, fault.CodeDestinationUnreachable, "asking AWS who the keys belong to")
	return e.WithSuggestion("%s%s", e.Hint(), n.Firewall())
}

// identifyTimeout is how long the token service may take.
const identifyTimeout = 30 * time.Second

// Options make a Client.
type Options struct {
	Service     string // as signatures name it
	Region      string
	Network     connector.Network
	Clock       clock.Clock
	Concurrency int
	Timeout     time.Duration
}

// Client makes signed requests to one service in one region. It is safe for concurrent use.
type Client struct {
	http    *httpx.Client
	keys    awssdk.CredentialsProvider
	signer  *signature.AWS
	base    *url.URL
}

// Open returns a client. It does not connect.
func (s Settings) Open(ctx context.Context, o Options) (*Client, error) {
	if o.Clock == nil {
		o.Clock = clock.System{}
	}
	base, err := s.base(o)
	if err != nil {
		return nil, err
	}
	id := s.identity()
	config, err := id.Config(ctx, o.Region, &http.Client{Transport: o.Network.Direct().Transport()})
	if err != nil {
		return nil, fault.Wrap(err, fault.CodeInvalid, "the AWS credential cannot be used")
	}
	client, err := httpx.New(httpx.Options{
		Concurrency: o.Concurrency, Timeout: o.Timeout, Dial: o.Network.Dial, Egress: o.Network.Firewall(), Clock: o.Clock,
		Secrets: []string{id.SecretAccessKey, id.SessionToken},
	})
	if err != nil {
		return nil, err
	}
	return &Client{http: client, keys: awssdk.NewCredentialsCache(config.Credentials), signer: signature.NewAWS(o.Region, o.Service, o.Clock), base: base}, nil
}

// base is the service's address: https://docs.aws.amazon.com/general/latest/gr/rande.html
func (s Settings) base(o Options) (*url.URL, error) {
	if s.Endpoint != "" {
		u, err := httpx.ParseBase(s.Endpoint)
		if err == nil && u.Path == "" {
			u.Path = "/" // what is joined to it begins so
		}
		return u, err
	}
	suffix := ".amazonaws.com"
	if strings.HasPrefix(o.Region, "cn-") {
		suffix += ".cn"
	}
	return &url.URL{Scheme: "https", Host: o.Service + "." + o.Region + suffix, Path: "/"}, nil
}

// Close ends idle connections.
func (c *Client) Close() { c.http.Close() }

// Redact hides the client's secrets in a text.
func (c *Client) Redact(text string) string { return c.http.Redact(text) }

// Request is one request.
type Request struct {
	Path   string // escaped, behind the service's address
	Query  url.Values
	Header http.Header
	Body   []byte
}

// Post signs and sends a request. The exchange is for the request log. An error means that no status came, as
// httpx.Client.Do says; a status of any kind is no error (see Fault).
func (c *Client) Post(ctx context.Context, r Request) (*httpx.Response, connector.Exchange, error) {
	address := c.base.JoinPath(r.Path)
	address.RawQuery = r.Query.Encode()
	req := &httpx.Request{Method: http.MethodPost, URL: address, Header: r.Header, Body: r.Body}
	keys, err := c.keys.Retrieve(ctx)
	if err != nil {
		return nil, connector.Exchange{}, credentialFault(err)
	}
	if err := c.signer.Sign(ctx, req, keys); err != nil {
		return nil, connector.Exchange{}, err
	}
	resp, x, err := c.http.Do(ctx, req)
	return resp, exchange(x), err
}

// credentialFault is about keys that could not be got: nothing was sent.
func credentialFault(err error) error {
	e := fault.Wrap(err, fault.CodeDestinationAuth, "getting keys of AWS").WithSuggestion("Check the credential: the role, its trust policy and external ID, or the access key.")
	e.Class = fault.Retryable
	if api, ok := errors.AsType[smithy.APIError](err); ok && api.ErrorFault() != smithy.FaultServer {
		e.Class = fault.Fatal
	}
	return e
}

func exchange(x httpx.Exchange) connector.Exchange {
	return connector.Exchange{
		Method: x.Method, URL: x.URL, RequestHeaders: headers(x.RequestHeaders), RequestBody: x.RequestBody,
		Status: x.Status, ResponseHeaders: headers(x.ResponseHeaders), ResponseBody: x.ResponseBody,
		Error: x.Error, StartedAt: x.StartedAt, Duration: x.Duration,
	}
}

func headers(list []httpx.Header) []connector.Header {
	out := make([]connector.Header, len(list))
	for i, h := range list {
		out[i] = connector.Header(h)
	}
	return out
}

// codes are errors that all services have, by their names.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/CommonErrors.html
var codes = map[string]struct {
	code  fault.Code
	class fault.Class
}{
	"AccessDenied":                           {fault.CodeDestinationDenied, fault.Permanent},
	"AccessDeniedException":                  {fault.CodeDestinationDenied, fault.Permanent},
	"NotAuthorized":                          {fault.CodeDestinationDenied, fault.Permanent},
	"OptInRequired":                          {fault.CodeDestinationDenied, fault.Fatal},
	"ExpiredToken":                           {fault.CodeDestinationAuth, fault.Fatal},
	"ExpiredTokenException":                  {fault.CodeDestinationAuth, fault.Fatal},
	"IncompleteSignature":                    {fault.CodeDestinationAuth, fault.Fatal},
	"InvalidClientTokenId":                   {fault.CodeDestinationAuth, fault.Fatal},
	"InvalidSignatureException":              {fault.CodeDestinationAuth, fault.Fatal},
	"InvalidSecurity":                        {fault.CodeDestinationAuth, fault.Fatal},
	"MissingAuthenticationToken":             {fault.CodeDestinationAuth, fault.Fatal},
	"MissingAuthenticationTokenException":    {fault.CodeDestinationAuth, fault.Fatal},
	"SignatureDoesNotMatch":                  {fault.CodeDestinationAuth, fault.Fatal},
	"UnrecognizedClientException":            {fault.CodeDestinationAuth, fault.Fatal},
	"RequestExpired":                         {fault.CodeDestinationAuth, fault.Fatal},
	"RequestThrottled":                       {fault.CodeDestinationThrottled, fault.Throttled},
	"RequestLimitExceeded":                   {fault.CodeDestinationThrottled, fault.Throttled},
	"Throttling":                             {fault.CodeDestinationThrottled, fault.Throttled},
	"ThrottlingException":                    {fault.CodeDestinationThrottled, fault.Throttled},
	"TooManyRequestsException":               {fault.CodeDestinationThrottled, fault.Throttled},
	"ProvisionedThroughputExceededException": {fault.CodeDestinationThrottled, fault.Throttled},
}

// Fault says what an answer's error means, in Amazon's own words, and returns the error's name; it returns nil for a
// success.
func (c *Client) Fault(resp *httpx.Response) (*fault.Error, string) {
	e := c.http.StatusFault(resp)
	if e == nil {
		return nil, ""
	}
	name := errorName(resp)
	if known, ok := codes[name]; ok {
		e.Code, e.Class = known.code, known.class
	}
	return e, name
}

// errorName reads the name of an error: https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html#operation-error-serialization
func errorName(resp *httpx.Response) string {
	var body struct {
		Type string `json:"__type"`
		Code string `json:"code"`
	}
	name := resp.Header.Get("X-Amzn-Errortype")
	if name == "" && json.Unmarshal(resp.Body, &body) == nil {
		if name = body.Type; name == "" {
			name = body.Code
		}
	}
	name, _, _ = strings.Cut(name, ":")
	return name[strings.LastIndexByte(name, '#')+1:]
}
