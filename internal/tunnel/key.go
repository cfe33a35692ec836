package tunnel

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"strings"

	"github.com/millrace/millrace/internal/fault"
	"golang.org/x/crypto/ssh"
)

// Pair is a key pair as files hold it.
type Pair struct {
	Public  string // a line of authorized_keys
	Private string // PEM in OpenSSH's format
}

// NewPair makes an Ed25519 key pair. The comment says in files what the key is for.
func NewPair(comment string) (Pair, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return Pair{}, fault.Wrap(err, fault.CodeSecret, "making a key pair")
	}
	line, err := ssh.NewPublicKey(public)
	if err != nil {
		return Pair{}, fmt.Errorf("writing a public key: %w", err)
	}
	block, err := ssh.MarshalPrivateKey(private, comment)
	if err != nil {
		return Pair{}, fmt.Errorf("writing a private key: %w", err)
	}
	return Pair{Public: Line(line) + " " + comment, Private: string(pem.EncodeToMemory(block))}, nil
}

// Line writes a public key as a line of authorized_keys or known_hosts has it, without names or comments.
func Line(key ssh.PublicKey) string {
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key)))
}

// ParseKey reads a public key from a line of authorized_keys, or of known_hosts with or without its host.
func ParseKey(line string) (ssh.PublicKey, error) {
	line = strings.TrimSpace(line)
	if key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(line)); err == nil {
		return key, nil
	}
	_, _, key, _, _, err := ssh.ParseKnownHosts([]byte(line)) //nolint:dogsled // the library returns so many
	if err != nil {
		return nil, fault.New(fault.CodeInvalid, "this is not a public key such as ssh-ed25519 AAAA…").
			WithSuggestion("`ssh-keyscan -t ed25519 HOST` prints the host key of a server.")
	}
	return key, nil
}

// Fingerprint is a key's fingerprint as ssh shows it, and empty for what is no key.
func Fingerprint(line string) string {
	key, err := ParseKey(line)
	if err != nil {
		return ""
	}
	return ssh.FingerprintSHA256(key)
}

// sameKey reports whether a line holds the key.
func sameKey(line string, key ssh.PublicKey) bool {
	known, err := ParseKey(line)
	return err == nil && string(known.Marshal()) == string(key.Marshal())
}

// algorithms are how a server may prove that it has a key of this type. RSA keys are proved with newer hashes:
// RFC 8332.
func algorithms(key ssh.PublicKey) []string {
	if key.Type() == ssh.KeyAlgoRSA {
		return []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256}
	}
	return []string{key.Type()}
}
