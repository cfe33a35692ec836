package salesforce

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"slices"
	"strings"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

// merger says which records are one.
type merger struct {
	shared *field // records with the same value are one
	child  *field // a checkbox, or what else children alone have: they go into the one record without it
}

// merger reads the sync's settings; nil where nothing is merged.
func (s *session) merger() (*merger, error) {
	settings := s.run.Job().Settings
	if on, _ := settings["merge"].(bool); !on {
		return nil, nil //nolint:nilnil // no merger merges nothing
	}
	m := &merger{}
	for name, to := range map[string]**field{"sharedField": &m.shared, "childField": &m.child} {
		field := settings.Text(name)
		at := slices.IndexFunc(s.columns, func(c *column) bool { return strings.EqualFold(c.field.Name, field) })
		if at < 0 {
			return nil, fault.Reclass(fault.New(fault.CodeInvalid, "the field %s decides what is merged, and it is not mapped", field).
				WithPath("spec.settings."+name).WithSuggestion("Map a column to it."), fault.Fatal)
		}
		*to = s.columns[at].field
	}
	return m, nil
}

// group is records that are one.
type group struct {
	parents, children []string
}

// perMerge is how many records one request of a merge takes in, and mergesPerCall how many such requests a call has.
const (
	perMerge      = 2
	mergesPerCall = 200
)

// merge makes one record of those that share a value with a row of the batch, whichever run wrote them.
func (w *batch) merge(ctx context.Context) error {
	items := map[string][]*item{}
	var values []string
	by := &finder{object: w.objects[0].Name, field: w.merges.shared}
	for _, it := range w.items {
		if v := it.text(w.merges.shared); v != "" {
			values = append(values, v)
			items[by.key(v)] = append(items[by.key(v)], it)
		}
	}
	groups := map[string]*group{}
	var order []string
	err := by.each(ctx, w.run, values, []string{w.merges.child.Name}, func(rec map[string]value.Value) {
		key := by.key(rec[by.field.Name].String())
		if groups[key] == nil {
			groups[key] = &group{}
			order = append(order, key)
		}
		groups[key].add(rec["Id"].String(), marks(rec[w.merges.child.Name]))
	})
	if err != nil {
		return w.failed(err, w.items)
	}
	var calls []mergeRequest
	for _, key := range order {
		calls = append(calls, w.merging(groups[key], items[key])...)
	}
	for chunk := range slices.Chunk(calls, mergesPerCall) {
		if err := w.mergeSome(ctx, chunk); err != nil {
			return err
		}
	}
	return nil
}

// marks reports whether the value of the field that marks children marks one: a checkbox that is set, or any other value,
// such as the id of the record that it goes into.
func marks(v value.Value) bool {
	if v.Kind() == value.Bool {
		return v.Bool()
	}
	return !v.IsNull() && v.String() != ""
}

func (it *item) text(f *field) string {
	for _, c := range it.fields {
		if c.field == f {
			return text(c.value)
		}
	}
	return ""
}

func (g *group) add(id string, child bool) {
	if child {
		g.children = append(g.children, id)
	} else {
		g.parents = append(g.parents, id)
	}
}

// merging are the requests of one group. A group whose parent did not come yet waits for it.
func (w *batch) merging(g *group, items []*item) []mergeRequest {
	switch {
	case len(g.children) == 0 || len(g.parents) == 0:
		return nil
	case len(g.parents) > 1:
		w.unmerged(items, "several records that are no children share the value of "+w.merges.shared.Name, false)
		return nil
	}
	var all []mergeRequest
	for part := range slices.Chunk(g.children, perMerge) {
		all = append(all, mergeRequest{object: w.objects[0].Name, parent: g.parents[0], children: part, items: items})
	}
	return all
}

// mergeRequest takes records into another one.
type mergeRequest struct {
	object, parent string
	children       []string
	items          []*item
}

