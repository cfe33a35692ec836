// Package tunnel is the kind of document that describes an SSH tunnel which sources and destinations can be reached
// through. Its keys and how it stands are no part of it: the server makes and knows them.
package tunnel

import (
	"net"
	"strconv"

	"github.com/millrace/millrace/internal/tunnel"
)

// KindName is the kind's name.
const KindName = "tunnel"

// DefaultUser is who signs in to a bastion, where the document does not say.
const DefaultUser = "millrace"

// defaultSSHPort is the port of SSH servers.
const defaultSSHPort = 22

// Spec is what a person configures of a tunnel.
type Spec struct {
	Type        string `json:"type" enum:"standard,reverse"` // tunnel.Standard or tunnel.Reverse
	SSHHost     string `json:"sshHost,omitempty"`            // standard: the bastion
	SSHPort     int    `json:"sshPort,omitempty"`            // 0 means 22
	SSHUser     string `json:"sshUser,omitempty"`            // empty means DefaultUser
	HostKey     string `json:"hostKey,omitempty"`            // the bastion's; empty means the first one that it shows
	ServiceHost string `json:"serviceHost,omitempty"`        // standard: as the bastion reaches it
	ServicePort int    `json:"servicePort,omitempty"`
	Description string `json:"description,omitempty"`
}

// Target returns where a standard tunnel goes.
func (s *Spec) Target(workspaceID, id int64) tunnel.Target {
	t := tunnel.Target{
		ID: id, WorkspaceID: workspaceID, User: s.SSHUser, HostKey: s.HostKey,
		Bastion: join(s.SSHHost, s.SSHPort), Service: join(s.ServiceHost, s.ServicePort),
	}
	if t.User == "" {
		t.User = DefaultUser
	}
	if s.SSHPort == 0 {
		t.Bastion = join(s.SSHHost, defaultSSHPort)
	}
	return t
}

func join(host string, port int) string { return net.JoinHostPort(host, strconv.Itoa(port)) }
