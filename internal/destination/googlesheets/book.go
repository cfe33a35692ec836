package googlesheets

import (
	"context"
	"fmt"
	"strings"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/destination/file"
	"github.com/millrace/millrace/internal/fault"
)

// unfinishedTitle begins the names of hidden sheets in which rows are gathered.
const unfinishedTitle = "Millrace unfinished "

// book is a spreadsheet that a run fills. Its rows are gathered at the place of the hidden sheet that they will have
// in the visible one, so that formulas name the same cells.
type book struct {
	plan

	id      string
	target  *sheet // nil: the hidden sheet becomes the visible one
	staging sheet
	next    int  // the row that is written next
	end     int  // the first row that there is no place for
	dirty   bool // rows from next on may hold what was not taken
	sent    bool // it was asked to put the rows in their place
	done    bool // they are in their place
}

// openBook makes the hidden sheet, in the place of one that an unfinished run left.
func openBook(ctx context.Context, p plan, s *spreadsheet) (*book, error) {
	b := &book{plan: p, id: s.ID, next: p.at.row}
	if p.job.Mode == connector.ModeAll {
		target, err := s.target(p.sync.Sheet)
		if err != nil {
			return nil, err
		}
		b.target = &target
	}
	title := fmt.Sprintf("%s%d", unfinishedTitle, p.job.SyncID)
	var edits []edit
	left, found := s.find(title)
	if found {
		edits = append(edits, deleteSheet(left.ID))
	}
	b.end = b.room(s, title)
	if b.end <= b.next+1 {
		return nil, fault.Reclass(fault.Wrap(&fullError{"the spreadsheet " + s.Properties.Title + " has no cells left"}, fault.CodeDestinationRejected, "making room for the rows").WithSuggestion("%s", fullAdvice), fault.Fatal)
	}
	grid := grid{Rows: min(b.end, b.next+b.expected()), Columns: p.at.column + len(p.job.Columns)}
	replies, err := p.api.change(ctx, s.ID, "making a hidden sheet to gather the rows in", nil, append(edits, addSheet(title, grid))...)
	if err != nil {
		return nil, err
	}
	made := replies[len(replies)-1:]
	if len(made) == 0 || made[0].AddSheet == nil {
		return nil, fault.New(fault.CodeDestinationAnswer, "Google did not say which sheet it made")
	}
	b.staging = made[0].AddSheet.Properties
	b.staging.Grid = grid
	return b, b.begin(ctx)
}

// expected is how many rows the hidden sheet has room for at first.
func (b *book) expected() int {
	const unknown = 1000
	if b.job.Rows <= 0 {
		return unknown
	}
	return int(min(b.job.Rows, int64(b.api.maxCells))) + 1
}

// room is the first row that there is no place for. While the visible sheet still has its cells, the hidden one has as
// many; they have the width of the rows, or that of the visible sheet where its margins must stay.
func (b *book) room(s *spreadsheet, leftover string) int {
	free := b.api.maxCells
	for _, other := range s.Sheets {
		if p := other.Properties; p.isGrid() && p.Title != leftover && (b.target == nil || p.ID != b.target.ID) {
			free -= p.cells()
		}
	}
	width := b.at.column + len(b.job.Columns)
	rows := free / width
	if b.target != nil {
		visible := width
		if b.at != (area{}) {
			visible = max(width, b.target.Grid.Columns)
		}
		rows = min(free/(width+visible), (free-b.target.cells())/width)
	}
	if b.at.height > 0 {
		rows = min(rows, b.at.row+b.at.height)
	}
	return rows
}

// begin gives the hidden sheet the formats of the visible one, and the header.
func (b *book) begin(ctx context.Context) error {
	if err := b.seed(ctx, 0); err != nil {
		return err
	}
	if !b.sync.Header {
		return nil
	}
	if err := b.write(ctx, [][]any{headerOf(b.job.Columns)}, inputRaw, nil); err != nil {
		return err
	}
	return nil
}

// seed copies the formats of the visible sheet to the rows of the hidden one from a row on, where texts are read as a
// person's: what a text becomes depends on its cell's format, and pasting brings the format back.
func (b *book) seed(ctx context.Context, from int) error {
	if b.target == nil || b.sync.Input != inputUser {
		return nil
	}
	rows, columns := min(b.target.Grid.Rows, b.staging.Grid.Rows), min(b.target.Grid.Columns, b.staging.Grid.Columns)
	if from >= rows {
		return nil
	}
	part := gridRange{Sheet: b.target.ID, StartRow: from, EndRow: rows, EndColumn: columns}
	same := part
	same.Sheet = b.staging.ID
	_, err := b.api.change(ctx, b.id, "copying the formats of the sheet", nil, paste(part, same, pasteFormat))
	return err
}

// write gathers rows. Nothing counts before it returns without an error.
func (b *book) write(ctx context.Context, rows [][]any, input string, record func(connector.Exchange)) error {
	if need := b.next + len(rows); need > b.staging.Grid.Rows {
		if err := b.grow(ctx, need); err != nil {
			return err
		}
	}
	if b.dirty {
		below := gridRange{Sheet: b.staging.ID, StartRow: b.next, EndRow: b.staging.Grid.Rows, EndColumn: b.staging.Grid.Columns}
		if _, err := b.api.change(ctx, b.id, "clearing rows that were not taken", record, clearValues(below)); err != nil {
			return err
		}
	}
	b.dirty = true
	if err := b.api.write(ctx, b.id, cells(b.staging.Title, b.next, b.at.column, rows), input, rows, record); err != nil {
		return err
	}
	b.next, b.dirty = b.next+len(rows), false
	return nil
}

