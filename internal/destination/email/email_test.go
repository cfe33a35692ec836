package email

import (
	"archive/zip"
	"bytes"
	"crypto/tls"
	"encoding/csv"
	"encoding/pem"
	"errors"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/http/httptest"
	"net/mail"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"encoding/base64"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/destinationtest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

// received is a mail as the server got it.
type received struct {
	from   string
	to     []string
	header mail.Header
	parts  []part // the body first, then the files
}

type part struct{ kind, name, content string }

// server is a mail server: addresses at refused.example are refused, those at busy.example for now, and mails to
// lost.example are never answered.
type server struct {
	host string
	port int
	ca   string

	mu    sync.Mutex
	mails []received
	conns int
}

const password = "right-password"

func newServer(t *testing.T, security string) *server {
	t.Helper()
	s := &server{}
	certified := httptest.NewTLSServer(nil)
	t.Cleanup(certified.Close)
	s.ca = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certified.Certificate().Raw}))
	trust := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: certified.TLS.Certificates}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.host, s.port = "127.0.0.1", l.Addr().(*net.TCPAddr).Port
	b := smtp.NewServer(s)
	b.AllowInsecureAuth = security == tlsNone
	b.MaxLineLength = 1 << 20
	switch security {
	case tlsFull:
		l = tls.NewListener(l, trust)
	case tlsStart:
		b.TLSConfig = trust
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := b.Serve(l); err != nil && !errors.Is(err, smtp.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
	}()
	t.Cleanup(func() {
		b.Close() //nolint:errcheck // nothing depends on it
		l.Close() //nolint:errcheck // for a server that has not begun to serve
		<-done
	})
	return s
}

func (s *server) settings(security string) connector.Settings {
	settings := connector.Settings{
		"host": s.host, "port": s.port, "security": security, "username": "sender", "password": password, "from": "Acme <reports@example.com>",
	}
	if security != tlsNone {
		settings["caCertificate"] = s.ca
	}
	return settings
}

// NewSession begins a connection.
func (s *server) NewSession(c *smtp.Conn) (smtp.Session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conns++
	return &dialogue{server: s, conn: c}, nil
}

type dialogue struct {
	server *server
	conn   *smtp.Conn
	known  bool
	mail   received
}

func (d *dialogue) AuthMechanisms() []string { return []string{sasl.Plain} }

func (d *dialogue) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, given string) error {
		if user != "sender" || given != password {
			return &smtp.SMTPError{Code: 535, EnhancedCode: smtp.EnhancedCode{5, 7, 8}, Message: "who are you?"}
		}
		d.known = true
		return nil
	}), nil
}

func (d *dialogue) Mail(from string, _ *smtp.MailOptions) error {
	if !d.known {
		return &smtp.SMTPError{Code: 530, Message: "sign in first"}
	}
	d.mail = received{from: from}
	return nil
}

func (d *dialogue) Rcpt(to string, _ *smtp.RcptOptions) error {
	switch {
	case strings.HasSuffix(to, "@refused.example"):
		return &smtp.SMTPError{Code: 550, Message: "no such mailbox"}
	case strings.HasSuffix(to, "@busy.example"):
		return &smtp.SMTPError{Code: 450, Message: "come back later"}
	}
	d.mail.to = append(d.mail.to, to)
	return nil
}

func (d *dialogue) Data(r io.Reader) error {
	m, err := mail.ReadMessage(r)
	if err != nil {
		return err
	}
	d.mail.header = m.Header
	if d.mail.parts, err = readParts(m.Header.Get("Content-Type"), m.Header.Get("Content-Transfer-Encoding"), "", m.Body); err != nil {
		return err
	}
	if slices.ContainsFunc(d.mail.to, func(to string) bool { return strings.HasSuffix(to, "@lost.example") }) {
		return d.conn.Conn().Close()
	}
	d.server.mu.Lock()
	defer d.server.mu.Unlock()
	d.server.mails = append(d.server.mails, d.mail)
	return nil
}

func (d *dialogue) Reset()        {}
func (d *dialogue) Logout() error { return nil }

