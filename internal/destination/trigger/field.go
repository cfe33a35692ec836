package trigger

import "github.com/millrace/millrace/internal/connector"

// ListColumns is the pick-list of the model's columns.
const ListColumns = "columns"

// The ways to make a body that all destinations with triggers have.
const (
	BodyJSON   = "json"
	BodyColumn = "column"
	BodyMapped = "mapped"
)

// When makes a field exist only while another one has one of the values.
func When(field string, in ...string) *connector.ShowIf {
	return &connector.ShowIf{Field: field, In: in}
}

// Options makes a pick-list of words that need no label.
func Options(values ...string) []connector.Option {
	list := make([]connector.Option, len(values))
	for i, v := range values {
		list[i] = connector.Option{Value: v, Label: v}
	}
	return list
}

// OperationFields are the settings of a sync with triggers: an object for each operation, and what the first run does.
func OperationFields(of func(op connector.Operation) []connector.Field) []connector.Field {
	return []connector.Field{
		{Name: string(connector.Added), Label: "Rows added", Type: connector.FieldObject, Fields: of(connector.Added)},
		{Name: string(connector.Changed), Label: "Rows changed", Type: connector.FieldObject, Fields: of(connector.Changed)},
		{Name: string(connector.Removed), Label: "Rows removed", Type: connector.FieldObject, Fields: of(connector.Removed)},
		InitialField(),
	}
}

// InitialField asks what the first run does.
func InitialField() connector.Field {
	return connector.Field{
		Name: "initial", Label: "First run", Type: connector.FieldSelect, Default: InitialBackfill,
		Options: []connector.Option{
			{Value: InitialBackfill, Label: "Send all rows", Help: "Every row of the first run counts as added."},
			{Value: InitialSkip, Label: "Skip the rows that exist", Help: "The first run, and a full resync, send nothing and remember the rows."},
		},
	}
}

// enabledField is the name of the switch that all other settings of an operation hang on.
const enabledField = "enabled"

// Enabled is the condition of an operation's settings: it is switched on.
func Enabled() *connector.ShowIf { return When(enabledField, "true") }

// EnabledField is the switch of an operation.
func EnabledField(label string) connector.Field {
	return connector.Field{Name: enabledField, Label: label, Type: connector.FieldBoolean, Default: false}
}

// MessageFields ask how the message of a row is made, in the ways that all destinations have and in more. Decode them
// into Message.
func MessageFields(more ...connector.Option) []connector.Field {
	return []connector.Field{
		{
			Name: "body", Label: "Message", Type: connector.FieldSelect, Default: BodyMapped, ShowIf: Enabled(),
			Options: append([]connector.Option{
				{Value: BodyMapped, Label: "JSON from the mapping", Help: "An object of the mapped fields."},
				{Value: BodyJSON, Label: "JSON from a template"},
				{Value: BodyColumn, Label: "JSON from one column"},
			}, more...),
		},
		{Name: "json", Label: "JSON", Type: connector.FieldText, Required: true, ShowIf: When("body", BodyJSON), Example: `{"email": "{{ row.email }}", "age": {{ row.age }}}`, Help: "A Liquid template with row. Put double quotes around texts. Commas before a closing bracket are removed."},
		{Name: "column", Label: "Column", Type: connector.FieldSelect, Required: true, OptionsFrom: ListColumns, ShowIf: When("body", BodyColumn), Help: "It holds the JSON of the whole message."},
	}
}

// Where a place such as a topic is taken from.
const (
	FromFixed  = "fixed"
	FromColumn = "column"
)

// PlaceFields ask for a place: one for all rows, from the pick-list, or the one that a column of each row names. Their
// names are name, nameFrom and nameColumn.
func PlaceFields(name, label, list, help string) []connector.Field {
	from := name + "From"
	return []connector.Field{
		{
			Name: from, Label: label, Type: connector.FieldSelect, Default: FromFixed, ShowIf: Enabled(),
			Options: []connector.Option{{Value: FromFixed, Label: "The same for all rows"}, {Value: FromColumn, Label: "From a column of each row"}},
		},
		{Name: name, Label: label, Type: connector.FieldSelect, OptionsFrom: list, Creatable: true, Required: true, ShowIf: When(from, FromFixed), Help: help},
		{Name: name + "Column", Label: label + " from the column", Type: connector.FieldSelect, OptionsFrom: ListColumns, Required: true, ShowIf: When(from, FromColumn), Help: help},
	}
}

// Bounds of the numbers in PaceFields.
const (
	maxRetries     = 20
	maxConcurrency = 500
	maxRate        = 1_000_000
)

// PaceFields ask how fast something is done, such as requests, and what becomes of what failed. Decode them into Pace.
func PaceFields(things string, rate, concurrency int) []connector.Field {
	return []connector.Field{
		{Name: "rateLimit", Label: things + " in a window", Type: connector.FieldNumber, Default: rate, Min: new(0.0), Max: new(float64(maxRate)), Help: "Slightly fewer are made. 0 means no limit."},
		{Name: "rateWindow", Label: "Window", Type: connector.FieldSelect, Default: PerSecond, Options: Options(PerSecond, PerMinute, PerHour)},
		{Name: "concurrency", Label: things + " at once", Type: connector.FieldNumber, Default: concurrency, Min: new(1.0), Max: new(float64(maxConcurrency))},
		{
			Name: "retry", Label: "Try again what failed", Type: connector.FieldSelect, Default: RetryNow,
			Options: []connector.Option{{Value: RetryNow, Label: "At once, then in the next runs"}, {Value: RetryNext, Label: "In the next runs"}},
		},
		{Name: "retries", Label: "Retries in a run", Type: connector.FieldNumber, Default: 3, Min: new(0.0), Max: new(float64(maxRetries)), ShowIf: When("retry", RetryNow), Help: "Waits grow between them."},
	}
}
