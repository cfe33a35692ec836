package identifier

import (
	"crypto/md5"  //nolint:gosec // a destination asks for it; the hash is a name to match by, no protection
	"crypto/sha1" //nolint:gosec // as above
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"slices"
)

// Algorithm is a hash.
type Algorithm string

// The algorithms. None leaves the value readable.
const (
	None   Algorithm = "none"
	SHA256 Algorithm = "sha256"
	SHA512 Algorithm = "sha512"
	SHA1   Algorithm = "sha1"
	MD5    Algorithm = "md5"
)

// Algorithms returns every algorithm that hashes.
func Algorithms() []Algorithm { return []Algorithm{SHA256, SHA512, SHA1, MD5} }

// Encoding is how the bytes of a hash are written.
type Encoding string

// The encodings: lower-case hexadecimal digits, or padded standard base64 of the hash's bytes.
const (
	Hex    Encoding = "hex"
	Base64 Encoding = "base64"
)

// Encodings returns every encoding.
func Encodings() []Encoding { return []Encoding{Hex, Base64} }

// size returns how many bytes a hash has; 0 for what is no hash.
func (a Algorithm) size() int {
	switch a {
	case SHA256:
		return sha256.Size
	case SHA512:
		return sha512.Size
	case SHA1:
		return sha1.Size
	case MD5:
		return md5.Size
	default:
		return 0
	}
}

// title returns the algorithm's name as people write it.
func (a Algorithm) title() string {
	switch a {
	case SHA256:
		return "SHA-256"
	case SHA512:
		return "SHA-512"
	case SHA1:
		return "SHA-1"
	default:
		return "MD5"
	}
}

// appendSum appends the hash of data to dst.
func (a Algorithm) appendSum(dst, data []byte) []byte {
	switch a {
	case SHA256:
		s := sha256.Sum256(data)
		return append(dst, s[:]...)
	case SHA512:
		s := sha512.Sum512(data)
		return append(dst, s[:]...)
	case SHA1:
		s := sha1.Sum(data) //nolint:gosec // see the import
		return append(dst, s[:]...)
	default:
		s := md5.Sum(data) //nolint:gosec // see the import
		return append(dst, s[:]...)
	}
}

// bySize returns the algorithm whose hashes have n bytes.
func bySize(n int) (Algorithm, bool) {
	for _, a := range [...]Algorithm{SHA256, SHA512, SHA1, MD5} {
		if a.size() == n {
			return a, true
		}
	}
	return "", false
}

// readHash appends the bytes of the hash that text writes, in hexadecimal digits or base64, to dst, and says whose hash
// it looks like by its length.
func readHash(dst, text []byte) ([]byte, Algorithm, bool) {
	if a, ok := bySize(len(text) / 2); ok && len(text)%2 == 0 {
		if sum, err := hex.AppendDecode(dst, text); err == nil {
			return sum, a, true
		}
	}
	if n := len(text); n < 24 || text[n-1] != '=' {
		return dst, "", false
	}
	sum, err := base64.StdEncoding.Strict().AppendDecode(dst, text)
	if err != nil {
		return dst, "", false
	}
	a, ok := bySize(len(sum) - len(dst))
	return sum, a, ok
}

// appendHash appends a hash's bytes to dst as the encoding writes them.
func (e Encoding) appendHash(dst, sum []byte) []byte {
	if e == Base64 {
		return base64.StdEncoding.AppendEncode(dst, sum)
	}
	return hex.AppendEncode(dst, sum)
}

// ofNothing are the hashes of the empty text: what a query makes of an empty column.
var ofNothing = func() map[Algorithm][]byte {
	m := map[Algorithm][]byte{}
	for _, a := range Algorithms() {
		m[a] = a.appendSum(nil, nil)
	}
	return m
}()

// hashesNothing reports whether sum is the hash of the empty text.
func (a Algorithm) hashesNothing(sum []byte) bool { return slices.Equal(ofNothing[a], sum) }
