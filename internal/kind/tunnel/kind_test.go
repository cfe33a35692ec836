package tunnel

import (
	"slices"
	"testing"

	"github.com/millrace/millrace/internal/resource/resourcetest"
)

func TestGolden(t *testing.T) {
	t.Parallel()
	resourcetest.Golden(t, Kind(), "testdata/golden.json")
}

// Every error of a tunnel is told at once, with its place.
//
// Req: X-23
func TestValidate(t *testing.T) {
	t.Parallel()
	good := Spec{Type: "standard", SSHHost: "bastion.example.com", ServiceHost: "db.internal", ServicePort: 5432}
	with := func(change func(*Spec)) Spec {
		s := good
		change(&s)
		return s
	}
	for name, c := range map[string]struct {
		spec Spec
		want []string
	}{
		"standard":        {good, nil},
		"IPv6":            {with(func(s *Spec) { s.SSHHost = "2001:db8::1" }), nil},
		"reverse":         {Spec{Type: "reverse"}, nil},
		"no type":         {Spec{}, []string{"spec.type"}},
		"unknown type":    {Spec{Type: "vpn"}, []string{"spec.type"}},
		"nothing":         {Spec{Type: "standard"}, []string{"spec.serviceHost", "spec.servicePort", "spec.sshHost"}},
		"a URL":           {with(func(s *Spec) { s.SSHHost = "ssh://bastion" }), []string{"spec.sshHost"}},
		"a host and port": {with(func(s *Spec) { s.ServiceHost = "db:5432" }), []string{"spec.serviceHost"}},
		"ports":           {with(func(s *Spec) { s.SSHPort, s.ServicePort = 70000, -1 }), []string{"spec.servicePort", "spec.sshPort"}},
		"a user":          {with(func(s *Spec) { s.SSHUser = "a b" }), []string{"spec.sshUser"}},
		"no key":          {with(func(s *Spec) { s.HostKey = "SHA256:abc" }), []string{"spec.hostKey"}},
		"reverse with":    {Spec{Type: "reverse", SSHHost: "x", ServicePort: 1}, []string{"spec.servicePort", "spec.sshHost"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var paths []string
			for _, issue := range c.spec.validate() {
				paths = append(paths, issue.Path)
			}
			slices.Sort(paths)
			if !slices.Equal(paths, c.want) {
				t.Errorf("%v, want %v", paths, c.want)
			}
		})
	}
}

// A tunnel goes to port 22 as the user millrace where nobody says otherwise.
//
// Req: X-23
func TestTarget(t *testing.T) {
	t.Parallel()
	s := Spec{Type: "standard", SSHHost: "bastion", ServiceHost: "2001:db8::1", ServicePort: 5432}
	got := s.Target(1, 2)
	if got.Bastion != "bastion:22" || got.User != "millrace" || got.Service != "[2001:db8::1]:5432" {
		t.Errorf("%+v", got)
	}
}
