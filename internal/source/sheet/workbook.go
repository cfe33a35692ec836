package sheet

import (
	"archive/zip"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/millrace/millrace/internal/fault"
)

// The reader is our own, and reads a sheet as a stream: what libraries stream are texts as Excel would show them, in
// which dates have lost their century and numbers their digits, and a file that was cut ends without an error there.
// The format is ECMA-376, part 1, 18: https://ecma-international.org/publications-and-standards/standards/ecma-376/

// Workbook is an open .xlsx file.
type Workbook struct {
	zip    *zip.ReadCloser
	sheets []part
	styles styles
	shared []string
}

// part is a sheet of a workbook.
type part struct {
	name string
	file string
}

// maxText is how many bytes of text the cells of one workbook may share: they are in memory while it is read.
const maxText = 256 << 20

// Open opens a workbook.
func Open(path string) (_ *Workbook, err error) {
	z, err := zip.OpenReader(path)
	if err != nil {
		return nil, notWorkbook(err)
	}
	w := &Workbook{zip: z}
	if err := w.index(); err != nil {
		return nil, errors.Join(err, z.Close())
	}
	return w, nil
}

func notWorkbook(err error) error {
	return fault.Wrap(err, fault.CodeSourceFile, "this is no .xlsx workbook").
		WithSuggestion("Save it as an Excel workbook (.xlsx), without a password. Other formats, such as .xls, are not read.")
}

// Close closes the file.
func (w *Workbook) Close() error { return w.zip.Close() }

// Sheets lists the sheets in their order.
func (w *Workbook) Sheets() []string {
	names := make([]string, len(w.sheets))
	for i, s := range w.sheets {
		names[i] = s.name
	}
	return names
}

// Rows returns the rows of a sheet.
func (w *Workbook) Rows(name string) (Rows, error) {
	for _, s := range w.sheets {
		if s.name == name {
			return func(ctx context.Context, yield func([]Cell) error) error { return w.rows(ctx, s.file, yield) }, nil
		}
	}
	return nil, fault.New(fault.CodeSourceFile, "the workbook has no sheet %q", name).
		WithSuggestion("It has %s. A sheet that was renamed must be chosen again.", strings.Join(w.Sheets(), ", "))
}

// index reads everything but the sheets.
func (w *Workbook) index() error {
	var book struct {
		Properties struct {
			Date1904 string `xml:"date1904,attr"`
		} `xml:"workbookPr"`
		Sheets []struct {
			Name string     `xml:"name,attr"`
			ID   string     `xml:"http://schemas.openxmlformats.org/officeDocument/2006/relationships id,attr"`
			Any  []xml.Attr `xml:",any,attr"`
		} `xml:"sheets>sheet"`
	}
	var relations struct {
		All []struct {
			ID     string `xml:"Id,attr"`
			Type   string `xml:"Type,attr"`
			Target string `xml:"Target,attr"`
		} `xml:"Relationship"`
	}
	if err := errors.Join(w.decode("xl/workbook.xml", &book, true), w.decode("xl/_rels/workbook.xml.rels", &relations, true)); err != nil {
		return err
	}
	files := map[string]string{}
	for _, r := range relations.All {
		if strings.HasSuffix(r.Type, "/worksheet") {
			files[r.ID] = target(r.Target)
		}
	}
	for _, s := range book.Sheets {
		id := s.ID
		for _, a := range s.Any { // the strict form of the format has another namespace
			if a.Name.Local == "id" && a.Name.Space != "" {
				id = a.Value
			}
		}
		if file := files[id]; file != "" {
			w.sheets = append(w.sheets, part{s.Name, file})
		}
	}
	w.styles.date1904 = book.Properties.Date1904 == "1" || book.Properties.Date1904 == "true"
	if err := w.decode("xl/styles.xml", &w.styles, false); err != nil {
		return err
	}
	return w.share()
}

func target(name string) string {
	if absolute, ok := strings.CutPrefix(name, "/"); ok {
		return absolute
	}
	return path.Join("xl", name)
}

func (w *Workbook) decode(name string, to any, needed bool) (err error) {
	f, err := w.zip.Open(name)
	if err != nil {
		if !needed {
			return nil
		}
		return notWorkbook(err)
	}
	defer f.Close() //nolint:errcheck // read only
	if err := xml.NewDecoder(f).Decode(to); err != nil {
		return notWorkbook(fmt.Errorf("%s: %w", name, err))
	}
	return nil
}

// share reads the texts that cells refer to by their numbers.
func (w *Workbook) share() error {
	f, err := w.zip.Open("xl/sharedStrings.xml")
	if err != nil {
		return nil // a workbook without text has none
	}
	defer f.Close() //nolint:errcheck // read only
	size := 0
	for d := xml.NewDecoder(f); ; {
		token, err := d.Token()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return notWorkbook(fmt.Errorf("xl/sharedStrings.xml: %w", err))
		}
		if e, ok := token.(xml.StartElement); ok && e.Name.Local == "si" {
			var item richText
			if err := d.DecodeElement(&item, &e); err != nil {
				return notWorkbook(fmt.Errorf("xl/sharedStrings.xml: %w", err))
			}
			text := item.text()
			if size += len(text); size > maxText {
				return fault.New(fault.CodeSourceFile, "the workbook has more than %d MB of text", maxText>>20).
					WithSuggestion("Save the sheet as CSV, which is read at any size.")
			}
			w.shared = append(w.shared, text)
		}
	}
}

