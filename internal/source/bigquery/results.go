package bigquery

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/millrace/millrace/internal/blob"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/source/unload"
	rest "google.golang.org/api/bigquery/v2"
)

// fileTypes are the types in files of what an extraction writes in a way that is documented and loses nothing.
// https://cloud.google.com/bigquery/docs/exporting-data#parquet_export_details
var fileTypes = map[string][]arrow.Type{
	typeInt64: {arrow.INT64}, typeFloat64: {arrow.FLOAT64}, typeNumeric: decimals, typeBigNumeric: decimals, typeBool: {arrow.BOOL},
	typeString: {arrow.STRING}, typeBytes: {arrow.BINARY}, typeDate: {arrow.DATE32}, typeDatetime: {arrow.TIMESTAMP}, typeTimestamp: {arrow.TIMESTAMP},
	typeTime: {arrow.TIME64},
}

// decimals are the types of numbers of up to 38 and up to 76 digits.
var decimals = []arrow.Type{arrow.DECIMAL128, arrow.DECIMAL256}

var (
	errElsewhere = errors.New("the storage is no bucket of Google Cloud")
	errNoTable   = errors.New("BigQuery keeps no table of the result")
	errFileType  = errors.New("a column's form in files is not documented")
)

// fromBucket lets BigQuery write the rows of a job that has ended into a bucket, and reads them from there (S-51). Nil means
// that it cannot, whatever the reason: the job's rows are to be had in the other ways.
func (s *Source) fromBucket(ctx context.Context, job *rest.JobReference, fields []*rest.TableFieldSchema, schema *arrow.Schema, q connector.Query) (rows, error) {
	if q.Results == nil {
		return nil, nil //nolint:nilnil // nowhere to write
	}
	r, err := s.unload(ctx, job, fields, schema, q)
	if err == nil {
		return unloaded{r}, nil
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	s.log.Info("rows are sent instead of written into the storage", "reason", err, "tag", q.Tag)
	return nil, nil //nolint:nilnil // there are other ways
}

func (s *Source) unload(ctx context.Context, job *rest.JobReference, fields []*rest.TableFieldSchema, schema *arrow.Schema, q connector.Query) (*unload.Rows, error) {
	if q.Results.Provider != blob.ProviderGCS || q.Results.Endpoint != "" && s.settings.Endpoint == defaultEndpoint {
		return nil, errElsewhere
	}
	for _, f := range fields {
		if nested(f) || fileTypes[baseOf(f)] == nil {
			return nil, fmt.Errorf("%w: %s", errFileType, native(f))
		}
	}
	table, err := s.resultTable(ctx, job)
	if err == nil && table == nil {
		err = errNoTable
	}
	if err != nil {
		return nil, err
	}
	if err := s.extract(ctx, table, q); err != nil {
		return nil, err
	}
	accepts := func(column int, t arrow.DataType) bool {
		return slices.Contains(fileTypes[baseOf(fields[column])], t.ID())
	}
	return unload.Open(ctx, q.Results, len(fields), accepts, func(in arrow.RecordBatch) (arrow.RecordBatch, error) { return convert(in, fields, schema) })
}

// resultTable is the table that BigQuery keeps a job's result in, nil where it keeps none: https://cloud.google.com/bigquery/docs/cached-results
func (s *Source) resultTable(ctx context.Context, job *rest.JobReference) (*rest.TableReference, error) {
	done, err := retried(ctx, s, func() (*rest.Job, error) {
		return s.client.rest.Jobs.Get(job.ProjectId, job.JobId).Location(job.Location).Context(ctx).Do()
	})
	if err != nil || done.Configuration == nil || done.Configuration.Query == nil {
		return nil, err
	}
	return done.Configuration.Query.DestinationTable, nil
}

// extract writes a table into the bucket. BigQuery writes several files where there is much.
// https://cloud.google.com/bigquery/docs/reference/rest/v2/Job#JobConfigurationExtract
func (s *Source) extract(ctx context.Context, table *rest.TableReference, q connector.Query) error {
	job := s.job("", q)
	job.Configuration.Query = nil
	job.Configuration.Extract = &rest.JobConfigurationExtract{
		SourceTable: table, DestinationUris: []string{q.Results.URL("gs") + "*.parquet"}, DestinationFormat: "PARQUET", Compression: "SNAPPY",
	}
	if _, err := s.insert(ctx, job); err != nil {
		s.giveUp(ctx, job.JobReference)
		return err
	}
	return s.awaitJob(ctx, job.JobReference)
}

// unloaded are rows that were read from a bucket.
type unloaded struct{ *unload.Rows }

var _ rows = unloaded{}

func (u unloaded) next(ctx context.Context) (arrow.RecordBatch, error) { return u.Next(ctx) }

func (u unloaded) close() { u.Close() }
