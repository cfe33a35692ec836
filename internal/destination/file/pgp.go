package file

import (
	"errors"
	"io"
	"path"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	"github.com/millrace/millrace/internal/fault"
)

// parseKey reads an armored public key. An empty text gives no key. Errors never quote the text: it
// may be a private key that was pasted by mistake.
func parseKey(text string) (openpgp.EntityList, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	keys, err := openpgp.ReadArmoredKeyRing(strings.NewReader(text))
	if err != nil {
		return nil, keyFault("the PGP public key cannot be read: %s", readProblem(err))
	}
	for _, k := range keys {
		if k.PrivateKey != nil {
			return nil, keyFault("this is a PGP private key").
				WithSuggestion("Paste the public key, and consider the private key as disclosed.")
		}
		if _, usable := k.EncryptionKey(time.Now()); !usable {
			return nil, keyFault("the PGP key %s cannot encrypt: it has expired, is revoked or is for signatures only", k.PrimaryKey.KeyIdString())
		}
	}
	if len(keys) == 0 {
		return nil, keyFault("the PGP block holds no key")
	}
	return keys, nil
}

func keyFault(format string, args ...any) *fault.Error {
	return fault.New(fault.CodeInvalid, format, args...).
		WithPath(publicKeySetting).
		WithSuggestion("Paste the whole block, from -----BEGIN PGP PUBLIC KEY BLOCK----- to -----END PGP PUBLIC KEY BLOCK-----.")
}

func readProblem(err error) string {
	if errors.Is(err, io.EOF) {
		return "there is no complete block"
	}
	return err.Error()
}

// encrypter returns a writer that encrypts to the keys. Closing it completes the message.
func encrypter(w io.Writer, keys openpgp.EntityList, name string, at time.Time) (io.WriteCloser, error) {
	hints := &openpgp.FileHints{IsBinary: true, FileName: path.Base(name), ModTime: at}
	return openpgp.Encrypt(w, keys, nil, hints, &packet.Config{DefaultCipher: packet.CipherAES256})
}

// CheckPublicKey reports what is wrong with the destination's key, if it has one.
func CheckPublicKey(text string) error {
	_, err := parseKey(text)
	return err
}
