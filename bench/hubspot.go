package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

// hubspot takes contacts that are found by a property whose values are unique, so that they are upserted.
var hubspot = vendor{
	slug:     "hubspot",
	settings: connector.Settings{"method": "token", "accessToken": "secret"},
	job: connector.SyncJob{
		Type: "objects", Mode: connector.ModeUpsert, Match: []connector.MatchPair{{From: "id", To: "customer_id"}},
		Settings: connector.Settings{"object": "contacts"}, Model: connector.ModelInfo{PrimaryKey: "id"},
	},
	perRequest: 100,
	path:       "/crm/v3/objects/contacts/batch/upsert", body: contactsBody, read: readContacts,
	answer: func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodPost:
			w.Write(upserted) //nolint:errcheck // the client sees
		case strings.HasSuffix(r.URL.Path, "/customer_id"):
			w.Write([]byte(`{"name":"customer_id","hasUniqueValue":true}`)) //nolint:errcheck // the client sees
		case strings.Contains(r.URL.Path, "/properties/"):
			w.Write([]byte(contactProperties)) //nolint:errcheck // the client sees
		default:
			w.Write([]byte(`{"objectTypeId":"0-1","associations":[]}`)) //nolint:errcheck // the client sees
		}
	},
}

// contactProperties are what the account says of its contacts.
const contactProperties = `{"results":[{"name":"score","type":"number"},{"name":"ltv","type":"number"},{"name":"updated_at","type":"datetime"}]}`

// upserted is the answer to a request: HubSpot tells the properties that it keeps by itself.
var upserted = func() []byte {
	text := []byte(`{"status":"COMPLETE","results":[`)
	for i := range 100 {
		if i > 0 {
			text = append(text, ',')
		}
		text = fmt.Appendf(text, `{"id":"%d","properties":{"createdate":"2026-01-01T00:00:00.000Z","hs_object_id":"%d","lastmodifieddate":"2026-01-01T00:00:00.000Z"},`+
			`"createdAt":"2026-01-01T00:00:00.000Z","updatedAt":"2026-01-01T00:00:00.000Z","archived":false,"new":false,"objectWriteTraceId":"%d"}`, 5000+i, 5000+i, i)
	}
	return append(text, `],"startedAt":"2026-01-01T00:00:00.000Z","completedAt":"2026-01-01T00:00:00.100Z"}`...)
}()

func contactsBody(rows []connector.Row) []byte {
	body := []byte(`{"inputs":[`)
	for i, row := range rows {
		if i > 0 {
			body = append(body, ',')
		}
		body = appendContact(body, row, i)
	}
	return append(body, "]}"...)
}

func readContacts(text []byte) (result connector.Result, err error) {
	if !bytes.Contains(text, []byte(`"errors"`)) {
		return result, nil
	}
	var answer struct {
		Errors []struct {
			Message string              `json:"message"`
			Context map[string][]string `json:"context"`
		} `json:"errors"`
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return result, fault.Wrap(err, fault.CodeDestinationAnswer, "reading the answer")
	}
	for _, e := range answer.Errors {
		for _, trace := range e.Context["objectWriteTraceId"] {
			if n, err := strconv.Atoi(trace); err == nil {
				result.Rejected = append(result.Rejected, connector.Rejection{Row: n, Reason: e.Message})
			}
		}
	}
	return result, nil
}

// contactOrder has the columns in the order of their names.
var contactOrder = func() []int {
	order := make([]int, len(userColumns))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return strings.Compare(userColumns[a], userColumns[b]) })
	return order
}()

func appendContact(dst []byte, row connector.Row, trace int) []byte {
	dst = value.AppendJSONString(append(dst, `{"id":`...), row.Match[0].Raw())
	dst = append(dst, `,"idProperty":"customer_id","properties":{`...)
	for i, at := range contactOrder {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(value.AppendJSONString(dst, userColumns[at]), ':')
		dst = appendProperty(dst, row.Values[at])
	}
	dst = strconv.AppendInt(append(dst, `},"objectWriteTraceId":"`...), int64(trace), 10)
	return append(dst, `"}`...)
}

func appendProperty(dst []byte, v value.Value) []byte {
	switch v.Kind() {
	case value.Null:
		return append(dst, `""`...)
	case value.Time:
		return v.Time().AppendFormat(dst, `"2006-01-02T15:04:05.000Z"`)
	default:
		return value.AppendJSONString(dst, v.String())
	}
}
