package bigquery

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	gax "github.com/googleapis/gax-go/v2"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/value"
	rest "google.golang.org/api/bigquery/v2"
	"google.golang.org/api/googleapi"
)

// Load creates or replaces a table with one load job, which happens wholly or not at all:
// https://cloud.google.com/bigquery/docs/loading-data-local
func (s *Source) Load(ctx context.Context, table query.TableRef, r array.RecordReader) error {
	return s.within(ctx, "", func(ctx context.Context) error {
		if err := s.makeDataset(ctx, s.projectOf(table), table.Schema); err != nil {
			return err
		}
		return s.load(ctx, table, r, func(c *rest.JobConfigurationLoad) {
			c.WriteDisposition, c.CreateDisposition = "WRITE_TRUNCATE", "CREATE_IF_NEEDED"
		})
	})
}

// Append adds rows with one load job.
func (s *Source) Append(ctx context.Context, table query.TableRef, r array.RecordReader) error {
	return s.within(ctx, "", func(ctx context.Context) error {
		return s.load(ctx, table, r, func(c *rest.JobConfigurationLoad) {
			c.WriteDisposition, c.CreateDisposition = "WRITE_APPEND", "CREATE_NEVER"
		})
	})
}

// makeDataset makes a dataset that does not exist, where queries run. An account that may write in a dataset may seldom
// make one.
func (s *Source) makeDataset(ctx context.Context, project, name string) error {
	_, err := retried(ctx, s, func() (*rest.Dataset, error) {
		return s.client.rest.Datasets.Get(project, name).Fields("datasetReference").Context(ctx).Do()
	})
	if !missing(err) {
		return err
	}
	d := &rest.Dataset{DatasetReference: &rest.DatasetReference{ProjectId: project, DatasetId: name}, Location: s.settings.Location}
	_, err = s.client.rest.Datasets.Insert(project, d).Context(ctx).Do()
	if httpStatus(err) == http.StatusConflict { // somebody else was quicker
		return nil
	}
	return err
}

func (s *Source) load(ctx context.Context, table query.TableRef, r array.RecordReader, set func(*rest.JobConfigurationLoad)) error {
	fields, err := tableFields(r.Schema())
	if err != nil {
		return err
	}
	config := &rest.JobConfigurationLoad{
		DestinationTable: &rest.TableReference{ProjectId: s.projectOf(table), DatasetId: table.Schema, TableId: table.Name},
		Schema:           &rest.TableSchema{Fields: fields}, SourceFormat: "NEWLINE_DELIMITED_JSON", Encoding: "UTF-8",
	}
	set(config)
	ref := &rest.JobReference{ProjectId: s.jobProject(), Location: s.settings.Location, JobId: "millrace_" + strings.ToLower(rand.Text())}
	job := &rest.Job{JobReference: ref, Configuration: &rest.JobConfiguration{Load: config, Labels: map[string]string{"millrace": "load"}}}
	if err := s.upload(ctx, job, r); err != nil {
		return err
	}
	return s.awaitJob(ctx, ref)
}

// upload sends the rows while they are written.
func (s *Source) upload(ctx context.Context, job *rest.Job, r array.RecordReader) error {
	in, out := io.Pipe()
	written := make(chan error, 1)
	go func() {
		err := writeLines(ctx, out, r)
		_ = out.CloseWithError(err)
		written <- err
	}()
	_, err := s.client.rest.Jobs.Insert(job.JobReference.ProjectId, job).
		Media(in, googleapi.ContentType("application/octet-stream")).Context(ctx).Do()
	_ = in.CloseWithError(errUploadEnded)
	if rowsErr := <-written; rowsErr != nil && !errors.Is(rowsErr, errUploadEnded) {
		return rowsErr
	}
	return err
}

var errUploadEnded = errors.New("the upload ended")

// writeLines writes each row as a line of JSON: https://cloud.google.com/bigquery/docs/loading-data-cloud-storage-json
func writeLines(ctx context.Context, w io.Writer, r array.RecordReader) error {
	out := bufio.NewWriterSize(w, 1<<20)
	for r.Next() {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := writeBatch(out, r.RecordBatch()); err != nil {
			return err
		}
	}
	if err := r.Err(); err != nil {
		return err
	}
	return out.Flush()
}

func writeBatch(out *bufio.Writer, b arrow.RecordBatch) error {
	names, reads := make([][]byte, b.NumCols()), make([]value.Reader, b.NumCols())
	for i, f := range b.Schema().Fields() {
		read, err := value.NewReader(f, b.Column(i))
		if err != nil {
			return err
		}
		names[i], reads[i] = value.AppendJSONString(nil, f.Name), read
	}
	var line []byte
	for row := range int(b.NumRows()) {
		line = line[:0]
		for i, read := range reads {
			before := byte(',')
			if i == 0 {
				before = '{'
			}
			line = append(append(append(line, before), names[i]...), ':')
			line = appendLoaded(line, b.Schema().Field(i), read(row))
		}
		line = append(line, '}', '\n')
		if _, err := out.Write(line); err != nil {
			return err
		}
	}
	return nil
}

