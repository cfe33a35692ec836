package api

import (
	"context"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/engine/sync/run"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

// TestRowsBody is rows of a sync's model of which one can be sent as a test.
type TestRowsBody struct {
	Columns    []TestColumnBody      `json:"columns" nullable:"false"`
	Rows       []TestableRowBody     `json:"rows" nullable:"false"`
	Operations []connector.Operation `json:"operations" nullable:"false" doc:"those that the sync acts on"`
}

// TestColumnBody is a column of the model.
type TestColumnBody struct {
	value.Column

	Used  bool   `json:"used" doc:"the sync sends it or reads it"`
	Fixed string `json:"fixed,omitempty" doc:"why its value cannot be changed for a test; absent where it can"`
}

// TestableRowBody is a row with its values in the order of the columns.
type TestableRowBody struct {
	Key    string        `json:"key"`
	Values []value.Value `json:"values" nullable:"false"`
}

// EditBody is another value for a column of a test's row.
type EditBody struct {
	Type  value.Type  `json:"type" enum:"boolean,number,string,timestamp,date,object" doc:"the value is sent as this, whatever the model says"`
	Value value.Value `json:"value"`
}

// TestedRowBody is what a row did at the destination.
type TestedRowBody struct {
	Key        string                 `json:"key"`
	Operation  connector.Operation    `json:"operation"`
	Outcome    run.TrialOutcome       `json:"outcome" doc:"in_doubt: the answer was lost, and the row may have been taken; not_sent: error says what stopped it"`
	Reason     string                 `json:"reason" doc:"why it did not arrive, in the destination's words"`
	Error      *ErrorInfo             `json:"error" doc:"what would have ended a run"`
	Values     map[string]value.Value `json:"values" doc:"the row as the mapping saw it"`
	Columns    []string               `json:"columns" nullable:"false" doc:"the names of the values in the order of the model"`
	Exchanges  []connector.Exchange   `json:"exchanges" nullable:"false"`
	DurationMs int64                  `json:"durationMs"`
}

type testRowInput struct {
	Slug string `path:"slug"`
	Body struct {
		Key       string              `json:"key" doc:"the primary key of a row of the model"`
		Operation connector.Operation `json:"operation" enum:"added,changed,removed"`
		Values    map[string]EditBody `json:"values,omitempty" doc:"other values for columns, by name"`
	}
}

// testRow registers the test of one row (SY-11).
func (s *Server) testRow(api huma.API) {
	const path = "/api/syncs/{slug}/test-row"
	register(s, api, op(http.MethodGet, path, "list-test-rows", "Rows of a sync's model of which one can be sent as a test: the first ones, or the one with a key", nil), func(ctx context.Context, in *struct {
		Slug string `path:"slug"`
		Key  string `query:"key" doc:"exactly this primary key"`
	}) (*body[TestRowsBody], error) {
		d, err := s.Resources.Get(ctx, scope(ctx), "sync", in.Slug)
		if err != nil {
			return nil, err
		}
		sample, err := s.Engine.Sample(ctx, who(ctx).WorkspaceID, d.ID, in.Key)
		return &body[TestRowsBody]{testRowsBody(sample)}, err
	})
	register(s, api, op(http.MethodPost, path, "test-row", "Send one row of a sync's model and show the requests and answers; no run, baseline or log knows of it", nil), func(ctx context.Context, in *testRowInput) (*body[TestedRowBody], error) {
		b, err := s.tryRow(ctx, in)
		return &body[TestedRowBody]{b}, err
	})
}

func testRowsBody(sample run.Sample) TestRowsBody {
	b := TestRowsBody{Columns: []TestColumnBody{}, Rows: []TestableRowBody{}, Operations: []connector.Operation{}}
	for _, c := range sample.Columns {
		b.Columns = append(b.Columns, TestColumnBody(c))
	}
	for _, r := range sample.Rows {
		b.Rows = append(b.Rows, TestableRowBody(r))
	}
	b.Operations = append(b.Operations, sample.Operations...)
	return b
}

// tryRow sends a row and notes who did, without the row.
func (s *Server) tryRow(ctx context.Context, in *testRowInput) (TestedRowBody, error) {
	d, err := s.Resources.Get(ctx, scope(ctx), "sync", in.Slug)
	if err != nil {
		return TestedRowBody{}, err
	}
	if in.Body.Key == "" {
		return TestedRowBody{}, fault.New(fault.CodeRequired, "name the primary key of the row to send").WithPath("key")
	}
	q := run.TrialRequest{WorkspaceID: who(ctx).WorkspaceID, SyncID: d.ID, Key: in.Body.Key, Operation: in.Body.Operation}
	for column, edit := range in.Body.Values {
		q.Edits = append(q.Edits, run.Edit{Column: column, Type: edit.Type, Value: edit.Value})
	}
	trial, err := s.Engine.Try(ctx, q)
	if err != nil {
		return TestedRowBody{}, err
	}
	if err := s.Resources.Record(ctx, scope(ctx), d, "tested", fmt.Sprintf("a row as %s: %s", trial.Operation, trialWords[trial.Outcome])); err != nil {
		s.Log.Error("noting a tested row", "request", requestID(ctx), "sync", d.ID, "error", err) // the row was sent: an error would make people send it again
	}
	return testedRowBody(trial), nil
}

var trialWords = map[run.TrialOutcome]string{
	run.TrialSucceeded: "succeeded", run.TrialRejected: "rejected", run.TrialInDoubt: "in doubt", run.TrialNotSent: "not sent",
}

func testedRowBody(t run.Trial) TestedRowBody {
	b := TestedRowBody{
		Key: t.Key, Operation: t.Operation, Outcome: t.Outcome, Reason: t.Reason, Values: map[string]value.Value{},
		Columns: []string{}, Exchanges: append([]connector.Exchange{}, t.Exchanges...), DurationMs: t.Duration.Milliseconds(),
	}
	for _, f := range t.Values {
		b.Values[f.Name], b.Columns = f.Value, append(b.Columns, f.Name)
	}
	if t.Failure != nil {
		b.Error = &ErrorInfo{Code: string(t.Failure.Code), Message: t.Failure.Message, Suggestion: t.Failure.Suggestion}
	}
	return b
}
