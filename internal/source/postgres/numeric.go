package postgres

import (
	"encoding/binary"
	"errors"
	"math/bits"

	"github.com/apache/arrow-go/v18/arrow/decimal128"
)

// The signs of the binary form of a numeric.
const (
	signPlus  = 0x0000
	signMinus = 0x4000
)

// digitBase is what one digit of the binary form counts up to, digitWidth how many decimal digits that is.
const (
	digitBase  = 10_000
	digitWidth = 4
)

var errNumeric = errors.New("the server's number does not fit its type")

var powers = [...]uint64{1, 10, 100, 1000, digitBase}

// decimal reads the binary form of a numeric: a count of digits in base 10000, the weight of the first, the
// sign, the scale, and the digits. It returns the number × 10^scale, and false for NaN and the infinities.
func decimal(src []byte, scale int) (_ decimal128.Num, finite bool, _ error) {
	if len(src) < 8 {
		return decimal128.Num{}, false, errMalformed
	}
	count := int(binary.BigEndian.Uint16(src))
	weight := int(int16(binary.BigEndian.Uint16(src[2:])))
	sign := binary.BigEndian.Uint16(src[4:])
	digits := src[8:]
	switch {
	case sign != signPlus && sign != signMinus:
		return decimal128.Num{}, false, nil
	case len(digits) != 2*count:
		return decimal128.Num{}, false, errMalformed
	case count == 0:
		return decimal128.Num{}, true, nil
	}
	// zeros is how many decimal zeros follow the last digit at this scale; where it is negative, the last
	// digit holds that many zeros itself, since a server never sends digits beyond the scale.
	zeros := digitWidth*(weight-count+1) + scale
	if zeros <= -digitWidth {
		return decimal128.Num{}, false, errNumeric
	}
	var sum magnitude
	for i := range count - 1 {
		sum.add(digitBase, uint64(binary.BigEndian.Uint16(digits[2*i:])))
	}
	last := uint64(binary.BigEndian.Uint16(digits[2*(count-1):]))
	if zeros < 0 {
		sum.add(powers[digitWidth+zeros], last/powers[-zeros])
	} else {
		sum.add(digitBase, last)
	}
	for ; zeros > 0; zeros -= digitWidth {
		sum.add(powers[min(zeros, digitWidth)], 0)
	}
	if sum.overflow || sum.high>>63 != 0 {
		return decimal128.Num{}, false, errNumeric
	}
	n := decimal128.New(int64(sum.high), sum.low)
	if sign == signMinus {
		n = n.Negate()
	}
	return n, true, nil
}

// magnitude is an unsigned number of 128 bits.
type magnitude struct {
	high, low uint64
	overflow  bool
}

// add makes the number × factor + digit.
func (m *magnitude) add(factor, digit uint64) {
	if m.high == 0 && m.low == 0 {
		m.low = digit
		return
	}
	over, high := bits.Mul64(m.high, factor)
	carry, low := bits.Mul64(m.low, factor)
	low, c1 := bits.Add64(low, digit, 0)
	high, c2 := bits.Add64(high, carry, c1)
	m.high, m.low = high, low
	m.overflow = m.overflow || over != 0 || c2 != 0
}
