package httprequest

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/destination/trigger"
	"github.com/millrace/millrace/internal/fault"
)

// apiLimit is what the API allows all syncs with the connection's credentials together.
type apiLimit struct {
	path string // what the paths of the requests begin with; empty: all requests
	rate connector.Rate
}

// limitForm is a limit as people write it: 100/second, /contacts 4/second, 5 at once, /contacts 2 at once.
var limitForm = regexp.MustCompile(`^(?:(/\S*)\s+)?(\d{1,9})\s*(?:/\s*(second|minute|hour|day)|at once)$`)

var limitWindows = map[string]time.Duration{trigger.PerSecond: time.Second, trigger.PerMinute: time.Minute, trigger.PerHour: time.Hour, "day": 24 * time.Hour, "": 0}

// allRequests is the class of the requests of the whole API.
const allRequests = "all"

func readLimit(text string) (apiLimit, *fault.Error) {
	m := limitForm.FindStringSubmatch(strings.TrimSpace(text))
	if m == nil {
		return apiLimit{}, fault.New(fault.CodeInvalid, "%q is not a limit: write 100/second, 1000/minute, 5000/hour, 10000/day or 5 at once, after a path where it is about some requests only", text)
	}
	n, err := strconv.Atoi(m[2])
	if err != nil || n == 0 {
		return apiLimit{}, fault.New(fault.CodeInvalid, "%q allows no request", text)
	}
	l := apiLimit{path: m[1], rate: connector.Rate{Requests: n, Window: limitWindows[m[3]], Class: allRequests}}
	if l.path != "" {
		l.rate.Class = "path " + l.path
	}
	return l, nil
}

// limitsOf returns the limits of requests whose path is written so in the sync.
func (s settings) limitsOf(path string) []connector.Rate {
	var rates []connector.Rate
	path = "/" + strings.TrimLeft(strings.TrimSpace(path), "/")
	for _, text := range s.RateLimits {
		if l, err := readLimit(text); err == nil && strings.HasPrefix(path, l.path) { // the others are reported by check
			rates = append(rates, l.rate)
		}
	}
	return rates
}
