package manifest

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/httpx"
	"github.com/millrace/millrace/internal/value"
)

// exchange makes one request of a step and reads its answer.
func (a *attempt) exchange(ctx context.Context, st *Step, rows []*record) error {
	if st.Until.given() {
		return a.poll(ctx, st, rows)
	}
	address, before := "", ""
	a.scope.set("page", value.Value{})
	a.met = map[*Reader]map[*record]bool{}
	defer func() { a.more, a.met = false, nil }()
	for range maxPages {
		if err := a.ask(ctx, st, rows, address); err != nil {
			return err
		}
		next, err := a.next(st)
		if err != nil {
			return a.unread(st, fault.Wrap(err, fault.CodeDestinationAnswer, "reading the answer"))
		}
		a.more = next != ""
		if err := a.answered(st, rows); err != nil || !a.more {
			return err
		}
		if next == before {
			return a.unread(st, samePage())
		}
		address, before = next, next
		if st.turns && !isAddress(next) {
			address = ""
			a.scope.set("page", value.OfText(next))
		}
	}
	return a.unread(st, fault.New(fault.CodeDestinationAnswer, "the answer has more than %d pages", maxPages))
}

// next is what names the next page of an answer; empty at the last one.
func (a *attempt) next(st *Step) (string, error) {
	v, err := a.scope.eval(&st.Next.source)
	if err != nil || v.IsNull() || v.Kind() == value.Bool && !v.Bool() {
		return "", err
	}
	return v.String(), nil
}

// ask makes a request; an answer that is no success is an error. With an address it is the request for a further page.
func (a *attempt) ask(ctx context.Context, st *Step, rows []*record, address string) error {
	if st.matches {
		a.match(rows)
	}
	r, err := a.client.request(ctx, a.scope, a.parts(st), rows)
	if err != nil {
		return err
	}
	if address != "" {
		if err := turn(r, address); err != nil {
			return err
		}
	}
	r.Keep = answerBytes
	for attempt := 1; ; attempt++ {
		e, err := a.once(ctx, st, rows, r)
		switch {
		case err != nil:
			return err
		case e == nil:
			return nil
		case !a.client.hold(ctx, a.batch, e, attempt):
			return helped(e, st.Hint)
		}
	}
}

// once makes a request of a step and reads what the answer as a whole means: nil for a success.
func (a *attempt) once(ctx context.Context, st *Step, rows []*record, r *httpx.Request) (*fault.Error, error) {
	resp, err := a.client.send(ctx, r, a.batch, connector.Turn{Counts: a.counts(st.Class), Begun: a.doubles(rows)})
	if err != nil {
		if st.Reads {
			err = harmless(err)
		}
		return nil, err
	}
	a.client.see(a.scope, resp)
	if resp.Truncated && resp.Status < http.StatusMultipleChoices && a.looksInto(st) {
		return nil, a.unread(st, fault.New(fault.CodeDestinationAnswer, "the answer is longer than %d MiB and cannot be read", answerBytes>>20))
	}
	e := a.client.verdict(a.scope, resp, r.Secrets, st.Answers, a.kind.Answers)
	if e != nil && st.Reads && e.Class == fault.Unknown {
		e = fault.Reclass(e, fault.Retryable)
	}
	return e, nil
}

// answerBytes is how much of an answer is read.
const answerBytes = discoverBytes

// looksInto reports whether more than the status of a success counts.
func (a *attempt) looksInto(st *Step) bool {
	conditional := func(rules []Answer) bool {
		return slices.ContainsFunc(rules, func(r Answer) bool { return r.When.given() })
	}
	return len(st.Rows) > 0 || len(st.Save) > 0 || st.Until.given() || st.Next.given() || conditional(st.Answers) || conditional(a.kind.Answers) || conditional(a.manifest.Answers)
}

// unread is the error of a success that cannot be read: the rows may have been taken, unless the request only reads.
func (a *attempt) unread(st *Step, err error) error {
	class := fault.Unknown
	if st.Reads {
		class = fault.Permanent
	}
	return fault.Reclass(err, class)
}

