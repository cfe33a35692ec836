package salesforce

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/xml"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/millrace/millrace/internal/connector/manifest"
	"github.com/millrace/millrace/internal/fault"
)

// async is the first version of the Bulk API. Its requests and answers are XML.
// https://developer.salesforce.com/docs/atlas.en-us.api_asynch.meta/api_asynch/asynch_api_jobs_create.htm
const async = "/async/63.0"

// jobInfo is a job of the first version, as it is made and closed.
type jobInfo struct {
	XMLName   xml.Name `xml:"http://www.force.com/2009/06/asyncapi/dataload jobInfo"`
	ID        string   `xml:"id,omitempty"`
	Operation string   `xml:"operation,omitempty"`
	Object    string   `xml:"object,omitempty"`
	External  string   `xml:"externalIdFieldName,omitempty"`
	Content   string   `xml:"contentType,omitempty"`
	State     string   `xml:"state,omitempty"`
}

// batchInfo is a batch of such a job.
type batchInfo struct {
	XMLName xml.Name `xml:"http://www.force.com/2009/06/asyncapi/dataload batchInfo"`
	ID      string   `xml:"id"`
	State   string   `xml:"state"`
	Message string   `xml:"stateMessage"`
}

// asyncError is an answer that is no success.
type asyncError struct {
	XMLName xml.Name `xml:"http://www.force.com/2009/06/asyncapi/dataload error"`
	Code    string   `xml:"exceptionCode"`
	Message string   `xml:"exceptionMessage"`
}

// The states in which a batch is over.
const (
	batchDone   = "Completed"
	batchFailed = "Failed"
	batchUndone = "NotProcessed"
)

// asked makes a request of the first version, which wants the access token in a header of its own, and reads the answer
// into to, which may be nil.
func (w *batch) asked(ctx context.Context, method, path, kind string, body []byte, to any) (*manifest.Answered, error) {
	session, err := w.run.Token(ctx)
	if err != nil {
		return nil, err
	}
	header := map[string]string{"X-SFDC-Session": session, "Accept": "*/*"}
	if body != nil {
		header["Content-Type"] = kind + "; charset=UTF-8"
	}
	resp, err := w.run.Ask(ctx, method, async+path, body, header)
	if err != nil {
		return nil, explained(resp, err)
	}
	if resp.Truncated {
		return nil, fault.Reclass(fault.New(fault.CodeDestinationAnswer, "the answer is too long to be read"), fault.Unknown)
	}
	if to != nil {
		if err := xml.Unmarshal(resp.Body, to); err != nil {
			return nil, fault.Reclass(fault.Wrap(err, fault.CodeDestinationAnswer, "reading Salesforce's answer"), fault.Unknown)
		}
	}
	return resp, nil
}

// quotaWait is how long a run waits where the organisation used up its batches of the last 24 hours.
const quotaWait = time.Hour

// explained says what an error is about in Salesforce's words.
// https://developer.salesforce.com/docs/atlas.en-us.api_asynch.meta/api_asynch/asynch_api_reference_errors.htm
func explained(resp *manifest.Answered, err error) error {
	var said asyncError
	if resp == nil || resp.Status < http.StatusBadRequest || xml.Unmarshal(resp.Body, &said) != nil {
		return err
	}
	words := said.Code + ": " + said.Message
	switch said.Code {
	case "ExceededQuota":
		return fault.RetryAfter(fault.New(fault.CodeDestinationThrottled, "%s", words).
			WithSuggestion("The organisation used up its daily limit of batches. Make them larger, or use the REST API."), quotaWait)
	case "InvalidSessionId":
		return fault.Reclass(fault.New(fault.CodeDestinationAuth, "%s", words), fault.Retryable)
	case "FeatureNotEnabled", "InvalidUrl", "InvalidVersion":
		return fault.Reclass(fault.New(fault.CodeDestinationDenied, "%s", words).
			WithSuggestion("The Bulk API is not open to the user who allowed the access: choose another API in the sync."), fault.Fatal)
	default:
		return fault.Reclass(fault.New(fault.CodeDestinationRejected, "%s", words), fault.ClassOf(err))
	}
}

