package git

import (
	"bytes"
	"context"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/millrace/millrace/internal/fault"
)

// App is an installation of a GitHub App, which may read the repositories that it was given.
type App struct {
	ID           string
	Installation string
	Key          string // private key, in PEM
	API          string // such as https://api.github.com or https://github.example.com/api/v3
}

// GitHubAPI is the API of github.com.
const GitHubAPI = "https://api.github.com"

// AppUser is the name that an installation's token goes with.
// https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/authenticating-as-a-github-app-installation
const AppUser = "x-access-token"

// answerTime is how long GitHub may take to answer.
const answerTime = 30 * time.Second

// appKey reads the private key of an app.
func appKey(text string) (*rsa.PrivateKey, error) {
	key, err := jwt.ParseRSAPrivateKeyFromPEM([]byte(text))
	if err != nil { // its words may have parts of the key
		return nil, fault.New(fault.CodeGitAuth, "the private key of the GitHub App cannot be read").WithSuggestion("Paste the whole .pem file that GitHub made.")
	}
	return key, nil
}

// Token asks GitHub for a token of the installation, which is good for an hour.
// https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-an-installation-access-token-for-a-github-app
func (a App) Token(ctx context.Context, client http.RoundTripper, now time.Time) (string, error) {
	key, err := appKey(a.Key)
	if err != nil {
		return "", err
	}
	// A minute in the past, for clocks that differ, and at most ten minutes ahead:
	// https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app
	signed, err := jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.MapClaims{"iat": now.Add(-time.Minute).Unix(), "exp": now.Add(9 * time.Minute).Unix(), "iss": a.ID}).SignedString(key)
	if err != nil {
		return "", fault.Wrap(err, fault.CodeGitAuth, "signing for the GitHub App")
	}
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	address := strings.TrimRight(a.API, "/") + "/app/installations/" + url.PathEscape(a.Installation) + "/access_tokens"
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(nil))
	if err != nil {
		return "", fault.Wrap(err, fault.CodeInvalid, "the address of GitHub's API")
	}
	req.Header.Set("Authorization", "Bearer "+signed)
	req.Header.Set("Accept", "application/vnd.github+json")
	res, err := (&http.Client{Transport: client}).Do(req)
	if err != nil {
		return "", fault.Wrap(err, fault.CodeGitUnreachable, "reaching GitHub")
	}
	defer res.Body.Close() //nolint:errcheck // a body that was read
	return readToken(res, a)
}

func readToken(res *http.Response, a App) (string, error) {
	var body struct {
		Token   string `json:"token"`
		Message string `json:"message"`
	}
	text, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return "", fault.Wrap(err, fault.CodeGitUnreachable, "reading GitHub's answer")
	}
	_ = json.Unmarshal(text, &body) //nolint:errcheck // what is no JSON has no token
	switch {
	case res.StatusCode == http.StatusCreated && body.Token != "":
		return body.Token, nil
	case res.StatusCode == http.StatusNotFound:
		return "", fault.New(fault.CodeGitAuth, "GitHub knows no installation %s of the app", a.Installation).
			WithSuggestion("The number stands at the end of the installation's address in GitHub's settings.")
	case res.StatusCode == http.StatusUnauthorized || res.StatusCode == http.StatusForbidden:
		return "", fault.New(fault.CodeGitAuth, "GitHub does not accept the app's ID and key: %s", body.Message)
	default:
		return "", fault.Reclass(fault.Wrap(fmt.Errorf("status %d", res.StatusCode), fault.CodeGit, "GitHub made no token"), fault.Retryable)
	}
}