func readParts(kind, encoding, name string, r io.Reader) ([]part, error) {
	media, params, err := mime.ParseMediaType(kind)
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(media, "multipart/") {
		var all []part
		for parts := multipart.NewReader(r, params["boundary"]); ; {
			p, err := parts.NextRawPart()
			if errors.Is(err, io.EOF) {
				return all, nil
			}
			if err != nil {
				return nil, err
			}
			inner, err := readParts(p.Header.Get("Content-Type"), p.Header.Get("Content-Transfer-Encoding"), p.FileName(), p)
			if err != nil {
				return nil, err
			}
			all = append(all, inner...)
		}
	}
	switch strings.ToLower(encoding) {
	case "quoted-printable":
		r = quotedprintable.NewReader(r)
	case "base64":
		r = base64.NewDecoder(base64.StdEncoding, r)
	}
	content, err := io.ReadAll(r)
	text := string(content)
	if name == "" {
		text = strings.TrimSuffix(text, "\r\n") // that ends the last line of the mail
	}
	return []part{{media, name, text}}, err
}

func (s *server) all() []received {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.mails)
}

// last are the rows of the last mail's CSV file.
func (s *server) last(t *testing.T) []destinationtest.Record {
	t.Helper()
	mails := s.all()
	if len(mails) == 0 {
		return nil
	}
	rows, err := csv.NewReader(strings.NewReader(mails[len(mails)-1].parts[1].content)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var all []destinationtest.Record
	for _, row := range rows[1:] {
		rec := destinationtest.Record{}
		for i, name := range rows[0] {
			rec[name] = value.OfText(row[i])
		}
		all = append(all, rec)
	}
	return all
}

// bodies are the rows that mails have as JSON.
func (s *server) bodies(t *testing.T) []destinationtest.Record {
	t.Helper()
	var all []destinationtest.Record
	for _, m := range s.all() {
		v, err := value.ParseJSON(m.parts[0].content)
		if err != nil {
			t.Fatalf("%q: %v", m.parts[0].content, err)
		}
		rec := destinationtest.Record{}
		for _, f := range v.Fields() {
			rec[f.Name] = f.Value
		}
		all = append(all, rec)
	}
	return all
}

// TestConformance runs the suite with mails for single rows and with a file of all rows.
//
// Req: SY-24, SY-40, SY-74, FLD-32
func TestConformance(t *testing.T) {
	t.Parallel()
	shared := newServer(t, tlsNone)
	for name, c := range map[string]struct {
		job     connector.SyncJob
		read    func(*server) func(*testing.T) []destinationtest.Record
		arrival func(connector.TargetColumn, value.Value) destinationtest.Arrival
		refused []destinationtest.Refused
		invalid []destinationtest.Invalid
	}{
		"message": {
			job: connector.SyncJob{Type: typeMessage, Mode: connector.ModeTrigger, Settings: connector.Settings{
				"to": "sales@example.com", "ccFrom": "column", "ccColumn": "value",
				"added": map[string]any{"enabled": true, "subject": "{{ row.id }}", "content": `{"id": "{{ row.id }}", "value": {{ row.value | json }}}`},
			}},
			read: func(s *server) func(*testing.T) []destinationtest.Record { return s.bodies },
			arrival: func(_ connector.TargetColumn, v value.Value) destinationtest.Arrival {
				if v.Kind() == value.Bytes || v.Kind() == value.Time || v.Kind() == value.Day {
					return destinationtest.Text(v)
				}
				return destinationtest.As(v)
			},
			refused: []destinationtest.Refused{{
				Name: "mailbox", Column: connector.TargetColumn{Name: "value", From: "value", Type: value.TypeString},
				Value: value.OfText("nobody@refused.example"), Says: "no such mailbox",
			}},
			invalid: []destinationtest.Invalid{
				{Name: "no trigger", Edit: func(j *connector.SyncJob) { j.Settings = connector.Settings{"to": "a@example.com"} }, Paths: []string{"spec.settings.added"}},
				{Name: "recipients", Edit: func(j *connector.SyncJob) {
					j.Settings["to"], j.Settings["cc"], j.Settings["bccFrom"], j.Settings["bccColumn"] = "sales", "x;y", "column", "nowhere"
					delete(j.Settings, "ccFrom")
					delete(j.Settings, "ccColumn")
				}, Paths: []string{"spec.settings.to", "spec.settings.cc", "spec.settings.bccColumn"}},
				{Name: "content", Edit: func(j *connector.SyncJob) {
					j.Settings["added"] = map[string]any{"enabled": true, "subject": "{{", "content": "{{"}
				}, Paths: []string{"spec.settings.added.subject", "spec.settings.added.content"}},
				{Name: "connection", Settings: connector.Settings{"security": "magic", "from": "reports", "replyTo": "x", "password": "pass-word"}, Paths: []string{
					"spec.configuration.host", "spec.configuration.security", "spec.configuration.from", "spec.configuration.replyTo", "spec.configuration.username",
				}},
			},
		},
		"csv": {
			job:  connector.SyncJob{Type: typeCSV, Mode: connector.ModeAll, Settings: connector.Settings{"to": "sales@example.com", "subject": "Rows"}},
			read: func(s *server) func(*testing.T) []destinationtest.Record { return s.last },
			arrival: func(_ connector.TargetColumn, v value.Value) destinationtest.Arrival {
				if v.Kind() == value.Text && strings.Contains(v.Raw(), "\r") {
					return destinationtest.Arrival{Skip: true} // the reader of this test takes it away
				}
				return destinationtest.Text(v)
			},
			invalid: []destinationtest.Invalid{
				{Name: "mapping", Edit: func(j *connector.SyncJob) { j.Columns = nil }, Paths: []string{"spec.mappings"}},
				{Name: "settings", Edit: func(j *connector.SyncJob) { j.Settings = connector.Settings{"body": "{{", "fileName": "{{"} }, Paths: []string{
					"spec.settings.to", "spec.settings.subject", "spec.settings.body", "spec.settings.fileName",
				}},
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wrong := shared.settings(tlsNone)
			wrong["password"] = "wrong-password"
			unsafe := shared.settings(tlsNone)
			unsafe["security"] = tlsStart
			destinationtest.Run(t, destinationtest.Fixture{
				Info: Info(), Arrival: c.arrival, Refused: c.refused, Invalid: c.invalid,
				Target: func(t *testing.T, columns []connector.TargetColumn) destinationtest.Target {
					s := newServer(t, tlsNone)
					job := c.job
					job.Columns = columns
					job.Settings = connector.Settings{}
					maps.Copy(job.Settings, c.job.Settings)
					if columns[1].Type != value.TypeString || len(c.refused) == 0 || !strings.Contains(t.Name(), "refused") {
						delete(job.Settings, "ccFrom")
						delete(job.Settings, "ccColumn")
					}
					for _, col := range columns {
						job.Model.Schema = append(job.Model.Schema, value.Column{Name: col.From, Type: col.Type, Nullable: true})
					}
					return destinationtest.Target{Settings: s.settings(tlsNone), Job: job, Read: c.read(s)}
				},
				Failing: []destinationtest.Failing{
					{Name: "no server", Settings: connector.Settings{"host": "127.0.0.1", "port": 1, "security": "none", "from": "a@example.com"}, Code: fault.CodeDestinationUnreachable, Says: "refused"},
					{Name: "wrong password", Settings: wrong, Code: fault.CodeDestinationAuth, Says: "who are you?"},
					{Name: "no STARTTLS", Settings: unsafe, Code: fault.CodeDestinationUnreachable, Says: "STARTTLS"},
					{Name: "no sender", Settings: connector.Settings{"host": "127.0.0.1"}, Code: fault.CodeInvalid, Says: "reports@example.com"},
				},
			})
		})
	}
}

func begin(t *testing.T, s *server, security string, job connector.SyncJob) connector.Session {
	t.Helper()
	info := Info()
	dir := t.TempDir()
	d, err := info.Open(connector.DestinationOptions{Settings: s.settings(security).WithDefaults(info.Fields), Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	job.SyncID, job.StartedAt = 7, time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	job.Model = connector.ModelInfo{Name: "Trial users", Schema: value.Schema{{Name: "name"}, {Name: "email"}}}
	run, err := d.Begin(t.Context(), job)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := run.Close(); err != nil {
			t.Error(err)
		}
		if left, err := filepath.Glob(filepath.Join(dir, "*")); err != nil || len(left) > 0 {
			t.Errorf("left behind: %v %v", left, err)
		}
	})
	return run
}

func rows(pairs ...string) []connector.Row {
	var all []connector.Row
	for i := 0; i < len(pairs); i += 2 {
		v := []value.Value{value.OfText(pairs[i]), value.OfText(pairs[i+1])}
		all = append(all, connector.Row{Key: pairs[i], Ordinal: int64(i), Source: v, Values: v})
	}
	return all
}

func write(t *testing.T, run connector.Session, op connector.Operation, list []connector.Row) connector.Result {
	t.Helper()
	result, err := run.Write(t.Context(), &connector.Batch{ID: "plan-1", Operation: op, Rows: list})
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// TestMessage: each operation has a subject and a content of its own, recipients are lists or columns, BCC stays hidden, the
// first run sends nothing, and one connection serves many mails.
//
// Req: SY-24, SY-40
func TestMessage(t *testing.T) {
	t.Parallel()
	for _, security := range []string{tlsNone, tlsStart, tlsFull} {
		t.Run(security, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, security)
			run := begin(t, s, security, connector.SyncJob{Type: typeMessage, Mode: connector.ModeTrigger, Settings: connector.Settings{
				"toFrom": "column", "toColumn": "email", "cc": "Sales <sales@example.com>, cs@example.com", "bcc": "audit@example.com",
				"added":   map[string]any{"enabled": true, "subject": "Welcome\n{{ row.name }}", "content": `User {{ row["name"] }} has signed up`},
				"removed": map[string]any{"enabled": true, "subject": "Bye", "content": `<b>{{ row.name }}</b> has left`, "format": "html"},
			}})
			if l := run.Limits(); !l.SkipInitial || l.Rows != 1 || l.Idempotency != connector.NotIdempotent || len(l.Operations) != 2 {
				t.Errorf("the limits are %+v", l)
			}
			write(t, run, connector.Added, rows("Ada & Co", "ada@example.com"))
			write(t, run, connector.Removed, rows("Ada & Co", "ada@example.com, grace@example.com"))
			mails := s.all()
			sessions := 1
			if security == tlsStart {
				sessions = 2 // the server begins anew with TLS
			}
			if len(mails) != 2 || s.conns != sessions {
				t.Fatalf("%d mails on %d connections", len(mails), s.conns)
			}
			first, second := mails[0], mails[1]
			if first.from != "reports@example.com" || !slices.Equal(first.to, []string{"ada@example.com", "sales@example.com", "cs@example.com", "audit@example.com"}) || !slices.Contains(second.to, "grace@example.com") {
				t.Errorf("from %s to %v and %v", first.from, first.to, second.to)
			}
			if first.header.Get("Bcc") != "" || !strings.Contains(first.header.Get("Cc"), "sales@example.com") || first.header.Get("Subject") != "Welcome Ada & Co" || first.header.Get("Auto-Submitted") != "auto-generated" {
				t.Errorf("the header is %v", first.header)
			}
			if first.parts[0] != (part{"text/plain", "", "User Ada & Co has signed up"}) || second.parts[0] != (part{"text/html", "", "<b>Ada &amp; Co</b> has left"}) {
				t.Errorf("the mails are %+v and %+v", first.parts, second.parts)
			}
		})
	}
}

