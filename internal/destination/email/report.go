package email

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/wneessen/go-mail"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/destination/trigger"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/httpx"
)

// report gathers the rows of one mail.
type report interface {
	// add appends rows of texts.
	add(rows [][]string) error
	// attach puts what was gathered into the mail, whose text begins with intro.
	attach(m *mail.Msg, intro, name string) error
	// discard removes what was gathered.
	discard() error
}

// reportSession sends one mail with all rows.
type reportSession struct {
	*session

	mu     sync.Mutex
	report report
	rows   int
}

var _ connector.Session = (*reportSession)(nil)

// Write gathers rows. Nothing is sent before the run is finished.
func (s *reportSession) Write(ctx context.Context, b *connector.Batch) (connector.Result, error) {
	if err := ctx.Err(); err != nil {
		return connector.Result{}, fault.Reclass(fault.Wrap(err, fault.CodeRunCancelled, "the rows were not written"), fault.Retryable)
	}
	if b.Operation != connector.Added {
		return connector.Result{}, fault.New(fault.CodeInvalid, "the sync sends nothing for rows that were %s", b.Operation)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	x := connector.Exchange{Method: "GATHER", URL: s.place(), StartedAt: s.clock.Now()}
	rows := make([][]string, len(b.Rows))
	for i := range b.Rows {
		rows[i] = make([]string, len(b.Rows[i].Values))
		for c, v := range b.Rows[i].Values {
			rows[i][c] = v.String()
		}
		if len(x.RequestBody) < httpx.KeepBody {
			x.RequestBody += strings.Join(rows[i], "\t") + "\n"
		}
	}
	if err := s.report.add(rows); err != nil {
		return connector.Result{}, err
	}
	s.rows += len(rows)
	b.Record(x)
	return connector.Result{}, nil
}

// Finish sends the mail.
func (s *reportSession) Finish(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rows == 0 && !s.plan.Empty {
		return nil
	}
	m, err := s.mail()
	if err != nil {
		return err
	}
	got, _, err := s.deliver(ctx, m)
	if err == nil && got.refused != "" {
		err = fault.New(fault.CodeDestinationRejected, "the mail server refuses the mail: %s", got.refused)
		if got.again {
			err = fault.Reclass(err, fault.Retryable)
		}
	}
	return err
}

func (s *reportSession) mail() (*mail.Msg, error) {
	m, err := s.addressed(&connector.Row{})
	if err != nil {
		return nil, err
	}
	sc := s.scratches.Get()
	defer s.scratches.Put(sc)
	sc.Begin()
	sc.BindBatch(connector.Added, nil)
	if err := s.subject(sc, m, s.plan.onlyContexts.subject); err != nil {
		return nil, err
	}
	if sc.Body, err = s.plan.intro.Render(sc.Scope, sc.Body); err != nil {
		return nil, trigger.InField("the text", err)
	}
	if s.plan.file != nil {
		if sc.Text, err = s.plan.file.Render(sc.Scope, sc.Text[:0]); err != nil {
			return nil, trigger.InField("the name of the file", err)
		}
	}
	s.identify(m, "report of "+s.job.StartedAt.UTC().Format(time.RFC3339Nano))
	return m, s.report.attach(m, string(sc.Body), fileName(string(sc.Text)))
}

// fileName keeps a name from being a path.
func fileName(text string) string {
	name := strings.Map(func(c rune) rune {
		if c < ' ' || strings.ContainsRune(`/\:"*?<>|`, c) {
			return '_'
		}
		return c
	}, strings.TrimSpace(text))
	if strings.Trim(name, ". ") == "" {
		name = "rows.csv"
	}
	return name
}

// Close discards what was gathered and ends the connection.
func (s *reportSession) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return errors.Join(s.report.discard(), s.session.Close())
}

func header(job connector.SyncJob) []string {
	names := make([]string, len(job.Columns))
	for i, c := range job.Columns {
		names[i] = c.Name
	}
	return names
}

// maxTable is how large a table may be: mails with more are not read by anybody.
const maxTable = 4 << 20