// match tells the templates what finds the rows of a request.
func (a *attempt) match(rows []*record) {
	list := make([]value.Value, len(rows))
	for i, r := range rows {
		list[i], _ = r.Get("match")
	}
	a.scope.set("matches", value.OfList(list))
}

// harmless is the error of a request that only reads: whether it arrived does not matter.
func harmless(err error) error {
	if fault.ClassOf(err) == fault.Unknown {
		return fault.Reclass(err, fault.Retryable)
	}
	return err
}

// answered reads what a success says of single rows, and keeps what later steps need.
func (a *attempt) answered(st *Step, rows []*record) error {
	if !st.Reads {
		a.wrote = true
		for _, r := range rows {
			r.sent = true
		}
	}
	a.strays = map[string]string{}
	for i := range st.Rows {
		if err := a.readers(&st.Rows[i], rows); err != nil {
			return a.unread(st, fault.Wrap(err, fault.CodeDestinationAnswer, "reading the answer"))
		}
	}
	if reason := a.stray(); reason != "" && !st.Reads {
		if len(rows) > 1 {
			return &strayError{fault.Reclass(fault.New(fault.CodeDestinationAnswer, "a row was refused, and the answer does not say which: %s", reason), fault.Unknown)}
		}
		a.drop(rows, reason, false)
	}
	if err := a.client.keep(a.scope, st.Save); err != nil {
		return a.unread(st, fault.Wrap(err, fault.CodeDestinationAnswer, "reading the answer"))
	}
	return nil
}

// readers applies one reader to an answer.
func (a *attempt) readers(rd *Reader, rows []*record) error {
	if reads, err := a.scope.holds(&rd.When); err != nil || !reads {
		return err
	}
	items, err := a.items(rd)
	if err != nil {
		return err
	}
	find, err := a.finder(rd, rows)
	if err != nil {
		return err
	}
	met := a.met[rd] // of the pages before this one
	if met == nil {
		met = map[*record]bool{}
	}
	if a.met != nil {
		a.met[rd] = met
	}
	for i, item := range items {
		a.scope.set("item", item)
		found, err := find(i)
		if err != nil {
			return err
		}
		for _, h := range found {
			if err := a.hear(rd, item, h, met); err != nil {
				return err
			}
		}
	}
	if rd.Absent == "" || rd.Absent == "nothing" || a.more {
		return nil
	}
	for _, r := range rows {
		if !met[r] && slices.Contains(a.records, r) {
			a.drop([]*record{r}, orElse(rd.AbsentReason, "other rows of the request were refused"), rd.Absent == "retry")
		}
	}
	return nil
}

// named is what an item calls rows, and those that are called so. Without a name the item is about no row that it says.
type named struct {
	name value.Value
	rows []*record
}

// hear says what an item means for the rows that it calls something, or notes that a row was refused that is none of
// them.
func (a *attempt) hear(rd *Reader, item value.Value, n named, met map[*record]bool) error {
	refused := false
	for _, r := range n.rows {
		met[r] = true
		no, err := a.judge(rd, r)
		if err != nil {
			return err
		}
		refused = refused || no
	}
	if len(n.rows) == 0 {
		var err error
		if refused, err = a.refuses(rd); err != nil {
			return err
		}
	}
	if !refused || rd.alone() || n.name.IsNull() && !rd.Reject.given() {
		return nil
	}
	return a.strayed(rd, item, n)
}

// alone reports whether the items of a reader do not say which rows they are about: their places do, and there may be
// more of them than rows.
func (rd *Reader) alone() bool { return rd.By == "index" && !rd.Index.given() && !rd.Reject.given() }

// refuses reports whether the item of the scope is a refusal. A list without a condition and with nothing to save is one
// of refusals.
func (a *attempt) refuses(rd *Reader) (bool, error) {
	if rd.Reject.given() {
		return a.scope.meets(&rd.Reject)
	}
	return len(rd.Save) == 0, nil
}

