package value

import (
	"math"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"pgregory.net/rapid"
)

// The short way of decimals gives the digits that the long one gives. Req: M-12
func TestSmallDecimals(t *testing.T) {
	t.Parallel()
	check := func(t interface{ Errorf(string, ...any) }, n decimal128.Num, scale int32) {
		if got, want := ofDecimal128(n, scale), ofScaled(n.BigInt(), scale); !got.Equal(want) || got.String() != want.String() || got.Kind() != want.Kind() {
			t.Errorf("%s × 10^-%d is %s, want %s", n.BigInt(), scale, got, want)
		}
	}
	for _, n := range []int64{0, 1, -1, 9, 10, 99, 100, -100, math.MaxInt64, math.MinInt64, math.MinInt64 + 1} {
		for scale := int32(-2); scale < 24; scale++ {
			check(t, decimal128.FromI64(n), scale)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		scale := rapid.Int32Range(-3, 38).Draw(t, "scale")
		check(t, decimal128.FromI64(rapid.Int64().Draw(t, "small")), scale)
		check(t, decimal128.New(rapid.Int64().Draw(t, "high"), rapid.Uint64().Draw(t, "low")), scale)
	})
}

// Instants are written as the standard library writes TimeLayout. Req: M-12
func TestTimesAreWrittenByTheLayout(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		us := rapid.OneOf(
			rapid.Int64Range(-62_200_000_000_000_000, 260_000_000_000_000_000),
			rapid.Map(rapid.Int64Range(-62_200_000_000_000, 260_000_000_000_000), func(ms int64) int64 { return ms * 1000 }),
		).Draw(t, "microseconds")
		layout := TimeLayout
		if us%1000 != 0 {
			layout = microLayout
		}
		if got, want := OfMicros(us).String(), time.UnixMicro(us).UTC().Format(layout); got != want {
			t.Fatalf("%d is %s, want %s", us, got, want)
		}
	})
}
