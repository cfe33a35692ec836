package chat

import (
	"bytes"
	"encoding/csv"
	"html"
	"strings"
	"unicode/utf8"

	"github.com/millrace/millrace/internal/fault"
)

// Plain draws the table for a font whose letters have one width.
func (t Table) Plain() string {
	widths := make([]int, len(t.Names))
	lines := append([][]string{t.Names}, t.Rows...)
	for _, line := range lines {
		for c, cell := range line {
			widths[c] = max(widths[c], utf8.RuneCountInString(oneLine(cell)))
		}
	}
	rule := make([]string, len(widths))
	for c, w := range widths {
		rule[c] = strings.Repeat("-", w)
	}
	var b strings.Builder
	drawn(&b, t.Names, widths)
	drawn(&b, rule, widths)
	for _, row := range t.Rows {
		drawn(&b, row, widths)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func drawn(b *strings.Builder, line []string, widths []int) {
	var one strings.Builder
	for c, cell := range line {
		cell = oneLine(cell)
		if c > 0 {
			one.WriteString(" | ")
		}
		one.WriteString(cell + strings.Repeat(" ", widths[c]-utf8.RuneCountInString(cell)))
	}
	b.WriteString(strings.TrimRight(one.String(), " ") + "\n")
}

// oneLine is a cell without line breaks and other white space that is wider than it counts.
func oneLine(cell string) string { return strings.Join(strings.Fields(cell), " ") }

// HTML writes the table as HTML.
func (t Table) HTML() string {
	var b strings.Builder
	b.WriteString("<table>")
	cells(&b, "th", t.Names)
	for _, row := range t.Rows {
		cells(&b, "td", row)
	}
	b.WriteString("</table>")
	return b.String()
}

func cells(b *strings.Builder, tag string, line []string) {
	b.WriteString("<tr>")
	for _, cell := range line {
		b.WriteString("<" + tag + ">" + html.EscapeString(cell) + "</" + tag + ">")
	}
	b.WriteString("</tr>")
}

// CSV writes the table as CSV (RFC 4180).
func (t Table) CSV() ([]byte, error) {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	err := w.WriteAll(append([][]string{t.Names}, t.Rows...))
	if err != nil {
		return nil, fault.Wrap(err, fault.CodeInternal, "writing CSV")
	}
	return b.Bytes(), nil
}
