package bigquery

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/millrace/millrace/internal/value"
)

// intervals are written as [sign]Y-M [sign]D [sign]H:M:S[.F]; the fraction may have zeros at its end.
// https://cloud.google.com/bigquery/docs/reference/standard-sql/data-types#interval_type
var intervals = regexp.MustCompile(`^([+-]?)(\d+)-(\d+) ([+-]?)(\d+) ([+-]?)(\d+):(\d+):(\d+)(?:\.(\d+))?$`)

// intervalText reads the text of an interval.
func intervalText(text string) (value.Value, error) {
	p := intervals.FindStringSubmatch(text)
	if p == nil {
		return value.Value{}, errCell
	}
	var n [len("YMDHMS")]uint64
	for i, at := range []int{2, 3, 5, 7, 8, 9} {
		var err error
		if n[i], err = strconv.ParseUint(p[at], 10, 32); err != nil {
			return value.Value{}, err
		}
	}
	fraction := strings.TrimRight(p[10], "0")
	if fraction != "" {
		fraction = "." + fraction
	}
	return intervalOf(p[1] == "-", p[4] == "-", p[6] == "-", n, fraction), nil
}

// intervalValue writes an interval of Arrow.
func intervalValue(v arrow.MonthDayNanoInterval) value.Value {
	const second, minute = 1_000_000_000, 60
	months, days, nanos := max(int64(v.Months), -int64(v.Months)), max(int64(v.Days), -int64(v.Days)), max(v.Nanoseconds, -v.Nanoseconds)
	seconds := nanos / second
	fraction := ""
	if part := nanos % second; part != 0 {
		fraction = "." + strings.TrimRight(fmt.Sprintf("%09d", part), "0")
	}
	return intervalOf(v.Months < 0, v.Days < 0, v.Nanoseconds < 0, [...]uint64{
		uint64(months / 12), uint64(months % 12), uint64(days), uint64(seconds / (minute * minute)), uint64(seconds / minute % minute), uint64(seconds % minute),
	}, fraction)
}

// intervalOf writes years, months, days, hours, minutes and seconds, each group with its sign.
func intervalOf(months, days, time bool, n [6]uint64, fraction string) value.Value {
	sign := func(minus bool, parts ...uint64) string {
		for _, p := range parts {
			if minus && p != 0 {
				return "-"
			}
		}
		return ""
	}
	timeSign := sign(time, n[3], n[4], n[5])
	if time && fraction != "" {
		timeSign = "-"
	}
	return value.OfText(fmt.Sprintf("%s%d-%d %s%d %s%d:%d:%d%s", sign(months, n[0], n[1]), n[0], n[1], sign(days, n[2]), n[2], timeSign, n[3], n[4], n[5], fraction))
}
