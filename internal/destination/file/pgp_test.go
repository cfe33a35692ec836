package file

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
)

// newKey returns an armored public key and the pair; lifetime in seconds, 0 is for ever.
func newKey(t *testing.T, lifetime uint32) (string, *openpgp.Entity) {
	t.Helper()
	config := &packet.Config{Algorithm: packet.PubKeyAlgoEdDSA, KeyLifetimeSecs: lifetime}
	if lifetime > 0 {
		config.Time = func() time.Time { return time.Now().Add(-time.Hour) }
	}
	e, err := openpgp.NewEntity("Receiver", "", "receiver@example.com", config)
	if err != nil {
		t.Fatal(err)
	}
	return armored(t, openpgp.PublicKeyType, e.Serialize), e
}

func armored(t *testing.T, kind string, serialize func(io.Writer) error) string {
	t.Helper()
	var b bytes.Buffer
	w, err := armor.Encode(&b, kind, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := serialize(w); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestEncryption decrypts with the private key, through gzip too, which is inside the message.
//
// Req: SY-18
func TestEncryption(t *testing.T) {
	t.Parallel()
	public, pair := newKey(t, 0)
	for _, gzip := range []bool{false, true} {
		r := newRun(t, connector.ModeAll, public, connector.Settings{"gzip": gzip})
		r.send(connector.Added, "1", "a customer")
		r.finish()
		data := r.place.files["rows.out"]
		if strings.Contains(data, "customer") || r.place.types["rows.out"] != "application/pgp-encrypted" {
			t.Errorf("the file is not encrypted: %q", data)
		}
		text := decrypt(t, data, pair)
		if gzip {
			text = gunzip(t, text)
		}
		if text != `{"id":"1","value":"a customer"}`+"\n" {
			t.Errorf("gzip %v: %q", gzip, text)
		}
	}
}

func decrypt(t *testing.T, data string, pair *openpgp.Entity) string {
	t.Helper()
	m, err := openpgp.ReadMessage(strings.NewReader(data), openpgp.EntityList{pair}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(m.UnverifiedBody)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestBadKeys(t *testing.T) {
	t.Parallel()
	public, pair := newKey(t, 0)
	expired, _ := newKey(t, 60)
	private := armored(t, openpgp.PrivateKeyType, func(w io.Writer) error { return pair.SerializePrivate(w, nil) })
	for _, c := range []struct{ name, key, says string }{
		{"garbage", "garbage", "cannot be read"},
		{"cut", public[:len(public)/2], "cannot be read"},
		{"private", private, "private key"},
		{"expired", expired, "expired"},
	} {
		err := CheckPublicKey(c.key)
		if !fault.Is(err, fault.CodeInvalid) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want one that says %q", c.name, err, c.says)
		}
		if err != nil && strings.Contains(err.Error(), c.key) {
			t.Errorf("%s: the error shows the key", c.name)
		}
	}
	for _, good := range []string{"", " \n", public, "\n" + public + "\n\n"} {
		if err := CheckPublicKey(good); err != nil {
			t.Errorf("%.20q: %v", good, err)
		}
	}
}

// FuzzKey proves that no text is taken for a key that cannot encrypt, and that none panics.
func FuzzKey(f *testing.F) {
	f.Add("-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmDMEZ\n=abcd\n-----END PGP PUBLIC KEY BLOCK-----")
	f.Add("key")
	f.Fuzz(func(t *testing.T, text string) {
		keys, err := parseKey(text)
		if err != nil || keys == nil {
			return
		}
		if _, err := encrypter(io.Discard, keys, "a", time.Unix(0, 0)); err != nil {
			t.Errorf("an accepted key cannot encrypt: %v", err)
		}
	})
}
