package cloud

import (
	"context"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
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
	client := sts.NewFromConfig(c, func(o *sts.Options) {
		if a.STSEndpoint != "" {
			o.BaseEndpoint = aws.String(a.STSEndpoint)
		}
	})
	return aws.NewCredentialsCache(stscreds.NewAssumeRoleProvider(client, a.RoleARN, func(o *stscreds.AssumeRoleOptions) {
		o.RoleSessionName = "millrace"
		if a.ExternalID != "" {
			o.ExternalID = aws.String(a.ExternalID)
		}
	}))
}
