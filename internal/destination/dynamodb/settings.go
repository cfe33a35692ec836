package dynamodb

import (
	"math"
	"net/url"
	"regexp"
	"slices"

	"github.com/millrace/millrace/internal/cloud"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
)

// settings are the destination's own.
type settings struct {
	Credential cloud.AWS `json:"credential"`
	Region     string    `json:"region"`
	Endpoint   string    `json:"endpoint"`
}

var (
	regionName = regexp.MustCompile(`^[a-z]{2,}(-[a-z]+)+-[0-9]+$`)
	// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html; the ARN of a
	// table names one of another account.
	tableName = regexp.MustCompile(`^([a-zA-Z0-9_.-]{3,255}|arn:[a-z0-9-]+:dynamodb:[a-z0-9-]+:[0-9]{12}:table/[a-zA-Z0-9_.-]{3,255})$`)
)

// check reports every setting that cannot work.
func (s settings) check() fault.Issues {
	var issues fault.Issues
	add := func(field, format string, args ...any) {
		issues.Add("spec.configuration."+field, fault.CodeInvalid, format, args...)
	}
	switch {
	case s.Region == "":
		add("region", "the region is missing")
	case !regionName.MatchString(s.Region):
		add("region", "%q is not a region such as eu-central-1", s.Region)
	}
	if s.Endpoint != "" {
		u, err := url.Parse(s.Endpoint)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.RawQuery != "" {
			add("endpoint", "the address must be like https://dynamodb.example.com")
		}
	}
	return issues
}

// where names the place in messages.
func (s settings) where() string {
	if s.Endpoint != "" {
		return s.Endpoint
	}
	return "DynamoDB in " + s.Region
}

// syncSettings are a sync's own.
type syncSettings struct {
	Table    string  `json:"table"`
	Write    string  `json:"write"`
	Parallel float64 `json:"parallel"`
}

// decode reads the settings of a job.
func decode(job connector.SyncJob) (syncSettings, error) {
	var s syncSettings
	err := job.Settings.WithDefaults(syncType().Fields).Decode(&s)
	return s, err
}

// Check reports every error of the settings that can be known without the table.
func (d *destination) Check(job connector.SyncJob) error {
	issues := d.settings.check()
	issues = append(issues, job.Settings.Check("spec.settings", syncType().Fields, nil)...)
	if s, err := decode(job); err == nil {
		if s.Table != "" && !tableName.MatchString(s.Table) {
			issues.Add("spec.settings.table", fault.CodeInvalid, "%q cannot be the name of a table: it has 3 to 255 letters, digits, dots, hyphens and underscores", s.Table)
		}
		if s.Parallel != math.Trunc(s.Parallel) {
			issues.Add("spec.settings.parallel", fault.CodeInvalid, "it must be a whole number")
		}
	}
	if !slices.Contains(syncType().Modes, job.Mode) {
		issues.Add("spec.mode", fault.CodeInvalid, "items are written in the mode upsert, not %q", job.Mode)
	}
	checkMatch(job, &issues)
	checkColumns(job, &issues)
	return issues.Err()
}

// maxKeys is how many attributes a primary key can have.
const maxKeys = 2

func checkMatch(job connector.SyncJob, issues *fault.Issues) {
	if len(job.Match) == 0 || len(job.Match) > maxKeys {
		issues.Add("spec.match", fault.CodeInvalid, "match the attributes of the table's primary key: its partition key, and its sort key where it has one")
	}
	seen := map[string]bool{}
	for _, m := range job.Match {
		if m.To == "" || seen[m.To] {
			issues.Add("spec.match", fault.CodeInvalid, "each attribute can be matched once; %q cannot", m.To)
		}
		seen[m.To] = true
	}
}

func checkColumns(job connector.SyncJob, issues *fault.Issues) {
	if len(job.Columns) == 0 {
		issues.Add("spec.mappings", fault.CodeRequired, "map at least one attribute")
		return
	}
	seen := map[string]bool{}
	for _, c := range job.Columns {
		if c.Name == "" || seen[c.Name] {
			issues.Add("spec.mappings", fault.CodeInvalid, "each attribute can be filled once; %q cannot", c.Name)
		}
		seen[c.Name] = true
	}
	if job.Delete == connector.DeleteClear && !slices.ContainsFunc(job.Columns, func(c connector.TargetColumn) bool { return !isKey(job, c.Name) }) {
		issues.Add("spec.delete", fault.CodeInvalid, "no attribute besides the primary key is mapped: there is nothing to clear")
	}
}

// isKey reports whether an attribute is matched.
func isKey(job connector.SyncJob, name string) bool {
	return slices.ContainsFunc(job.Match, func(m connector.MatchPair) bool { return m.To == name })
}
