package file

import (
	"math"
	"slices"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
)

// SyncTypeSlug is the slug of the one sync type of file destinations.
const SyncTypeSlug = "file"

// Formats.
const (
	formatCSV     = "csv"
	formatJSON    = "json"
	formatNDJSON  = "ndjson"
	formatXML     = "xml"
	formatParquet = "parquet"
)

// Ways to write booleans in CSV files.
const (
	booleanWords = "words"
	booleanOne   = "oneOrEmpty"
)

// delimiters of CSV files, by the name in the settings.
var delimiters = map[string]byte{"comma": ',', "semicolon": ';', "pipe": '|', "tilde": '~', "tab": '\t'}

// settings are the sync's own.
type settings struct {
	Format         string  `json:"format"`
	Filename       string  `json:"filename"`
	FilenameOffset float64 `json:"filenameOffset"` // seconds
	CSVDelimiter   string  `json:"csvDelimiter"`
	CSVHeader      bool    `json:"csvHeader"`
	CSVBOM         bool    `json:"csvBom"`
	CSVBooleans    string  `json:"csvBooleans"`
	Gzip           bool    `json:"gzip"`
	RowsPerFile    float64 `json:"rowsPerFile"` // 0 means one file
	SkipEmpty      bool    `json:"skipEmptyFiles"`
	Indicator      string  `json:"indicatorFile"`
}

// fields returns the settings of a sync.
func fields() []connector.Field {
	csv := &connector.ShowIf{Field: "format", In: []string{formatCSV}}
	return []connector.Field{
		{
			Name: "format", Label: "File format", Type: connector.FieldSelect, Default: formatCSV, Required: true,
			Options: []connector.Option{
				{Value: formatCSV, Label: "CSV"},
				{Value: formatJSON, Label: "JSON", Help: "One array of objects"},
				{Value: formatNDJSON, Label: "NDJSON", Help: "One object on each line"},
				{Value: formatXML, Label: "XML"},
				{Value: formatParquet, Label: "Parquet"},
			},
		},
		{
			Name: "filename", Label: "File name", Type: connector.FieldString, Required: true, Example: "exports/{YYYY}-{MM}-{DD}/customers.csv",
			Help: "Folders and name, relative to the destination. Variables: {YYYY} {YY} {MM} {DD} {HH} {mm} {ss} {ms} {X} {x} (the time of the run, UTC; X and x are Unix seconds and milliseconds), {model.id} {model.name} {sync.id} {sync.run.id}, in diff mode {operation}, with several files {batch}. A file that exists is overwritten.",
		},
		{
			Name: "filenameOffset", Label: "File name offset", Type: connector.FieldNumber, Default: 0, Advanced: true, Min: new(-1e9), Max: new(1e9), Example: "-86400",
			Help: "Seconds that are added to the time of the run before it is written into the name: -86400 is the day before.",
		},
		{
			Name: "csvDelimiter", Label: "Delimiter", Type: connector.FieldSelect, Default: "comma", ShowIf: csv,
			Options: []connector.Option{
				{Value: "comma", Label: "Comma (,)"},
				{Value: "semicolon", Label: "Semicolon (;)"},
				{Value: "pipe", Label: "Pipe (|)"},
				{Value: "tilde", Label: "Tilde (~)"},
				{Value: "tab", Label: "Tab"},
			},
		},
		{Name: "csvHeader", Label: "Header row", Type: connector.FieldBoolean, Default: true, ShowIf: csv, Help: "The first line names the columns."},
		{Name: "csvBom", Label: "Byte order mark", Type: connector.FieldBoolean, Default: false, Advanced: true, ShowIf: csv, Help: "Start the file with the bytes EF BB BF, by which spreadsheets recognise UTF-8."},
		{
			Name: "csvBooleans", Label: "Booleans", Type: connector.FieldSelect, Default: booleanWords, Advanced: true, ShowIf: csv,
			Options: []connector.Option{
				{Value: booleanWords, Label: "true and false"},
				{Value: booleanOne, Label: "1 and empty", Help: "False looks like no value"},
			},
		},
		{Name: "gzip", Label: "Compress with gzip", Type: connector.FieldBoolean, Default: false, Help: "The name stays as it is: add .gz to it yourself. Parquet files are compressed inside instead, so that they stay Parquet."},
		{Name: "rowsPerFile", Label: "Rows in one file", Type: connector.FieldNumber, Advanced: true, Min: new(1.0), Example: "100000", Help: "Splits large results over several files, numbered by {batch} or by _1, _2 … before the extension. Empty means one file."},
		{Name: "skipEmptyFiles", Label: "Skip empty files", Type: connector.FieldBoolean, Default: false, Help: "Write no file where there are no rows."},
		{Name: "indicatorFile", Label: "Indicator file", Type: connector.FieldString, Advanced: true, Example: "exports/{YYYY}-{MM}-{DD}/_SUCCESS", Help: "An empty file that is written after all others, so that readers know that a run is complete. It is not written when the run fails or has no rows."},
	}
}

