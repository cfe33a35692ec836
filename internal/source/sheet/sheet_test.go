package sheet_test

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/source/sheet"
	"github.com/xuri/excelize/v2"
)

// workbook makes an .xlsx file with a library that has nothing in common with the reader.
func workbook(t *testing.T, fill func(f *excelize.File) error) string {
	t.Helper()
	f := excelize.NewFile()
	path := filepath.Join(t.TempDir(), "book.xlsx")
	if err := errors.Join(fill(f), f.SaveAs(path), f.Close()); err != nil {
		t.Fatal(err)
	}
	return path
}

// texts reads a sheet, each row as its cells joined by "|".
func texts(t *testing.T, path, name string) []string {
	t.Helper()
	w, err := sheet.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close() //nolint:errcheck // read only
	rows, err := w.Rows(name)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	err = rows(t.Context(), func(row []sheet.Cell) error {
		parts := make([]string, len(row))
		for i, c := range row {
			parts[i] = c.Text
		}
		all = append(all, strings.Join(parts, "|"))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// Every kind of cell arrives as it is kept, not as it is shown.
//
// Req: S-84
func TestCells(t *testing.T) {
	t.Parallel()
	path := workbook(t, func(f *excelize.File) error {
		style := func(code string) int {
			id, err := f.NewStyle(&excelize.Style{CustomNumFmt: &code})
			if err != nil {
				t.Fatal(err)
			}
			return id
		}
		set := func(cell string, v any, code string) error {
			err := f.SetCellValue("Sheet1", cell, v)
			if code != "" {
				err = errors.Join(err, f.SetCellStyle("Sheet1", cell, cell, style(code)))
			}
			return err
		}
		return errors.Join(
			set("A1", "text", ""), set("B1", "0012", ""), set("C1", 12.5, "#,##0"), set("D1", 0.1, ""), set("E1", true, ""), set("F1", " a\nb_x000D_é ", ""),
			set("A2", time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC), ""), set("B2", 45351.5, "[$-409]d. mmm yyyy h:mm;@"), set("C2", 0.75, "hh:mm"), set("D2", 1.5, "[h]:mm"),
			set("E2", 1, "yyyy-mm-dd"), set("F2", 45351.0, `0.00" days"`), set("C4", 1e21, ""), set("AB4", 9007199254740991, ""),
		)
	})
	want := []string{
		"text|0012|12.5|0.1|true| a\nb\ré ", "2024-02-29|2024-02-29 12:00:00|18:00:00|1.5|1900-01-01|45351", "",
		"||1000000000000000000000" + strings.Repeat("|", 25) + "9007199254740991",
	}
	if got := texts(t, path, "Sheet1"); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// Req: S-84
func TestSheets(t *testing.T) {
	t.Parallel()
	path := workbook(t, func(f *excelize.File) error {
		_, err := f.NewSheet("Zweites & 'B' latt")
		_, other := f.NewSheet("Hidden")
		return errors.Join(err, other, f.SetSheetVisible("Hidden", false), f.SetCellValue("Hidden", "A1", "x"))
	})
	w, err := sheet.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close() //nolint:errcheck // read only
	if got := strings.Join(w.Sheets(), ", "); got != "Sheet1, Zweites & 'B' latt, Hidden" {
		t.Errorf("%s", got)
	}
	if _, err := w.Rows("Gone"); !fault.Is(err, fault.CodeSourceFile) || !strings.Contains(fault.As(err).Hint(), "Sheet1") {
		t.Errorf("%v", err)
	}
}

// A file that is none, or is cut, is an error; no part of it passes for the whole.
//
// Req: S-84
func TestBrokenWorkbooks(t *testing.T) {
	t.Parallel()
	whole := workbook(t, func(f *excelize.File) error { return f.SetCellValue("Sheet1", "A1", "x") })
	content, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	for name, broken := range map[string][]byte{"text": []byte("a,b\n"), "old format": {0xD0, 0xCF, 0x11, 0xE0}, "cut": content[:len(content)/2], "another archive": archive(t, "x", "y")} {
		path := filepath.Join(t.TempDir(), "b.xlsx")
		if err := os.WriteFile(path, broken, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := sheet.Open(path); !fault.Is(err, fault.CodeSourceFile) || !strings.Contains(fault.As(err).Hint(), ".xlsx") {
			t.Errorf("%s: %v", name, err)
		}
	}
	path := filepath.Join(t.TempDir(), "cut.xlsx")
	if err := os.WriteFile(path, replaced(t, content, "xl/worksheets/sheet1.xml", `<worksheet><sheetData><row r="1"><c r="A1"><v>1</v></c></row><row r="2"><c`), 0o600); err != nil {
		t.Fatal(err)
	}
	w, err := sheet.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close() //nolint:errcheck // read only
	rows, err := w.Rows("Sheet1")
	if err == nil {
		err = rows(t.Context(), func([]sheet.Cell) error { return nil })
	}
	if !fault.Is(err, fault.CodeSourceFile) {
		t.Errorf("a sheet that is cut: %v", err)
	}
}

func archive(t *testing.T, name, content string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	f, err := z.Create(name)
	if err == nil {
		_, err = io.WriteString(f, content)
	}
	if err := errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// replaced is an archive with another content of one file.
func replaced(t *testing.T, content []byte, name, with string) []byte {
	t.Helper()
	from, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, f := range from.File {
		if f.Name != name {
			if err := z.Copy(f); err != nil {
				t.Fatal(err)
			}
		}
	}
	f, err := z.Create(name)
	if err == nil {
		_, err = io.WriteString(f, with)
	}
	if err := errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func row(cells ...sheet.Cell) []sheet.Cell { return cells }

func rowsOf(all ...[]sheet.Cell) sheet.Rows {
	return func(_ context.Context, yield func([]sheet.Cell) error) error {
		for _, r := range all {
			if err := yield(r); err != nil {
				return err
			}
		}
		return nil
	}
}

// The first row names the columns, and a column has the type of all its cells. Where a table ends depends on the rule.
//
// Req: S-83, S-84
func TestSpool(t *testing.T) {
	t.Parallel()
	text, number, none := sheet.OfText, sheet.OfNumber, sheet.Cell{}
	day := sheet.OfTime(time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC))
	noon := sheet.OfTime(time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC))
	for _, c := range []struct {
		name   string
		rows   sheet.Rows
		corner bool
		types  string // a part of the SQL
		lines  string
	}{
		{"types", rowsOf(row(text("a"), text("b"), text("c"), text("d"), text("e"), text("f"), text("g")), row(number(1), number(1.5), sheet.OfBoolean(true), day, noon, text("0012"), number(1)), row(none, number(2), none, day, day, number(7), number(1e17))), true,
			"'a': 'BIGINT', 'b': 'DOUBLE', 'c': 'BOOLEAN', 'd': 'DATE', 'e': 'TIMESTAMP', 'f': 'VARCHAR', 'g': 'DOUBLE'", "1,1.5,true,2024-02-29,2024-02-29 12:00:00,0012,1\n,2,,2024-02-29,2024-02-29,7,100000000000000000\n"},
		{"a corner ends at the first gap", rowsOf(row(text("a"), none, text("b")), row(number(1), number(2), number(3)), row(none, number(4)), row(number(5))), true, "'a': 'BIGINT'}", "1\n"},
		{"a grid leaves gaps out", rowsOf(row(text("a"), none, text("b")), row(number(1), number(2), number(3)), nil, row(number(5))), false, "'a': 'BIGINT', 'b': 'BIGINT'", "1,3\n5,\n"},
		{"only names", rowsOf(row(text(" a "))), true, "'a': 'VARCHAR'", ""},
	} {
		s, err := sheet.Spool(t.Context(), t.TempDir(), c.rows, sheet.Rule{Corner: c.corner})
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		content, err := os.ReadFile(s.Path)
		if err != nil || string(content) != c.lines || !strings.Contains(s.SQL, c.types) {
			t.Errorf("%s: %q by %s, %v", c.name, content, s.SQL, err)
		}
		if err := s.Remove(); err != nil {
			t.Error(err)
		}
	}
	for name, rows := range map[string]sheet.Rows{
		"is empty": rowsOf(), "names no column": rowsOf(nil, row(text("a"))), "two columns alike": rowsOf(row(text("a"), text("A"))),
	} {
		dir := t.TempDir()
		_, err := sheet.Spool(t.Context(), dir, rows, sheet.Rule{Corner: true})
		if !fault.Is(err, fault.CodeSourceFile) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("%s: left %v", name, left)
		}
	}
}

// Whatever a workbook holds, it is read or refused.
//
// Req: S-84
func FuzzSheet(f *testing.F) {
	book := excelize.NewFile()
	whole, err := book.WriteToBuffer()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(`<worksheet><sheetData><row r="1"><c r="A1" t="s"><v>0</v></c><c t="inlineStr"><is><t>x</t></is></c></row></sheetData></worksheet>`)
	f.Add(`<row r="999"><c r="ZZZZ1"><v>1e999</v></c></row>`)
	f.Fuzz(func(t *testing.T, content string) {
		path := filepath.Join(t.TempDir(), "b.xlsx")
		if err := os.WriteFile(path, replaced(t, whole.Bytes(), "xl/worksheets/sheet1.xml", content), 0o600); err != nil {
			t.Fatal(err)
		}
		w, err := sheet.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close() //nolint:errcheck // read only
		rows, err := w.Rows("Sheet1")
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		err = rows(t.Context(), func([]sheet.Cell) error {
			if n++; n > 10_000 {
				return io.EOF
			}
			return nil
		})
		if err != nil && !errors.Is(err, io.EOF) && !fault.Is(err, fault.CodeSourceFile) {
			t.Errorf("%q: %v", content, err)
		}
	})
}