// mergeAnswer is what became of each request of a call.
type mergeAnswer struct {
	Results []struct {
		Success bool `xml:"success"`
		Errors  []struct {
			Code    string   `xml:"statusCode"`
			Message string   `xml:"message"`
			Fields  []string `xml:"fields"`
		} `xml:"errors"`
	} `xml:"Body>mergeResponse>result"`
}

// envelope writes a call. Its names are those of the partner interface.
func envelope(session string, calls []mergeRequest) []byte {
	var b bytes.Buffer
	put := func(parts ...string) {
		for i, p := range parts {
			if i%2 == 0 {
				b.WriteString(p)
			} else {
				xml.EscapeText(&b, []byte(p)) //nolint:errcheck // a buffer takes everything
			}
		}
	}
	put(`<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" ` +
		`xmlns:urn="urn:partner.soap.sforce.com" xmlns:sobj="urn:sobject.partner.soap.sforce.com"><soapenv:Header>`)
	put(`<urn:SessionHeader><urn:sessionId>`, session, `</urn:sessionId></urn:SessionHeader></soapenv:Header><soapenv:Body><urn:merge>`)
	for _, c := range calls {
		put(`<urn:request><urn:masterRecord><sobj:type>`, c.object, `</sobj:type><sobj:Id>`, c.parent, `</sobj:Id></urn:masterRecord>`)
		for _, id := range c.children {
			put(`<urn:recordToMergeIds>`, id, `</urn:recordToMergeIds>`)
		}
		put(`</urn:request>`)
	}
	put(`</urn:merge></soapenv:Body></soapenv:Envelope>`)
	return b.Bytes()
}

// mergeSome makes one call of the SOAP API, which alone can merge.
func (w *batch) mergeSome(ctx context.Context, calls []mergeRequest) error {
	var items []*item
	for _, c := range calls {
		items = append(items, c.items...)
	}
	session, err := w.run.Token(ctx)
	if err != nil {
		return w.failed(err, items)
	}
	resp, err := w.run.Ask(ctx, "POST", soap, envelope(session, calls), map[string]string{
		"Content-Type": "text/xml; charset=UTF-8", "SOAPAction": `""`, "Accept": "text/xml",
	})
	if err != nil {
		return w.failed(err, items)
	}
	var got mergeAnswer
	if err := xml.Unmarshal(resp.Body, &got); err != nil || len(got.Results) != len(calls) {
		return w.failed(fault.New(fault.CodeDestinationAnswer, "the answer does not say what became of each merge"), items)
	}
	for i, res := range got.Results {
		if res.Success {
			continue
		}
		retry := false
		var words []string
		for _, e := range res.Errors {
			words = append(words, refusal{Code: e.Code, Message: e.Message, Fields: e.Fields}.words())
			retry = retry || slices.Contains(passing, e.Code)
		}
		w.unmerged(calls[i].items, strings.Join(words, "; "), retry)
	}
	return nil
}

// failed decides what an error means for records that were written and could not be merged.
func (w *batch) failed(err error, items []*item) error {
	class := fault.ClassOf(err)
	if class == fault.Fatal {
		w.run.Stop(err)
	}
	w.unmerged(items, fault.As(err).Error(), class != fault.Permanent && class != fault.Fatal)
	return nil
}

// unmerged refuses rows whose records were written and not merged, so that they are sent again. Where that would make
// more records, the run fails in the end instead.
func (w *batch) unmerged(items []*item, reason string, retry bool) {
	reason = "the record was written and not merged: " + reason
	if w.run.Job().Mode == connector.ModeInsert {
		w.regret(fault.New(fault.CodeDestinationRejected, "%s", reason))
		return
	}
	for _, it := range items {
		if slices.Contains(w.items, it) {
			w.drop(it, reason, retry)
		}
	}
}

// regret keeps the first error that no row can be refused for.
func (s *session) regret(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.regrets == nil {
		s.regrets = err
	}
}

// Finish tells what went wrong without a row to be refused for it.
func (s *session) Finish(ctx context.Context) error {
	s.mu.Lock()
	err := s.regrets
	s.mu.Unlock()
	return errors.Join(err, s.Session.Finish(ctx))
}
