package googlesheets

import (
	"regexp"
	"slices"
	"strings"

	"github.com/millrace/millrace/internal/cloud"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/destination/file"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/oauth"
	"github.com/millrace/millrace/internal/value"
)

// settings are the destination's own.
type settings struct {
	oauth.App

	Access     string    `json:"access"`
	Credential cloud.GCP `json:"credential"`
	Endpoint   string    `json:"endpoint"`
}

// Who the spreadsheets are written as.
const (
	byCredential = "credential"
	byPerson     = "person"
)

// person holds where a person's account is used.
func person() *connector.ShowIf {
	return &connector.ShowIf{Field: "access", In: []string{byPerson}}
}

func fields() []connector.Field {
	list := []connector.Field{
		{
			Name: "access", Label: "Access", Type: connector.FieldSelect, Default: byCredential,
			Options: []connector.Option{
				{Value: byCredential, Label: "Service account", Help: "Spreadsheets are shared with its address"},
				{Value: byPerson, Label: "A person's Google account", Help: "Whatever the person may edit can be written to"},
			},
		},
		{
			Name: "credential", Label: "GCP credential", Type: connector.FieldCredential, Providers: []string{cloud.ProviderGCP}, Required: true,
			ShowIf: &connector.ShowIf{Field: "access", In: []string{byCredential}},
			Help:   "A service account. Share each spreadsheet with its e-mail address as Editor, as with a person.",
		},
	}
	list = append(list, connector.AuthorizeFields(person())...)
	return append(list, connector.Field{
		Name: "endpoint", Label: "Endpoint", Type: connector.FieldString, Advanced: true, Example: "https://google.example.com",
		Help: "Where the Sheets and Drive APIs are, and the service of tokens of people's accounts, for a gateway in between. Empty means Google's own addresses.",
	})
}

// check reports every setting that cannot work.
func (s settings) check() fault.Issues {
	var issues fault.Issues
	switch {
	case s.Access == byPerson:
		s.checkApp(&issues)
	case s.Credential.Auth != cloud.AuthServer:
		if _, err := cloud.ParseServiceAccount(s.Credential.ServiceAccountKey); err != nil {
			issues = append(issues, fault.As(err).WithPath("spec.configuration.credential"))
		}
	}
	file.CheckEndpoint("endpoint", s.Endpoint, &issues)
	return issues
}

func (s settings) checkApp(issues *fault.Issues) {
	for field, text := range map[string]string{"clientId": s.ClientID, "clientSecret": s.ClientSecret} {
		if text == "" {
			issues.Add("spec.configuration."+field, fault.CodeRequired, "the OAuth client of a project of Google Cloud is needed")
		}
	}
}

// How values are entered.
// https://developers.google.com/workspace/sheets/api/reference/rest/v4/ValueInputOption
const (
	inputRaw  = "RAW"
	inputUser = "USER_ENTERED"
)

// Pick-lists.
const (
	listSpreadsheets = "spreadsheets"
	listSheets       = "sheets"
)

// SyncTypeSlug is the slug of the one sync type.
const SyncTypeSlug = "sheet"

// sync are a sync's own settings.
type sync struct {
	Spreadsheet string `json:"spreadsheet"`
	Sheet       string `json:"sheet"`
	Snapshot    string `json:"snapshotName"`
	Input       string `json:"valueInput"`
	Range       string `json:"range"`
	Header      bool   `json:"header"`
	Overflow    bool   `json:"overflow"`
}

func syncFields() []connector.Field {
	return []connector.Field{
		{
			Name: "spreadsheet", Label: "Spreadsheet", Type: connector.FieldSelect, Required: true, Target: true, OptionsFrom: listSpreadsheets, Creatable: true,
			Help: "Those that the account can open, or the ID or address of one. Only native Google Sheets: save .xls and .xlsx files as Google Sheets first.",
		},
		{
			Name: "sheet", Label: "Sheet", Type: connector.FieldSelect, Target: true, OptionsFrom: listSheets, Creatable: true,
			Help: "Mode all replaces what is in it, mode insert adds to it. Let no other sync write to it. Its name must have no colon.",
		},
		{
			Name: "snapshotName", Label: "Name of a snapshot", Type: connector.FieldString, Default: "{model.name} {YYYY}-{MM}-{DD} {HH}.{mm}.{ss}", Advanced: true,
			Help: "Mode snapshot makes a sheet with this name in each run. Variables: {YYYY} {YY} {MM} {DD} {HH} {mm} {ss} {ms} {X} {x} (the time of the run, UTC), {model.id} {model.name} {sync.id} {sync.run.id}.",
		},
		{
			Name: "valueInput", Label: "Data format", Type: connector.FieldSelect, Default: inputRaw,
			Options: []connector.Option{
				{Value: inputRaw, Label: "Raw", Help: "Values are stored as they are; dates are texts"},
				{Value: inputUser, Label: "User entered", Help: "Texts are read as if somebody typed them: they may become dates, numbers or formulas"},
			},
		},
		{
			Name: "range", Label: "Cell range", Type: connector.FieldString, Example: "A1:Z1000", Advanced: true,
			Help: "Nothing outside it is touched, such as formulas and notes in the margins. Empty means the whole sheet.",
		},
		{Name: "header", Label: "Header row", Type: connector.FieldBoolean, Default: true, Help: "The first row names the columns. Mode insert looks there for the columns by their names."},
		{
			Name: "overflow", Label: "Continue in further spreadsheets", Type: connector.FieldBoolean, Default: false, Advanced: true,
			Help: "What is more than the cells of a spreadsheet continues in spreadsheets with the same name and _1, _2 … in the same folder, which must be open to the account too. What they hold is overwritten.",
		},
	}
}

