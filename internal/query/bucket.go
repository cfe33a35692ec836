package query

import (
	"crypto/md5" //nolint:gosec // it splits, it hides nothing
	bits "encoding/binary"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Bucket is a number from 0 up to n, which is no part of it, that depends on a text and a salt alone: of the MD5 digest
// of the salt, a colon and the text in UTF-8, the first 32 bits, divided by n, the rest. So a text is in the same
// bucket in every run, and in every database whose texts reach MD5 in UTF-8 (BucketOf is the same in Go); which those
// are stands in the reference. A null is in none.
func Bucket(text Expr, salt string, n int64) Expr {
	return Mod(Expr{n: tabled{func(g *grammar) form { return g.bits }, []Expr{Concat(Text(salt+":"), text)}}}, Int(n))
}

// BucketOf is Bucket in Go.
func BucketOf(text, salt string, n int64) int64 {
	digest := md5.Sum([]byte(salt + ":" + text)) //nolint:gosec // it splits, it hides nothing
	return int64(bits.BigEndian.Uint32(digest[:])) % n
}

// bucketsOfAll is how finely a share is given.
const bucketsOfAll = 1_000_000

// InShare holds for the texts of a share of all, from one percentage up to another, which is no part of it: those of 0
// to 10 and those of 10 to 30 have none in common. A text is in the same share in every run.
func InShare(text Expr, salt string, from, to float64) Expr {
	b := Bucket(text, salt, bucketsOfAll)
	edge := func(percent float64) Expr {
		return Int(int64(math.Round(min(max(percent, 0), 100) * bucketsOfAll / 100)))
	}
	return And(b.Ge(edge(from)), b.Lt(edge(to)))
}

// hexByPlaces is the number that the first eight of a text's hexadecimal digits are, for databases that read none; place
// is a form of a digit and all of them.
func hexByPlaces(place, digits form) form {
	parts := make([]string, 8)
	for i := range parts {
		digit := fmt.Sprintf("substr(%s, %d, 1)", digits, i+1)
		parts[i] = fmt.Sprintf("CAST("+string(place)+" - 1 AS bigint) * %d", digit, "'0123456789abcdef'", 1<<(4*(7-i)))
	}
	return form("(" + strings.Join(parts, " + ") + ")")
}

// withSample is the query with its sample, in the words of the dialect.
func (s Select) withSample(p *printer) Select {
	if !s.sampled {
		return s
	}
	g := p.d.g
	p.mustHave(ConstructSample)
	s.sampled = false
	switch s.sample { // some databases take neither
	case 0:
		return s.Where(Int(0).Eq(Int(1)))
	case 100:
		return s
	}
	percent := strconv.FormatFloat(s.sample, 'f', -1, 64)
	switch {
	case g.sample != "" && s.from.table != (TableRef{}) && g.sampleFirst:
		s.from.sampleBefore = g.sampleOf(percent)
	case g.sample != "" && s.from.table != (TableRef{}):
		s.from.sampleBehind = g.sampleOf(percent)
	default:
		s = s.Where(Expr{n: test{tabled{func(g *grammar) form { return g.random }, []Expr{Int(int64(math.Round(s.sample * bucketsOfAll / 100)))}}}})
	}
	return s
}
