package snowflake

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"strings"

	"github.com/millrace/millrace/internal/fault"
	"github.com/youmark/pkcs8"
)

// readKey reads an RSA private key: PKCS#8 in PEM, with or without a passphrase, as
// https://docs.snowflake.com/en/user-guide/key-pair-auth makes one.
func readKey(text, passphrase string) (*rsa.PrivateKey, error) {
	key, err := parseKey(text, passphrase)
	if err == nil {
		return key, nil
	}
	f := fault.Wrap(err, fault.CodeInvalid, "reading the private key").WithPath("privateKey")
	return nil, f.WithSuggestion("Paste the whole file that openssl pkcs8 -topk8 wrote, from BEGIN to END, and the passphrase that it was encrypted with.")
}

func parseKey(text, passphrase string) (*rsa.PrivateKey, error) {
	block, _ := pem.Decode([]byte(strings.TrimSpace(text)))
	if block == nil {
		return nil, errors.New("it is not in PEM")
	}
	switch block.Type {
	case "ENCRYPTED PRIVATE KEY":
		return decryptKey(block.Bytes, passphrase)
	case "PRIVATE KEY":
		key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		if err != nil {
			return nil, err
		}
		return rsaKey(key)
	case "RSA PRIVATE KEY":
		return x509.ParsePKCS1PrivateKey(block.Bytes)
	case "PUBLIC KEY":
		return nil, errors.New("it is the public key")
	default:
		return nil, errors.New("it is of the kind " + block.Type)
	}
}

func decryptKey(der []byte, passphrase string) (*rsa.PrivateKey, error) {
	if passphrase == "" {
		return nil, errors.New("it is encrypted, and there is no passphrase")
	}
	key, _, err := pkcs8.ParsePrivateKey(der, []byte(passphrase))
	if err != nil {
		return nil, err
	}
	return rsaKey(key)
}

func rsaKey(key any) (*rsa.PrivateKey, error) {
	k, ok := key.(*rsa.PrivateKey)
	if !ok {
		return nil, errors.New("it is not an RSA key")
	}
	return k, nil
}