// TestAnswers: the server's no is a refusal, its not now is worth another attempt, and a mail that it does not answer may
// have been sent.
//
// Req: SY-74, SY-76
func TestAnswers(t *testing.T) {
	t.Parallel()
	s := newServer(t, tlsNone)
	run := begin(t, s, tlsNone, connector.SyncJob{Type: typeMessage, Mode: connector.ModeTrigger, Settings: connector.Settings{
		"toFrom": "column", "toColumn": "email", "changed": map[string]any{"enabled": true, "subject": "s", "content": "c"},
	}})
	for address, c := range map[string]struct {
		says  string
		again bool
	}{
		"a@refused.example": {"no such mailbox", false}, "a@busy.example": {"come back later", true},
	} {
		result := write(t, run, connector.Changed, rows("x", address))
		if len(result.Rejected) != 1 || !strings.Contains(result.Rejected[0].Reason, c.says) || result.Rejected[0].Retry != c.again {
			t.Errorf("%s: %+v", address, result.Rejected)
		}
	}
	for address, class := range map[string]fault.Class{"a@lost.example": fault.Unknown, "nobody": fault.Permanent, "": fault.Permanent} {
		b := &connector.Batch{ID: "x", Operation: connector.Changed, Rows: rows("x", address)}
		if _, err := run.Write(t.Context(), b); err == nil || fault.ClassOf(err) != class {
			t.Errorf("%q: %v", address, err)
		}
	}
	write(t, run, connector.Changed, rows("x", "a@example.com")) // on another connection
	if len(s.all()) != 1 {
		t.Errorf("%d mails arrived", len(s.all()))
	}
}

