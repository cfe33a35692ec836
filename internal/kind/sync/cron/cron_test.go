package cron

import (
	"testing"
	"time"
)

// Req: SY-83
func TestCheck(t *testing.T) {
	t.Parallel()
	good := []string{"* * * * *", "*/5 0-6 1,15 JAN-JUL MON", "0 12 L * *", "0 12 * * WED", "0 0 1 JUL *"}
	bad := []string{"", "* * * *", "0 0 12 * * *", "0 12 W * *", "0 12 LW * *", "0 12 L-2 * *", "0 12 * * 5#2", "0 12 * * 5L", "0 12 15W * *", "60 * * * *", "@daily"}
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
	f.Fuzz(func(t *testing.T, expression string) {
		now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
		next, err := Next(expression, now)
		if err == nil && !next.IsZero() && !next.After(now) {
			t.Errorf("%q: %s is not after %s", expression, next, now)
		}
	})
}
