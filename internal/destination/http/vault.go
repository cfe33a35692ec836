package httprequest

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"

	"github.com/millrace/millrace/internal/fault"
)

// vault keeps the refresh token that took the place of the configured one. It is encrypted with a key that
// is made of the connection's stored secrets, and forgotten when those change: somebody has connected anew.
type vault struct {
	path string // empty where nothing can be kept
	key  [sha256.Size]byte
}

func newVault(dir string, s settings) vault {
	if dir == "" || s.Grant != grantCode {
		return vault{}
	}
	key := sha256.Sum256([]byte("refresh token\x00" + s.ClientID + "\x00" + s.ClientSecret + "\x00" + s.RefreshToken))
	name := sha256.Sum256(key[:])
	return vault{filepath.Join(dir, "token-"+hex.EncodeToString(name[:8])), key}
}

// load returns the kept token, or the configured one.
func (v vault) load(configured string) string {
	if v.path == "" {
		return configured
	}
	sealed, err := os.ReadFile(v.path)
	if err != nil {
		return configured
	}
	box, err := v.cipher()
	if err != nil || len(sealed) < box.NonceSize() {
		return configured
	}
	n := box.NonceSize()
	text, err := box.Open(nil, sealed[:n], sealed[n:], nil)
	if err != nil {
		return configured
	}
	return string(text)
}

// save keeps a token.
func (v vault) save(token string) error {
	if v.path == "" {
		return nil
	}
	box, err := v.cipher()
	if err != nil {
		return err
	}
	nonce := make([]byte, box.NonceSize())
	rand.Read(nonce) //nolint:errcheck,gosec // never fails since Go 1.24
	unfinished := v.path + ".new"
	if err := os.WriteFile(unfinished, box.Seal(nonce, nonce, []byte(token), nil), 0o600); err != nil {
		return fault.Wrap(err, fault.CodeStorage, "keeping the new refresh token")
	}
	if err := os.Rename(unfinished, v.path); err != nil {
		return fault.Wrap(err, fault.CodeStorage, "keeping the new refresh token")
	}
	return nil
}

func (v vault) cipher() (cipher.AEAD, error) {
	block, err := aes.NewCipher(v.key[:])
	if err != nil {
		return nil, fault.Wrap(err, fault.CodeSecret, "preparing to keep a token")
	}
	box, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fault.Wrap(err, fault.CodeSecret, "preparing to keep a token")
	}
	return box, nil
}
