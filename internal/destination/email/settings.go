package email

import (
	"crypto/x509"
	"net/mail"
	"strings"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/destination/trigger"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/template"
)

// How the connection is protected.
const (
	tlsFull  = "tls"
	tlsStart = "starttls"
	tlsNone  = "none"
)

// ports are those of RFC 8314 and RFC 5321.
var ports = map[string]int{tlsFull: 465, tlsStart: 587, tlsNone: 25}

// settings are the connection's own.
type settings struct {
	Host     string `json:"host"`
	Port     int    `json:"port"`
	Security string `json:"security"`
	Username string `json:"username"`
	Password string `json:"password"`
	From     string `json:"from"`
	ReplyTo  string `json:"replyTo"`
	CA       string `json:"caCertificate"`
}

func fields() []connector.Field {
	return []connector.Field{
		{Name: "host", Label: "Mail server", Type: connector.FieldString, Required: true, Target: true, Example: "smtp.example.com"},
		{Name: "port", Label: "Port", Type: connector.FieldNumber, Min: new(1.0), Max: new(65535.0), Help: "Empty means 587 with STARTTLS, 465 with TLS and 25 with neither."},
		{
			Name: "security", Label: "Security", Type: connector.FieldSelect, Default: tlsStart,
			Options: []connector.Option{{Value: tlsStart, Label: "STARTTLS"}, {Value: tlsFull, Label: "TLS from the beginning"}, {Value: tlsNone, Label: "None", Help: "Passwords and mails travel readable."}},
		},
		{Name: "username", Label: "User", Type: connector.FieldString, Help: "Empty where the server wants none."},
		{Name: "password", Label: "Password", Type: connector.FieldSecret, Secret: true},
		{Name: "from", Label: "Sender", Type: connector.FieldString, Required: true, Example: "Acme Reports <reports@example.com>"},
		{Name: "replyTo", Label: "Answers go to", Type: connector.FieldString, Advanced: true, Example: "support@example.com", Help: "Empty means the sender."},
		{Name: "caCertificate", Label: "CA certificate", Type: connector.FieldText, Advanced: true, ShowIf: trigger.When("security", tlsStart, tlsFull), Help: "PEM of the authorities that the server's certificate is checked with, besides those that this server trusts already."},
	}
}

const configuration = "spec.configuration."

// check reports every setting that cannot work.
func (s settings) check() fault.Issues {
	var issues fault.Issues
	if s.Host == "" {
		issues.Add(configuration+"host", fault.CodeRequired, "a mail server is required")
	}
	if _, known := ports[s.Security]; !known {
		issues.Add(configuration+"security", fault.CodeInvalid, "there is no security %q", s.Security)
	}
	if _, err := mail.ParseAddress(s.From); err != nil {
		issues.Add(configuration+"from", fault.CodeInvalid, "an address such as reports@example.com is needed")
	}
	if _, err := mail.ParseAddress(s.ReplyTo); s.ReplyTo != "" && err != nil {
		issues.Add(configuration+"replyTo", fault.CodeInvalid, "an address such as support@example.com is needed")
	}
	if s.Username == "" && s.Password != "" {
		issues.Add(configuration+"username", fault.CodeRequired, "a password needs a user")
	}
	if _, err := s.pool(); err != nil {
		issues = append(issues, fault.As(err).WithPath(configuration+"caCertificate"))
	}
	return issues
}