// grow makes the hidden sheet longer, by more than is needed now.
func (b *book) grow(ctx context.Context, need int) error {
	was := b.staging.Grid.Rows
	rows := min(b.end, max(need, was+was/2))
	if _, err := b.api.change(ctx, b.id, "making the hidden sheet longer", nil, appendRows(b.staging.ID, rows-was)); err != nil {
		return err
	}
	b.staging.Grid.Rows = rows
	return b.seed(ctx, was)
}

// publish puts the rows in their place. Google applies it as a whole or not at all; where its answer was lost, the
// hidden sheet tells: it is deleted in the same step.
func (b *book) publish(ctx context.Context) error {
	var lost error
	err := b.api.patiently(ctx, func() error {
		s, err := b.api.read(ctx, b.id)
		if err != nil {
			return err
		}
		staging, there := s.byID(b.staging.ID)
		if b.sent && (!there || b.target == nil && !staging.Hidden) {
			lost = nil
			return nil
		}
		if !there {
			return fault.Reclass(fault.New(fault.CodeDestinationSchema, "the hidden sheet %q, in which the rows were gathered, was deleted", b.staging.Title).
				WithSuggestion("The next run gathers them again. Leave hidden sheets alone whose names begin with %q.", unfinishedTitle), fault.Fatal)
		}
		edits, err := b.edits(s)
		if err != nil {
			return err
		}
		b.sent = true
		_, err = b.api.change(ctx, b.id, "putting the rows in their place", nil, edits...)
		if lost = nil; fault.ClassOf(err) == fault.Unknown && err != nil {
			lost = err
			return fault.Reclass(err, fault.Retryable)
		}
		return err
	})
	if err != nil && lost != nil {
		return lost
	}
	b.done = err == nil
	return err
}

func (b *book) edits(s *spreadsheet) ([]edit, error) {
	if b.target == nil {
		return b.reveal(s)
	}
	now, there := s.byID(b.target.ID)
	if !there {
		return nil, fault.Reclass(fault.New(fault.CodeDestinationSchema, "the sheet %q was deleted while the run went on", b.target.Title).WithSuggestion(gone), fault.Fatal)
	}
	return b.replace(s, now), nil
}

// replace empties the visible sheet, or the range, and pastes the rows.
func (b *book) replace(s *spreadsheet, now sheet) []edit {
	width := b.at.column + len(b.job.Columns)
	size := grid{Rows: max(now.Grid.Rows, b.next), Columns: max(now.Grid.Columns, width)}
	others := s.cells() - now.cells()
	if b.at == (area{}) && others+size.Rows*size.Columns > b.api.maxCells {
		size = grid{Rows: max(b.next, 1), Columns: width} // nothing but the rows has a place
	}
	var edits []edit
	if size != now.Grid {
		edits = append(edits, resize(now.ID, size))
	}
	if old := b.at.on(now.ID, size); old.StartRow < old.EndRow && old.StartColumn < old.EndColumn {
		edits = append(edits, clearValues(old))
	}
	kind := pasteValues
	if b.sync.Input == inputUser {
		kind = pasteAll
	}
	if b.next > b.at.row {
		from := gridRange{Sheet: b.staging.ID, StartRow: b.at.row, EndRow: b.next, StartColumn: b.at.column, EndColumn: width}
		to := from
		to.Sheet = now.ID
		edits = append(edits, paste(from, to, kind))
	}
	return append(edits, deleteSheet(b.staging.ID))
}

// on is the part of a sheet of a size.
func (a area) on(id int64, size grid) gridRange {
	r := gridRange{Sheet: id, StartRow: a.row, EndRow: size.Rows, StartColumn: a.column, EndColumn: size.Columns}
	if a.height > 0 {
		r.EndRow = min(r.EndRow, a.row+a.height)
	}
	if a.width > 0 {
		r.EndColumn = min(r.EndColumn, a.column+a.width)
	}
	return r
}

// reveal makes the hidden sheet the snapshot.
func (b *book) reveal(s *spreadsheet) ([]edit, error) {
	name, err := file.Name(b.sync.Snapshot, b.job)
	if err != nil {
		return nil, err
	}
	name = strings.ReplaceAll(name, ":", "_")
	title := name
	for n := 2; s.hasTitle(title); n++ {
		title = fmt.Sprintf("%s (%d)", name, n)
	}
	return []edit{setProperties(map[string]any{
		"sheetId": b.staging.ID, "title": title, "hidden": false, "gridProperties": grid{Rows: max(b.next, 1)},
	}, "title", "hidden", "gridProperties.rowCount")}, nil
}

// discard deletes the hidden sheet, if it is still there.
func (b *book) discard(ctx context.Context) {
	if b.done {
		return
	}
	if _, err := b.api.change(ctx, b.id, "deleting the hidden sheet", nil, deleteSheet(b.staging.ID)); err != nil {
		b.log.Debug("a hidden sheet stays until the next run", "code", fault.As(err).Code)
	}
}
