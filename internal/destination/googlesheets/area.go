package googlesheets

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/millrace/millrace/internal/fault"
)

// area is a part of a sheet; rows and columns count from 0.
type area struct {
	row, column   int
	height, width int // 0 means to the end of the sheet
}

var areaPattern = regexp.MustCompile(`^([A-Za-z]{1,3})([1-9][0-9]{0,7})(?::([A-Za-z]{1,3})([1-9][0-9]{0,7})?)?$`)

// parseArea reads A1:Z1000, A1:Z (to the last row) or A1 (to the end). An empty text is the whole sheet.
// https://developers.google.com/workspace/sheets/api/guides/concepts#cell
func parseArea(text string) (area, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return area{}, nil
	}
	m := areaPattern.FindStringSubmatch(text)
	if m == nil {
		return area{}, fault.New(fault.CodeInvalid, "%q is not a range of cells", text).
			WithSuggestion("Write the first and the last cell, such as A1:Z1000, without the name of the sheet.")
	}
	a := area{row: number(m[2]) - 1, column: columnIndex(m[1])}
	if m[3] != "" {
		a.width = columnIndex(m[3]) - a.column + 1
	}
	if m[4] != "" {
		a.height = number(m[4]) - a.row
	}
	if m[3] != "" && a.width < 1 || m[4] != "" && a.height < 1 || a.column+max(a.width, 1) > maxColumns {
		return area{}, fault.New(fault.CodeInvalid, "the range %q ends before it begins, or beyond the last column", text).
			WithSuggestion("Write the first and the last cell, such as A1:Z1000.")
	}
	return a, nil
}

func number(digits string) int {
	n, _ := strconv.Atoi(digits) //nolint:errcheck // digits, and few of them
	return n
}

// columnIndex is 0 for A.
func columnIndex(letters string) int {
	n := 0
	for _, c := range strings.ToUpper(letters) {
		n = n*26 + int(c-'A') + 1
	}
	return n - 1
}

// columnLetters is A for 0.
func columnLetters(index int) string {
	var letters string
	for index++; index > 0; index = (index - 1) / 26 {
		letters = string(rune('A'+(index-1)%26)) + letters
	}
	return letters
}

// quoted writes the name of a sheet as ranges do.
func quoted(title string) string { return "'" + strings.ReplaceAll(title, "'", "''") + "'" }

// cell is the name of a cell of a sheet.
func cell(title string, row, column int) string {
	return quoted(title) + "!" + columnLetters(column) + strconv.Itoa(row+1)
}

// cells is the range of cells from a row and column on that rows fill.
func cells(title string, row, column int, rows [][]any) string {
	width := 0
	for _, r := range rows {
		width = max(width, len(r))
	}
	return cell(title, row, column) + ":" + columnLetters(column+width-1) + strconv.Itoa(row+len(rows))
}
