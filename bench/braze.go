package main

import (
	"context"
	"net/http"
	"strings"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

// braze takes users, of whom every field is sent.
var braze = vendor{
	slug:     "braze",
	settings: connector.Settings{"apiKey": "secret", "region": "iad-01.braze.com"},
	job: connector.SyncJob{
		Type: "user", Mode: connector.ModeUpsert, Match: []connector.MatchPair{{From: "id", To: "external_id"}},
		Settings: connector.Settings{"onlyChanges": false}, Model: connector.ModelInfo{PrimaryKey: "id"},
	},
	perRequest: 75,
	path:       "/users/track",
	byHand:     func(s handSession) connector.Session { return &trackSession{s} },
	answer: func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusCreated)
		w.Write([]byte(`{"message":"success","attributes_processed":75}`)) //nolint:errcheck // the client sees
	},
}

type trackSession struct{ handSession }

// Write sends one batch.
func (s *trackSession) Write(ctx context.Context, b *connector.Batch) (connector.Result, error) {
	body := []byte(`{"attributes":[`)
	for i, row := range b.Rows {
		if i > 0 {
			body = append(body, ',')
		}
		body = appendUser(body, row)
	}
	resp, err := s.post(ctx, b, append(body, "]}"...))
	if err != nil {
		return connector.Result{}, err
	}
	answer, err := value.ParseJSON(string(resp.Body))
	if err != nil {
		return connector.Result{}, fault.Wrap(err, fault.CodeDestinationAnswer, "reading the answer")
	}
	var result connector.Result
	refused, _ := answer.Get("errors")
	for _, e := range refused.List() {
		index, _ := e.Get("index")
		reason, _ := e.Get("type")
		result.Rejected = append(result.Rejected, connector.Rejection{Row: int(index.Int()), Reason: reason.String()})
	}
	return result, nil
}

func appendUser(dst []byte, row connector.Row) []byte {
	dst = append(dst, '{')
	for i, v := range row.Values {
		dst = append(value.AppendJSONString(dst, userColumns[i]), ':')
		if userColumns[i] == "email" {
			v = value.OfText(strings.TrimSpace(strings.ToLower(v.Raw())))
		}
		dst = append(v.AppendJSON(dst), ',')
	}
	dst = append(dst, `"external_id":`...)
	return append(value.AppendJSONString(dst, row.Match[0].Raw()), '}')
}
