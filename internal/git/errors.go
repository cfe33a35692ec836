package git

import (
	"context"
	"errors"
	"io"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/transport"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"
	"github.com/millrace/millrace/internal/fault"
)

// explain gives an error of the network or the server a code, and says what to do.
func explain(err error, host string) error {
	var known *fault.Error
	var answer *githttp.Err
	if odd, ok := errors.AsType[*plumbing.UnexpectedError](err); ok { // which does not unwrap
		_ = errors.As(odd.Err, &answer)
	}
	switch {
	case err == nil, errors.As(err, &known), errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, transport.ErrAuthenticationRequired), errors.Is(err, transport.ErrAuthorizationFailed), strings.Contains(err.Error(), "unable to authenticate"):
		return fault.Wrap(err, fault.CodeGitAuth, "%s does not accept the credentials", host)
	case errors.Is(err, transport.ErrRepositoryNotFound):
		return fault.Wrap(err, fault.CodeGitMissing, "%s has no such repository, or the credentials do not reach it", host)
	case answer != nil:
		return fault.Wrap(err, fault.CodeGit, "%s answers as no Git server does", host)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fault.Reclass(fault.Wrap(err, fault.CodeGit, "%s ended the connection", host), fault.Retryable)
	default:
		return fault.Wrap(err, fault.CodeGitUnreachable, "reaching %s", host)
	}
}
