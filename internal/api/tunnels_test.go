package api_test

import (
	"net"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
)

func tunnelSpec() object {
	return object{"type": "standard", "sshHost": "127.0.0.1", "sshPort": 1, "serviceHost": "db.internal", "servicePort": 5432}
}

// A standard tunnel shows its public key and how it stands, and never a private key.
//
// Req
func TestStandardTunnel(t *testing.T) {
	t.Parallel()
	each(t, func(_ *testing.T, w *world) {
		a := w.ok("POST", "/api/tunnels", document("office", "Office", tunnelSpec()))
		a.has("status.state", "pending").has("status.error", nil).has("status.useCount", 0.0)
		key, _ := a.at("status.publicKey").(string)
		if !strings.HasPrefix(key, "ssh-ed25519 ") || strings.Contains(a.body, "PRIVATE") {
			w.t.Errorf("the key is %s", a.body)
		}
		w.ok("POST", "/api/tunnels/office/test", nil).has("ok", false).has("error.code", "tunnel.unreachable")
		w.ok("GET", "/api/tunnels/office", nil).has("status.state", "error").has("status.error.code", "tunnel.unreachable")
		next := w.ok("POST", "/api/tunnels/office/rotate", object{})
		if strings.Contains(next.body, "PRIVATE") {
			w.t.Error("a private key is shown")
		}
		w.ok("GET", "/api/tunnels/office", nil).has("status.publicKey", key).has("status.nextPublicKey", next.at("publicKey"))
		last := w.ok("POST", "/api/tunnels/office/rotate", object{"immediately": true})
		w.ok("GET", "/api/tunnels/office", nil).has("status.publicKey", last.at("publicKey"))
		w.send("POST", "/api/tunnels/office/forget-host-key", nil).want(204)
		spec := tunnelSpec()
		spec["serviceHost"] = "other.internal"
		w.ok("PUT", "/api/tunnels/office", document("office", "Office", spec)).has("status.state", "pending").has("status.error", nil)
		w.send("POST", "/api/tunnels", document("x", "X", object{"type": "standard"})).want(422)
		w.ok("GET", "/api/network", nil).has("egress", "[203.0.113.7]").has("ssh", "tunnel.example.com:2222")
	})
}

// A tunnel that is used cannot be deleted, one that does not exist cannot be used, and a source that is reached through
// a tunnel really is.
//
// Req
func TestTunnelIsUsed(t *testing.T) {
	t.Parallel()
	each(t, func(_ *testing.T, w *world) {
		spec := object{"type": "memory", "configuration": object{"host": "h", "password": "x"}, "tunnel": "office"}
		w.send("POST", "/api/sources", document("db", "DB", spec)).want(422).has("error.path", "spec.tunnel")
		w.ok("POST", "/api/tunnels", document("office", "Office", tunnelSpec()))
		w.ok("POST", "/api/sources", document("db", "DB", spec)).has("spec.tunnel", "office")
		w.ok("GET", "/api/tunnels/office", nil).has("status.useCount", 1.0)
		w.send("DELETE", "/api/tunnels/office", nil).want(409).has("error.code", "resource.referenced")
		w.ok("POST", "/api/sources/test", object{"type": "memory", "configuration": spec["configuration"], "tunnel": "office"})
		if _, err := w.source.network.DialContext(w.t.Context(), "tcp", "h:1"); err == nil || !strings.Contains(err.Error(), "the SSH host 127.0.0.1:1 cannot be reached") {
			w.t.Errorf("dialling: %v", err)
		}
		w.send("POST", "/api/destinations", document("crm", "CRM", object{"type": "memory", "configuration": object{"place": "p", "password": "x"}, "tunnel": "office"})).
			want(422).has("error.path", "spec.tunnel")
	})
}

// The private key of a reverse tunnel is shown once and not stored; with it, a client connects.
//
// Req: X-24
func TestReverseTunnel(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		w.must(err)
		t.Cleanup(func() { _ = l.Close() })                        //nolint:errcheck // a test's end
		go func() { _ = w.tunnels.Server.Serve(t.Context(), l) }() //nolint:errcheck // a test's end
		w.ok("POST", "/api/tunnels", document("site", "Site", object{"type": "reverse"})).has("status.keyIssued", false)
		key := w.ok("POST", "/api/tunnels/site/rotate", object{})
		private, _ := key.at("privateKey").(string)
		a := w.ok("GET", "/api/tunnels/site", nil).has("status.keyIssued", true).has("status.state", "pending")
		id, _ := a.at("status.tunnelId").(string)
		command, _ := a.at("status.command").(string)
		if strings.Contains(a.body, "PRIVATE") || !strings.Contains(command, id+"@tunnel.example.com") || !strings.Contains(command, "-p 2222 ") {
			t.Errorf("%s", a.body)
		}
		stored, err := w.db.NewSelect().Table("tunnels").Where("private_key <> '' OR next_private_key <> '' OR public_key LIKE '%PRIVATE%'").Count(t.Context())
		w.must(err)
		if stored > 0 {
			t.Error("the private key is stored")
		}
		signer, err := ssh.ParsePrivateKey([]byte(private))
		w.must(err)
		hostKey, _ := a.at("status.hostKey").(string)
		known, _, _, _, err := ssh.ParseAuthorizedKey([]byte(hostKey))
		w.must(err)
		client, err := ssh.Dial("tcp", l.Addr().String(), &ssh.ClientConfig{User: id, Auth: []ssh.AuthMethod{ssh.PublicKeys(signer)}, HostKeyCallback: ssh.FixedHostKey(known)})
		w.must(err)
		port, _ := a.at("status.tunnelPort").(float64)
		_, err = client.ListenTCP(&net.TCPAddr{IP: net.IPv4zero, Port: int(port)})
		w.must(err)
		w.ok("GET", "/api/tunnels/site", nil).has("status.state", "connected")
		w.must(client.Close())
	})
}
