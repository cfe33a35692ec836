package signature

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"
)

// Webhook returns the signature of a request as the Standard Webhooks specification has it: of its id, of when it is
// made, in seconds since 1970, and of its body. A secret that begins with whsec_ is Base64.
// https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
func Webhook(secret, id, at string, body []byte) string {
	key := []byte(secret)
	if encoded, is := strings.CutPrefix(secret, "whsec_"); is {
		if decoded, err := base64.StdEncoding.DecodeString(encoded); err == nil {
			key = decoded
		}
	}
	return "v1," + base64.StdEncoding.EncodeToString(digest(key, []byte(id+"."+at+"."), body))
}

// Signed reports whether a body was signed with the secret: whether given are the hexadecimal digits, in either case,
// of its HMAC with SHA-256. Nothing is signed without a secret.
func Signed(secret string, body []byte, given string) bool {
	mac, err := hex.DecodeString(strings.TrimSpace(given))
	return err == nil && secret != "" && hmac.Equal(mac, digest([]byte(secret), body))
}

// digest is the HMAC of texts with SHA-256 (RFC 2104).
func digest(key []byte, texts ...[]byte) []byte {
	mac := hmac.New(sha256.New, key)
	for _, text := range texts {
		mac.Write(text)
	}
	return mac.Sum(nil)
}
