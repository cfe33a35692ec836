package connection

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/millrace/millrace/internal/cloud"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/kind/credential"
	"github.com/millrace/millrace/internal/secret"
	"golang.org/x/oauth2"
)

// Credentials are the rules of shared credentials.
type Credentials struct {
	Types   []credential.Type
	Key     *secret.Key       // proves that an external ID was issued here
	Network connector.Network // how providers are reached
}

// externalPrefix begins the external IDs that this server issues.
const externalPrefix = "millrace-"

// ExternalID issues an external ID for a role of the workspace's. Nobody can choose one: a workspace that named another
// one's role would have to know the ID that was issued there.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
func (c Credentials) ExternalID(workspaceID int64) (string, error) {
	nonce := make([]byte, 12)
	if _, err := rand.Read(nonce); err != nil {
		return "", fault.Wrap(err, fault.CodeSecret, "making an external ID")
	}
	text := hex.EncodeToString(nonce)
	seal, err := c.seal(workspaceID, text)
	return externalPrefix + text + seal, err
}

// sealLength is how many characters of an external ID prove where it was issued.
const sealLength = 16

func (c Credentials) seal(workspaceID int64, text string) (string, error) {
	key, err := c.Key.Derive("external IDs")
	if err != nil {
		return "", err
	}
	h := hmac.New(sha256.New, key)
	fmt.Fprintf(h, "%d %s", workspaceID, text)
	return hex.EncodeToString(h.Sum(nil))[:sealLength], nil
}

// issued reports whether an external ID was issued for the workspace.
func (c Credentials) issued(workspaceID int64, id string) bool {
	text, ok := strings.CutPrefix(id, externalPrefix)
	if !ok || len(text) <= sealLength || c.Key == nil {
		return false
	}
	text, given := text[:len(text)-sealLength], text[len(text)-sealLength:]
	seal, err := c.seal(workspaceID, text)
	return err == nil && hmac.Equal([]byte(seal), []byte(given))
}

// resolve returns what a connector gets of a credential whose secrets are in place.
func (c Credentials) resolve(workspaceID int64, s credential.Spec) (map[string]any, error) {
	if err := credential.Check(c.Types, s); err != nil {
		return nil, err // what the operator allowed once may not be allowed now
	}
	out, err := credential.Resolve(c.Types, s)
	if err != nil {
		return nil, err
	}
	if id, ok := out["externalId"].(string); ok && !c.issued(workspaceID, id) {
		return nil, fault.New(fault.CodeInvalid, "the external ID was not issued by this server for this workspace").WithPath("spec.configuration.externalId").
			WithSuggestion("Issue an external ID with the credential, and put it into the trust policy of the role.")
	}
	return out, nil
}

// testTime is how long a provider may take to answer.
const testTime = 20 * time.Second

// Test asks the provider whether the credential, whose secrets are in place, is accepted.
func (c Credentials) Test(ctx context.Context, workspaceID int64, s credential.Spec) error {
	resolved, err := c.resolve(workspaceID, s)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, testTime)
	defer cancel()
	client := &http.Client{Transport: c.Network.Transport()}
	defer client.CloseIdleConnections()
	switch s.Type {
	case cloud.ProviderAWS:
		return c.testAWS(ctx, client, resolved)
	case cloud.ProviderGCP:
		return c.testGCP(ctx, client, resolved)
	default:
		return c.testAzure(ctx, client, resolved)
	}
}

// regional finds the region in the address of a regional endpoint of STS.
// https://docs.aws.amazon.com/general/latest/gr/sts.html
var regional = regexp.MustCompile(`^https://sts(?:-fips)?\.([a-z0-9-]+)\.amazonaws\.com`)

// testAWS asks who we are, which every identity may.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
func (c Credentials) testAWS(ctx context.Context, client *http.Client, settings connector.Settings) error {
	var a cloud.AWS
	if err := settings.Decode(&a); err != nil {
		return err
	}
	region := "us-east-1"
	if m := regional.FindStringSubmatch(a.STSEndpoint); m != nil {
		region = m[1]
	}
	config, err := a.Config(ctx, region, client)
	if err != nil {
		return fault.Wrap(err, fault.CodeCredential, "reading the server's own AWS identity")
	}
	_, err = sts.NewFromConfig(config, func(o *sts.Options) {
		o.RetryMaxAttempts = 1
		if a.STSEndpoint != "" {
			o.BaseEndpoint = aws.String(a.STSEndpoint)
		}
	}).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err == nil {
		return nil
	}
	var answer smithy.APIError
	if !errors.As(err, &answer) {
		return c.unreachable(err, "AWS STS")
	}
	return fault.Wrap(answer, fault.CodeCredential, "AWS does not accept the credential").WithSuggestion("%s", awsAdvice(a, answer))
}

