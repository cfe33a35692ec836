package file

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
)

// Variables of a file name that are not a time.
const (
	varModelID   = "model.id"
	varModelName = "model.name"
	varSyncID    = "sync.id"
	varRunID     = "sync.run.id"
	varOperation = "operation" // only in diff mode
	varBatch     = "batch"     // only when rows are split over files
)

// timeVariables are written in UTC.
var timeVariables = map[string]func(time.Time) string{
	"YYYY": func(t time.Time) string { return t.Format("2006") },
	"YY":   func(t time.Time) string { return t.Format("06") },
	"MM":   func(t time.Time) string { return t.Format("01") },
	"DD":   func(t time.Time) string { return t.Format("02") },
	"HH":   func(t time.Time) string { return t.Format("15") },
	"mm":   func(t time.Time) string { return t.Format("04") },
	"ss":   func(t time.Time) string { return t.Format("05") },
	"ms":   func(t time.Time) string { return fmt.Sprintf("%03d", t.Nanosecond()/int(time.Millisecond)) },
	"X":    func(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) },
	"x":    func(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) },
}

// Variables lists what a file name may contain in braces, as the user writes it.
var Variables = []string{
	"YYYY", "YY", "MM", "DD", "HH", "mm", "ss", "ms", "X", "x",
	varModelID, varModelName, varSyncID, varRunID, varOperation, varBatch,
}

// template is a file name with variables.
type template []piece

// piece is literal text, or a variable when it has a name.
type piece struct {
	text     string
	variable string
}

// parseTemplate reads a name such as "exports/{YYYY}-{MM}/customers.csv". There is no escape: a name
// holds no brace of its own.
func parseTemplate(text string) (template, error) {
	var t template
	for rest := text; rest != ""; {
		literal, after, found := strings.Cut(rest, "{")
		if strings.Contains(literal, "}") {
			return nil, fault.New(fault.CodeInvalid, "%q has a closing brace without an opening one", text)
		}
		if literal != "" {
			t = append(t, piece{text: literal})
		}
		if !found {
			break
		}
		name, tail, closed := strings.Cut(after, "}")
		if !closed {
			return nil, fault.New(fault.CodeInvalid, "%q has an opening brace without a closing one", text)
		}
		if !slices.Contains(Variables, name) {
			return nil, unknownVariable(name)
		}
		t, rest = append(t, piece{variable: name}), tail
	}
	return t, nil
}

func unknownVariable(name string) error {
	return fault.New(fault.CodeInvalid, "there is no variable {%s}", name).
		WithSuggestion("The variables are {%s}.", strings.Join(Variables, "}, {"))
}

func (t template) uses(variable string) bool {
	return slices.ContainsFunc(t, func(p piece) bool { return p.variable == variable })
}

// distinguishesRuns reports whether the name changes with time or with the run.
func (t template) distinguishesRuns() bool {
	return slices.ContainsFunc(t, func(p piece) bool { return p.variable == varRunID || timeVariables[p.variable] != nil })
}

// packed are the extensions that follow another one.
var packed = []string{".gz", ".gzip", ".pgp", ".gpg", ".asc"}

// insert puts pieces before the extension: "a.csv.gz" becomes "a" + pieces + ".csv.gz".
func (t template) insert(pieces ...piece) template {
	if len(t) == 0 || t[len(t)-1].variable != "" {
		return append(slices.Clone(t), pieces...)
	}
	last := t[len(t)-1].text
	at := extensionAt(last, len(t) > 1)
	out := slices.Clone(t[:len(t)-1])
	if at > 0 {
		out = append(out, piece{text: last[:at]})
	}
	out = append(out, pieces...)
	if at < len(last) {
		out = append(out, piece{text: last[at:]})
	}
	return out
}

// extensionAt returns where the extension of a name's last literal starts, or its length.
func extensionAt(text string, continues bool) int {
	start := strings.LastIndexByte(text, '/') + 1
	at := len(text)
	for {
		dot := strings.LastIndexByte(text[:at], '.')
		if dot < start || dot == start && (start > 0 || !continues) {
			return at
		}
		wasPacked := slices.Contains(packed, strings.ToLower(text[dot:at]))
		at = dot
		if !wasPacked {
			return at
		}
	}
}

// naming makes the names of one run's files.
type naming struct {
	data template
	time time.Time
	job  connector.SyncJob
}

// runTime is what a snapshot's name gets when it would be the same in every run.
var runTime = []piece{
	{text: "_"},
	{variable: "YYYY"},
	{variable: "MM"},
	{variable: "DD"},
	{text: "T"},
	{variable: "HH"},
	{variable: "mm"},
	{variable: "ss"},
	{variable: "ms"},
	{text: "Z"},
}

