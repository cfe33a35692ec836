package template

import (
	"strconv"
	"strings"
	"time"
)

// directive is one %-conversion with its flags.
type directive struct {
	flags string
	width int
	code  byte
}

// maxWidth bounds what a width can add.
const maxWidth = 100

// strftime writes an instant by a format of C and Ruby: %-d without padding, %_d and %0d with blanks and zeros, %^a in
// great letters, %:z with a colon. An unknown conversion stays as it is.
func strftime(t time.Time, format string) string {
	out := make([]byte, 0, len(format)+16)
	for i := 0; i < len(format); i++ {
		if format[i] != '%' {
			out = append(out, format[i])
			continue
		}
		d, n := readDirective(format[i+1:])
		text, known := d.convert(t)
		if n == 0 || !known {
			out = append(out, '%')
			continue
		}
		out = append(out, d.pad(text)...)
		i += n
	}
	return string(out)
}

// readDirective reads flags, width and conversion after %, and returns their length; 0 means that there is none.
func readDirective(s string) (directive, int) {
	n := 0
	for n < len(s) && strings.IndexByte("-_0^#:", s[n]) >= 0 {
		n++
	}
	d := directive{flags: s[:n]}
	for n < len(s) && isDigit(s, n) {
		d.width = min(d.width*10+int(s[n]-'0'), maxWidth)
		n++
	}
	if n+1 < len(s) && (s[n] == 'E' || s[n] == 'O') {
		n++
	}
	if n >= len(s) {
		return d, 0
	}
	d.code = s[n]
	return d, n + 1
}

var widths = map[byte]int{'C': 2, 'd': 2, 'e': 2, 'g': 2, 'G': 4, 'V': 2, 'H': 2, 'I': 2, 'j': 3, 'k': 2, 'l': 2, 'L': 3, 'm': 2, 'M': 2, 'S': 2, 'U': 2, 'W': 2, 'y': 2, 'Y': 4}

// pad applies flags and width.
func (d directive) pad(text string) string {
	fill, width := "0", d.width
	if strings.IndexByte("aAbBhceklpPZ", d.code) >= 0 {
		fill = " "
	}
	if width == 0 {
		width = widths[d.code]
	}
	for _, flag := range d.flags {
		switch flag {
		case '^':
			text = strings.ToUpper(text)
		case '#':
			text = swapCase(text)
		case '_':
			fill = " "
		case '0':
			fill = "0"
		case '-':
			width = 0
		}
	}
	sign := ""
	if fill == "0" && strings.HasPrefix(text, "-") {
		sign, text, width = "-", text[1:], width-1
	}
	return sign + strings.Repeat(fill, max(width-len(text), 0)) + text
}

func swapCase(s string) string {
	if strings.ToUpper(s) != s {
		return strings.ToUpper(s)
	}
	return strings.ToLower(s)
}

// convert writes one part of an instant.
func (d directive) convert(t time.Time) (string, bool) {
	if n, ok := d.number(t); ok {
		return strconv.Itoa(n), true
	}
	switch d.code {
	case 'a':
		return t.Format("Mon"), true
	case 'A':
		return t.Weekday().String(), true
	case 'b', 'h':
		return t.Format("Jan"), true
	case 'B':
		return t.Month().String(), true
	case 'c':
		return t.Format("1/2/2006, 3:04:05 PM"), true
	case 'x':
		return t.Format("1/2/2006"), true
	case 'D':
		return t.Format("01/02/06"), true
	case 'r':
		return t.Format("03:04:05 PM"), true
	case 'v':
		return strings.ToUpper(t.Format("_2-Jan-2006")), true
	case 'X':
		return t.Format("3:04:05 PM"), true
	case 'F':
		return t.Format("2006-01-02"), true
	case 'T':
		return t.Format("15:04:05"), true
	case 'R':
		return t.Format("15:04"), true
	case 'p':
		return t.Format("PM"), true
	case 'P':
		return t.Format("pm"), true
	default:
		return d.other(t)
	}
}

func (d directive) other(t time.Time) (string, bool) {
	switch d.code {
	case 'N':
		width := 9
		if d.width > 0 {
			width = d.width
		}
		digits := t.Format("000000000")[:0] + strconv.Itoa(1_000_000_000 + t.Nanosecond())[1:]
		return digits[:min(width, 9)] + strings.Repeat("0", max(width-9, 0)), true
	case 'q':
		return ordinal(t.Day()), true
	case 'z':
		if strings.Contains(d.flags, ":") {
			return t.Format("-07:00"), true
		}
		return t.Format("-0700"), true
	case 'Z':
		name, _ := t.Zone()
		if name == "" {
			name = t.Format("-0700")
		}
		return name, true
	case 't':
		return "\t", true
	case 'n':
		return "\n", true
	case '%':
		return "%", true
	default:
		return "", false
	}
}

// number returns the parts that are numbers.
func (d directive) number(t time.Time) (int, bool) {
	switch d.code {
	case 'C':
		return t.Year() / 100, true
	case 'd', 'e':
		return t.Day(), true
	case 'H', 'k':
		return t.Hour(), true
	case 'I', 'l':
		return (t.Hour()+11)%12 + 1, true
	case 'j':
		return t.YearDay(), true
	case 'L':
		return t.Nanosecond() / 1e6, true
	case 'm':
		return int(t.Month()), true
	case 'M':
		return t.Minute(), true
	case 's':
		return int(t.Unix()), true
	case 'S':
		return t.Second(), true
	case 'u':
		return (int(t.Weekday())+6)%7 + 1, true
	case 'w':
		return int(t.Weekday()), true
	case 'U':
		return week(t, time.Sunday), true
	case 'W':
		return week(t, time.Monday), true
	case 'y':
		return (t.Year()%100 + 100) % 100, true
	case 'Y':
		return t.Year(), true
	case 'G':
		year, _ := t.ISOWeek()
		return year, true
	case 'g':
		year, _ := t.ISOWeek()
		return (year%100 + 100) % 100, true
	case 'V':
		_, w := t.ISOWeek()
		return w, true
	default:
		return 0, false
	}
}

// week counts weeks that begin on a day; days before the first are in week 0.
func week(t time.Time, first time.Weekday) int {
	since := (int(t.Weekday()) - int(first) + 7) % 7
	return (t.YearDay() - 1 - since + 7) / 7
}

func ordinal(day int) string {
	if day >= 11 && day <= 13 {
		return "th"
	}
	switch day % 10 {
	case 1:
		return "st"
	case 2:
		return "nd"
	case 3:
		return "rd"
	default:
		return "th"
	}
}