// SyncType returns the sync type that every file destination offers, with the settings that a
// destination adds.
func SyncType(extra ...connector.Field) connector.SyncType {
	return connector.SyncType{
		Slug:    SyncTypeSlug,
		Name:    "Any data set",
		Summary: "Writes rows to CSV, JSON, NDJSON, XML or Parquet files",
		Modes:   []connector.Mode{connector.ModeInsert, connector.ModeAll, connector.ModeDiff, connector.ModeSnapshot},
		Fields:  append(fields(), extra...),
		Mapping: connector.MappingRule{Enabled: true, Required: true, Advanced: true, Custom: true, AllByName: true},
		Compare: connector.CompareMapped,

		Deferred: true,
	}
}

// PublicKeyField is the setting of a destination that encrypts its files.
func PublicKeyField() connector.Field {
	return connector.Field{
		Name: publicKeySetting, Label: "PGP public key", Type: connector.FieldText, Advanced: true,
		Help: "When given, every file is encrypted with this key. Paste the whole block with its header and footer; the private key stays with you.",
	}
}

const publicKeySetting = "pgpPublicKey"

// operations returns what a mode acts on; other changes are passed over (SY-75).
func operations(m connector.Mode) []connector.Operation {
	if m == connector.ModeDiff {
		return connector.Operations
	}
	return []connector.Operation{connector.Added}
}

// decode reads the settings of a job.
func decode(job connector.SyncJob) (settings, error) {
	var s settings
	err := job.Settings.WithDefaults(fields()).Decode(&s)
	return s, err
}

// Check reports every error of a job that can be known without the network. publicKey is the
// destination's PGP key, or empty; extra are the settings that the destination adds.
func Check(job connector.SyncJob, publicKey string, extra ...connector.Field) error {
	issues := job.Settings.Check("spec.settings", append(fields(), extra...), nil)
	if !slices.Contains(SyncType().Modes, job.Mode) {
		issues.Add("spec.mode", fault.CodeInvalid, "files are written in the modes insert, all, diff and snapshot, not %q", job.Mode)
	}
	checkColumns(job.Columns, &issues)
	if _, err := parseKey(publicKey); err != nil {
		issues = append(issues, fault.As(err).WithPath("spec.configuration."+publicKeySetting))
	}
	if s, err := decode(job); err == nil {
		checkNumbers(s, &issues)
		checkNames(s, job, &issues)
	}
	return issues.Err()
}

func checkColumns(columns []connector.TargetColumn, issues *fault.Issues) {
	if len(columns) == 0 {
		issues.Add("spec.mappings", fault.CodeRequired, "map at least one column, or send all columns")
	}
	seen := map[string]bool{}
	for _, c := range columns {
		if c.Name == "" || seen[c.Name] {
			issues.Add("spec.mappings", fault.CodeInvalid, "each column of a file needs a name of its own; %q is not one", c.Name)
		}
		seen[c.Name] = true
	}
}

func checkNumbers(s settings, issues *fault.Issues) {
	if s.RowsPerFile != math.Trunc(s.RowsPerFile) {
		issues.Add("spec.settings.rowsPerFile", fault.CodeInvalid, "the rows in one file must be a whole number")
	}
	if s.FilenameOffset != math.Trunc(s.FilenameOffset) {
		issues.Add("spec.settings.filenameOffset", fault.CodeInvalid, "the offset must be a whole number of seconds")
	}
}

// checkNames renders the names that a run would have.
func checkNames(s settings, job connector.SyncJob, issues *fault.Issues) {
	names := map[string]bool{}
	if n, err := newNaming(s, job); err != nil && s.Filename != "" {
		*issues = append(*issues, fault.As(err).WithPath("spec.settings.filename"))
	} else if s.Filename != "" {
		checkDataNames(n, job.Mode, names, issues)
	}
	if s.Indicator == "" {
		return
	}
	name, err := indicatorName(s, job)
	switch {
	case err != nil:
		*issues = append(*issues, fault.As(err).WithPath("spec.settings.indicatorFile"))
	case names[name]:
		issues.Add("spec.settings.indicatorFile", fault.CodeInvalid, "the indicator file would overwrite a file with rows")
	}
}

func checkDataNames(n naming, m connector.Mode, names map[string]bool, issues *fault.Issues) {
	for _, op := range operations(m) {
		if _, err := n.of(op, widestBatch); err != nil {
			*issues = append(*issues, fault.As(err).WithPath("spec.settings.filename"))
			return
		}
		first, _ := n.of(op, 1) //nolint:errcheck // shorter than the name that was just checked
		names[first] = true
	}
}

// indicatorName returns the name of the file that says that a run is complete.
func indicatorName(s settings, job connector.SyncJob) (string, error) {
	t, err := parseTemplate(s.Indicator)
	if err != nil {
		return "", err
	}
	if err := t.allows(false, false); err != nil {
		return "", err
	}
	n, err := newNaming(settings{Filename: "-", FilenameOffset: s.FilenameOffset}, job)
	if err != nil {
		return "", err
	}
	return n.render(t, "", 0)
}
