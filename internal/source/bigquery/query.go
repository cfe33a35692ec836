package bigquery

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
	rest "google.golang.org/api/bigquery/v2"
	"google.golang.org/api/googleapi"
)

// Query streams the rows of one statement.
func (s *Source) Query(ctx context.Context, q connector.Query) (array.RecordReader, error) {
	if err := s.enter(); err != nil {
		return nil, err
	}
	defer s.leave()
	ctx, end := s.scope(ctx)
	own := query.Clean(q.SQL)
	r, err := s.query(ctx, end, own, q)
	if err != nil {
		err = s.explain(ctx, err, own)
		end()
		return nil, err
	}
	return r, nil
}

func (s *Source) query(ctx context.Context, end func(), own string, q connector.Query) (*reader, error) {
	fields, schema, err := s.describe(ctx, own, q)
	if err != nil {
		return nil, err
	}
	text := own
	if q.Limit > 0 {
		text = query.BigQuery.Limit(own, q.Limit)
	}
	job, first, err := s.run(ctx, text, q)
	if err != nil {
		return nil, err
	}
	if first.PageToken != "" || s.always {
		files, err := s.fromBucket(ctx, job, fields, schema, q)
		if err != nil {
			return nil, err
		}
		if files != nil {
			return newReader(ctx, end, s, schema, files), nil
		}
		stream, err := s.openStream(ctx, job, fields, schema)
		if err != nil {
			return nil, err
		}
		if stream != nil {
			return newReader(ctx, end, s, schema, stream), nil
		}
	}
	return newReader(ctx, end, s, schema, newPages(s, job, fields, schema, first)), nil
}

// describe lets BigQuery check a person's statement, which must read and do nothing else, and tells its columns.
func (s *Source) describe(ctx context.Context, own string, q connector.Query) ([]*rest.TableFieldSchema, *arrow.Schema, error) {
	stats, err := s.dryRun(ctx, own, q)
	if err != nil {
		return nil, nil, err
	}
	switch {
	case stats.StatementType == "SCRIPT":
		return nil, nil, fault.New(fault.CodeSourceQuery, "the query consists of several statements").WithSuggestion("Write the model as one SELECT.")
	case stats.StatementType != "SELECT":
		return nil, nil, fault.New(fault.CodeSourceQuery, "the statement is no SELECT but %s", strings.ReplaceAll(stats.StatementType, "_", " ")).
			WithSuggestion("A model reads and cannot change data: write it as a SELECT.")
	case stats.Schema == nil || len(stats.Schema.Fields) == 0:
		return nil, nil, fault.New(fault.CodeSourceQuery, "the statement returns no columns").WithSuggestion("Write the model as a SELECT.")
	}
	fields := stats.Schema.Fields
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.Name
	}
	if err := connector.DistinctColumns(names); err != nil {
		return nil, nil, err
	}
	schema, err := columnsOf(fields)
	if err == nil && q.Class == connector.WorkloadInteractive {
		schema = s.withComments(ctx, own, schema)
	}
	return fields, schema, err
}

// dryRun checks a statement: https://cloud.google.com/bigquery/docs/running-queries#dry-run
func (s *Source) dryRun(ctx context.Context, sql string, q connector.Query) (*rest.JobStatistics2, error) {
	job := s.job(sql, q)
	job.Configuration.DryRun, job.JobReference.JobId = true, ""
	done, err := s.insert(ctx, job)
	if err != nil {
		return nil, err
	}
	if done.Statistics == nil || done.Statistics.Query == nil {
		return nil, fault.New(fault.CodeSourceQuery, "BigQuery said nothing about the statement")
	}
	return done.Statistics.Query, nil
}

// gigabyte is BigQuery's unit of what is billed, which the setting counts in.
const gigabyte = 1 << 30

// job is a query that is to run.
func (s *Source) job(sql string, q connector.Query) *rest.Job {
	standard := false
	config := &rest.JobConfigurationQuery{Query: sql, UseLegacySql: &standard, Priority: "INTERACTIVE"}
	if q.Class == connector.WorkloadBatch && s.settings.BatchPriority == priorityBatch {
		config.Priority = "BATCH"
	}
	if s.settings.MaximumGigabytes > 0 {
		config.MaximumBytesBilled = int64(s.settings.MaximumGigabytes * gigabyte)
	}
	return &rest.Job{
		JobReference:  &rest.JobReference{ProjectId: s.jobProject(), Location: s.settings.Location, JobId: "millrace_" + strings.ToLower(rand.Text())},
		Configuration: &rest.JobConfiguration{Query: config, Labels: labels(q)},
	}
}

// labels say in BigQuery's own log of jobs who asked. https://cloud.google.com/bigquery/docs/labels-intro
func labels(q connector.Query) map[string]string {
	all := map[string]string{"millrace": "query"}
	if q.Tag != "" {
		all["millrace"] = Label(q.Tag)
	}
	if q.Class != "" {
		all["millrace_class"] = Label(string(q.Class))
	}
	return all
}

