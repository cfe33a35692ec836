package api

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/engine/sync/run"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/kind/model"
	"github.com/millrace/millrace/internal/kind/sync"
	"github.com/millrace/millrace/internal/mapping"
	"github.com/millrace/millrace/internal/resource"
	"github.com/millrace/millrace/internal/value"
)

// The first rows of models are kept in memory for a while, so that the warehouse is not asked at each key that is
// pressed. They are never written anywhere.
const (
	sampleBytes = 8 << 20 // of one model's rows; further rows are left out
	maxSamples  = 32      // models
)

// sampleKey identifies what a model's rows come from.
type sampleKey struct {
	workspace, model, revision, source, sourceRevision int64
	array                                              string // whose elements are the rows
}

// cachedSample is a sample and when it was read.
type cachedSample struct {
	*mapping.Sample

	at time.Time
}

// sample returns the first rows of a saved model, or the first elements of one of its arrays.
func (s *Server) sample(ctx context.Context, slug, array string, refresh bool) (*cachedSample, resource.Document, error) {
	d, err := s.Resources.Get(ctx, scope(ctx), "model", slug)
	if err != nil {
		return nil, d, err
	}
	spec := d.Spec.(*model.Spec) //nolint:forcetypeassert // a model's spec
	src, origin, err := s.sourceBySlug(ctx, spec.Source)
	if err != nil {
		return nil, d, err
	}
	defer src.Close() //nolint:errcheck // reading is done
	key := sampleKey{who(ctx).WorkspaceID, d.ID, d.Revision, origin.ID, origin.Revision, array}
	if found, at, ok := s.samples.get(key); ok && !refresh {
		return &cachedSample{found, at}, d, nil
	}
	resolved, err := s.resolved(ctx, *spec)
	if err != nil {
		return nil, d, err
	}
	made, err := readSample(ctx, src, &resolved, array)
	if err != nil {
		return nil, d, err
	}
	return &cachedSample{made, s.samples.put(key, made)}, d, nil
}

// readSample reads the first rows of a model, or the first elements of one of its arrays.
func readSample(ctx context.Context, src connector.Source, spec *model.Spec, array string) (*mapping.Sample, error) {
	q, err := spec.Query(src.Dialect())
	if err != nil {
		return nil, err
	}
	q.Class, q.Tag = connector.WorkloadInteractive, "millrace sample"
	sample := &mapping.Sample{PrimaryKey: spec.PrimaryKey}
	if array != "" {
		if q, _, err = run.Elements(ctx, src, q, array, spec.PrimaryKey); err != nil {
			return nil, err
		}
		sample.PrimaryKey, sample.RowKey = sync.ElementColumn(array), spec.PrimaryKey
	}
	q.Limit = mapping.SampleRows
	r, err := src.Query(ctx, q)
	if err != nil {
		return nil, err
	}
	defer r.Release()
	schema, err := value.SchemaOf(r.Schema())
	if err != nil {
		return nil, fault.Wrap(err, fault.CodeSourceType, "reading the columns")
	}
	sample.Schema = schema
	for _, c := range schema {
		known, _ := spec.Column(c.Name)
		sample.Columns = append(sample.Columns, model.Column{Name: c.Name, Type: c.Type, Native: c.Native, Cast: known.Cast})
	}
	for size := 0; r.Next() && size < sampleBytes; {
		batch := r.RecordBatch()
		readers := make([]value.Reader, batch.NumCols())
		for i, f := range batch.Schema().Fields() {
			if readers[i], err = value.NewReader(f, batch.Column(i)); err != nil {
				return nil, fault.Wrap(err, fault.CodeSourceType, "reading the columns")
			}
		}
		for n := 0; n < int(batch.NumRows()) && len(sample.Rows) < mapping.SampleRows && size < sampleBytes; n++ {
			row := make([]value.Value, len(readers))
			for i, read := range readers {
				row[i] = kept(read(n))
				size += len(row[i].Raw())
			}
			sample.Rows = append(sample.Rows, row)
		}
	}
	return sample, r.Err()
}

// kept keeps a value beyond the life of its batch.
func kept(v value.Value) value.Value {
	switch v.Kind() {
	case value.Text:
		return value.OfText(strings.Clone(v.Raw()))
	case value.JSON:
		return value.OfJSON(strings.Clone(v.Raw())).Parsed()
	case value.Decimal:
		return value.OfDecimal(strings.Clone(v.Raw()))
	case value.Bytes:
		return value.OfBytes([]byte(v.Raw()))
	default:
		return v
	}
}

// PropertyBody is a column that holds objects or lists, or a property of its objects.
type PropertyBody struct {
	Name       string         `json:"name"`
	Shape      string         `json:"shape" enum:",scalar,object,objects,array,mixed" doc:"objects: a list of objects; array: a list of other things; empty: only nulls were seen"`
	Type       string         `json:"type,omitempty" doc:"of a scalar"`
	Properties []PropertyBody `json:"properties" nullable:"false"`
}

func propertyBodies(all []mapping.Property) []PropertyBody {
	bodies := make([]PropertyBody, len(all))
	for i, p := range all {
		bodies[i] = PropertyBody{p.Name, string(p.Shape), string(p.Type), propertyBodies(p.Properties)}
	}
	return slices.Clip(bodies)
}
