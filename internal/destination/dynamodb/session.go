package dynamodb

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
)

// Limits of a BatchWriteItem, which a batch of updates keeps too.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
const (
	maxBatchRows  = 25
	maxBatchBytes = 8 << 20 // of 16 MB: DynamoDB's JSON is longer than ours
)

// updatesAtATime is how many updates of a batch are under way at a time.
const updatesAtATime = 5

// session writes the rows of one run.
type session struct {
	d      *destination
	client *dynamodb.Client
	table  *table
	job    connector.SyncJob
	whole  bool // each row is the whole item
	limits connector.Limits
}

var _ connector.Session = (*session)(nil)

// Begin looks at the table and its primary key.
func (d *destination) Begin(ctx context.Context, job connector.SyncJob) (connector.Session, error) {
	s, err := decode(job)
	if err != nil {
		return nil, err
	}
	t, err := d.find(ctx, s.Table)
	if err != nil {
		return nil, err
	}
	if err := t.matches(job); err != nil {
		return nil, err
	}
	client, err := d.client(ctx)
	if err != nil {
		return nil, err
	}
	return &session{
		d: d, client: client, table: t, job: job, whole: s.Write == writeReplace,
		limits: connector.Limits{
			Rows: maxBatchRows, Bytes: maxBatchBytes, Concurrency: min(max(int(s.Parallel), 1), maxParallel),
			Operations: operations(job), Idempotency: connector.Idempotent, Split: true,
		},
	}, nil
}

// matches reports whether rows are matched by the table's primary key, and by nothing else.
func (t *table) matches(job connector.SyncJob) error {
	for _, m := range job.Match {
		if !slices.Contains(t.keys, m.To) {
			return t.mismatch()
		}
	}
	if len(job.Match) != len(t.keys) {
		return t.mismatch()
	}
	return nil
}

func (t *table) mismatch() error {
	return fault.New(fault.CodeDestinationSchema, "the primary key of the table %s is %s", t.name, strings.Join(t.keys, " and ")).
		WithPath("spec.match").WithSuggestion("Match a column to each attribute of the primary key, and to no others.")
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

type item = map[string]types.AttributeValue

// order is what is done about one item. Of several rows with the same key, a batch sends the last.
type order struct {
	rows []int
	key  item
	last int
}

// Write sends a batch, in one request or in one for each item.
func (s *session) Write(ctx context.Context, b *connector.Batch) (connector.Result, error) {
	orders, refused := s.orders(b)
	if err := ctx.Err(); err != nil {
		return connector.Result{}, fault.Reclass(fault.Wrap(context.Cause(ctx), fault.CodeRunCancelled, "the batch was not sent"), fault.Retryable)
	}
	if len(orders) == 0 {
		return connector.Result{Rejected: refused}, nil
	}
	log := &exchanges{}
	defer func() { b.Exchanges = append(b.Exchanges, log.all...) }()
	ctx = log.with(ctx)
	removes := b.Operation == connector.Removed && s.job.Delete == connector.DeleteRecord
	if removes || s.whole && b.Operation != connector.Removed {
		left, err := s.writeTogether(ctx, b, orders, removes)
		return connector.Result{Rejected: append(refused, left...)}, err
	}
	left, err := s.writeApart(ctx, b, orders)
	return connector.Result{Rejected: append(refused, left...)}, err
}

// orders works out the key of each row. A row without one is refused.
func (s *session) orders(b *connector.Batch) ([]*order, []connector.Rejection) {
	var all []*order
	var refused []connector.Rejection
	byKey := map[string]*order{}
	for i, row := range b.Rows {
		key, name, err := s.key(row)
		switch o := byKey[name]; {
		case err != nil:
			refused = append(refused, connector.Rejection{Row: i, Reason: err.Error()})
		case o != nil:
			o.rows, o.last = append(o.rows, i), i
		default:
			o = &order{rows: []int{i}, key: key, last: i}
			byKey[name] = o
			all = append(all, o)
		}
	}
	return all, refused
}

// key returns a row's primary key, and a text that tells it from others.
func (s *session) key(row connector.Row) (item, string, error) {
	key, names := item{}, make([]string, len(s.job.Match))
	for i, m := range s.job.Match {
		if i >= len(row.Match) {
			return nil, "", fmt.Errorf("the row has no %s", m.To)
		}
		a, err := keyAttribute(m.To, s.table.kind[m.To], row.Match[i])
		if err != nil {
			return nil, "", err
		}
		key[m.To] = a
		names[i] = strconv.Quote(row.Match[i].String())
	}
	return key, strings.Join(names, " "), nil
}

// writeTogether puts or deletes items in one request.
func (s *session) writeTogether(ctx context.Context, b *connector.Batch, orders []*order, removes bool) ([]connector.Rejection, error) {
	requests := make([]types.WriteRequest, len(orders))
	for i, o := range orders {
		if removes {
			requests[i].DeleteRequest = &types.DeleteRequest{Key: o.key}
		} else {
			requests[i].PutRequest = &types.PutRequest{Item: s.item(o, b.Rows[o.last])}
		}
	}
	out, err := s.client.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{s.table.name: requests}})
	if err != nil {
		return nil, s.d.fault(ctx, err, "writing to "+s.table.name)
	}
	var left []connector.Rejection
	for _, requests := range out.UnprocessedItems { // by the table's name, or by its ARN
		for _, r := range requests {
			left = append(left, s.unprocessed(r, orders)...)
		}
	}
	return left, nil
}

