package lambda

import (
	"regexp"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/destination/aws"
	"github.com/millrace/millrace/internal/destination/trigger"
	"github.com/millrace/millrace/internal/fault"
)

func fields() []connector.Field {
	list := aws.Fields("lambda:InvokeFunction on the functions", false)
	return append(list, connector.Field{Name: "region", Label: "Region of the test", Type: connector.FieldString, Default: "us-east-1", Advanced: true, Help: "Where AWS is asked who the keys belong to when the connection is tested. Functions are called in the region that their ARN names."})
}

// What a sync may choose.
const (
	maxBatch   = 1000
	maxTimeout = 900 // seconds: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
	maxPayload = 6 << 20
)

// syncSettings are a sync's own.
type syncSettings struct {
	trigger.Pace

	Function   string `json:"function"`
	Added      bool   `json:"added"`
	Changed    bool   `json:"changed"`
	Removed    bool   `json:"removed"`
	BatchSize  int    `json:"batchSize"`
	Timeout    int    `json:"timeout"`
	Idempotent bool   `json:"idempotent"`
}

func syncFields() []connector.Field {
	list := []connector.Field{
		{Name: "function", Label: "Function ARN", Type: connector.FieldString, Required: true, Example: "arn:aws:lambda:eu-central-1:123456789012:function:sync-contacts:42", Help: "With or without a version or alias."},
		{Name: "added", Label: "Rows added", Type: connector.FieldBoolean, Default: false, Help: "Call the function for rows that were added."},
		{Name: "changed", Label: "Rows changed", Type: connector.FieldBoolean, Default: false, Help: "Call the function for rows that changed."},
		{Name: "removed", Label: "Rows removed", Type: connector.FieldBoolean, Default: false, Help: "Call the function for rows that were removed."},
		trigger.InitialField(),
		{Name: "batchSize", Label: "Rows in a call", Type: connector.FieldNumber, Default: 1, Min: new(1.0), Max: new(float64(maxBatch)), Help: "More than one only where the function can be called again with rows that it has seen: part of a batch may have worked when a call fails."},
	}
	list = append(list, trigger.PaceFields("Calls", 0, 10)...)
	return append(list,
		connector.Field{Name: "timeout", Label: "Timeout in seconds", Type: connector.FieldNumber, Default: 60, Min: new(1.0), Max: new(float64(maxTimeout)), Help: "At least what the function itself has."},
		connector.Field{Name: "idempotent", Label: "The function may see a row twice", Type: connector.FieldBoolean, Default: false, Advanced: true, Help: "Calls whose answer was lost are made again. Otherwise their rows are reported."},
	)
}

// function is the address of a function.
type function struct {
	arn       string // without its version
	region    string
	qualifier string
}

// https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_RequestParameters
var arnForm = regexp.MustCompile(`^(arn:aws[a-zA-Z-]*:lambda:([a-z]{2}(?:-[a-z]+)+-\d):\d{12}:function:[a-zA-Z0-9_-]+)(?::(\$LATEST|[a-zA-Z0-9_-]+))?$`)

func parseFunction(text string) (function, bool) {
	m := arnForm.FindStringSubmatch(text)
	if m == nil {
		return function{}, false
	}
	return function{arn: m[1], region: m[2], qualifier: m[3]}, true
}

// plan is what a sync's settings say, compiled once for a run.
type plan struct {
	syncSettings

	function function
	feed     trigger.Feed
}

const settingsPath = "spec.settings."

// compile reads the sync's settings and reports every error in them.
func compile(job connector.SyncJob) (plan, fault.Issues) {
	issues := job.Settings.Check("spec.settings", syncFields(), nil)
	p := plan{feed: trigger.Feed{}}
	if err := job.Settings.WithDefaults(syncFields()).Decode(&p.syncSettings); err != nil {
		issues = append(issues, fault.As(err).WithPath("spec.settings"))
		return p, issues
	}
	var known bool
	if p.function, known = parseFunction(p.Function); !known && p.Function != "" {
		issues.Add(settingsPath+"function", fault.CodeInvalid, "%q is not the ARN of a function, as in arn:aws:lambda:eu-central-1:123456789012:function:sync-contacts", p.Function)
	}
	for op, enabled := range map[connector.Operation]bool{connector.Added: p.Added, connector.Changed: p.Changed, connector.Removed: p.Removed} {
		if enabled {
			p.feed[op] = p.limits(job)
		}
	}
	trigger.Nothing(len(p.feed), &issues)
	p.feed.Share(true)
	return p, issues
}

// limits: what a function does with rows that it sees again, only its author can say. A batch that Lambda refuses, such as
// one that is too large, has not reached the function: halves of it may.
func (p plan) limits(job connector.SyncJob) connector.Limits {
	i := connector.NotIdempotent
	if p.Idempotent {
		i = connector.Idempotent
	}
	l := p.Limits(job, i)
	l.Rows, l.Bytes, l.Split = max(1, p.BatchSize), maxPayload-envelope, p.BatchSize > 1
	return l
}

// envelope is what a payload needs besides its rows, at most.
const envelope = 64 << 10