// strayed notes a refusal that names none of the rows, until another reader finds one by the same name, or, where it has
// none, by the same item.
func (a *attempt) strayed(rd *Reader, item value.Value, n named) error {
	name := strings.ToLower(n.name.String())
	if whole := string(item.AppendJSON(nil)); n.name.IsNull() {
		name = whole
	} else if len(n.rows) > 0 {
		a.strays[name], a.strays[whole] = "", ""
	}
	if _, known := a.strays[name]; known {
		return nil
	}
	reason, err := a.scope.text(&rd.Reason.source)
	a.strays[name] = a.client.Redact(orElse(reason, "refused without a reason"))
	return err
}

// stray is why a row was refused that no reader found; empty where all were found.
func (a *attempt) stray() string {
	for _, name := range slices.Sorted(maps.Keys(a.strays)) {
		if a.strays[name] != "" {
			return a.strays[name]
		}
	}
	return ""
}

// strayError is the answer that a row of several was refused without saying which.
type strayError struct{ error }

func (e *strayError) Unwrap() error { return e.error }

// items is the list that a reader reads; without a place it is the whole answer.
func (a *attempt) items(rd *Reader) ([]value.Value, error) {
	if !rd.At.given() {
		v, err := a.scope.eval(&bodySource)
		return []value.Value{v}, err
	}
	v, err := a.scope.eval(&rd.At.source)
	if err != nil {
		return nil, err
	}
	return listed(v), nil
}

// listed makes a list of a value: the members of an object become items with key and value.
func listed(v value.Value) []value.Value {
	switch v = v.Parsed(); v.Kind() {
	case value.List:
		return v.List()
	case value.Null:
		return nil
	case value.Map:
		items := make([]value.Value, len(v.Fields()))
		for i, f := range v.Fields() {
			items[i] = value.OfMap([]value.Field{{Name: "key", Value: value.OfText(f.Name)}, {Name: "value", Value: f.Value}})
		}
		return items
	default:
		return []value.Value{v}
	}
}

// finder returns how the rows of an item are found; the item is in the scope.
func (a *attempt) finder(rd *Reader, rows []*record) (func(i int) ([]named, error), error) {
	if rd.By == "index" {
		return func(i int) ([]named, error) { return a.numbered(rd, rows, i) }, nil
	}
	index := map[string][]*record{}
	for _, r := range rows {
		a.scope.bind(r)
		v, err := a.scope.eval(&rd.Is.source)
		if err != nil {
			return nil, err
		}
		key := rd.fold(v.String())
		index[key] = append(index[key], r)
	}
	return func(int) ([]named, error) {
		v, err := a.scope.eval(&rd.Key.source)
		if err != nil {
			return nil, err
		}
		keys := []value.Value{v}
		if v.Kind() == value.List {
			keys = v.List() // the item is about several rows
		}
		found := make([]named, len(keys))
		for i, key := range keys {
			if found[i].name = key; !key.IsNull() {
				found[i].rows = index[rd.fold(key.String())]
			}
		}
		return found, nil
	}, nil
}

// numbered finds the rows of an item by its number, or by the numbers that it has.
func (a *attempt) numbered(rd *Reader, rows []*record, i int) ([]named, error) {
	numbers := []value.Value{value.OfInt(int64(i))}
	if rd.Index.given() {
		v, err := a.scope.eval(&rd.Index.source)
		if err != nil {
			return nil, err
		}
		if numbers = v.Parsed().List(); v.Parsed().Kind() != value.List {
			numbers = []value.Value{v}
		}
	}
	found := make([]named, len(numbers))
	for i, v := range numbers {
		found[i].name = v
		if n, err := asInteger(v); err == nil && n.Int() >= 0 && n.Int() < int64(len(rows)) {
			found[i].rows = rows[n.Int() : n.Int()+1]
		}
	}
	return found, nil
}

func (rd *Reader) fold(s string) string {
	if rd.Fold {
		return strings.ToLower(s)
	}
	return s
}

