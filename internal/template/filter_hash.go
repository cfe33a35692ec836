package template

import (
	"bytes"
	"crypto/hmac"
	"crypto/md5"  //nolint:gosec // vendors ask for it
	"crypto/sha1" //nolint:gosec // vendors ask for it
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"hash"
	"strings"
	"unicode/utf8"

	"github.com/millrace/millrace/internal/value"
)

// hashFilters encode and hash. A hash of null is null, so that nobody is matched by the hash of an empty text.
var hashFilters = map[string]filter{
	"md5": hashed(md5.New), "sha1": hashed(sha1.New), "sha256": hashed(sha256.New), "sha512": hashed(sha512.New),
	"hmac_sha1": keyed(sha1.New), "hmac_sha256": keyed(sha256.New),
	"base64_encode": encoded(base64.StdEncoding), "b64_encode": encoded(base64.StdEncoding),
	"base64_url_safe_encode": encoded(base64.URLEncoding),
	"base64_decode":          decoded, "b64_decode": decoded, "base64_url_safe_decode": decoded,
}

// plain are the bytes that are hashed or encoded.
func plain(v value.Value) []byte {
	if v.Kind() == value.Bytes {
		return []byte(v.Raw())
	}
	return []byte(textOf(v))
}

func hashed(newHash func() hash.Hash) filter {
	return func(_ *Scope, in value.Value, _ []value.Value) (value.Value, error) {
		if in.IsNull() {
			return in, nil
		}
		h := newHash()
		h.Write(plain(in))
		return value.OfText(hex.EncodeToString(h.Sum(nil))), nil
	}
}

func keyed(newHash func() hash.Hash) filter {
	return func(_ *Scope, in value.Value, args []value.Value) (value.Value, error) {
		if in.IsNull() {
			return in, nil
		}
		h := hmac.New(newHash, plain(arg(args, 0)))
		h.Write(plain(in))
		return value.OfText(hex.EncodeToString(h.Sum(nil))), nil
	}
}

func encoded(e *base64.Encoding) filter {
	return func(_ *Scope, in value.Value, _ []value.Value) (value.Value, error) {
		return value.OfText(e.EncodeToString(plain(in))), nil
	}
}

var blankless = strings.NewReplacer("\t", "", "\n", "", "\f", "", "\r", "", " ", "", "-", "+", "_", "/")

// decoded reads base64 of either alphabet, with or without padding. What is no text stays bytes.
func decoded(_ *Scope, in value.Value, _ []value.Value) (value.Value, error) {
	text := strings.TrimRight(blankless.Replace(textOf(in)), "=")
	b, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil {
		return reject("base64_decode: the value is not base64")
	}
	if !utf8.Valid(b) {
		return value.OfBytes(b), nil
	}
	return value.OfText(string(b)), nil
}

// indented lays JSON out.
func indented(text []byte, indent string) string {
	var b bytes.Buffer
	if json.Indent(&b, text, "", indent) != nil {
		return string(text)
	}
	return b.String()
}
