package bigquerytest

import (
	"bytes"
	"context"
	"math/big"
	"strings"

	"cloud.google.com/go/bigquery/storage/apiv1/storagepb"
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal256"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
	rest "google.golang.org/api/bigquery/v2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// reads is the Storage Read API: https://cloud.google.com/bigquery/docs/reference/storage/rpc
type reads struct {
	storagepb.UnimplementedBigQueryReadServer

	server *Server
}

func (s *Server) checkCall(ctx context.Context, ask any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	if err := s.checkToken(ctx); err != nil {
		return nil, err
	}
	return next(ctx, ask)
}

func (s *Server) checkStream(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	if err := s.checkToken(stream.Context()); err != nil {
		return err
	}
	return next(srv, stream)
}

func (s *Server) checkToken(ctx context.Context) error {
	if refuses := s.options.StorageRefuses; refuses != codes.OK {
		return status.Error(refuses, "request failed: the user does not have 'bigquery.readsessions.create' permission for 'projects/"+Project+"'")
	}
	sent := metadata.ValueFromIncomingContext(ctx, "authorization")
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(sent) != 1 || !s.tokens[strings.TrimPrefix(sent[0], "Bearer ")] {
		return status.Error(codes.Unauthenticated, "Request had invalid authentication credentials.")
	}
	return nil
}

func (s *Server) keptJob(table string) *job {
	parts := strings.Split(table, "/") // projects/p/datasets/d/tables/t
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, j := range s.jobs {
		if j.ended() && len(parts) == 6 && (j.table == parts[5] && parts[3] == "_results" || j.ref.JobId == parts[5] && parts[3] == "_known") {
			return j
		}
	}
	return nil
}

// CreateReadSession opens a table of results.
func (r *reads) CreateReadSession(ctx context.Context, ask *storagepb.CreateReadSessionRequest) (*storagepb.ReadSession, error) {
	session := ask.GetReadSession()
	if session.GetDataFormat() != storagepb.DataFormat_ARROW || ask.GetMaxStreamCount() != 1 {
		return nil, status.Error(codes.InvalidArgument, "the stand-in sends Arrow in one stream")
	}
	j := r.server.keptJob(session.GetTable())
	if j == nil {
		return nil, status.Errorf(codes.NotFound, "Not found: Table %s", session.GetTable())
	}
	schema, err := r.schema(ctx, j)
	if err != nil {
		return nil, status.Error(codes.Internal, err.Error())
	}
	head, err := encode(schema)
	if err != nil {
		return nil, status.Error(codes.Internal, err.Error())
	}
	answer := &storagepb.ReadSession{
		Name: "sessions/1", Table: session.GetTable(), DataFormat: storagepb.DataFormat_ARROW,
		Schema: &storagepb.ReadSession_ArrowSchema{ArrowSchema: &storagepb.ArrowSchema{SerializedSchema: head}},
	}
	if j.rows > 0 {
		answer.Streams = []*storagepb.ReadStream{{Name: session.GetTable()}}
	}
	return answer, nil
}

func (r *reads) schema(ctx context.Context, j *job) (*arrow.Schema, error) {
	if known, ok := r.server.options.Results[j.config.Query.Query]; ok {
		return known.Arrow.Schema(), nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	rows, err := r.server.engine.Query(ctx, raw+"SELECT * FROM results.main."+j.table+" LIMIT 0")
	if err != nil {
		return nil, err
	}
	defer rows.Release()
	fields := make([]arrow.Field, len(j.fields))
	for i, f := range j.fields {
		fields[i] = arrow.Field{Name: f.Name, Type: sentType(f, rows.Schema().Field(i).Type), Nullable: true}
	}
	return arrow.NewSchema(fields, nil), nil
}

// ReadRows sends the rows from an offset on.
func (r *reads) ReadRows(ask *storagepb.ReadRowsRequest, out storagepb.BigQueryRead_ReadRowsServer) error {
	j := r.server.keptJob(ask.GetReadStream())
	if j == nil {
		return status.Errorf(codes.NotFound, "Not found: stream %s", ask.GetReadStream())
	}
	r.server.mu.Lock()
	r.server.reads++
	r.server.mu.Unlock()
	schema, err := r.schema(out.Context(), j)
	if err != nil {
		return status.Error(codes.Internal, err.Error())
	}
	if known, ok := r.server.options.Results[j.config.Query.Query]; ok {
		return send(out, known.Arrow)
	}
	var sent int64
	return r.server.read(out.Context(), j.table, ask.GetOffset(), j.rows, func(b arrow.RecordBatch) (bool, error) {
		if most := r.server.options.StorageBreaks; most > 0 && sent == most {
			return false, status.Error(codes.Unavailable, "the connection broke off")
		}
		sent++
		batch := sentBatch(j.fields, b, schema)
		defer batch.Release()
		return true, send(out, batch)
	})
}

func send(out storagepb.BigQueryRead_ReadRowsServer, b arrow.RecordBatch) error {
	head, err := encode(b.Schema())
	if err != nil {
		return err
	}
	whole, err := encode(b.Schema(), b)
	if err != nil {
		return err
	}
	return out.Send(&storagepb.ReadRowsResponse{
		RowCount: b.NumRows(),
		Rows:     &storagepb.ReadRowsResponse_ArrowRecordBatch{ArrowRecordBatch: &storagepb.ArrowRecordBatch{SerializedRecordBatch: whole[len(head):]}},
	})
}

// endOfStream is what ends Arrow's format for streams.
const endOfStream = 8

// encode writes a schema and batches as messages of Arrow, without an end.
func encode(schema *arrow.Schema, batches ...arrow.RecordBatch) ([]byte, error) {
	var buffer bytes.Buffer
	w := ipc.NewWriter(&buffer, ipc.WithSchema(schema), ipc.WithLZ4())
	for _, b := range batches {
		if err := w.Write(b); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return buffer.Bytes()[:buffer.Len()-endOfStream], nil
}

// sentType is the Arrow type that BigQuery sends: https://cloud.google.com/bigquery/docs/reference/storage#arrow_schema_details
func sentType(f *rest.TableFieldSchema, kept arrow.DataType) arrow.DataType {
	if f.Type == "BIGNUMERIC" && f.Mode != "REPEATED" {
		return &arrow.Decimal256Type{Precision: 76, Scale: 38}
	}
	if e, ok := kept.(arrow.ExtensionType); ok {
		return e.StorageType()
	}
	if f.Type == "TIMESTAMP" && f.Mode != "REPEATED" {
		return &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}
	}
	return kept
}

func sentBatch(fields []*rest.TableFieldSchema, b arrow.RecordBatch, schema *arrow.Schema) arrow.RecordBatch {
	columns := make([]arrow.Array, len(fields))
	for i, f := range fields {
		columns[i] = b.Column(i)
		if e, ok := columns[i].(array.ExtensionArray); ok {
			columns[i] = e.Storage()
		}
		if small, ok := columns[i].(*array.Decimal128); ok && schema.Field(i).Type.ID() == arrow.DECIMAL256 {
			columns[i] = widen(small, f)
		}
		if instants, ok := columns[i].(*array.Timestamp); ok && f.Type == "TIMESTAMP" {
			columns[i] = inUTC(instants, schema.Field(i).Type)
		}
	}
	return array.NewRecordBatch(schema, columns, b.NumRows())
}

// inUTC gives the instants the zone's one name: DuckDB's connections may call it otherwise.
func inUTC(a *array.Timestamp, t arrow.DataType) arrow.Array {
	b := array.NewTimestampBuilder(memory.DefaultAllocator, t.(*arrow.TimestampType))
	defer b.Release()
	for i := range a.Len() {
		if a.IsNull(i) {
			b.AppendNull()
			continue
		}
		b.Append(a.Value(i))
	}
	return b.NewArray()
}

// widen makes 38 digits behind the point of fewer.
func widen(a *array.Decimal128, f *rest.TableFieldSchema) arrow.Array {
	b := array.NewDecimal256Builder(memory.DefaultAllocator, &arrow.Decimal256Type{Precision: 76, Scale: 38})
	defer b.Release()
	factor := new(big.Int).Exp(big.NewInt(10), big.NewInt(38-f.Scale), nil)
	for i := range a.Len() {
		if a.IsNull(i) {
			b.AppendNull()
			continue
		}
		b.Append(decimal256.FromBigInt(new(big.Int).Mul(a.Value(i).BigInt(), factor)))
	}
	return b.NewArray()
}