// maxLabel is how many characters a label has at most.
const maxLabel = 63

// Label returns a tag as a label can hold it: small letters, digits, underscores and dashes.
func Label(tag string) string {
	text := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '-':
			return r
		default:
			return '_'
		}
	}, strings.ToLower(tag))
	return text[:min(len(text), maxLabel)]
}

// insert starts a job. One with an ID of ours can be sent again: BigQuery starts it once.
func (s *Source) insert(ctx context.Context, job *rest.Job) (*rest.Job, error) {
	done, err := retried(ctx, s, func() (*rest.Job, error) {
		return s.client.rest.Jobs.Insert(job.JobReference.ProjectId, job).Context(ctx).Do()
	})
	if httpStatus(err) == http.StatusConflict && job.JobReference.JobId != "" && strings.Contains(err.Error(), "Already Exists: Job") {
		return job, nil
	}
	return done, err
}

// cancelTimeout is how long BigQuery may take to be told that a job is not wanted any more.
const cancelTimeout = 10 * time.Second

// run executes a statement and returns its first page. A job that is not wanted any more is cancelled.
func (s *Source) run(ctx context.Context, sql string, q connector.Query) (*rest.JobReference, *rest.GetQueryResultsResponse, error) {
	job := s.job(sql, q)
	ref := job.JobReference
	first, err := s.await(ctx, job)
	if err != nil {
		s.giveUp(ctx, ref)
	}
	return ref, first, err
}

// giveUp cancels a job whose context has ended.
func (s *Source) giveUp(ctx context.Context, job *rest.JobReference) {
	if ctx.Err() == nil {
		return
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), cancelTimeout)
	defer cancel()
	_, _ = s.client.rest.Jobs.Cancel(job.ProjectId, job.JobId).Location(job.Location).Context(stop).Do() //nolint:errcheck // BigQuery may not have begun it
}

func (s *Source) await(ctx context.Context, job *rest.Job) (*rest.GetQueryResultsResponse, error) {
	if _, err := s.insert(ctx, job); err != nil {
		return nil, err
	}
	for {
		page, err := s.results(ctx, job.JobReference, "")
		if err != nil || page.JobComplete {
			return page, err
		}
	}
}

// pollTime is how long BigQuery waits for a job before it answers that it still runs.
const pollTime = 10 * time.Second

// results asks for a page of a job's rows; without a token for the first, once the job has ended.
func (s *Source) results(ctx context.Context, job *rest.JobReference, token string) (*rest.GetQueryResultsResponse, error) {
	return retried(ctx, s, func() (*rest.GetQueryResultsResponse, error) {
		call := s.client.rest.Jobs.GetQueryResults(job.ProjectId, job.JobId).Location(job.Location).
			MaxResults(pageRows).TimeoutMs(pollTime.Milliseconds()).FormatOptionsUseInt64Timestamp(true)
		if token != "" {
			call.PageToken(token)
		}
		return call.Context(ctx).Do()
	})
}

// whole is a statement that takes the columns of one table as they are.
var whole = regexp.MustCompile("(?is)^\\s*SELECT\\s+\\*\\s+FROM\\s+((?:`[^`\\\\]+`|[\\w-]+)(?:\\.(?:`[^`\\\\]+`|\\w+))*)\\s*(?:AS\\s+\\w+\\s*)?(?:--[^\\n]*\\n?\\s*)?(?:$|(?:WHERE|ORDER|LIMIT)\\b(.*))")

// withComments tells the comments of the columns of a statement that reads one table. BigQuery does not say where a
// result's columns come from; of other statements nothing is told.
func (s *Source) withComments(ctx context.Context, sql string, schema *arrow.Schema) *arrow.Schema {
	found := whole.FindStringSubmatch(sql)
	if found == nil {
		return schema
	}
	parts := strings.Split(strings.ReplaceAll(found[1], "`", ""), ".")
	project := s.jobProject()
	switch len(parts) {
	case 2:
	case 3:
		project = parts[0]
		parts = parts[1:]
	default:
		return schema
	}
	t, err := s.table(ctx, project, parts[0], parts[1])
	if err != nil || t.Schema == nil {
		return schema // a preview without comments is one still
	}
	said := map[string]string{}
	for _, f := range t.Schema.Fields {
		said[f.Name] = description(f)
	}
	fields := schema.Fields()
	for i, f := range fields {
		if text := said[f.Name]; text != "" {
			fields[i] = described(f, text)
		}
	}
	return arrow.NewSchema(fields, nil)
}

// table reads what BigQuery knows of a table.
func (s *Source) table(ctx context.Context, project, dataset, name string) (*rest.Table, error) {
	return retried(ctx, s, func() (*rest.Table, error) {
		return s.client.rest.Tables.Get(project, dataset, name).Fields("tableReference", "type", "schema", "numRows", "location").Context(ctx).Do()
	})
}

// missing reports whether the error says that there is no such thing.
func missing(err error) bool {
	var answer *googleapi.Error
	return errors.As(err, &answer) && answer.Code == http.StatusNotFound
}
