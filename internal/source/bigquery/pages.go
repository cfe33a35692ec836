package bigquery

import (
	"context"
	"io"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/millrace/millrace/internal/fault"
	rest "google.golang.org/api/bigquery/v2"
)

// The size of a batch: whichever is reached first.
const (
	batchRows  = 8192
	batchBytes = 4 << 20
)

// pageRows is how many rows a page has at most; BigQuery ends one at 10 MB too:
// https://cloud.google.com/bigquery/docs/paging-results
const pageRows = 10_000

// pages are the rows of a job in pages of JSON.
type pages struct {
	source *Source
	job    *rest.JobReference
	fields []*rest.TableFieldSchema
	schema *arrow.Schema
	rows   []*rest.TableRow // of the page, not yet handed out
	token  string           // of the page that follows
	more   bool
}

func newPages(s *Source, job *rest.JobReference, fields []*rest.TableFieldSchema, schema *arrow.Schema, first *rest.GetQueryResultsResponse) *pages {
	return &pages{source: s, job: job, fields: fields, schema: schema, rows: first.Rows, token: first.PageToken, more: first.PageToken != ""}
}

func (p *pages) next(ctx context.Context) (arrow.RecordBatch, error) {
	for len(p.rows) == 0 {
		if !p.more {
			return nil, io.EOF
		}
		if err := p.fetch(ctx); err != nil {
			return nil, err
		}
	}
	return p.build()
}

func (p *pages) fetch(ctx context.Context) error {
	page, err := p.source.results(ctx, p.job, p.token)
	if err != nil {
		return err
	}
	if !page.JobComplete {
		return fault.New(fault.CodeSourceUnreachable, "BigQuery says that the job %s, which had ended, still runs", p.job.JobId)
	}
	p.rows, p.token, p.more = page.Rows, page.PageToken, page.PageToken != ""
	return nil
}

// build makes a batch of the rows that begin the page.
func (p *pages) build() (arrow.RecordBatch, error) {
	b := array.NewRecordBuilder(memory.DefaultAllocator, p.schema)
	defer b.Release()
	puts := make([]put, len(p.fields))
	for i, f := range p.fields {
		puts[i] = putter(f, b.Field(i))
	}
	n := 0
	for size := 0; n < len(p.rows) && n < batchRows && size < batchBytes; n++ {
		row := p.rows[n]
		if len(row.F) != len(puts) {
			return nil, fault.Wrap(errCell, fault.CodeSourceType, "a row has %d values for %d columns", len(row.F), len(puts))
		}
		for i, cell := range row.F {
			took, err := puts[i](cell.V)
			if err != nil {
				return nil, unread(err, p.fields[i])
			}
			size += took
		}
		p.rows[n] = nil
	}
	p.rows = p.rows[n:]
	return b.NewRecordBatch(), nil
}

func (*pages) close() {}

// unread names the column that a value could not be read of.
func unread(err error, f *rest.TableFieldSchema) error {
	return fault.Wrap(err, fault.CodeSourceType, "reading the column %s of the type %s", strconv.Quote(f.Name), native(f)).
		WithSuggestion("Write CAST(%s AS STRING) in the model's query.", f.Name)
}
