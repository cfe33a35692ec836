package bigquery

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"cloud.google.com/go/bigquery/storage/apiv1/storagepb"
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	gax "github.com/googleapis/gax-go/v2"
	rest "google.golang.org/api/bigquery/v2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// sessionTimeout is how long the Storage Read API may take before pages are read instead.
const sessionTimeout = 30 * time.Second

// maxMessage is how large a message of rows may be: https://cloud.google.com/bigquery/quotas#storage-limits
const maxMessage = 129 << 20

// stream are the rows of a job's result as Arrow, in one stream, which keeps their order.
// https://cloud.google.com/bigquery/docs/reference/storage
type stream struct {
	source  *Source
	fields  []*rest.TableFieldSchema
	schema  *arrow.Schema
	head    []byte // the stream's own schema, as Arrow's format for streams writes it
	name    string // empty where there are no rows
	offset  int64
	calls   storagepb.BigQueryRead_ReadRowsClient // nil before the first row, and after a break
	cancel  context.CancelFunc
	broken  int // how often the stream has broken off since rows came
	pending []arrow.RecordBatch
}

// openStream asks the Storage Read API for a job's rows. Nil means that it is not to be had, whatever the reason: pages
// are the same rows.
func (s *Source) openStream(ctx context.Context, job *rest.JobReference, fields []*rest.TableFieldSchema, schema *arrow.Schema) (rows, error) {
	if s.client.storage == nil || s.unstored.Load() {
		return nil, nil //nolint:nilnil // pages are read
	}
	table, err := s.resultTable(ctx, job)
	if table == nil {
		return nil, err
	}
	session, err := s.session(ctx, table)
	if err != nil {
		return nil, ctx.Err() // nil but where nobody wants the rows any more
	}
	r := &stream{source: s, fields: fields, schema: schema, head: session.GetArrowSchema().GetSerializedSchema()}
	if streams := session.GetStreams(); len(streams) > 0 {
		r.name = streams[0].GetName()
	}
	return r, nil
}

func (s *Source) session(ctx context.Context, t *rest.TableReference) (*storagepb.ReadSession, error) {
	ctx, cancel := context.WithTimeout(ctx, sessionTimeout)
	defer cancel()
	options := &storagepb.ReadSession_TableReadOptions{OutputFormatSerializationOptions: &storagepb.ReadSession_TableReadOptions_ArrowSerializationOptions{
		ArrowSerializationOptions: &storagepb.ArrowSerializationOptions{BufferCompression: storagepb.ArrowSerializationOptions_LZ4_FRAME},
	}}
	session, err := s.client.storage.CreateReadSession(ctx, &storagepb.CreateReadSessionRequest{
		Parent: "projects/" + s.jobProject(), MaxStreamCount: 1,
		ReadSession: &storagepb.ReadSession{
			Table:      fmt.Sprintf("projects/%s/datasets/%s/tables/%s", t.ProjectId, t.DatasetId, t.TableId),
			DataFormat: storagepb.DataFormat_ARROW, ReadOptions: options,
		},
	})
	switch status.Code(err) {
	case codes.PermissionDenied, codes.Unimplemented, codes.Unauthenticated:
		s.unstored.Store(true) // it would refuse the next result as well
	default:
	}
	return session, err
}

// breaks is how often a stream may break off without a row in between.
const breaks = 5

func (r *stream) next(ctx context.Context) (arrow.RecordBatch, error) {
	for len(r.pending) == 0 {
		if r.name == "" {
			return nil, io.EOF
		}
		answer, err := r.receive(ctx)
		switch {
		case err == nil:
			r.broken = 0
			if err := r.decode(answer); err != nil {
				return nil, err
			}
			r.offset += answer.GetRowCount()
		case errors.Is(err, io.EOF):
			return nil, io.EOF
		case !resumable(err) || r.broken == breaks || ctx.Err() != nil:
			return nil, err
		default:
			r.hangUp()
			r.broken++
			pause := gax.Backoff{Initial: r.source.backoff}
			if err := gax.Sleep(ctx, pause.Pause()); err != nil {
				return nil, err
			}
		}
	}
	batch := r.pending[0]
	r.pending = r.pending[1:]
	return batch, nil
}

// resumable reports whether a stream that broke off goes on where it was.
func resumable(err error) bool {
	switch status.Code(err) {
	case codes.Unavailable, codes.Internal, codes.Aborted:
		return true
	default:
		return false
	}
}

// receive reads a message, of a stream that begins at the row that is wanted.
func (r *stream) receive(ctx context.Context) (*storagepb.ReadRowsResponse, error) {
	if r.calls == nil {
		ctx, r.cancel = context.WithCancel(ctx)
		var err error
		r.calls, err = r.source.client.storage.ReadRows(ctx, &storagepb.ReadRowsRequest{ReadStream: r.name, Offset: r.offset},
			gax.WithGRPCOptions(grpc.MaxCallRecvMsgSize(maxMessage)))
		if err != nil {
			return nil, err
		}
	}
	return r.calls.Recv()
}

func (r *stream) hangUp() {
	if r.cancel != nil {
		r.cancel()
	}
	r.calls, r.cancel = nil, nil
}

// decode reads the batches of a message.
func (r *stream) decode(answer *storagepb.ReadRowsResponse) error {
	in, err := ipc.NewReader(io.MultiReader(bytes.NewReader(r.head), bytes.NewReader(answer.GetArrowRecordBatch().GetSerializedRecordBatch())))
	if err != nil {
		return fmt.Errorf("reading Arrow: %w", err)
	}
	defer in.Release()
	for in.Next() {
		batch, err := convert(in.RecordBatch(), r.fields, r.schema)
		if err != nil {
			return err
		}
		r.pending = append(r.pending, batch)
	}
	if err := in.Err(); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("reading Arrow: %w", err)
	}
	return nil
}

func (r *stream) close() {
	r.hangUp()
	for _, batch := range r.pending {
		batch.Release()
	}
	r.pending = nil
}
