package template

import (
	"math"
	"math/big"
	"strings"

	"github.com/millrace/millrace/internal/value"
)

// mathFilters calculate. Whole numbers stay whole and exact, decimals of the warehouse stay exact in sums and products; anything else is a float, and division is never that of whole numbers.
var mathFilters = map[string]filter{
	"abs":      unary(math.Abs, func(i int64) int64 { return max(i, -i) }),
	"ceil":     unary(math.Ceil, same),
	"floor":    unary(math.Floor, same),
	"plus":     arithmetic(func(a, b float64) float64 { return a + b }, addInt, (*big.Rat).Add),
	"minus":    arithmetic(func(a, b float64) float64 { return a - b }, subInt, (*big.Rat).Sub),
	"times":    arithmetic(func(a, b float64) float64 { return a * b }, mulInt, (*big.Rat).Mul),
	"at_least": arithmetic(math.Max, func(a, b int64) (int64, bool) { return max(a, b), true }, nil),
	"at_most":  arithmetic(math.Min, func(a, b int64) (int64, bool) { return min(a, b), true }, nil),
	"modulo":   modulo,

	"divided_by": dividedBy, "round": round, "to_integer": toInteger,
}

func same(i int64) int64 { return i }

func addInt(a, b int64) (int64, bool) {
	c := a + b
	return c, (c > a) == (b > 0)
}

func subInt(a, b int64) (int64, bool) {
	c := a - b
	return c, (c < a) == (b > 0)
}

func mulInt(a, b int64) (int64, bool) {
	if a == 0 || b == 0 {
		return 0, true
	}
	c := a * b
	return c, c/b == a && (a != -1 || b != math.MinInt64) && (b != -1 || a != math.MinInt64)
}

var modulus = arithmetic(func(a, b float64) float64 { return math.Mod(math.Mod(a, b)+b, b) }, modInt, nil)

func modulo(s *Scope, in value.Value, args []value.Value) (value.Value, error) {
	if number(arg(args, 0)).Float() == 0 {
		return reject("modulo: 0 has no rest")
	}
	return modulus(s, in, args)
}

func modInt(a, b int64) (int64, bool) {
	if b == -1 {
		return 0, true
	}
	return (a%b + b) % b, true
}

// unary calculates from one number.
func unary(float func(float64) float64, whole func(int64) int64) filter {
	return func(_ *Scope, in value.Value, _ []value.Value) (value.Value, error) {
		n := number(in)
		if n.Kind() == value.Int {
			return value.OfInt(whole(n.Int())), nil
		}
		return tidy(float(n.Float())), nil
	}
}

// arithmetic calculates from two numbers: exactly where both are whole or one is a decimal.
func arithmetic(float func(a, b float64) float64, whole func(a, b int64) (int64, bool), exact func(z, a, b *big.Rat) *big.Rat) filter {
	return func(_ *Scope, in value.Value, args []value.Value) (value.Value, error) {
		a, b := number(in), number(arg(args, 0))
		large := false
		if a.Kind() == value.Int && b.Kind() == value.Int {
			c, ok := whole(a.Int(), b.Int())
			if ok {
				return value.OfInt(c), nil
			}
			large = true
		}
		if exact != nil && (large || a.Kind() == value.Decimal || b.Kind() == value.Decimal) {
			x, xok := rational(a)
			y, yok := rational(b)
			if xok && yok {
				return decimal(exact(new(big.Rat), x, y)), nil
			}
		}
		return tidy(float(a.Float(), b.Float())), nil
	}
}

// rational reads a number exactly, unless it is so long that this would cost much.
func rational(v value.Value) (*big.Rat, bool) {
	text := v.String()
	if len(text) > 100 || strings.ContainsAny(text, "eE") {
		return nil, false
	}
	return new(big.Rat).SetString(text)
}

// decimal writes a rational whose denominator is a power of ten.
func decimal(r *big.Rat) value.Value {
	if r.IsInt() {
		if r.Num().IsInt64() {
			return value.OfInt(r.Num().Int64())
		}
		return value.OfDecimal(r.Num().String())
	}
	digits, _ := r.FloatPrec()
	return value.OfDecimal(r.FloatString(digits))
}

// tidy makes a whole number of a float that is one.
func tidy(f float64) value.Value {
	if f == math.Trunc(f) && math.Abs(f) <= 1<<53 {
		return value.OfInt(int64(f))
	}
	return value.OfFloat(f)
}

func dividedBy(_ *Scope, in value.Value, args []value.Value) (value.Value, error) {
	a, b := number(in), number(arg(args, 0))
	if b.Float() == 0 {
		return reject("divided_by: 0 has no result")
	}
	q := a.Float() / b.Float()
	if truthy(arg(args, 1)) {
		q = math.Floor(q)
	}
	if a.Kind() == value.Int && b.Kind() == value.Int && b.Int() != 0 && b.Int() != -1 && a.Int()%b.Int() == 0 {
		return value.OfInt(a.Int() / b.Int()), nil
	}
	return tidy(q), nil
}

// round rounds half away from zero, at the decimal digits that the number is written with.
func round(_ *Scope, in value.Value, args []value.Value) (value.Value, error) {
	n, places := number(in), intArg(args, 0, 0)
	if n.Kind() == value.Int && places >= 0 {
		return n, nil
	}
	r, ok := rational(n)
	if !ok || places > 100 || places < -100 {
		return n, nil
	}
	scale := new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(max(places, -places)), nil))
	if places < 0 {
		scale.Inv(scale)
	}
	half := big.NewRat(1, 2)
	if r.Sign() < 0 {
		half.Neg(half)
	}
	r.Mul(r, scale).Add(r, half)
	whole := new(big.Int).Quo(r.Num(), r.Denom())
	result := new(big.Rat).Quo(new(big.Rat).SetInt(whole), scale)
	if n.Kind() == value.Decimal {
		return decimal(result), nil
	}
	f, _ := result.Float64()
	return tidy(f), nil
}

func toInteger(_ *Scope, in value.Value, _ []value.Value) (value.Value, error) {
	if in.IsNull() {
		return value.OfInt(0), nil
	}
	return number(in), nil
}
