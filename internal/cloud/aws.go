package cloud

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
)

// AWS is an identity at Amazon Web Services: an access key or the server's own identity, and on top of either a role
// that is assumed with it.
type AWS struct {
	Auth            string `json:"auth"` // "keys" or AuthServer
	AccessKeyID     string `json:"accessKeyId"`
	SecretAccessKey string `json:"secretAccessKey"`
	SessionToken    string `json:"sessionToken"` // of temporary keys
	RoleARN         string `json:"roleArn"`      // assumed; empty means none
	ExternalID      string `json:"externalId"`   // what the role's trust policy asks for
	STSEndpoint     string `json:"stsEndpoint"`  // where the role is assumed; empty means Amazon's of the region
}

// Config returns the configuration of Amazon's clients in a region, whose requests client makes. What the server's own
// identity needs, such as the metadata service of its machine, is asked without client, which may be confined to other
// places. It connects to nothing.
func (a AWS) Config(ctx context.Context, region string, client *http.Client) (aws.Config, error) {
	c := aws.Config{Region: region, HTTPClient: client}
	if a.Auth == AuthServer {
		var err error
		if c, err = config.LoadDefaultConfig(ctx, config.WithRegion(region)); err != nil {
			return aws.Config{}, err
		}
		c.HTTPClient = client
	} else {
		c.Credentials = credentials.NewStaticCredentialsProvider(a.AccessKeyID, a.SecretAccessKey, a.SessionToken)
	}
	if a.RoleARN != "" {
		c.Credentials = a.assume(c)
	}
	return c, nil
}

// assume exchanges the credentials for temporary ones of the role.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
func (a AWS) assume(c aws.Config) aws.CredentialsProvider {
	return aws.NewCredentialsCache(stscreds.NewAssumeRoleProvider(a.sts(c), a.RoleARN, func(o *stscreds.AssumeRoleOptions) {
		o.RoleSessionName = sessionName
		if a.ExternalID != "" {
			o.ExternalID = aws.String(a.ExternalID)
		}
	}))
}

// sessionName is what Amazon's log says of who uses temporary credentials.
const sessionName = "millrace"

// errUnscoped: temporary credentials cannot be exchanged for others that a policy narrows.
var errUnscoped = errors.New("only access keys and roles can be narrowed to a folder: add a role, or choose access keys")

// Scoped returns temporary credentials of this identity that can do no more than the policy says. Access keys are exchanged
// by GetFederationToken, which their user must be allowed; a role is assumed with the policy.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetFederationToken.html
func (a AWS) Scoped(ctx context.Context, region string, client *http.Client, policy string, d time.Duration) (aws.Credentials, error) {
	role := a.RoleARN
	a.RoleARN = ""
	if role == "" && (a.Auth == AuthServer || a.SessionToken != "") {
		return aws.Credentials{}, errUnscoped
	}
	c, err := a.Config(ctx, region, client)
	if err != nil {
		return aws.Credentials{}, err
	}
	service := a.sts(c)
	seconds := aws.Int32(int32(d.Seconds()))
	if role == "" {
		o, err := service.GetFederationToken(ctx, &sts.GetFederationTokenInput{Name: aws.String(sessionName), Policy: &policy, DurationSeconds: seconds})
		if err != nil {
			return aws.Credentials{}, err
		}
		return credentialsOf(o.Credentials)
	}
	in := &sts.AssumeRoleInput{RoleArn: &role, RoleSessionName: aws.String(sessionName), Policy: &policy, DurationSeconds: seconds}
	if a.ExternalID != "" {
		in.ExternalId = &a.ExternalID
	}
	o, err := service.AssumeRole(ctx, in)
	if err != nil {
		return aws.Credentials{}, err
	}
	return credentialsOf(o.Credentials)
}

func credentialsOf(c *types.Credentials) (aws.Credentials, error) {
	if c == nil || c.AccessKeyId == nil || c.SecretAccessKey == nil || c.SessionToken == nil {
		return aws.Credentials{}, errors.New("the token service gave no credentials")
	}
	return aws.Credentials{AccessKeyID: *c.AccessKeyId, SecretAccessKey: *c.SecretAccessKey, SessionToken: *c.SessionToken}, nil
}

// sts is the token service.
func (a AWS) sts(c aws.Config) *sts.Client {
	return sts.NewFromConfig(c, func(o *sts.Options) {
		if a.STSEndpoint != "" {
			o.BaseEndpoint = aws.String(a.STSEndpoint)
		}
	})
}
