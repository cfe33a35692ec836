// Package fivetran asks Fivetran's REST API for connections and transformations, makes signed webhooks in an account,
// and reads what they send. The README beside says what was taken from where.
package fivetran

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/httpx"
)

const (
	answerTime = 30 * time.Second
	mostAnswer = 16 << 20
)

// Events are those that a webhook is made for.
var Events = []string{"sync_end", "dbt_run_succeeded", "transformation_run_succeeded"}

// Client asks for one account.
type Client struct {
	Base      string
	Key       string
	Secret    string
	Transport http.RoundTripper
}

// Job is a connection or a transformation.
type Job struct {
	ID    string
	Label string
}

// Webhook makes a signed webhook for the whole account, and returns its ID. Fivetran tries the address before it
// answers.
func (c Client) Webhook(ctx context.Context, address, secret string) (string, error) {
	var made struct {
		ID string `json:"id"`
	}
	err := c.do(ctx, http.MethodPost, "/v1/webhooks/account", map[string]any{"url": address, "events": Events, "active": true, "secret": secret}, &made)
	if err == nil && made.ID == "" {
		err = fault.New(fault.CodeOrchestrator, "Fivetran made no webhook")
	}
	return made.ID, err
}

// Remove deletes a webhook. One that is gone is no error.
func (c Client) Remove(ctx context.Context, id string) error {
	err := c.do(ctx, http.MethodDelete, "/v1/webhooks/"+url.PathEscape(id), nil, nil)
	if fault.Is(err, fault.CodeNotFound) {
		return nil
	}
	return err
}

// Jobs lists the connections and the transformations of the account.
func (c Client) Jobs(ctx context.Context) ([]Job, error) {
	var all []Job
	for _, list := range []string{"/v1/connections", "/v1/transformations"} {
		for cursor := ""; ; {
			var page struct {
				Items []struct {
					ID      string `json:"id"`
					Service string `json:"service"`
					Schema  string `json:"schema"`
					Type    string `json:"type"`
					Config  struct {
						Name string `json:"name"`
					} `json:"transformation_config"`
				} `json:"items"`
				Next string `json:"next_cursor"`
			}
			if err := c.do(ctx, http.MethodGet, list+"?"+url.Values{"limit": {"1000"}, "cursor": {cursor}}.Encode(), nil, &page); err != nil {
				return nil, err
			}
			for _, i := range page.Items {
				words := []string{i.Schema, i.Config.Name, i.Service, i.Type}
				all = append(all, Job{i.ID, strings.Join(strings.Fields(strings.Join(words, " ")), " ")})
			}
			if cursor = page.Next; cursor == "" {
				break
			}
		}
	}
	return all, nil
}

func (c Client) do(ctx context.Context, method, path string, in, out any) error {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	var body bytes.Buffer
	if in != nil {
		if err := json.NewEncoder(&body).Encode(in); err != nil {
			return fault.Wrap(err, fault.CodeInternal, "encoding a request")
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimRight(c.Base, "/")+path, &body)
	if err != nil {
		return fault.Wrap(err, fault.CodeInvalid, "the address of Fivetran")
	}
	req.SetBasicAuth(c.Key, c.Secret)
	req.Header.Set("Accept", "application/json;version=2")
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := (&http.Client{Transport: c.Transport}).Do(req)
	if err != nil {
		return fault.Reclass(fault.Wrap(err, fault.CodeOrchestrator, "Fivetran was not reached"), fault.Retryable)
	}
	defer res.Body.Close() //nolint:errcheck // a body that was read
	var answer struct {
		Message string          `json:"message"`
		Data    json.RawMessage `json:"data"`
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, mostAnswer)).Decode(&answer); err != nil && res.StatusCode < http.StatusBadRequest {
		return fault.Reclass(fault.Wrap(err, fault.CodeOrchestrator, "Fivetran's answer cannot be read"), fault.Retryable)
	}
	if res.StatusCode >= http.StatusMultipleChoices {
		return refused(res, answer.Message)
	}
	if out == nil || len(answer.Data) == 0 {
		return nil
	}
	if err := json.Unmarshal(answer.Data, out); err != nil {
		return fault.Wrap(err, fault.CodeOrchestrator, "Fivetran's answer cannot be read")
	}
	return nil
}

func refused(res *http.Response, said string) error {
	switch res.StatusCode {
	case http.StatusUnauthorized:
		return fault.New(fault.CodeOrchestrator, "Fivetran does not accept the API key and secret: %s", said).WithSuggestion("Make a key in Fivetran's user settings, and put key and secret into the orchestrator.")
	case http.StatusForbidden:
		return fault.New(fault.CodeOrchestrator, "Fivetran refuses: %s", said).WithSuggestion("The API key must be that of a user with the role Account Administrator.")
	case http.StatusNotFound:
		return fault.New(fault.CodeNotFound, "Fivetran does not have this: %s", said)
	case http.StatusTooManyRequests:
		after, _ := httpx.RetryAfter(res.Header, time.Now())
		return fault.RetryAfter(fault.New(fault.CodeOrchestrator, "Fivetran asks to wait"), after)
	default:
		e := fault.New(fault.CodeOrchestrator, "Fivetran answers %s: %s", res.Status, said)
		if res.StatusCode >= http.StatusInternalServerError {
			return fault.Reclass(e, fault.Retryable)
		}
		return e
	}
}

// SignatureHeader holds the signature of what a webhook sends.
const SignatureHeader = "X-Fivetran-Signature-256"

// Event is what a webhook tells.
type Event struct {
	Job     string // the connection or transformation
	Success bool
}

// Read reads the body of a webhook. ok is false where it tells of no end of a job.
func Read(body []byte) (e Event, ok bool, err error) {
	var raw struct {
		Event      string `json:"event"`
		Connector  string `json:"connector_id"`
		Connection string `json:"connection_id"`
		Data       struct {
			Status           string `json:"status"`
			DBTJob           string `json:"dbtJobId"`
			TransformationID string `json:"transformationId"`
		} `json:"data"`
	}
	if err := json.Unmarshal(body, &raw); err != nil {
		return e, false, fault.Wrap(err, fault.CodeMalformed, "the webhook's body is not JSON")
	}
	switch raw.Event {
	case "sync_end":
		e = Event{Job: first(raw.Connector, raw.Connection), Success: raw.Data.Status == "SUCCESSFUL"}
	case "dbt_run_succeeded", "transformation_run_succeeded":
		e = Event{Job: first(raw.Data.DBTJob, raw.Data.TransformationID), Success: true}
	}
	return e, e.Job != "", nil
}

func first(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}