func syncType() connector.SyncType {
	return connector.SyncType{
		Slug:    SyncTypeSlug,
		Name:    "Sheet",
		Summary: "Writes rows to a sheet of a spreadsheet",
		Modes:   []connector.Mode{connector.ModeAll, connector.ModeSnapshot, connector.ModeInsert},
		Fields:  syncFields(),
		Mapping: connector.MappingRule{Enabled: true, Required: true, Advanced: true, Custom: true, AllByName: true},
		Compare: connector.CompareMapped,
	}
}

func decodeSync(job connector.SyncJob) (sync, error) {
	var s sync
	err := job.Settings.WithDefaults(syncFields()).Decode(&s)
	s.Spreadsheet = spreadsheetID(s.Spreadsheet)
	return s, err
}

// spreadsheetIn finds the ID in a spreadsheet's address.
var spreadsheetIn = regexp.MustCompile(`/spreadsheets/d/([A-Za-z0-9_-]+)`)

func spreadsheetID(text string) string {
	if m := spreadsheetIn.FindStringSubmatch(text); m != nil {
		return m[1]
	}
	return strings.TrimSpace(text)
}

// maxColumns is Google's limit. https://support.google.com/drive/answer/37603
const maxColumns = 18_278

// checkJob reports every setting of a sync that cannot work.
func checkJob(job connector.SyncJob) fault.Issues {
	issues := job.Settings.Check("spec.settings", syncFields(), nil)
	if !slices.Contains(syncType().Modes, job.Mode) {
		issues.Add("spec.mode", fault.CodeInvalid, "sheets are written in the modes all, snapshot and insert, not %q", job.Mode)
	}
	checkColumns(job.Columns, &issues)
	s, err := decodeSync(job)
	if err != nil {
		return issues
	}
	s.checkPlace(job, &issues)
	s.checkRange(len(job.Columns), &issues)
	return issues
}

func checkColumns(columns []connector.TargetColumn, issues *fault.Issues) {
	if len(columns) == 0 || len(columns) > maxColumns {
		issues.Add("spec.mappings", fault.CodeInvalid, "map at least one column, and at most %d", maxColumns)
	}
	seen := map[string]bool{}
	for _, c := range columns {
		if c.Name == "" || seen[c.Name] {
			issues.Add("spec.mappings", fault.CodeInvalid, "each column of a sheet needs a name of its own; %q is not one", c.Name)
		}
		seen[c.Name] = true
		if c.Type == value.TypeObject {
			*issues = append(*issues, fault.New(fault.CodeInvalid, "the column %q holds objects or arrays, which cells cannot hold", c.Name).WithPath("spec.mappings").
				WithSuggestion("%s", castAdvice))
		}
	}
}

const castAdvice = "Change the column's type to string in the model, or map it with a template that makes a text of it."

func (s sync) checkPlace(job connector.SyncJob, issues *fault.Issues) {
	if job.Mode == connector.ModeSnapshot {
		if strings.Contains(s.Snapshot, ":") {
			issues.Add("spec.settings.snapshotName", fault.CodeInvalid, "the name of a sheet must have no colon: ranges could not name it")
		} else if _, err := file.Name(s.Snapshot, job); err != nil {
			*issues = append(*issues, fault.As(err).WithPath("spec.settings.snapshotName"))
		}
		return
	}
	switch {
	case s.Sheet == "":
		issues.Add("spec.settings.sheet", fault.CodeRequired, "choose the sheet to write to")
	case strings.Contains(s.Sheet, ":"):
		*issues = append(*issues, fault.New(fault.CodeInvalid, "the sheet %q has a colon in its name, which ranges cannot hold", s.Sheet).WithPath("spec.settings.sheet").
			WithSuggestion("Rename the sheet in Google Sheets, with an underscore instead, and choose it again."))
	}
}

func (s sync) checkRange(columns int, issues *fault.Issues) {
	r, err := parseArea(s.Range)
	if err != nil {
		*issues = append(*issues, fault.As(err).WithPath("spec.settings.range"))
		return
	}
	if r.width > 0 && columns > r.width {
		issues.Add("spec.settings.range", fault.CodeInvalid, "the range %s has %d columns, and %d are mapped", s.Range, r.width, columns)
	}
}
