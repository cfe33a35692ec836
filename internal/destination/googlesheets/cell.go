package googlesheets

import (
	"encoding/json"
	"math"
	"math/big"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/value"
)

// maxCharacters is what a cell holds at most. https://support.google.com/drive/answer/37603
const maxCharacters = 50_000

// cellOf returns what is sent for a value, or why it cannot be. Null leaves the cell empty.
func cellOf(v value.Value, input string) (sent any, refusal string) {
	switch v.Kind() {
	case value.Null:
		return nil, ""
	case value.Bool:
		return v.Bool(), ""
	case value.Int, value.Float, value.Decimal:
		return numberCell(v, input), ""
	case value.List, value.Map, value.JSON:
		return nil, "is an object or array, which a cell cannot hold. " + castAdvice
	case value.Time:
		return timeCell(v, input), ""
	default:
		return textCell(v.String())
	}
}

func textCell(text string) (any, string) {
	switch {
	case !utf8.ValidString(text):
		return nil, "is not valid UTF-8"
	case utf8.RuneCountInString(text) > maxCharacters:
		return nil, "has more than the 50000 characters that a cell holds"
	}
	return text, ""
}

// numberCell sends a number as one where Google's numbers (IEEE 754, 64 bits) hold it exactly enough to show the same
// digits, else as a text. An apostrophe keeps user-entered digits a text.
func numberCell(v value.Value, input string) any {
	text := v.String()
	if fits(v) {
		return json.RawMessage(v.AppendJSON(nil))
	}
	if input == inputUser {
		return "'" + text
	}
	return text
}

// significant is how many decimal digits such a number always keeps.
const significant = 15

func fits(v value.Value) bool {
	f := v.Float()
	switch {
	case math.IsNaN(f) || math.IsInf(f, 0):
		return false
	case v.Kind() == value.Float:
		return true
	case v.Kind() == value.Int:
		const exact = 1 << 53
		return v.Int() >= -exact && v.Int() <= exact
	}
	digits := strings.Trim(strings.ReplaceAll(strings.TrimLeft(v.String(), "+-"), ".", ""), "0")
	if len(digits) <= significant {
		return true
	}
	exactly, ok := new(big.Rat).SetString(v.String())
	return ok && exactly.Cmp(new(big.Rat).SetFloat64(f)) == 0
}

// timeCell writes a time in UTC: as a person enters it, or with its zone.
func timeCell(v value.Value, input string) any {
	if input != inputUser {
		return v.String()
	}
	t := v.Time().UTC()
	if t.Nanosecond() != 0 {
		return t.Format("2006-01-02 15:04:05.000")
	}
	return t.Format(time.DateTime)
}

// table is rows of cells, without those that were refused.
type table struct {
	rows     [][]any
	rejected []connector.Rejection
}

// tableOf converts a batch. at tells the place of each column in a row of the given width.
func tableOf(b *connector.Batch, columns []connector.TargetColumn, at []int, width int, input string) table {
	var t table
	for i, row := range b.Rows {
		cells := make([]any, width)
		refused := ""
		for j, v := range row.Values {
			sent, why := cellOf(v, input)
			if why != "" {
				refused = "the value of " + columns[j].Name + " " + why
				break
			}
			cells[at[j]] = sent
		}
		if refused != "" {
			t.rejected = append(t.rejected, connector.Rejection{Row: i, Reason: refused})
			continue
		}
		t.rows = append(t.rows, cells)
	}
	return t
}

func headerOf(columns []connector.TargetColumn) []any {
	cells := make([]any, len(columns))
	for i, c := range columns {
		cells[i] = c.Name
	}
	return cells
}
