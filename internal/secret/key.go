// Package secret encrypts what must not be read by whoever gets hold of the database or the storage:
// credentials, and customer data at rest.
package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/millrace/millrace/internal/fault"
)

// keyBytes is the length of every key: AES-256.
const keyBytes = 32

// Key is the server's master key. Keys for other uses are derived from it, so that it never encrypts
// anything itself.
type Key struct {
	ID     string // names the key in what it encrypted; not secret
	master []byte
}

// NewKey returns a key from 32 bytes.
func NewKey(master []byte) (*Key, error) {
	if len(master) != keyBytes {
		return nil, fault.New(fault.CodeConfig, "the encryption key has %d bytes, and must have %d", len(master), keyBytes)
	}
	sum := sha256.Sum256(append([]byte("millrace key id "), master...))
	return &Key{ID: hex.EncodeToString(sum[:6]), master: master}, nil
}

// LoadKey reads the key from text (base64 of 32 bytes), or from the file encryption.key in home, which
// it makes, readable by the owner only, when there is none.
func LoadKey(text, home string) (*Key, error) {
	if text != "" {
		return parseKey(text)
	}
	path := filepath.Join(home, "encryption.key")
	b, err := os.ReadFile(path) //nolint:gosec // a path of the operator's
	if errors.Is(err, fs.ErrNotExist) {
		return makeKey(path)
	}
	if err != nil {
		return nil, fault.Wrap(err, fault.CodeConfig, "reading the encryption key")
	}
	return parseKey(string(b))
}

func parseKey(text string) (*Key, error) {
	master, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	if err != nil {
		return nil, fault.New(fault.CodeConfig, "the encryption key is not base64")
	}
	return NewKey(master)
}

func makeKey(path string) (*Key, error) {
	master := make([]byte, keyBytes)
	if _, err := rand.Read(master); err != nil {
		return nil, fault.Wrap(err, fault.CodeSecret, "making an encryption key")
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // a path of the operator's
	if err != nil {
		return nil, fault.Wrap(err, fault.CodeConfig, "writing the encryption key")
	}
	_, err = f.WriteString(base64.StdEncoding.EncodeToString(master) + "\n")
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, fault.Wrap(err, fault.CodeConfig, "writing the encryption key")
	}
	return NewKey(master)
}

// Derive returns a 32-byte key for one purpose, such as "storage of workspace 3".
func (k *Key) Derive(purpose string) ([]byte, error) {
	b, err := hkdf.Key(sha256.New, k.master, nil, "millrace "+purpose, keyBytes)
	if err != nil {
		return nil, fault.Wrap(err, fault.CodeSecret, "deriving a key")
	}
	return b, nil
}

// Seal encrypts text for one purpose. The result names the key.
func (k *Key) Seal(purpose, text string) (string, error) {
	gcm, err := k.gcm(purpose)
	if err != nil {
		return "", err
	}
	nonce := make([]byte, gcm.NonceSize())
	if _, err := rand.Read(nonce); err != nil {
		return "", fault.Wrap(err, fault.CodeSecret, "encrypting")
	}
	sealed := gcm.Seal(nonce, nonce, []byte(text), []byte(purpose))
	return k.ID + ":" + base64.StdEncoding.EncodeToString(sealed), nil
}

// Open decrypts what Seal made for the same purpose.
func (k *Key) Open(purpose, sealed string) (string, error) {
	id, body, ok := strings.Cut(sealed, ":")
	if !ok || id != k.ID {
		return "", fault.New(fault.CodeSecret, "a secret was encrypted with the key %q, and the server has %q", id, k.ID)
	}
	b, err := base64.StdEncoding.DecodeString(body)
	if err != nil {
		return "", fault.New(fault.CodeSecret, "a stored secret is damaged")
	}
	gcm, err := k.gcm(purpose)
	if err != nil {
		return "", err
	}
	if len(b) < gcm.NonceSize() {
		return "", fault.New(fault.CodeSecret, "a stored secret is damaged")
	}
	text, err := gcm.Open(nil, b[:gcm.NonceSize()], b[gcm.NonceSize():], []byte(purpose))
	if err != nil {
		return "", fault.New(fault.CodeSecret, "a stored secret is damaged")
	}
	return string(text), nil
}

func (k *Key) gcm(purpose string) (cipher.AEAD, error) {
	key, err := k.Derive(purpose)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("making a cipher: %w", err)
	}
	return cipher.NewGCM(block)
}
