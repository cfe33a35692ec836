package cron

import (
	"strings"
	"testing"
	"time"
)

// Req: SY-83
func TestCheck(t *testing.T) {
	t.Parallel()
	good := []string{"* * * * *", "0 12 l * *", "0 0 29 2 *", "0 12 L 2 *", "0 12 1,L * MON-FRI", "0 0 ? * *", "  0   12 * * *  ", "*/5 0-6 1,15 JAN-JUL MON", "0 12 L * *", "0 12 * * WED", "0 0 1 JUL *"}
	bad := []string{"", "* * * *", "0 0 12 * * *", "0 12 W * *", "0 12 LW * *", "0 12 L-2 * *", "0 12 * * 5#2", "0 12 * * 5L", "0 12 15W * *", "60 * * * *", "@daily", "* * * * * *", "0 12 L-3 * *", "0 12 lw * *", "0 12 15w * *", "0 12 * * 1#1", "0 12 * * FRI#2", "0 12 * * L", "0 12 * L *",
		"L * * * *", "TZ=UTC 0 12 * * *", "0 12 30 2 *", "0 12 31 4,6,9,11 *", "0 12 L,L-1 * *", "0 12 1-L * *", "0 12 L/2 * *", "0 12 1.5 * *", "0 -1 * * *", "*/0 * * * *"}
	for _, e := range good {
		if err := Check(e); err != nil {
			t.Errorf("%q: %v", e, err)
		}
	}
	for _, e := range bad {
		if Check(e) == nil {
			t.Errorf("%q was accepted", e)
		}
	}
}

func FuzzCron(f *testing.F) {
	f.Add("0 12 L * *")
	f.Add("*/5 0-6 1,15 JAN-JUL MON")
	f.Add("0 12 L-2 * *")
	f.Add("0 0 29 2 *")
	f.Add("TZ=Asia/Kathmandu 0 12 * * *")
	f.Fuzz(func(t *testing.T, expression string) {
		if Check(expression) != nil {
			return
		}
		fields := strings.Fields(expression)
		if len(fields) != 5 {
			t.Fatalf("%q has %d fields and was accepted", expression, len(fields))
		}
		if strings.ContainsAny(expression, "#") {
			t.Fatalf("%q was accepted", expression)
		}
		now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
		for range 3 {
			next, err := Next(expression, now)
			if err != nil || !next.After(now) || next.Second() != 0 || next.Nanosecond() != 0 || next.Location() != time.UTC {
				t.Fatalf("%q: %s after %s: %v", expression, next, now, err)
			}
			now = next
		}
	})
}