// pool returns the authorities that the server is checked with; nil means the system's.
func (s settings) pool() (*x509.CertPool, error) {
	if s.CA == "" {
		return nil, nil //nolint:nilnil // as tls.Config reads it
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM([]byte(s.CA)) {
		return nil, fault.New(fault.CodeInvalid, "the CA certificate is not PEM")
	}
	return pool, nil
}

func (s settings) port() int {
	if s.Port != 0 {
		return s.Port
	}
	return ports[s.Security]
}

// The sync types.
const (
	typeMessage = "message"
	typeBatch   = "batch"
	typeTable   = "table"
	typeCSV     = "csv"
)

// The formats of a body.
const (
	formatText = "text"
	formatHTML = "html"
)

// maxRows is how many rows a mail of the type batch may have.
const maxRows = 20

func syncTypes() []connector.SyncType {
	all := []connector.Mode{connector.ModeAll}
	columns := connector.MappingRule{Enabled: true, Required: true, Advanced: true, Custom: true, AllByName: true}
	return []connector.SyncType{
		{
			Slug: typeMessage, Name: "Mail for each change", Summary: "A mail for each row that was added, changed or removed; the first run sends none",
			Modes: []connector.Mode{connector.ModeTrigger}, Fields: messageFields(), Compare: connector.CompareAll,
		},
		{
			Slug: typeBatch, Name: "Mails with all rows", Summary: "All rows in each run, up to 20 in a mail", Modes: all, Compare: connector.CompareAll,
			Fields: append(fixedRecipients(), subjectField(false), formatField(),
				connector.Field{Name: "content", Label: "Content of a row", Type: connector.FieldText, Required: true, Example: `{{ row.name }} has {{ row.seats }} seats`, Help: "A Liquid template, repeated for each row of a mail."},
				connector.Field{Name: "rowsPerMail", Label: "Rows in a mail", Type: connector.FieldNumber, Default: 1, Min: new(1.0), Max: new(float64(maxRows))},
			),
		},
		{
			Slug: typeTable, Name: "Table", Summary: "One mail with all rows as a table of text, for few rows", Modes: all, Compare: connector.CompareMapped, Deferred: true, Mapping: columns,
			Fields: append(fixedRecipients(), subjectField(true), introField(), emptyField()),
		},
		{
			Slug: typeCSV, Name: "CSV", Summary: "One mail with all rows as a CSV file, zipped or not", Modes: all, Compare: connector.CompareMapped, Deferred: true, Mapping: columns,
			Fields: append(fixedRecipients(), subjectField(true), introField(),
				connector.Field{Name: "fileName", Label: "Name of the file", Type: connector.FieldString, Default: "{{ context.model_name }}.csv", Help: "A Liquid template, such as report-{{ context.current_timestamp | date: '%Y-%m-%d' }}.csv."},
				connector.Field{Name: "zip", Label: "Zip the file", Type: connector.FieldBoolean, Default: false, Help: "Some mail servers refuse zipped files: allow them there first."},
				emptyField(),
			),
		},
	}
}

func subjectField(required bool) connector.Field {
	return connector.Field{Name: "subject", Label: "Subject", Type: connector.FieldString, Required: required, Help: "A Liquid template."}
}

func formatField() connector.Field {
	return connector.Field{Name: "format", Label: "Format", Type: connector.FieldSelect, Default: formatText, Options: []connector.Option{{Value: formatText, Label: "Text"}, {Value: formatHTML, Label: "HTML", Help: "Printed values are escaped."}}}
}

func introField() connector.Field {
	return connector.Field{Name: "body", Label: "Text", Type: connector.FieldText, Help: "A Liquid template with context, before the table or beside the file."}
}

func emptyField() connector.Field {
	return connector.Field{Name: "empty", Label: "Send it without rows too", Type: connector.FieldBoolean, Default: false}
}

// recipients are the names of the fields with addresses, and their labels.
var recipients = []struct{ name, label string }{{"to", "To"}, {"cc", "CC"}, {"bcc", "BCC"}}

// addressHelp explains a field with addresses.
const addressHelp = "One address, or several with commas between them."

// fixedRecipients ask for addresses that are the same for all mails.
func fixedRecipients() []connector.Field {
	var list []connector.Field
	for _, r := range recipients {
		list = append(list, connector.Field{Name: r.name, Label: r.label, Type: connector.FieldString, Required: r.name == "to", Example: "sales@example.com", Help: addressHelp})
	}
	return list
}

// messageFields are those of mails for single rows: their addresses may come from columns.
func messageFields() []connector.Field {
	var list []connector.Field
	for _, r := range recipients {
		from := r.name + "From"
		list = append(list,
			connector.Field{
				Name: from, Label: r.label, Type: connector.FieldSelect, Default: trigger.FromFixed, Advanced: r.name != "to",
				Options: []connector.Option{{Value: trigger.FromFixed, Label: "The same for all rows"}, {Value: trigger.FromColumn, Label: "From a column of each row"}},
			},
			connector.Field{Name: r.name, Label: r.label, Type: connector.FieldString, Required: r.name == "to", ShowIf: trigger.When(from, trigger.FromFixed), Example: "sales@example.com", Help: addressHelp},
			connector.Field{Name: r.name + "Column", Label: r.label + " from the column", Type: connector.FieldSelect, OptionsFrom: trigger.ListColumns, Required: true, ShowIf: trigger.When(from, trigger.FromColumn), Help: addressHelp},
		)
	}
	for _, op := range []struct {
		op    connector.Operation
		label string
	}{{connector.Added, "Rows added"}, {connector.Changed, "Rows changed"}, {connector.Removed, "Rows removed"}} {
		subject, format := subjectField(true), formatField()
		subject.ShowIf, format.ShowIf = trigger.Enabled(), trigger.Enabled()
		list = append(list, connector.Field{Name: string(op.op), Label: op.label, Type: connector.FieldObject, Fields: []connector.Field{
			trigger.EnabledField("Send mails"), subject, format,
			{Name: "content", Label: "Content", Type: connector.FieldText, Required: true, ShowIf: trigger.Enabled(), Example: `{{ row["name"] }} has signed up with {{ row["email"] }}`, Help: "A Liquid template with row."},
		}})
	}
	return append(list, connector.Field{Name: "concurrency", Label: "Connections at once", Type: connector.FieldNumber, Default: 2, Min: new(1.0), Max: new(20.0), Advanced: true})
}

// contentSettings are those of one kind of mail.
type contentSettings struct {
	Enabled bool   `json:"enabled"`
	Subject string `json:"subject"`
	Format  string `json:"format"`
	Content string `json:"content"`
}

// syncSettings are those of all types.
type syncSettings struct {
	contentSettings

	To          string `json:"to"`
	ToFrom      string `json:"toFrom"`
	ToColumn    string `json:"toColumn"`
	CC          string `json:"cc"`
	CCFrom      string `json:"ccFrom"`
	CCColumn    string `json:"ccColumn"`
	BCC         string `json:"bcc"`
	BCCFrom     string `json:"bccFrom"`
	BCCColumn   string `json:"bccColumn"`
	Concurrency int    `json:"concurrency"`
	RowsPerMail int    `json:"rowsPerMail"`
	Body        string `json:"body"`
	FileName    string `json:"fileName"`
	Zip         bool   `json:"zip"`
	Empty       bool   `json:"empty"`
}

// addresses are the recipients of one kind.
type addresses struct {
	fixed  []string
	column string
	at     int // of the column; -1 for none
}

// of returns the recipients of a row.
func (a addresses) of(row *connector.Row) ([]string, error) {
	if a.column == "" {
		return a.fixed, nil
	}
	if a.at < 0 || a.at >= len(row.Source) {
		return nil, nil
	}
	list, err := parseAddresses(row.Source[a.at].String())
	if err != nil {
		return nil, fault.New(fault.CodeMappingReject, "the column %s has no addresses: %v", a.column, err)
	}
	return list, nil
}

// parseAddresses reads a list of addresses, which may be empty.
func parseAddresses(text string) ([]string, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	parsed, err := mail.ParseAddressList(text)
	if err != nil {
		return nil, err
	}
	list := make([]string, len(parsed))
	for i, a := range parsed {
		list[i] = a.String()
	}
	return list, nil
}

// plan is what a sync's settings say, compiled once for a run.
type plan struct {
	syncSettings

	kind         string
	to, cc, bcc  addresses
	contents     map[connector.Operation]content
	intro        *template.Template
	file         *template.Template
	feed         trigger.Feed
	onlyContexts content // the subject of mails with all rows
}

// content is what a mail says.
type content struct {
	subject *template.Template // nil for none
	body    *template.Template
	html    bool
}

// compile reads the sync's settings and reports every error in them.
func compile(job connector.SyncJob) (plan, fault.Issues) {
	p := plan{kind: job.Type, contents: map[connector.Operation]content{}, feed: trigger.Feed{}}
	fields := fieldsOf(job.Type)
	if fields == nil {
		return p, fault.Issues{fault.New(fault.CodeInvalid, "there is no sync type %q", job.Type).WithPath("spec.type")}
	}
	issues := job.Settings.Check("spec.settings", fields, nil)
	if err := job.Settings.WithDefaults(fields).Decode(&p.syncSettings); err != nil {
		return p, append(issues, fault.As(err).WithPath("spec.settings"))
	}
	c := &trigger.Compiler{Job: job, Path: "spec.settings", Issues: &issues}
	p.to = compileAddresses(c, "to", p.To, p.ToFrom, p.ToColumn)
	p.cc = compileAddresses(c, "cc", p.CC, p.CCFrom, p.CCColumn)
	p.bcc = compileAddresses(c, "bcc", p.BCC, p.BCCFrom, p.BCCColumn)
	switch job.Type {
	case typeMessage:
		p.compileMessages(c, fields)
	case typeBatch:
		p.contents[connector.Added] = compileContent(c, p.contentSettings)
		p.feed[connector.Added] = connector.Limits{Rows: max(1, p.RowsPerMail), Concurrency: 1}
	default:
		p.compileReport(c)
	}
	for op, l := range p.feed {
		l.Bytes, l.OneKind, l.Idempotency = trigger.MaxBytes, true, connector.NotIdempotent
		p.feed[op] = l
	}
	p.feed.Share(c.Source)
	return p, issues
}

func fieldsOf(kind string) []connector.Field {
	for _, t := range syncTypes() {
		if t.Slug == kind {
			return t.Fields
		}
	}
	return nil
}

func compileAddresses(c *trigger.Compiler, field, fixed, from, column string) addresses {
	if from == trigger.FromColumn {
		return addresses{column: column, at: c.Index(field+"Column", column)}
	}
	list, err := parseAddresses(fixed)
	if err != nil {
		c.Invalid(field, "%q is no address and no list of addresses with commas between them", fixed)
	}
	return addresses{fixed: list, at: -1}
}

func compileContent(c *trigger.Compiler, s contentSettings) content {
	made := content{html: s.Format == formatHTML}
	if s.Subject != "" {
		made.subject = c.Reads("subject", template.Plain, s.Subject)
	}
	f := template.Plain
	if made.html {
		f = template.XML
	}
	made.body = c.Reads("content", f, s.Content)
	return made
}

// compileMessages compiles mails for single rows, each in a batch of its own: the fate of every mail is known.
func (p *plan) compileMessages(c *trigger.Compiler, fields []connector.Field) {
	trigger.Each(fields, func(op connector.Operation, fields []connector.Field) {
		s := contentSettings{}
		if !trigger.Read(c.Job, op, fields, &s, c.Issues) || !s.Enabled {
			return
		}
		one := &trigger.Compiler{Job: c.Job, Path: trigger.Path(op), Issues: c.Issues}
		p.contents[op] = compileContent(one, s)
		p.feed[op] = connector.Limits{Rows: 1, Concurrency: max(1, p.Concurrency), SkipInitial: true}
		c.Source = c.Source || one.Source
	})
	trigger.Nothing(len(p.contents), c.Issues)
}

// compileReport compiles a mail with all rows.
func (p *plan) compileReport(c *trigger.Compiler) {
	p.onlyContexts.subject = c.Parse("subject", template.Plain, p.Subject)
	p.intro = c.Parse("body", template.Plain, p.Body)
	if p.kind == typeCSV {
		p.file = c.Parse("fileName", template.Plain, p.FileName)
	}
	c.NeedsMapping("body")
	p.feed[connector.Added] = connector.Limits{Rows: reportRows, Concurrency: 1, Deferred: true}
}

// reportRows is how many rows of a report are written at a time.
const reportRows = 1000
