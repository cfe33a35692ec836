package hubspot

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/millrace/millrace/internal/connector/manifest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

// input is a record in a request, besides its properties. Its trace, the number of its row, comes back with its answer.
type input struct {
	id         string // empty where it has none yet
	idProperty string // empty where id is the record's own
	made       bool   // with what it is associated with
	linked     []linked
}

// appendInput writes a record as HubSpot takes it.
func (w *batch) appendInput(dst []byte, it *item, in input) ([]byte, error) {
	dst = append(dst, '{')
	if in.id != "" {
		dst = append(value.AppendJSONString(append(dst, `"id":`...), in.id), ',')
	}
	if in.idProperty != "" {
		dst = append(value.AppendJSONString(append(dst, `"idProperty":`...), in.idProperty), ',')
	}
	dst = w.appendProperties(append(dst, `"properties":`...), it)
	dst = append(strconv.AppendInt(append(dst, `,"objectWriteTraceId":"`...), int64(it.row.Index()), 10), '"')
	if in.made {
		links, err := json.Marshal(in.linked)
		if err != nil {
			return dst, fault.Wrap(err, fault.CodeInternal, "encoding a request")
		}
		dst = append(append(dst, `,"associations":`...), links...)
	}
	return append(dst, '}'), nil
}

// body is a request for some records.
func (w *batch) body(items []*item, form func(*item) input) (dst []byte, err error) {
	dst = append(make([]byte, 0, inputBytes*len(items)), `{"inputs":[`...)
	for i, it := range items {
		if i > 0 {
			dst = append(dst, ',')
		}
		if dst, err = w.appendInput(dst, it, form(it)); err != nil {
			return dst, err
		}
	}
	return append(dst, `]}`...), nil
}

// inputBytes is about what a record takes in a request.
const inputBytes = 400

// answer is what HubSpot says of the records of a request.
type answer struct {
	Results []written `json:"results"`
	Errors  []problem `json:"errors"`
}

// written is a record that was written.
type written struct {
	ID    string `json:"id"`
	Trace string `json:"objectWriteTraceId"`
}

// problem is what HubSpot refuses of a request.
type problem struct {
	Message  string              `json:"message"`
	Category string              `json:"category"`
	Context  map[string][]string `json:"context,omitempty"`
}

// words are what a problem says, with the remedy that the manifest has for an answer that says it.
func (w *batch) words(p problem) string {
	status := http.StatusBadRequest
	if p.Category == "CONFLICT" {
		status = http.StatusConflict
	}
	return manifest.Reason(w.run.Judge(status, p))
}

// upsert writes records that may exist.
func (w *batch) upsert(ctx context.Context) error {
	if w.by.how == byUnique && !w.keepsFilled() {
		return w.part(w.items, func(items []*item) error { return w.write(ctx, "upsert", items, w.byProperty) })
	}
	known, err := w.look(ctx)
	if err != nil {
		return err
	}
	if err := w.part(known, func(items []*item) error { return w.write(ctx, "update", items, w.byRecord) }); err != nil {
		return err
	}
	fresh := slices.DeleteFunc(slices.Clone(w.items), func(it *item) bool { return it.id != "" })
	return w.create(ctx, fresh)
}

// update writes records that exist. With lenient, those that do not are passed over: there is nothing to empty.
func (w *batch) update(ctx context.Context, lenient bool) error {
	known, err := w.look(ctx)
	if err != nil {
		return err
	}
	for _, it := range slices.Clone(w.items) {
		if it.id == "" && !lenient {
			w.drop(it, "there is no record with this value of "+w.by.property, false)
		}
	}
	return w.part(known, func(items []*item) error { return w.write(ctx, "update", items, w.byRecord) })
}

// create makes records. What they are associated with is part of the request.
func (w *batch) create(ctx context.Context, items []*item) error {
	return w.part(items, func(items []*item) error {
		return w.write(ctx, "create", items, func(it *item) input {
			if w.by != nil {
				it.by = w.by.property
			}
			links := it.links()
			it.now, it.then, it.changed = nil, nil, false
			return input{made: true, linked: links}
		})
	})
}

func (w *batch) byProperty(it *item) input {
	return input{id: it.match, idProperty: w.by.property}
}

func (w *batch) byRecord(it *item) input { return input{id: it.id} }

