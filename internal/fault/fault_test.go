package fault

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestAs(t *testing.T) {
	t.Parallel()
	driver := errors.New(`relation "x" does not exist`)
	e := Wrap(driver, CodeSourceQuery, "running the model")
	wrapped := fmt.Errorf("staging: %w", e)
	if got := As(wrapped); got.Code != CodeSourceQuery || got.Error() != wrapped.Error() || !errors.Is(got, driver) {
		t.Errorf("got %q with %s", got, got.Code)
	}
	if got := As(errors.Join(Wrap(driver, CodeSourceQuery, ""), nil)); got.Error() != driver.Error() {
		t.Errorf("an error without words of its own says %q", got)
	}
	if got := As(fmt.Errorf("staging: %w", Wrap(driver, CodeSourceQuery, ""))); got.Error() != "staging: "+driver.Error() {
		t.Errorf("an error without words of its own says %q", got)
	}
	if got := As(driver); got.Code != CodeInternal || got.Error() != driver.Error() {
		t.Errorf("got %q with %s", got, got.Code)
	}
	if As(nil) != nil {
		t.Error("nil became an error")
	}
	var issues Issues
	issues.Add("spec.a", CodeRequired, "a is required")
	issues.Add("spec.b", CodeInvalid, "b is odd")
	if got := As(issues); got.Code != CodeRequired || !strings.Contains(got.Error(), "b is odd") {
		t.Errorf("got %q with %s", got, got.Code)
	}
}

func TestClasses(t *testing.T) {
	t.Parallel()
	throttled := RetryAfter(New(CodeDestinationRejected, "slow down"), time.Minute)
	if ClassOf(fmt.Errorf("x: %w", throttled)) != Throttled || As(throttled).After != time.Minute {
		t.Error("the wait is lost")
	}
	if ClassOf(errors.New("x")) != Permanent || ClassOf(New(CodeDestinationTimeout, "x")) != Unknown {
		t.Error("wrong default class")
	}
}

func TestEveryCodeTellsWhatToDo(t *testing.T) {
	t.Parallel()
	for _, c := range Codes() {
		if i := c.Info(); i.Hint == "" || i.Status < 400 || i.Exit == 0 {
			t.Errorf("%s: %+v", c, i)
		}
		if area, reason, ok := strings.Cut(string(c), "."); !ok || area == "" || reason == "" {
			t.Errorf("%s is not area.reason", c)
		}
	}
}