// judge says what an item means for its row, and whether that was refused.
func (a *attempt) judge(rd *Reader, r *record) (refused bool, err error) {
	a.scope.bind(r)
	if refused, err = a.refuses(rd); err != nil {
		return refused, err
	}
	if !refused {
		for _, name := range sortedExprs(rd.Save) {
			e := rd.Save[name]
			v, err := a.scope.eval(&e.source)
			if err != nil {
				return false, err
			}
			r.save(name, v)
		}
		return false, nil
	}
	retry, err := a.scope.meets(&rd.Retry)
	if err != nil {
		return true, err
	}
	reason, err := a.scope.text(&rd.Reason.source)
	if err != nil {
		return true, err
	}
	if strings.TrimSpace(reason) == "" {
		reason = "refused without a reason"
	}
	a.drop([]*record{r}, a.client.Redact(reason), retry)
	return true, nil
}

const (
	defaultEvery   = 2 * time.Second
	defaultTimeout = 10 * time.Minute
)

// checkpoint is what Resolve needs to ask once more.
type checkpoint struct {
	Operation connector.Operation        `json:"operation"`
	Step      int                        `json:"step"`
	Vars      map[string]json.RawMessage `json:"vars"` // those that the step and later ones name

	// Part says that the step is about some of the rows alone.
	Part bool `json:"part,omitempty"`
}

// poll repeats a request until its work is over. What asks for it again after a crash is noted first.
func (a *attempt) poll(ctx context.Context, st *Step, rows []*record) error {
	if err := a.note(ctx, st, rows); err != nil {
		return fault.Reclass(err, fault.Unknown) // the work goes on
	}
	every, timeout := time.Duration(st.Every), time.Duration(st.Timeout)
	if every == 0 {
		every = defaultEvery
	}
	if timeout == 0 {
		timeout = defaultTimeout
	}
	began := a.clock.Now()
	for {
		over, err := a.look(ctx, st, rows)
		if err != nil && !over {
			return fault.Reclass(err, fault.Unknown) // the work goes on
		}
		if over {
			return err
		}
		if a.clock.Now().Sub(began) > timeout {
			return fault.New(fault.CodeDestinationTimeout, "the vendor was not done within %s", timeout)
		}
		if err := a.wait(ctx, every); err != nil {
			return err
		}
	}
}

// wait waits for the vendor. A clock that is set by hand is moved on instead.
func (d *Destination) wait(ctx context.Context, t time.Duration) error {
	if c, byHand := d.clock.(*clock.Manual); byHand {
		c.Advance(t)
		t = 0
	}
	if t == 0 && ctx.Err() == nil {
		return nil
	}
	select {
	case <-ctx.Done():
		return fault.Reclass(fault.Wrap(context.Cause(ctx), fault.CodeDestinationUnknown, "waiting for the vendor"), fault.Unknown)
	case <-time.After(t):
		return nil
	}
}

// look asks once whether the work is over: with an error, that it failed, or did what cannot be read. While it is not
// known, an answer that can be asked for again is none.
func (a *attempt) look(ctx context.Context, st *Step, rows []*record) (over bool, err error) {
	err = a.ask(ctx, st, rows, "")
	switch class := fault.ClassOf(err); {
	case err != nil && (class == fault.Retryable || class == fault.Throttled || class == fault.Unknown):
		return false, nil
	case err != nil:
		return false, err
	}
	if failed, err := a.scope.meets(&st.Fail); err != nil || failed {
		if err != nil {
			return false, err
		}
		words, _ := a.scope.text(&st.Message.source) //nolint:errcheck // the words are a help
		return true, helped(fault.New(fault.CodeDestinationRejected, "%s", a.client.Redact(orElse(words, "the vendor's work failed"))), st.Hint)
	}
	if over, err = a.scope.meets(&st.Until); err != nil || !over {
		return false, err
	}
	if err = a.answered(st, rows); err != nil && !a.alone {
		err = fault.Reclass(err, fault.Unknown) // the work is done
	}
	return true, err
}