// unprocessed finds the rows of an item that the server had no throughput for.
func (s *session) unprocessed(r types.WriteRequest, orders []*order) []connector.Rejection {
	var attributes item
	if r.PutRequest != nil {
		attributes = r.PutRequest.Item
	} else if r.DeleteRequest != nil {
		attributes = r.DeleteRequest.Key
	}
	var left []connector.Rejection
	for _, o := range orders {
		if !sameKey(o.key, attributes) {
			continue
		}
		for _, row := range o.rows {
			left = append(left, connector.Rejection{Row: row, Reason: "the table's throughput did not suffice for the item (UnprocessedItems)", Retry: true})
		}
	}
	return left
}

func sameKey(key, attributes item) bool {
	for name, want := range key {
		if !sameScalar(want, attributes[name]) {
			return false
		}
	}
	return true
}

func sameScalar(a, b types.AttributeValue) bool {
	switch a := a.(type) {
	case *types.AttributeValueMemberS:
		b, ok := b.(*types.AttributeValueMemberS)
		return ok && a.Value == b.Value
	case *types.AttributeValueMemberN:
		b, ok := b.(*types.AttributeValueMemberN)
		return ok && (a.Value == b.Value || number(a.Value) == number(b.Value))
	case *types.AttributeValueMemberB:
		b, ok := b.(*types.AttributeValueMemberB)
		return ok && slices.Equal(a.Value, b.Value)
	}
	return false
}

// number reads a number only to compare how it is written: 1.0 and 1 are the same key.
func number(text string) float64 {
	n, _ := strconv.ParseFloat(text, 64) //nolint:errcheck // what is no number was refused
	return n
}

// item is a row as a whole item.
func (s *session) item(o *order, row connector.Row) item {
	all := item{}
	for i, c := range s.job.Columns {
		if v := row.Values[i]; !v.IsNull() || !c.Omit {
			all[c.Name] = attribute(v)
		}
	}
	maps.Copy(all, o.key)
	return all
}

// writeApart updates items, a few at a time.
func (s *session) writeApart(ctx context.Context, b *connector.Batch, orders []*order) ([]connector.Rejection, error) {
	var mu sync.Mutex
	var v verdict
	var group errgroup.Group
	group.SetLimit(updatesAtATime)
	for _, o := range orders {
		group.Go(func() error {
			var err error
			for _, row := range o.rows { // of one item, one after the other
				if _, err = s.client.UpdateItem(ctx, s.update(o, b.Rows[row], b.Operation)); err != nil {
					break
				}
			}
			mu.Lock()
			defer mu.Unlock()
			v.add(o, err)
			return nil
		})
	}
	_ = group.Wait() //nolint:errcheck // none returns one
	return s.judge(ctx, v)
}

// update sets a row's attributes, or takes them away from an item that exists. The key's own attributes are set by the
// key. Names are given beside the expression, since many are reserved words.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateItem.html
func (s *session) update(o *order, row connector.Row, op connector.Operation) *dynamodb.UpdateItemInput {
	in := &dynamodb.UpdateItemInput{TableName: aws.String(s.table.name), Key: o.key}
	names, values := map[string]string{}, item{}
	var parts []string
	for i, c := range s.job.Columns {
		if isKey(s.job, c.Name) || op != connector.Removed && row.Values[i].IsNull() && c.Omit {
			continue
		}
		n := strconv.Itoa(i)
		names["#"+n] = c.Name
		if op == connector.Removed {
			parts = append(parts, "#"+n)
			continue
		}
		values[":"+n] = attribute(row.Values[i])
		parts = append(parts, "#"+n+" = :"+n)
	}
	switch {
	case op == connector.Removed:
		names["#k"] = s.table.keys[0]
		in.UpdateExpression, in.ConditionExpression = aws.String("REMOVE "+strings.Join(parts, ", ")), aws.String("attribute_exists(#k)")
	case len(parts) > 0:
		in.UpdateExpression, in.ExpressionAttributeValues = aws.String("SET "+strings.Join(parts, ", ")), values
	}
	if len(names) > 0 {
		in.ExpressionAttributeNames = names
	}
	return in
}

// Finish does nothing: every batch has its answer.
func (s *session) Finish(context.Context) error { return nil }

// Close does nothing: connections are the destination's.
func (s *session) Close() error { return nil }