// batches sends some records as the one batch of a job (Bulk API), waits for it, and reads what became of each.
func (w *batch) batches(ctx context.Context, k work) error {
	table, _ := k.table()
	j, b, err := w.submit(ctx, k, table)
	if err != nil {
		return w.lost(err, k.items)
	}
	w.wrote = true
	path := "/job/" + segment(j) + "/batch/" + segment(b)
	info := batchInfo{}
	err = poll(ctx, w.run, "the batch "+b, func() (bool, error) {
		info = batchInfo{}
		_, err := w.asked(ctx, http.MethodGet, path, "", nil, &info)
		return slices.Contains([]string{batchDone, batchFailed, batchUndone}, info.State), harmless(err)
	})
	if err != nil {
		return err
	}
	if info.State != batchDone {
		return w.lost(k.failed(info), k.items)
	}
	return w.told(ctx, k, path+"/result")
}

// submit makes the job, gives it its batch and closes it. A job that stays open is closed by Salesforce some day; the
// batch is worked on anyway.
func (w *batch) submit(ctx context.Context, k work, table []byte) (job, batch string, err error) {
	ask := jobInfo{Operation: k.op, Object: k.object.Name, Content: "CSV"}
	if k.external != nil {
		ask.External = k.external.Name
	}
	var made jobInfo
	if _, err := w.asked(ctx, http.MethodPost, "/job", "application/xml", document(ask), &made); err != nil {
		return "", "", harmless(err) // nothing is done without a batch
	}
	path := "/job/" + segment(made.ID)
	var b batchInfo
	if _, err := w.asked(ctx, http.MethodPost, path+"/batch", "text/csv", table, &b); err != nil {
		return "", "", err
	}
	_, _ = w.asked(ctx, http.MethodPost, path, "application/xml", document(jobInfo{State: "Closed"}), nil) //nolint:errcheck // see above
	return made.ID, b.ID, nil
}

func document(v any) []byte {
	text, _ := xml.Marshal(v) //nolint:errcheck // texts can be encoded
	return append([]byte(xml.Header), text...)
}

// failed is what a batch that was not worked on as a whole means. Where records were made, nobody knows which.
func (k work) failed(b batchInfo) error {
	err := fault.New(fault.CodeDestinationRejected, "Salesforce did not work on the batch: %s", b.Message)
	switch {
	case b.State == batchUndone:
		return fault.Reclass(err, fault.Retryable)
	case k.op == opInsert && !strings.HasPrefix(b.Message, "InvalidBatch"):
		return fault.Reclass(err, fault.Unknown)
	default:
		return err
	}
}

// told reads the results of a batch: a line for each of its records, in their order.
// https://developer.salesforce.com/docs/atlas.en-us.api_asynch.meta/api_asynch/asynch_api_batches_get_results.htm
func (w *batch) told(ctx context.Context, k work, path string) error {
	resp, err := w.asked(ctx, http.MethodGet, path, "", nil, nil)
	if err != nil {
		return fault.Reclass(err, fault.Unknown)
	}
	lines, err := csv.NewReader(bytes.NewReader(resp.Body)).ReadAll()
	if err != nil || len(lines) != len(k.items)+1 {
		return fault.Reclass(fault.New(fault.CodeDestinationAnswer, "the results of the batch are not about each of its %d records", len(k.items)), fault.Unknown)
	}
	for i, line := range lines[1:] {
		cells := pick(lines[0], line, []string{"Success", "Error"})
		if cells[0] == "true" {
			continue
		}
		w.refuse(k, k.items[i], []refusal{refusalOf(cells[1])})
	}
	return nil
}