// newNaming completes the user's template for the job's mode.
func newNaming(s settings, job connector.SyncJob) (naming, error) {
	n := naming{job: job, time: job.StartedAt.UTC().Add(time.Duration(s.FilenameOffset) * time.Second)}
	var err error
	if n.data, err = parseTemplate(s.Filename); err != nil {
		return n, err
	}
	if err := n.data.allows(job.Mode == connector.ModeDiff, s.RowsPerFile > 0); err != nil {
		return n, err
	}
	if job.Mode == connector.ModeSnapshot && !n.data.distinguishesRuns() {
		n.data = n.data.insert(runTime...)
	}
	if job.Mode == connector.ModeDiff && !n.data.uses(varOperation) {
		n.data = n.data.insert(piece{text: "_"}, piece{variable: varOperation})
	}
	if s.RowsPerFile > 0 && !n.data.uses(varBatch) {
		n.data = n.data.insert(piece{text: "_"}, piece{variable: varBatch})
	}
	return n, nil
}

// Name fills the variables of a name that is no file's, such as that of a sheet.
func Name(text string, job connector.SyncJob) (string, error) {
	t, err := parseTemplate(text)
	if err != nil {
		return "", err
	}
	if err := t.allows(false, false); err != nil {
		return "", err
	}
	return naming{job: job, time: job.StartedAt.UTC()}.render(t, "", 0)
}

// allows refuses variables that have no meaning in this run.
func (t template) allows(operation, batch bool) error {
	if t.uses(varOperation) && !operation {
		return fault.New(fault.CodeInvalid, "the variable {operation} exists only in the names of data files in diff mode")
	}
	if t.uses(varBatch) && !batch {
		return fault.New(fault.CodeInvalid, "the variable {batch} exists only in the names of data files that are split by rows")
	}
	return nil
}

// widestBatch is a batch number as long as any: names are checked with it.
const widestBatch = 9_999_999

// of returns the name of the batch-th file with the rows of an operation; batches count from 1.
func (n naming) of(op connector.Operation, batch int) (string, error) {
	return n.render(n.data, op, batch)
}

func (n naming) render(t template, op connector.Operation, batch int) (string, error) {
	var b strings.Builder
	for _, p := range t {
		b.WriteString(p.text)
		b.WriteString(n.variable(p.variable, op, batch))
	}
	name := b.String()
	return name, checkName(name)
}

func (n naming) variable(name string, op connector.Operation, batch int) string {
	switch name {
	case varModelID:
		return strconv.FormatInt(n.job.Model.ID, 10)
	case varModelName:
		return segment(n.job.Model.Name)
	case varSyncID:
		return strconv.FormatInt(n.job.SyncID, 10)
	case varRunID:
		return strconv.FormatInt(n.job.RunID, 10)
	case varOperation:
		return string(op)
	case varBatch:
		return strconv.Itoa(batch)
	}
	if write := timeVariables[name]; write != nil {
		return write(n.time)
	}
	return ""
}

// segment makes a value fit to be a part of a name: only the template makes folders.
func segment(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '/' || r == '\\' || unicode.IsControl(r) {
			return '-'
		}
		return r
	}, s)
}

// Limits of names: a key of S3 has at most 1024 bytes, a file name of common file systems 255.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
const (
	maxName    = 1024
	maxSegment = 255
)

// checkName refuses names that leave the destination's folder or that cannot exist.
func checkName(name string) error {
	invalid := func(format string, args ...any) error { return fault.New(fault.CodeInvalid, format, args...) }
	switch {
	case name == "":
		return invalid("the file name is empty")
	case len(name) > maxName:
		return invalid("the file name has %d bytes; at most %d are possible", len(name), maxName)
	case strings.HasPrefix(name, "/"):
		return invalid("%q starts with a slash; names are relative to the destination's folder", name)
	case strings.HasSuffix(name, "/"):
		return invalid("%q names a folder", name)
	case strings.ContainsFunc(name, func(r rune) bool { return r == '\\' || r == unicode.ReplacementChar || unicode.IsControl(r) }):
		return invalid("%q has a backslash, a control character or invalid text", name)
	}
	for part := range strings.SplitSeq(name, "/") {
		switch {
		case part == "" || part == "." || part == "..":
			return invalid("%q has the folder %q, which is not allowed", name, part)
		case len(part) > maxSegment:
			return invalid("%q is longer than the %d bytes that a file name may have", part, maxSegment)
		case strings.HasPrefix(part, reserved):
			return invalid("%q starts with %q, which Millrace keeps for unfinished files", part, reserved)
		}
	}
	if path.Clean(name) != name {
		return invalid("%q is not a plain path", name)
	}
	return nil
}

// reserved is the beginning of names that unfinished files have.
const reserved = ".millrace-"