// appendLoaded writes a value. Numbers of many digits stand between quotes, so that no parser rounds them.
func appendLoaded(line []byte, f arrow.Field, v value.Value) []byte {
	switch t, _ := f.Metadata.GetValue(value.MetaType); {
	case v.IsNull(), value.Type(t) == value.TypeObject:
		return v.AppendJSON(line)
	case v.Kind() == value.Decimal, value.Type(t) == value.TypeNumber:
		return value.AppendJSONString(line, v.String())
	default:
		return v.AppendJSON(line)
	}
}

// awaitJob waits until a job that returns no rows has ended.
func (s *Source) awaitJob(ctx context.Context, ref *rest.JobReference) error {
	pause := gax.Backoff{Initial: max(s.backoff/4, 1), Max: 4 * s.backoff, Multiplier: 1.5}
	for {
		job, err := retried(ctx, s, func() (*rest.Job, error) {
			return s.client.rest.Jobs.Get(ref.ProjectId, ref.JobId).Location(ref.Location).Context(ctx).Do()
		})
		if err != nil {
			s.giveUp(ctx, ref)
			return err
		}
		if job.Status != nil && job.Status.State == "DONE" {
			return jobError(job.Status)
		}
		if err := gax.Sleep(ctx, max(pause.Pause(), time.Millisecond)); err != nil {
			s.giveUp(ctx, ref)
			return err
		}
	}
}

// jobError is what ended a job, with what BigQuery says of the rows.
func jobError(status *rest.JobStatus) error {
	if status.ErrorResult == nil {
		return nil
	}
	e := &googleapi.Error{Code: http.StatusBadRequest, Message: status.ErrorResult.Message}
	e.Errors = append(e.Errors, googleapi.ErrorItem{Reason: status.ErrorResult.Reason, Message: status.ErrorResult.Message})
	for _, more := range status.Errors {
		if more.Message != e.Message {
			e.Errors = append(e.Errors, googleapi.ErrorItem{Reason: more.Reason, Message: more.Message})
			break // one row is enough to know
		}
	}
	return e
}

// tableFields are the columns of a table that holds the rows.
func tableFields(schema *arrow.Schema) ([]*rest.TableFieldSchema, error) {
	columns, err := value.SchemaOf(schema)
	if err != nil {
		return nil, fault.Wrap(err, fault.CodeSourceType, "")
	}
	fields := make([]*rest.TableFieldSchema, len(columns))
	for i, c := range columns {
		fields[i] = &rest.TableFieldSchema{Name: c.Name, Mode: "NULLABLE"}
		setType(fields[i], c.Type, schema.Field(i))
	}
	return fields, nil
}

func setType(f *rest.TableFieldSchema, t value.Type, of arrow.Field) {
	switch t {
	case value.TypeBoolean:
		f.Type = typeBool
	case value.TypeNumber:
		setNumber(f, of.Type)
	case value.TypeTimestamp:
		f.Type = typeTimestamp
	case value.TypeDate:
		f.Type = typeDate
	case value.TypeObject:
		f.Type = typeJSON
	default:
		f.Type = typeString
		switch of.Type.ID() {
		case arrow.BINARY, arrow.LARGE_BINARY, arrow.FIXED_SIZE_BINARY, arrow.BINARY_VIEW:
			f.Type = typeBytes
		default:
		}
	}
}

// The digits of BigQuery's decimals: https://cloud.google.com/bigquery/docs/reference/standard-sql/data-types#decimal_types
const (
	numericWhole, numericScale = 29, 9
	bigWhole, bigScale         = 38, 38
)

// setNumber gives a number a type that holds it; digits that none holds stay text.
func setNumber(f *rest.TableFieldSchema, t arrow.DataType) {
	if d, ok := t.(arrow.DecimalType); ok {
		precision, scale := int64(d.GetPrecision()), int64(d.GetScale())
		f.Type, f.Precision, f.Scale = typeNumeric, precision, scale
		if scale < 0 || precision-scale > bigWhole || scale > bigScale {
			f.Type, f.Precision, f.Scale = typeString, 0, 0
		} else if precision-scale > numericWhole || scale > numericScale {
			f.Type = typeBigNumeric
		}
		return
	}
	switch t.ID() {
	case arrow.INT8, arrow.INT16, arrow.INT32, arrow.INT64, arrow.UINT8, arrow.UINT16, arrow.UINT32:
		f.Type = typeInt64
	case arrow.FLOAT16, arrow.FLOAT32, arrow.FLOAT64:
		f.Type = typeFloat64
	case arrow.UINT64:
		f.Type = typeNumeric
	default:
		f.Type = typeString
	}
}