// table is a table of text in the body of a mail.
type table struct {
	rows   [][]string
	widths []int
	bytes  int
}

func newTable(job connector.SyncJob) *table {
	t := &table{widths: make([]int, len(job.Columns))}
	t.add([][]string{header(job)}) //nolint:errcheck // names are not that long
	return t
}

func (t *table) add(rows [][]string) error {
	for _, row := range rows {
		for c, text := range row {
			row[c] = strings.Join(strings.Fields(text), " ") // a cell has one line
			t.widths[c] = max(t.widths[c], utf8.RuneCountInString(row[c]))
			t.bytes += len(row[c]) + 3
		}
	}
	if t.bytes > maxTable {
		return fault.Reclass(fault.New(fault.CodeTooLarge, "the table has more than %d MB", maxTable>>20).
			WithSuggestion("Send the rows as a CSV file, or fewer of them."), fault.Fatal)
	}
	t.rows = append(t.rows, rows...)
	return nil
}

func (t *table) attach(m *mail.Msg, intro, _ string) error {
	var b strings.Builder
	if intro != "" {
		b.WriteString(intro + "\n\n")
	}
	for i, row := range t.rows {
		t.line(&b, row, ' ')
		if i == 0 {
			t.line(&b, make([]string, len(row)), '-')
		}
	}
	m.SetBodyString(mail.TypeTextPlain, b.String())
	return nil
}

// line writes cells that are as wide as their columns.
func (t *table) line(b *strings.Builder, cells []string, fill rune) {
	var line strings.Builder
	for c, text := range cells {
		if c > 0 {
			line.WriteString(" | ")
		}
		line.WriteString(text + strings.Repeat(string(fill), t.widths[c]-utf8.RuneCountInString(text)))
	}
	b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
}

func (t *table) discard() error { return nil }

// file is a CSV file (RFC 4180) in the destination's folder.
type file struct {
	path   string
	out    *os.File
	csv    *csv.Writer
	zipped bool
}

func newFile(dir string, job connector.SyncJob, zipped bool) (*file, error) {
	prefix := "mail-" + strconv.FormatInt(job.SyncID, 10) + "-"
	left, err := filepath.Glob(filepath.Join(dir, prefix+"*.csv"))
	for _, path := range left { // of a process that ended: runs of one sync never overlap
		err = errors.Join(err, os.Remove(path))
	}
	if err != nil {
		return nil, fault.Disk(err, "removing what an earlier run left")
	}
	out, err := os.CreateTemp(dir, prefix+"*.csv")
	if err != nil {
		return nil, fault.Disk(err, "making a file for the rows")
	}
	f := &file{path: out.Name(), out: out, csv: csv.NewWriter(out), zipped: zipped}
	return f, f.add([][]string{header(job)})
}

func (f *file) add(rows [][]string) error {
	if err := f.csv.WriteAll(rows); err != nil {
		return fault.Disk(err, "writing rows into a file")
	}
	return nil
}

func (f *file) attach(m *mail.Msg, intro, name string) error {
	m.SetBodyString(mail.TypeTextPlain, intro)
	if !f.zipped {
		m.AttachFile(f.path, mail.WithFileName(name), mail.WithFileContentType("text/csv; charset=utf-8"))
		return nil
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	in, err := os.Open(f.path)
	if err != nil {
		return fault.Disk(err, "reading the file of rows")
	}
	defer in.Close() //nolint:errcheck // it was only read
	w, err := z.Create(name)
	if err == nil {
		_, err = io.Copy(w, in)
	}
	if err := errors.Join(err, z.Close()); err != nil {
		return fault.Disk(err, "zipping the file of rows")
	}
	return m.AttachReader(strings.TrimSuffix(name, filepath.Ext(name))+".zip", &b, mail.WithFileContentType("application/zip"))
}

func (f *file) discard() error {
	err := errors.Join(f.out.Close(), os.Remove(f.path))
	if errors.Is(err, os.ErrClosed) || errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}
