package file

import (
	"context"
	"database/sql"
	"errors"

	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/source/sheet"
)

const workbookExtension = ".xlsx"

// workbooks replaces the workbooks among the files by their sheets (S-84). The table of a sheet is called as its
// workbook where that has no other, else as both: "people.Sheet1".
func workbooks(named map[string]string) (sheets map[string]sheetOf, err error) {
	sheets = map[string]sheetOf{}
	for name, path := range named {
		if extension(path) != workbookExtension {
			continue
		}
		delete(named, name)
		w, err := sheet.Open(path)
		if err != nil {
			sheets[name] = sheetOf{path: path} // what is wrong is said where it is read
			continue
		}
		all := w.Sheets()
		for _, s := range all {
			table := name + "." + s
			if len(all) == 1 {
				table = name
			}
			sheets[table] = sheetOf{path, s}
		}
		if err := w.Close(); err != nil {
			return nil, err
		}
	}
	return sheets, nil
}

// sheetOf is a sheet of a workbook.
type sheetOf struct{ path, name string }

// load makes a table of a sheet: the file that it is brought into for that is gone before queries run.
func (s sheetOf) load(ctx context.Context, c *sql.Conn, dir, table string) (err error) {
	w, err := sheet.Open(s.path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	rows, err := w.Rows(s.name)
	if err != nil {
		return err
	}
	f, err := sheet.Spool(ctx, dir, rows, sheet.Rule{Corner: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Remove()) }()
	_, err = c.ExecContext(ctx, "CREATE TABLE "+query.DuckDB.Ident(table)+" AS SELECT * FROM "+f.SQL)
	return err
}