// richText is a text, or the parts of one that are written differently.
type richText struct {
	Plain string `xml:"t"`
	Parts []struct {
		Text string `xml:"t"`
	} `xml:"r"`
}

func (t richText) text() string {
	var b strings.Builder
	b.WriteString(t.Plain)
	for _, p := range t.Parts {
		b.WriteString(p.Text)
	}
	return unescape(b.String())
}

// unescape reads characters that XML has no form for: _x000D_ is a carriage return (ECMA-376, part 1, 22.9.2.19).
func unescape(s string) string {
	if !strings.Contains(s, "_x") {
		return s
	}
	var b strings.Builder
	for {
		at := strings.Index(s, "_x")
		if at < 0 || at+7 > len(s) {
			return b.String() + s
		}
		b.WriteString(s[:at])
		code, err := strconv.ParseUint(s[at+2:at+6], 16, 16)
		if s[at+6] != '_' || err != nil || !utf8.ValidRune(rune(code)) {
			b.WriteString("_x")
			s = s[at+2:]
			continue
		}
		b.WriteRune(rune(code))
		s = s[at+7:]
	}
}

// xmlCell is a cell as the file has it.
type xmlCell struct {
	Ref    string   `xml:"r,attr"`
	Type   string   `xml:"t,attr"`
	Style  int      `xml:"s,attr"`
	Value  string   `xml:"v"`
	Inline richText `xml:"is"`
}

// rows streams a sheet.
func (w *Workbook) rows(ctx context.Context, file string, yield func([]Cell) error) error {
	f, err := w.zip.Open(file)
	if err != nil {
		return notWorkbook(err)
	}
	defer f.Close() //nolint:errcheck // read only
	r := rowReader{book: w, decoder: xml.NewDecoder(f)}
	for {
		token, err := r.decoder.Token()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fault.Wrap(err, fault.CodeSourceFile, "the sheet cannot be read")
		}
		e, ok := token.(xml.StartElement)
		if !ok || e.Name.Local != "row" {
			continue
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := r.row(e, yield); err != nil {
			return err
		}
	}
}

// rowReader reads the rows of a sheet one after the other.
type rowReader struct {
	book    *Workbook
	decoder *xml.Decoder
	number  int // of the last row
	cells   []Cell
}

// row reads a row, and gives the empty ones before it, which the file leaves out.
func (r *rowReader) row(e xml.StartElement, yield func([]Cell) error) error {
	number := r.number + 1
	for _, a := range e.Attr {
		if a.Name.Local == "r" {
			if n, err := strconv.Atoi(a.Value); err == nil {
				number = n
			}
		}
	}
	for r.number++; r.number < number; r.number++ {
		if err := yield(nil); err != nil {
			return err
		}
	}
	r.cells = r.cells[:0]
	for {
		token, err := r.decoder.Token()
		if err != nil {
			return fault.Wrap(err, fault.CodeSourceFile, "row %d cannot be read", r.number)
		}
		switch e := token.(type) {
		case xml.EndElement:
			return yield(r.cells)
		case xml.StartElement:
			if e.Name.Local != "c" {
				if err := r.decoder.Skip(); err != nil {
					return fault.Wrap(err, fault.CodeSourceFile, "row %d cannot be read", r.number)
				}
				continue
			}
			if err := r.cell(e); err != nil {
				return err
			}
		}
	}
}

func (r *rowReader) cell(e xml.StartElement) error {
	var c xmlCell
	if err := r.decoder.DecodeElement(&c, &e); err != nil {
		return fault.Wrap(err, fault.CodeSourceFile, "row %d cannot be read", r.number)
	}
	at := len(r.cells)
	if n, ok := columnOf(c.Ref); ok {
		at = n
	}
	for len(r.cells) <= at {
		r.cells = append(r.cells, Cell{})
	}
	value, err := r.book.value(c)
	if err != nil {
		return fault.Wrap(err, fault.CodeSourceFile, "the cell %s cannot be read", c.Ref)
	}
	r.cells[at] = value
	return nil
}

// maxColumns is how many columns a sheet has.
const maxColumns = 16384

// columnOf returns the place of a cell in its row: 27 for AB7.
func columnOf(ref string) (int, bool) {
	n := 0
	for i := 0; i < len(ref) && ref[i] >= 'A' && ref[i] <= 'Z'; i++ {
		if n = n*26 + int(ref[i]-'A') + 1; n > maxColumns {
			return 0, false
		}
	}
	return n - 1, n > 0
}

// value returns what a cell holds (ECMA-376, part 1, 18.18.11).
func (w *Workbook) value(c xmlCell) (Cell, error) {
	switch c.Type {
	case "s":
		n, err := strconv.Atoi(strings.TrimSpace(c.Value))
		if err != nil || n < 0 || n >= len(w.shared) {
			return Cell{}, fmt.Errorf("there is no text %q", c.Value)
		}
		return OfText(w.shared[n]), nil
	case "inlineStr":
		return OfText(c.Inline.text()), nil
	case "str":
		return OfText(unescape(c.Value)), nil
	case "e", "d": // an error such as #N/A is shown as it stands; a date in ISO form likewise
		return OfText(c.Value), nil
	case "b":
		return OfBoolean(strings.TrimSpace(c.Value) == "1" || c.Value == "true"), nil
	}
	text := strings.TrimSpace(c.Value)
	if text == "" {
		return Cell{}, nil
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return Cell{}, err
	}
	return w.styles.cell(n, c.Style), nil
}
