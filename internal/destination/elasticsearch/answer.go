package elasticsearch

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/httpx"
)

// bulkAnswer has one member for each action, in their order: the action's name and what became of it.
type bulkAnswer struct {
	Items []map[string]struct {
		Status int    `json:"status"`
		Error  *cause `json:"error"`
	} `json:"items"`
}

// cause is an error of the server's.
type cause struct {
	Type     string `json:"type"`
	Reason   string `json:"reason"`
	CausedBy struct {
		Reason string `json:"reason"`
	} `json:"caused_by"`
}

// words are the server's own.
func (c cause) words() string {
	text := c.Type + ": " + c.Reason
	if c.CausedBy.Reason != "" {
		text += ": " + c.CausedBy.Reason
	}
	return text
}

// The types of errors that are judged one by one.
const (
	typeNoDocument  = "document_missing_exception"
	typeNoIndex     = "index_not_found_exception"
	typeBlocked     = "cluster_block_exception"
	typeSecurity    = "security_exception"
	typeClosedIndex = "index_closed_exception"
)

// passing reports whether another attempt may meet another answer: another writer, a full queue, shards that are away.
func passing(status int) bool {
	return status == http.StatusConflict || status == http.StatusTooManyRequests || status >= http.StatusInternalServerError
}

// read judges each row's answer. Where none was taken and the server is only busy, the batch is to be sent later.
func (s *session) read(answer bulkAnswer, items []item, reject rejecting) error {
	busy := 0
	for n, i := range items {
		for _, a := range answer.Items[n] {
			if a.Error == nil {
				continue
			}
			if a.Error.Type == typeNoDocument { // nothing to update or to clear
				continue
			}
			if err := s.whole(a.Status, *a.Error); err != nil {
				return err
			}
			if a.Status == http.StatusTooManyRequests {
				busy++
			}
			reject(i.row, a.Error.words(), passing(a.Status))
		}
	}
	if busy == len(items) {
		return fault.New(fault.CodeDestinationThrottled, "the server's queue is full").WithSuggestion("Lower the sync's batches at a time, or give the server more to work with.")
	}
	return nil
}

// whole returns an error of the run where an answer is about more than its row.
func (s *session) whole(status int, c cause) error {
	switch {
	case c.Type == typeNoIndex:
		return fault.Reclass(noIndex(s.index), fault.Fatal)
	case c.Type == typeClosedIndex:
		return fault.Reclass(fault.New(fault.CodeDestinationSchema, "writing to %s: %s", s.index, c.words()), fault.Fatal).WithSuggestion("Open the index at the server.")
	case c.Type == typeBlocked && status == http.StatusForbidden:
		return fault.Reclass(fault.New(fault.CodeDestinationDenied, "writing to %s: %s", s.index, c.words()), fault.Fatal).
			WithSuggestion("Remove the index's block on writing (index.blocks). The server sets one by itself when its disk is nearly full.")
	case c.Type == typeSecurity:
		return fault.Reclass(fault.New(fault.CodeDestinationDenied, "writing to %s: %s", s.index, c.words()), fault.Fatal).WithSuggestion("%s", privileges)
	}
	return nil
}

// privileges is what a role or key needs.
// https://www.elastic.co/docs/reference/elasticsearch/security-privileges
const privileges = "Give the user or key the privileges read, write and view_index_metadata on the index, and auto_configure or manage where new fields are to be added."

// unanswered adds advice to an error without an answer.
func (d *destination) unanswered(err error) error {
	e := fault.As(err)
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	switch {
	case errors.As(err, &certificate):
		return fault.Reclass(e.WithSuggestion("Enter the CA certificate that signed the server's certificate, and check the host's name."), fault.Fatal)
	case errors.As(err, &record):
		return fault.Reclass(e.WithSuggestion("The server does not encrypt: choose the protocol HTTP, but only where nobody can listen."), fault.Fatal)
	}
	return e
}

// judge adds to what a status means what the server says in its body.
func (d *destination) judge(e *fault.Error, r *httpx.Response) error {
	var said struct {
		Error cause `json:"error"`
	}
	text := e.Message
	if json.Unmarshal(r.Body, &said) == nil && said.Error.Type != "" {
		text = said.Error.words()
	}
	e.Message = d.settings.base().Host + " answered " + text
	switch {
	case said.Error.Type == typeNoIndex:
		n := noIndex("")
		n.Message = "there is no such index or alias: " + said.Error.Reason
		return n
	case r.Status == http.StatusNotFound:
		return fault.Reclass(e, fault.Fatal)
	case r.Status == http.StatusUnauthorized:
		return e.WithSuggestion("Check the API key, or user and password. An API key also ends when its time is over.")
	case r.Status == http.StatusForbidden:
		return fault.Reclass(e, fault.Fatal).WithSuggestion("%s", privileges)
	case r.Status == http.StatusRequestEntityTooLarge:
		return e.WithSuggestion("The server takes smaller requests (http.max_content_length); the batch is halved.")
	}
	return e
}