// awsAdvice says what to do about an error of STS.
// https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html
func awsAdvice(a cloud.AWS, err smithy.APIError) string {
	switch err.ErrorCode() {
	case "InvalidClientTokenId", "UnrecognizedClientException":
		return "Check the access key ID; a key that was deactivated or deleted is refused too."
	case "SignatureDoesNotMatch":
		return "Check the secret access key."
	case "ExpiredToken", "ExpiredTokenException":
		return "The session token has expired: use an access key that lasts."
	case "AccessDenied", "AccessDeniedException":
		if a.RoleARN != "" {
			return "The role's trust policy must name this server's account as principal, and its condition sts:ExternalId, if there is one, the external ID of this credential."
		}
	}
	return fault.CodeCredential.Info().Hint
}

// gcpScope is what the test's token is for. https://developers.google.com/identity/protocols/oauth2/scopes
const gcpScope = "https://www.googleapis.com/auth/cloud-platform"

func (c Credentials) testGCP(ctx context.Context, client *http.Client, settings connector.Settings) error {
	var g cloud.GCP
	if err := settings.Decode(&g); err != nil {
		return err
	}
	tokens, err := g.TokenSource(ctx, client, gcpScope)
	if err != nil {
		return fault.Wrap(err, fault.CodeCredential, "reading the Google credential")
	}
	client.Timeout = testTime // the library's own requests know no context of ours
	_, err = tokens.Token()
	var refused *oauth2.RetrieveError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refused):
		return fault.Wrap(refused, fault.CodeCredential, "Google does not accept the credential").
			WithSuggestion("Check that the service account exists and is enabled and that the key was not deleted, or create another key.")
	default:
		return c.unreachable(err, "Google's token service")
	}
}

// azureScope is what the test's token is for: any will do. https://learn.microsoft.com/en-us/azure/storage/blobs/authorize-access-azure-active-directory
const azureScope = "https://storage.azure.com/.default"

func (c Credentials) testAzure(ctx context.Context, client *http.Client, settings connector.Settings) error {
	var a cloud.Azure
	if err := settings.Decode(&a); err != nil {
		return err
	}
	tokens, err := a.Token(client)
	if err != nil {
		return fault.Wrap(err, fault.CodeCredential, "reading the Azure credential")
	}
	_, err = tokens.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{azureScope}})
	if err == nil {
		return nil
	}
	var refused *azidentity.AuthenticationFailedError
	if errors.As(err, &refused) && refused.RawResponse != nil {
		return fault.Wrap(err, fault.CodeCredential, "Microsoft Entra does not accept the credential").WithSuggestion("%s", azureAdvice(err.Error()))
	}
	return c.unreachable(err, "Microsoft Entra")
}

// azureHints are what to do about error codes of Microsoft Entra.
// https://learn.microsoft.com/en-us/entra/identity-platform/reference-error-codes
var azureHints = [][2]string{
	{"AADSTS7000215", "The client secret is wrong. Enter the secret's value, which is shown once when it is made, and not its ID."},
	{"AADSTS7000222", "The client secret has expired: make another one for the application and enter its value."},
	{"AADSTS700016", "The tenant has no application with this client ID: check both IDs."},
	{"AADSTS90002", "There is no such tenant: check the tenant ID."},
	{"AADSTS900023", "This is not the ID of a tenant."},
	{"AADSTS7000112", "The application is disabled."},
}

func azureAdvice(words string) string {
	for _, h := range azureHints {
		if strings.Contains(words, h[0]) {
			return h[1]
		}
	}
	return fault.CodeCredential.Info().Hint
}

func (c Credentials) unreachable(err error, who string) error {
	f := fault.Wrap(err, fault.CodeCredentialDown, "%s does not answer", who)
	return f.WithSuggestion("%s%s", f.Hint(), c.Network.Firewall())
}
