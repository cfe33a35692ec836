package mongodb

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
)

const (
	maxBatchBytes = 16 << 20 // of one bulk write; a message of the protocol has 48 MB
	keepBody      = 64 << 10 // bytes of a bulk write that the request log gets
)

// session writes the rows of one run, each batch as a bulk write.
type session struct {
	d          *destination
	collection *mongo.Collection
	composer   composer
	clear      bool // removed rows are emptied, not removed
	limits     connector.Limits
}

var _ connector.Session = (*session)(nil)

// Begin looks whether documents can be found by the matched field.
func (d *destination) Begin(ctx context.Context, job connector.SyncJob) (connector.Session, error) {
	s, err := decode(job)
	if err != nil {
		return nil, err
	}
	db, err := d.database()
	if err != nil {
		return nil, err
	}
	n := &session{
		d: d, collection: db.Collection(s.Collection), composer: newComposer(job), clear: job.Delete == connector.DeleteClear,
		limits: connector.Limits{
			Rows: max(int(s.BatchSize), 1), Bytes: maxBatchBytes, Concurrency: min(max(int(s.Parallel), 1), maxParallel),
			Operations: operations(job), Idempotency: connector.Idempotent, Split: true,
		},
	}
	unique, err := d.uniqueFields(ctx, n.collection)
	if err != nil {
		return nil, err
	}
	if field := n.composer.field; field != matchID && !slices.Contains(unique, field) {
		return nil, fault.New(fault.CodeDestinationSchema, "the field %s of the collection %s has no unique index of its own", field, s.Collection).WithPath("spec.match").
			WithSuggestion("Create one: db.getCollection(%q).createIndex({%q: 1}, {unique: true}). The server refuses it while two documents have the same value.", s.Collection, field)
	}
	return n, nil
}

// operations returns what a job acts on; other changes are passed over (SY-75).
func operations(job connector.SyncJob) []connector.Operation {
	ops := []connector.Operation{connector.Changed, connector.Added}
	if job.Delete == connector.DeleteRecord || job.Delete == connector.DeleteClear {
		ops = append([]connector.Operation{connector.Removed}, ops...)
	}
	return ops
}

// Limits says how batches are made.
func (s *session) Limits() connector.Limits { return s.limits }

// order is what is done about one row.
type order struct {
	row   int
	model mongo.WriteModel
}

// Write sends a batch. Rows with the same match value are sent one after the other: a bulk write has no order.
func (s *session) Write(ctx context.Context, b *connector.Batch) (connector.Result, error) {
	var result connector.Result
	var waves [][]order
	seen := map[string]int{}
	for i, row := range b.Rows {
		model, err := s.model(b.Operation, row)
		if err != nil {
			result.Rejected = append(result.Rejected, connector.Rejection{Row: i, Reason: err.Error()})
			continue
		}
		key := row.Match[0].String()
		n := seen[key]
		seen[key]++
		if n == len(waves) {
			waves = append(waves, nil)
		}
		waves[n] = append(waves[n], order{i, model})
	}
	if err := ctx.Err(); err != nil {
		return connector.Result{}, fault.Reclass(fault.Wrap(context.Cause(ctx), fault.CodeRunCancelled, "the batch was not sent"), fault.Retryable)
	}
	for n, wave := range waves {
		refused, err := s.send(ctx, b, wave)
		result.Rejected = append(result.Rejected, refused...)
		if err != nil && n > 0 {
			return result, fault.Reclass(err, fault.Unknown) // earlier rows were taken
		}
		if err != nil {
			return result, err
		}
	}
	return result, nil
}

func (s *session) model(op connector.Operation, row connector.Row) (mongo.WriteModel, error) {
	filter, err := s.composer.filter(row)
	if err != nil {
		return nil, err
	}
	switch {
	case op != connector.Removed:
		set, err := s.composer.set(row)
		return mongo.NewUpdateOneModel().SetFilter(filter).SetUpdate(set).SetUpsert(true), err
	case s.clear:
		return mongo.NewUpdateOneModel().SetFilter(filter).SetUpdate(s.composer.unset()), nil
	default:
		return mongo.NewDeleteOneModel().SetFilter(filter), nil
	}
}

// send makes a bulk write. https://www.mongodb.com/docs/manual/core/bulk-write-operations/
func (s *session) send(ctx context.Context, b *connector.Batch, orders []order) ([]connector.Rejection, error) {
	models := make([]mongo.WriteModel, len(orders))
	for i, o := range orders {
		models[i] = o.model
	}
	started, began := s.d.clock.Now(), time.Now()
	done, err := s.collection.BulkWrite(ctx, models, options.BulkWrite().SetOrdered(false))
	x := connector.Exchange{
		Method: "MONGODB", URL: s.d.settings.address() + "." + s.collection.Name(), StartedAt: started, Duration: time.Since(began), RequestBody: spelled(orders),
	}
	if done != nil {
		x.ResponseBody = fmt.Sprintf(`{"matched":%d,"modified":%d,"upserted":%d,"deleted":%d}`, done.MatchedCount, done.ModifiedCount, done.UpsertedCount, done.DeletedCount)
	}
	if err != nil {
		x.Error = err.Error()
	}
	b.Record(x)
	return s.judge(ctx, err, orders)
}

// spelled lists the updates and deletes in MongoDB's extended JSON, as far as the request log takes them.
func spelled(orders []order) string {
	var text strings.Builder
	for i, o := range orders {
		if text.Len() > keepBody {
			fmt.Fprintf(&text, "… and %d more\n", len(orders)-i)
			break
		}
		shown := bson.D{}
		switch m := o.model.(type) {
		case *mongo.UpdateOneModel:
			shown = bson.D{{Key: "updateOne", Value: bson.D{{Key: "filter", Value: m.Filter}, {Key: "update", Value: m.Update}, {Key: "upsert", Value: m.Upsert != nil}}}}
		case *mongo.DeleteOneModel:
			shown = bson.D{{Key: "deleteOne", Value: bson.D{{Key: "filter", Value: m.Filter}}}}
		}
		line, err := bson.MarshalExtJSON(shown, false, false)
		if err != nil {
			line = []byte(err.Error())
		}
		text.Write(line[:min(len(line), keepBody)])
		text.WriteByte('\n')
	}
	return text.String()
}

// Finish does nothing: every batch has its answer.
func (s *session) Finish(context.Context) error { return nil }

// Close does nothing: connections are the destination's.
func (s *session) Close() error { return nil }
