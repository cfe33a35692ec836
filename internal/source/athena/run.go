package athena

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsathena "github.com/aws/aws-sdk-go-v2/service/athena"
	"github.com/aws/aws-sdk-go-v2/service/athena/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/source/stream"
)

// startTimeout is how long Athena may take to accept a query.
const startTimeout = 2 * time.Minute

// How often Athena is asked whether a query has ended: soon at first, then less often.
const (
	firstWait = 100 * time.Millisecond
	longest   = 2 * time.Second
)

// failedQuery is a query's failure in Athena's words.
type failedQuery struct {
	words    string
	category int32 // 1 Athena's, 2 the user's, 3 another system's
	retry    bool
}

// Error is Athena's words.
func (e *failedQuery) Error() string { return e.words }

// execution is a query that has succeeded.
type execution struct {
	id     string
	output string // s3://bucket/key of its result
}

// start runs a query until it has succeeded.
func (c *client) start(x *stream.Statement, sql string) (execution, error) {
	in := &awsathena.StartQueryExecutionInput{
		QueryString: &sql, QueryExecutionContext: &types.QueryExecutionContext{Catalog: &c.settings.Catalog, Database: &c.settings.Database},
	}
	if c.settings.Workgroup != "" {
		in.WorkGroup = &c.settings.Workgroup
	}
	if c.settings.OutputLocation != "" {
		in.ResultConfiguration = &types.ResultConfiguration{OutputLocation: &c.settings.OutputLocation}
	}
	started, err := stream.Call(x, startTimeout, func(ctx context.Context) (*awsathena.StartQueryExecutionOutput, error) {
		return c.athena.StartQueryExecution(ctx, in)
	}, func(o *awsathena.StartQueryExecutionOutput) {
		x.OnStop(func(ctx context.Context) {
			_, _ = c.athena.StopQueryExecution(ctx, &awsathena.StopQueryExecutionInput{QueryExecutionId: o.QueryExecutionId}) //nolint:errcheck // it may have ended
		})
	})
	if err != nil {
		return execution{}, err
	}
	return c.await(x.Context(), aws.ToString(started.QueryExecutionId))
}

// await asks until a query has ended.
func (c *client) await(ctx context.Context, id string) (execution, error) {
	for wait := firstWait; ; wait = min(wait*3/2, longest) {
		o, err := c.athena.GetQueryExecution(ctx, &awsathena.GetQueryExecutionInput{QueryExecutionId: &id})
		if err != nil {
			return execution{}, err
		}
		if o.QueryExecution == nil || o.QueryExecution.Status == nil {
			return execution{}, errors.New("the answer does not say how the query is")
		}
		status := o.QueryExecution.Status
		switch status.State {
		case types.QueryExecutionStateSucceeded:
			e := execution{id: id}
			if r := o.QueryExecution.ResultConfiguration; r != nil {
				e.output = aws.ToString(r.OutputLocation)
			}
			return e, nil
		case types.QueryExecutionStateFailed, types.QueryExecutionStateCancelled:
			return execution{}, failureOf(status)
		}
		t := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			t.Stop()
			return execution{}, context.Cause(ctx)
		case <-t.C:
		}
	}
}

func failureOf(status *types.QueryExecutionStatus) error {
	e := &failedQuery{words: aws.ToString(status.StateChangeReason)}
	if a := status.AthenaError; a != nil {
		e.category, e.retry = aws.ToInt32(a.ErrorCategory), a.Retryable
		if e.words == "" {
			e.words = aws.ToString(a.ErrorMessage)
		}
	}
	if status.State == types.QueryExecutionStateCancelled {
		return fault.Wrap(e, fault.CodeSourceTimeout, "the query was cancelled at Athena").WithSuggestion("Run it again. A workgroup's limit of data scanned by a query cancels queries, too.")
	}
	return e
}

// object is a file in S3.
type object struct{ bucket, key string }

// objectOf reads s3://bucket/key.
func objectOf(location string) (object, bool) {
	u, err := url.Parse(location)
	if err != nil || u.Scheme != "s3" || u.Host == "" || len(u.Path) < 2 {
		return object{}, false
	}
	return object{u.Host, strings.TrimPrefix(u.Path, "/")}, true
}

// remove deletes a query's result and what Athena notes beside it.
// https://docs.aws.amazon.com/athena/latest/ug/querying-finding-output-files.html
func (c *client) remove(ctx context.Context, o object) {
	for _, key := range []string{o.key, o.key + ".metadata"} {
		_, _ = c.s3.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &o.bucket, Key: &key}) //nolint:errcheck // the bucket's own rules remove what is left
	}
}