// TestBatch: all rows in mails of a few rows each.
func TestBatch(t *testing.T) {
	t.Parallel()
	s := newServer(t, tlsNone)
	run := begin(t, s, tlsNone, connector.SyncJob{Type: typeBatch, Mode: connector.ModeAll, Settings: connector.Settings{
		"to": "sales@example.com", "content": "{{ row.name }} is {{ row.email }}", "rowsPerMail": 3, "subject": "{{ rows.size }} rows",
	}})
	if l := run.Limits(); l.Rows != 3 || l.Deferred || l.SkipInitial {
		t.Errorf("the limits are %+v", l)
	}
	write(t, run, connector.Added, rows("a", "1", "b", "2", "c", "3"))
	mails := s.all()
	if len(mails) != 1 || mails[0].header.Get("Subject") != "3 rows" || mails[0].parts[0].content != "a is 1\r\nb is 2\r\nc is 3" {
		t.Errorf("the mails are %+v", mails)
	}
}

// TestReports: one mail with all rows, once the run is over.
func TestReports(t *testing.T) {
	t.Parallel()
	columns := []connector.TargetColumn{{Name: "Full name", From: "name"}, {Name: "Mail", From: "email"}}
	table := "Hello\r\n\r\nFull name | Mail\r\n--------- | -----------\r\nÄda       | a@x\r\nGrace     | g@x.example"
	file := "Full name,Mail\r\nÄda,a@x\r\nGrace,g@x.example\r\n"
	for name, c := range map[string]struct {
		job  connector.SyncJob
		want []part
	}{
		"table": {connector.SyncJob{Type: typeTable, Settings: connector.Settings{}}, []part{{"text/plain", "", table}}},
		"csv": {
			connector.SyncJob{Type: typeCSV, Settings: connector.Settings{"fileName": `r/{{ context.current_timestamp | date: "%Y-%m-%d" }}.csv`}},
			[]part{{"text/plain", "", "Hello"}, {"text/csv", "r_2026-03-04.csv", strings.ReplaceAll(file, "\r\n", "\n")}},
		},
		"zip": {connector.SyncJob{Type: typeCSV, Settings: connector.Settings{"zip": true}}, []part{{"text/plain", "", "Hello"}, {"application/zip", "Trial users.zip", strings.ReplaceAll(file, "\r\n", "\n")}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, tlsNone)
			job := c.job
			job.Mode, job.Columns = connector.ModeAll, columns
			job.Settings["to"], job.Settings["subject"], job.Settings["body"] = "sales@example.com", "Users of {{ context.model_name }}", "Hello"
			run := begin(t, s, tlsNone, job)
			if !run.Limits().Deferred {
				t.Error("rows count before the mail is sent")
			}
			write(t, run, connector.Added, rows("Äda", "a@x"))
			write(t, run, connector.Added, rows("Grace", "g@x.example"))
			if len(s.all()) != 0 {
				t.Error("a mail was sent before the run was over")
			}
			if err := run.Finish(t.Context()); err != nil {
				t.Fatal(err)
			}
			mails := s.all()
			if len(mails) != 1 || mails[0].header.Get("Subject") != "Users of Trial users" {
				t.Fatalf("the mails are %+v", mails)
			}
			got := mails[0].parts
			if name == "zip" {
				got[1].content = unzip(t, got[1].content)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("the mail has %q, want %q", got, c.want)
			}
		})
	}
}

