package sheet

import (
	"math"
	"strings"
	"time"
)

// styles tell which numbers are dates.
type styles struct {
	Formats []struct {
		ID   int    `xml:"numFmtId,attr"`
		Code string `xml:"formatCode,attr"`
	} `xml:"numFmts>numFmt"`
	Cells []struct {
		Format int `xml:"numFmtId,attr"`
	} `xml:"cellXfs>xf"`

	date1904 bool
	kinds    map[int]format
}

// format is what a number format makes of numbers.
type format uint8

const (
	asNumber format = iota
	asMoment
	asTimeOfDay
)

// The formats that every workbook has: 14 to 17 and 22 are dates, 18 to 21 and 45 and 47 times (ECMA-376, part 1,
// 18.8.30); 27 to 36 and 50 to 58 are dates in East Asian editions. 46 is a duration.
func builtIn(id int) format {
	switch {
	case id >= 14 && id <= 17, id == 22, id >= 27 && id <= 31, id == 36, id >= 50 && id <= 58:
		return asMoment
	case id >= 18 && id <= 21, id == 45, id == 47, id >= 32 && id <= 35:
		return asTimeOfDay
	default:
		return asNumber
	}
}

func (s *styles) format(style int) format {
	if style < 0 || style >= len(s.Cells) {
		return asNumber
	}
	id := s.Cells[style].Format
	if known, ok := s.kinds[id]; ok {
		return known
	}
	found := builtIn(id)
	for _, f := range s.Formats {
		if f.ID == id {
			found = formatOf(f.Code)
		}
	}
	if s.kinds == nil {
		s.kinds = map[int]format{}
	}
	s.kinds[id] = found
	return found
}

// formatOf reads a format that people wrote, such as [$-409]d. mmm yyyy;@. Hours in brackets are a duration, which
// stays a number.
func formatOf(code string) format {
	code, _, _ = strings.Cut(code, ";")
	days, hours := false, false
	for i := 0; i < len(code); i++ {
		switch c := code[i] | 0x20; {
		case code[i] == '"':
			end := strings.IndexByte(code[i+1:], '"')
			if end < 0 {
				return asNumber
			}
			i += end + 1
		case code[i] == '\\' || code[i] == '_' || code[i] == '*':
			i++
		case code[i] == '[':
			end := strings.IndexByte(code[i:], ']')
			if end < 0 {
				return asNumber
			}
			if inner := strings.ToLower(code[i+1 : i+end]); strings.Trim(inner, "h") == "" || strings.Trim(inner, "m") == "" || strings.Trim(inner, "s") == "" {
				return asNumber
			}
			i += end
		case c == 'd' || c == 'y':
			days = true
		case c == 'h' || c == 's':
			hours = true
		case strings.HasPrefix(strings.ToLower(code[i:]), "general"):
			return asNumber
		case c == 'm':
			if strings.Trim(strings.ToLower(code), "m -/.") == "" {
				days = true
			}
		case code[i] == '0' || code[i] == '#' || code[i] == '?':
			if !hours { // after seconds, zeros are their parts
				return asNumber
			}
		}
	}
	switch {
	case days:
		return asMoment
	case hours:
		return asTimeOfDay
	default:
		return asNumber
	}
}

// lastDay is that of the year 9999, which is the last that sheets show.
const lastDay = 2958465

// cell returns what a number is with a style.
func (s *styles) cell(n float64, style int) Cell {
	kind := s.format(style)
	if kind == asNumber || n < 0 || n >= lastDay+1 || math.IsNaN(n) {
		return OfNumber(n)
	}
	if kind == asTimeOfDay && n < 1 {
		return OfText(time.UnixMilli(int64(math.Round(n * 86_400_000))).UTC().Format("15:04:05.999"))
	}
	return OfTime(s.moment(n))
}

// moment is the time of a number of days. The calendar of 1900 has a 29 February, which never was: days before it count
// from one day later.
func (s *styles) moment(n float64) time.Time {
	origin := time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)
	switch {
	case s.date1904:
		origin = time.Date(1904, 1, 1, 0, 0, 0, 0, time.UTC)
	case n < 60:
		origin = origin.AddDate(0, 0, 1)
	}
	days := math.Floor(n)
	return origin.AddDate(0, 0, int(days)).Add(time.Duration(math.Round((n-days)*86_400_000)) * time.Millisecond)
}
