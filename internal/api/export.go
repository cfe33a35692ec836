package api

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/millrace/millrace/internal/access"
	"github.com/millrace/millrace/internal/engine/sync/run"
	"github.com/millrace/millrace/internal/fault"
)

// exporter writes the rows of a run in one format.
type exporter interface {
	begin(columns []string) error
	row(r run.Row) error
	end() error
}

// exportFormat is one form in which rows can be taken away (SY-73).
type exportFormat struct {
	extension, media string
	open             func(io.Writer) exporter
}

var exportFormats = []exportFormat{
	{"csv", "text/csv; charset=utf-8", func(w io.Writer) exporter { return &csvExport{out: csv.NewWriter(w)} }},
	{"json", "application/json", func(w io.Writer) exporter { return &jsonExport{out: w} }},
}

func (s *Server) exports(api huma.API) {
	for _, f := range exportFormats {
		o := op(http.MethodGet, "/api/runs/{id}/rows."+f.extension, "export-run-rows-"+f.extension, "Take the rows of a run away as "+f.extension+"; for admins of the workspace", nil)
		o.Responses = map[string]*huma.Response{strconv.Itoa(http.StatusOK): {
			Description: http.StatusText(http.StatusOK), Content: map[string]*huma.MediaType{f.media: {Schema: &huma.Schema{Type: huma.TypeString}}},
		}}
		register(s, api, o, func(ctx context.Context, in *RowsFilter) (*huma.StreamResponse, error) {
			return s.export(ctx, *in, f)
		})
	}
}

// export opens the rows, so that what is wrong is answered as an error, and streams them.
func (s *Server) export(ctx context.Context, in RowsFilter, f exportFormat) (*huma.StreamResponse, error) {
	if who(ctx).Role != access.RoleAdmin {
		return nil, fault.New(fault.CodeForbidden, "only an admin of the workspace exports rows")
	}
	rows, err := s.Engine.OpenRows(ctx, who(ctx).WorkspaceID, in.ID, in.query())
	if err != nil {
		return nil, err
	}
	columns, err := s.inOrder(ctx, in.ID, rows.Columns())
	if err != nil {
		return nil, errors.Join(err, rows.Close())
	}
	return &huma.StreamResponse{Body: func(c huma.Context) {
		c.SetHeader("Content-Type", f.media)
		c.SetHeader("Content-Disposition", fmt.Sprintf(`attachment; filename="run-%d.%s"`, in.ID, f.extension))
		if err := errors.Join(copyRows(rows, columns, f.open, c.BodyWriter()), rows.Close()); err != nil {
			s.Log.Error("exporting rows", "request", requestID(ctx), "run", in.ID, "error", err)
			panic(http.ErrAbortHandler) // the answer was begun: a broken connection says that it is not whole
		}
	}}, nil
}

func copyRows(rows *run.RowReader, columns []string, open func(io.Writer) exporter, w io.Writer) error {
	buffer := bufio.NewWriter(w)
	e := open(buffer)
	if err := e.begin(columns); err != nil {
		return err
	}
	if err := rows.Each(e.row); err != nil {
		return err
	}
	return errors.Join(e.end(), buffer.Flush())
}

// csvExport writes one line for each row, for people: a null value is an empty field, and what a spreadsheet would
// take for a formula is made inert. Programs take JSON, which has the values as they are.
type csvExport struct {
	out     *csv.Writer
	columns []string
}

func (e *csvExport) begin(columns []string) error {
	e.columns = columns
	return e.write(append([]string{"primary_key", "operation", "status", "error"}, columns...))
}

func (e *csvExport) row(r run.Row) error {
	line := []string{r.Key, string(r.Operation), string(r.Status), r.Reason}
	values := make(map[string]string, len(r.Values))
	for _, f := range r.Values {
		values[f.Name] = f.Value.String()
	}
	for _, name := range e.columns {
		line = append(line, values[name])
	}
	return e.write(line)
}

func (e *csvExport) write(line []string) error {
	for i, cell := range line {
		line[i] = inert(cell)
	}
	return e.out.Write(line)
}

// inert puts an apostrophe before a text that a spreadsheet would compute: one that begins as formulas do and is no
// number (OWASP ASVS 5.0, 1.2.10; the decision is docs/decisions/0014).
func inert(cell string) string {
	if cell == "" || !strings.ContainsRune("=+-@\t\r\n\x00", rune(cell[0])) || numeral.MatchString(cell) {
		return cell
	}
	return "'" + cell
}

// numeral is a number as value.Value prints it.
var numeral = regexp.MustCompile(`^-?\d+(\.\d+)?([eE][+-]?\d+)?$`)

func (e *csvExport) end() error {
	e.out.Flush()
	return e.out.Error()
}

// jsonExport writes an array of rows as the list of rows has them.
type jsonExport struct {
	out     io.Writer
	between string
}

func (e *jsonExport) begin([]string) error {
	e.between = "[\n"
	return nil
}

func (e *jsonExport) row(r run.Row) error {
	text, err := json.Marshal(rowBody(r))
	if err != nil {
		return fmt.Errorf("encoding row %d: %w", r.Ordinal, err)
	}
	_, err = fmt.Fprintf(e.out, "%s%s", e.between, text)
	e.between = ",\n"
	return err
}

func (e *jsonExport) end() error {
	last := "\n]\n"
	if e.between == "[\n" {
		last = "[]\n"
	}
	_, err := io.WriteString(e.out, last)
	return err
}
