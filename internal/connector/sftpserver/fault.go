package sftpserver

import (
	"errors"
	"io/fs"
	"strings"

	"github.com/millrace/millrace/internal/fault"
)

// Fault gives an error its code, in the server's own words, and says what to do.
func (s *Server) Fault(err error, doing string) error { return s.fault(err, doing, "") }

// fault is Fault; shown is the fingerprint of the server's host key.
func (s *Server) fault(err error, doing, shown string) error {
	switch _, known := errors.AsType[*fault.Error](err); {
	case err == nil:
		return nil
	case known:
		return err
	case errors.Is(err, errUnknownHost):
		return fault.New(s.Codes.Auth, "%s: the server's host key has the fingerprint %s, which is not known here", doing, shown).WithPath("spec.configuration.hostKey").
			WithSuggestion("Ask who operates the server whether the fingerprint is right, and enter it as the fingerprint of the host key.")
	case errors.Is(err, errOtherHost):
		return fault.New(s.Codes.Auth, "%s: the server's host key has the fingerprint %s and not %s", doing, shown, s.HostKey).WithPath("spec.configuration.hostKey").
			WithSuggestion("The server got another key, or somebody stands between it and this one. Ask who operates it, and enter the new fingerprint if it is right.")
	case strings.Contains(err.Error(), "unable to authenticate"):
		return fault.Wrap(err, s.Codes.Auth, "%s", doing).WithSuggestion("%s", s.authAdvice())
	case errors.Is(err, fs.ErrNotExist):
		return fault.Wrap(err, s.Codes.File, "%s", doing).
			WithSuggestion("Check the path. One that does not begin with a slash begins in the folder in which the user arrives.")
	case errors.Is(err, fs.ErrPermission):
		return fault.Wrap(err, s.Codes.Denied, "%s", doing).
			WithSuggestion("Let the user %s read the file, and enter its folder.", s.Username)
	case strings.Contains(err.Error(), "subsystem request failed"):
		return fault.Reclass(fault.Wrap(err, s.Codes.Unreachable, "%s", doing).
			WithSuggestion("The server speaks SSH and offers no SFTP to this user: let it offer the subsystem sftp."), fault.Fatal)
	default:
		return fault.Wrap(err, s.Codes.Unreachable, "%s", doing).
			WithSuggestion("Check host and port: it must be an SSH server; FTP and FTPS are not supported.%s", s.Network.Firewall())
	}
}

func (s *Server) authAdvice() string {
	if s.Authentication == byKey {
		return "Check the username, and that the public key of this private key is among the user's authorized keys."
	}
	return "Check username and password, and that the server lets this user in by password."
}