func unzip(t *testing.T, content string) string {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader([]byte(content)), int64(len(content)))
	if err != nil || len(z.File) != 1 || z.File[0].Name != "Trial users.csv" {
		t.Fatalf("%+v %v", z, err)
	}
	r, err := z.File[0].Open()
	if err != nil {
		t.Fatal(err)
	}
	all, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(all)
}

// TestNoRows: a report without rows is sent only where the sync says so, one that the server refuses fails the run, and a
// table that nobody could read ends it.
func TestNoRows(t *testing.T) {
	t.Parallel()
	s := newServer(t, tlsNone)
	job := func(settings connector.Settings) connector.SyncJob {
		settings["subject"] = "s"
		return connector.SyncJob{Type: typeTable, Mode: connector.ModeAll, Columns: []connector.TargetColumn{{Name: "name", From: "name"}}, Settings: settings}
	}
	for _, empty := range []bool{false, true} {
		if err := begin(t, s, tlsNone, job(connector.Settings{"to": "a@example.com", "empty": empty})).Finish(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if len(s.all()) != 1 {
		t.Errorf("%d mails", len(s.all()))
	}
	refused := begin(t, s, tlsNone, job(connector.Settings{"to": "a@refused.example", "empty": true}))
	if err := refused.Finish(t.Context()); !fault.Is(err, fault.CodeDestinationRejected) || !strings.Contains(err.Error(), "no such mailbox") {
		t.Error(err)
	}
	large := begin(t, s, tlsNone, job(connector.Settings{"to": "a@example.com"}))
	_, err := large.Write(t.Context(), &connector.Batch{Operation: connector.Added, Rows: []connector.Row{{Values: []value.Value{value.OfText(strings.Repeat("x", maxTable))}}}})
	if !fault.Is(err, fault.CodeTooLarge) {
		t.Error(err)
	}
}
