package tunnel

import (
	"regexp"
	"strings"

	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/resource"
	"github.com/millrace/millrace/internal/tunnel"
)

// Kind returns the descriptor of tunnels.
func Kind() resource.Kind {
	k := resource.Define(KindName, KindName+"s",
		func(s *Spec, _ func(string) bool) fault.Issues { return s.validate() },
		func(*Spec) []resource.Ref { return nil }, nil)
	k.Change = func(before, after any) fault.Issues {
		var issues fault.Issues
		if before.(*Spec).Type != after.(*Spec).Type { //nolint:forcetypeassert // this kind's specs
			issues.Add("spec.type", fault.CodeInvalid, "a tunnel keeps its type; make another tunnel")
		}
		return issues
	}
	return k
}

// Ref is the reference of a connection to its tunnel; nothing where it has none.
func Ref(slug string) []resource.Ref {
	if slug == "" {
		return nil
	}
	return []resource.Ref{{Kind: KindName, Slug: slug, Path: "spec.tunnel"}}
}

// user is what names on Unix systems look like.
var user = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9._@-]{0,63}$`)

const maxPort = 65535

func (s *Spec) validate() fault.Issues {
	var issues fault.Issues
	switch s.Type {
	case tunnel.Standard:
		s.validateStandard(&issues)
	case tunnel.Reverse:
		s.validateReverse(&issues)
	case "":
		issues.Add("spec.type", fault.CodeRequired, "a tunnel is of the type standard or reverse")
	default:
		issues.Add("spec.type", fault.CodeInvalid, "there is no type of tunnel %q; there are standard and reverse", s.Type)
	}
	return issues
}

func (s *Spec) validateStandard(issues *fault.Issues) {
	checkHost("spec.sshHost", "the SSH host", s.SSHHost, issues)
	checkHost("spec.serviceHost", "the service host", s.ServiceHost, issues)
	if s.SSHPort < 0 || s.SSHPort > maxPort {
		issues.Add("spec.sshPort", fault.CodeInvalid, "a port is a number from 1 to %d", maxPort)
	}
	if s.ServicePort < 1 || s.ServicePort > maxPort {
		issues.Add("spec.servicePort", fault.CodeInvalid, "a port is a number from 1 to %d", maxPort)
	}
	if s.SSHUser != "" && !user.MatchString(s.SSHUser) {
		issues.Add("spec.sshUser", fault.CodeInvalid, "%q is not the name of a user", s.SSHUser)
	}
	if s.HostKey == "" {
		return
	}
	if _, err := tunnel.ParseKey(s.HostKey); err != nil {
		*issues = append(*issues, fault.As(err).WithPath("spec.hostKey"))
	}
}

func checkHost(path, what, host string, issues *fault.Issues) {
	switch {
	case host == "":
		issues.Add(path, fault.CodeRequired, "%s is required", what)
	case strings.ContainsAny(host, "/@ ?#[]") || strings.Count(host, ":") == 1:
		issues.Add(path, fault.CodeInvalid, "%s is a name or an address only, without a scheme, user or port", what)
	}
}

// validateReverse refuses what only a standard tunnel has: the client's command says where a reverse one goes.
func (s *Spec) validateReverse(issues *fault.Issues) {
	for path, set := range map[string]bool{
		"spec.sshHost": s.SSHHost != "", "spec.sshPort": s.SSHPort != 0, "spec.sshUser": s.SSHUser != "", "spec.hostKey": s.HostKey != "",
		"spec.serviceHost": s.ServiceHost != "", "spec.servicePort": s.ServicePort != 0,
	} {
		if set {
			issues.Add(path, fault.CodeInvalid, "a reverse tunnel has no such setting: the command of its client says where it goes")
		}
	}
}
