package main

import (
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
	path:       "/users/track", body: trackBody, read: readTracked,
	answer: func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusCreated)
		w.Write([]byte(`{"message":"success","attributes_processed":75}`)) //nolint:errcheck // the client sees
	},
}

func trackBody(rows []connector.Row) []byte {
	body := []byte(`{"attributes":[`)
	for i, row := range rows {
		if i > 0 {
			body = append(body, ',')
		}
		body = appendUser(body, row)
	}
	return append(body, "]}"...)
}

func readTracked(text []byte) (result connector.Result, err error) {
	answer, err := value.ParseJSON(string(text))
	if err != nil {
		return result, fault.Wrap(err, fault.CodeDestinationAnswer, "reading the answer")
	}
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