// look finds the rows' records, and leaves out what is only written while it is empty.
func (w *batch) look(ctx context.Context) ([]*item, error) {
	if w.by.how == byID && !w.keepsFilled() {
		for _, it := range w.items {
			it.id = it.match
		}
		return slices.Clone(w.items), nil
	}
	values := make([]string, len(w.items))
	for i, it := range w.items {
		values[i] = it.match
	}
	records, err := w.by.find(ctx, w.run, values, w.empty)
	if err != nil {
		return nil, err
	}
	var known []*item
	seen := map[string]bool{}
	for _, it := range slices.Clone(w.items) {
		rec := records[strings.ToLower(it.match)]
		switch {
		case rec == nil:
			continue
		case seen[rec.id]: // two addresses of one contact
			w.drop(it, "another row of the request is about the same record", true)
			continue
		case rec.several:
			w.drop(it, "several records have this value of "+w.by.property+"; which of them is meant is not known", false)
			continue
		}
		it.id = rec.id
		seen[it.id] = true
		for _, name := range w.empty {
			if rec.properties[name] != "" {
				it.keeps = append(it.keeps, name)
			}
		}
		known = append(known, it)
	}
	return known, nil
}

// keepsFilled reports whether a mapped property is only written while it is empty.
func (w *batch) keepsFilled() bool {
	return slices.ContainsFunc(w.items, func(it *item) bool {
		return slices.ContainsFunc(w.empty, func(name string) bool { return w.sends(it, name) })
	})
}

// write makes a request of a batch endpoint and reads the answer of each row.
func (w *batch) write(ctx context.Context, verb string, items []*item, form func(*item) input) error {
	text, err := w.body(items, form)
	if err != nil {
		return err
	}
	said, err := send(ctx, w.run, "POST", "/crm/v3/objects/"+url.PathEscape(w.object)+"/batch/"+verb, text)
	if err != nil || len(w.links) == 0 && tookAll(said) {
		return err
	}
	var got answer
	if err := decode(said, &got); err != nil {
		return err
	}
	traced := make(map[string]*item, len(items))
	for _, it := range items {
		traced[it.trace()] = it
	}
	for _, res := range got.Results {
		if it := traced[res.Trace]; it != nil {
			it.id = res.ID
		}
	}
	if len(got.Errors) > 0 {
		w.refused(items, got)
	}
	return nil
}

// trace is what the row's record is called in a request and its answer.
func (it *item) trace() string { return strconv.Itoa(it.row.Index()) }

// tookAll reports whether an answer says that every record was written, without reading it: it has no errors.
func tookAll(said []byte) bool {
	return bytes.Contains(said, []byte(`"results"`)) && !bytes.Contains(said, []byte(`"errors"`))
}

// refused rejects the rows that an answer refuses. Where its problems name them all, these are the ones; otherwise the
// ones that it has no record of.
func (w *batch) refused(items []*item, got answer) {
	bad := map[*item]string{}
	for _, it := range items {
		if p := about(got.Errors, it.trace(), it.match, it.id); p != nil {
			bad[it] = w.words(*p)
		}
	}
	if len(bad)+len(got.Results) != len(items) {
		for _, it := range items {
			taken := slices.ContainsFunc(got.Results, func(res written) bool { return res.Trace == it.trace() })
			if bad[it] == "" && !taken {
				bad[it] = w.words(got.Errors[0])
			}
		}
	}
	for _, it := range items {
		if reason, refused := bad[it]; refused {
			w.drop(it, reason, false)
		}
	}
}

// The members of a problem's context: the trace of the record that it is about, and the record that is in its way.
const (
	traceOf  = "objectWriteTraceId"
	existing = "existingId"
)

// about finds what is said of the record with the trace, or one that another name stands for.
func about(problems []problem, trace string, names ...string) *problem {
	for i := range problems {
		for key, list := range problems[i].Context {
			named := slices.ContainsFunc(names, func(name string) bool { return name != "" && slices.Contains(list, name) })
			switch {
			case key == existing:
			case key == traceOf && slices.Contains(list, trace), key != traceOf && named:
				return &problems[i]
			}
		}
	}
	return nil
}

// archive puts the records of removed rows into HubSpot's recycling bin.
func (w *batch) archive(ctx context.Context) error {
	known, err := w.look(ctx)
	if err != nil {
		return err
	}
	return w.part(known, func(items []*item) error {
		inputs := make([]map[string]string, len(items))
		for i, it := range items {
			inputs[i] = map[string]string{"id": it.id}
		}
		return call(ctx, w.run, "POST", "/crm/v3/objects/"+url.PathEscape(w.object)+"/batch/archive", map[string]any{"inputs": inputs}, nil)
	})
}

// forget deletes contacts and everything that HubSpot knows of them, for good. They are looked up first: an address that
// no contact has would be barred from being used ever after.
func (w *batch) forget(ctx context.Context) error {
	known, err := w.look(ctx)
	if err != nil {
		return err
	}
	for _, it := range known {
		err := w.part([]*item{it}, func([]*item) error {
			return call(ctx, w.run, "POST", "/crm/v3/objects/contacts/gdpr-delete", map[string]string{"objectId": it.id}, nil)
		})
		if err != nil {
			return err
		}
	}
	return nil
}
