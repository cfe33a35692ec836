package elasticsearch

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

// rejecting refuses a row.
type rejecting func(row int, reason string, again bool)

// findAnswer is the answer to several searches.
type findAnswer struct {
	Responses []struct {
		Status int    `json:"status"`
		Error  *cause `json:"error"`
		Shards struct {
			Failed int `json:"failed"`
		} `json:"_shards"`
		Hits struct {
			Hits []struct {
				Index string `json:"_index"`
				ID    string `json:"_id"`
			} `json:"hits"`
		} `json:"hits"`
	} `json:"responses"`
}

// find searches each row's document. It returns the items that something is to be done about: without those that have
// several documents.
// https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-msearch
func (s *session) find(ctx context.Context, b *connector.Batch, items []item, reject rejecting) ([]item, error) {
	if len(items) == 0 {
		return nil, nil
	}
	var body []byte
	for _, i := range items {
		body = append(body, "{}\n{\"size\":2,\"_source\":false,\"query\":{\"term\":{"...)
		body = value.AppendJSONString(body, s.searched)
		body = append(body, `:{"value":`...)
		body = i.match.AppendJSON(body)
		body = append(body, "}}}}\n"...)
	}
	var answer findAnswer
	query := url.Values{"filter_path": {"responses.status,responses.error.type,responses.error.reason,responses._shards.failed,responses.hits.hits._index,responses.hits.hits._id"}}
	if err := s.d.do(ctx, request{method: http.MethodPost, path: []string{s.index, "_msearch"}, query: query, body: body, batch: b}, &answer); err != nil {
		if fault.ClassOf(err) == fault.Unknown {
			return nil, fault.Reclass(err, fault.Retryable) // searching changes nothing
		}
		return nil, err
	}
	if len(answer.Responses) != len(items) {
		return nil, fault.Reclass(fault.New(fault.CodeDestinationAnswer, "the server answered %d of %d searches", len(answer.Responses), len(items)), fault.Retryable)
	}
	return s.found(answer, items, reject)
}

func (s *session) found(answer findAnswer, items []item, reject rejecting) ([]item, error) {
	var todo []item
	for n, i := range items {
		r := answer.Responses[n]
		switch hits := r.Hits.Hits; {
		case r.Error != nil:
			if err := s.whole(r.Status, *r.Error); err != nil {
				return nil, err
			}
			reject(i.row, "searching the document: "+r.Error.words(), passing(r.Status))
		case r.Shards.Failed > 0:
			reject(i.row, "a part of the index could not be searched for the document", true)
		case len(hits) > 1:
			reject(i.row, fmt.Sprintf("several documents have this %s: it must be unique", s.composer.match), false)
		case len(hits) == 1:
			i.index, i.id = hits[0].Index, hits[0].ID
			todo = append(todo, i)
		default: // a document that was added a moment ago is not found yet, and has this name
			i.id = s.composer.named(i.match)
			todo = append(todo, i)
		}
	}
	return todo, nil
}