func orElse(s, other string) string {
	if strings.TrimSpace(s) == "" {
		return other
	}
	return s
}

// note keeps a checkpoint.
func (a *attempt) note(ctx context.Context, st *Step, rows []*record) error {
	w := a.writes[a.batch.Operation]
	if w == nil || a.alone {
		return nil
	}
	c := checkpoint{Operation: a.batch.Operation, Step: -1, Vars: map[string]json.RawMessage{}}
	for i := range w.Steps {
		if &w.Steps[i] == st {
			c.Step = i
		}
	}
	c.Part = len(rows) < len(a.batch.Rows)
	for _, f := range a.scope.vars {
		if c.Step >= 0 && slices.ContainsFunc(w.Steps[c.Step:], func(s Step) bool { return s.names("vars", f.Name) }) {
			c.Vars[f.Name] = f.Value.AppendJSON(nil)
		}
	}
	text, err := json.Marshal(c)
	if err != nil {
		return fault.Wrap(err, fault.CodeInternal, "encoding a checkpoint")
	}
	return a.batch.Checkpoint(ctx, string(text))
}

// names reports whether a step has a variable, or all that belong to its root.
func (st *Step) names(root, name string) (found bool) {
	visit(reflect.ValueOf(st), func(s *source) {
		found = found || s.tmpl != nil && slices.ContainsFunc(s.tmpl.Paths(), func(p []string) bool {
			return p[0] == root && (len(p) == 1 || name == "" || p[1] == name)
		})
	}, func(*each) {})
	return found
}

// Resolve asks once what became of work that was waited for.
func (d *Destination) Resolve(ctx context.Context, job connector.SyncJob, token string) (connector.Resolution, error) {
	var c checkpoint
	if err := json.Unmarshal([]byte(token), &c); err != nil {
		return connector.ResolvedUnknown, nil // not a token of ours
	}
	t, err := d.syncType(job)
	if err != nil {
		return connector.ResolvedUnknown, err
	}
	job.Settings = job.Settings.WithDefaults(connectorFields(t.Fields))
	s, err := d.session(ctx, job)
	if err != nil {
		return connector.ResolvedUnknown, err
	}
	defer s.Close() //nolint:errcheck // it closes idle connections only
	w := s.writes[c.Operation]
	if w == nil || c.Step < 0 || c.Step >= len(w.Steps) || c.Part || w.Steps[c.Step].names("resources", "") {
		return connector.ResolvedUnknown, nil
	}
	a := s.bare(value.OfMap(nil))
	for name, text := range c.Vars {
		if v, err := value.ParseJSON(string(text)); err == nil {
			a.scope.keepVar(name, v)
		}
	}
	return a.resolution(ctx, w.Steps[c.Step:])
}

// resolution asks for the first of the steps once more. The others are those that were to follow.
func (a *attempt) resolution(ctx context.Context, steps []Step) (connector.Resolution, error) {
	st := &steps[0]
	if err := a.ask(ctx, st, nil, ""); err != nil {
		return connector.ResolvedUnknown, nil //nolint:nilerr // it is asked for again, or reported as in doubt
	}
	if failed, err := a.scope.meets(&st.Fail); err != nil || failed {
		return connector.ResolvedNotTaken, err
	}
	over, err := a.scope.meets(&st.Until)
	if err != nil || !over {
		return connector.ResolvedUnknown, err
	}
	for i := range st.Rows {
		items, err := a.items(&st.Rows[i])
		if absent := st.Rows[i].Absent; err != nil || len(items) > 0 || absent != "" && absent != "nothing" {
			return connector.ResolvedUnknown, err // some rows may have been refused, and nobody knows any more which
		}
	}
	if err := a.client.keep(a.scope, st.Save); err != nil {
		return connector.ResolvedUnknown, err
	}
	for i := range steps[1:] {
		if more, err := a.scope.holds(&steps[i+1].When); err != nil || more {
			return connector.ResolvedUnknown, err // what follows needs the rows
		}
	}
	return connector.ResolvedTaken, nil
}
