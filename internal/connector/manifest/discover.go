package manifest

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/httpx"
	"github.com/millrace/millrace/internal/template"
	"github.com/millrace/millrace/internal/value"
)

// maxPages ends a vendor's list that does not end.
const maxPages = 200

// pages calls visit with each item of a list; the item is in the scope. A list whose path has an empty part, since a
// setting that it depends on is not filled in yet, has no items.
func (c *client) pages(ctx context.Context, s *scope, r *Request, visit func() error) error {
	_, err := c.pagesUpTo(ctx, s, r, maxPages, visit)
	return err
}

// pagesUpTo is pages with a limit, and reports whether the list ended within it.
func (c *client) pagesUpTo(ctx context.Context, s *scope, r *Request, most int, visit func() error) (whole bool, err error) {
	query := map[string]string{}
	address, before := "", ""
	s.set("page", r.Paging.first())
	for range most {
		resp, err := c.page(ctx, s, r, query, address)
		if err != nil || resp == nil {
			return true, err
		}
		items, err := s.eval(&bodySource)
		if r.Items.given() {
			items, err = s.eval(&r.Items.source)
		}
		if err != nil {
			return false, err
		}
		list := listed(items)
		next, err := r.Paging.next(s, before, len(list))
		if err != nil {
			return false, err
		}
		for _, item := range list {
			s.set("item", item)
			if err := visit(); err != nil {
				return false, err
			}
		}
		if next == "" {
			return true, nil
		}
		if next == before {
			return false, samePage()
		}
		if address, err = r.turn(s, query, next); err != nil {
			return false, err
		}
		before = next
	}
	return false, nil
}

// turn lets the next request be for another page, by its address or by what takes the page's name.
func (r *Request) turn(s *scope, query map[string]string, next string) (address string, err error) {
	switch {
	case isAddress(next):
		return next, nil
	case r.Paging.Param != "":
		query[r.Paging.Param] = next
	case !r.turns():
		return "", fault.New(fault.CodeDestinationAnswer, "the next page has no address, and nothing in the request takes what the answer calls it").
			WithSuggestion("Say param in the manifest's paging, or put page into a template of the request.")
	default:
		s.set("page", r.Paging.called(next))
	}
	return "", nil
}

// samePage ends a list whose pages name themselves as the next one.
func samePage() error {
	return fault.New(fault.CodeDestinationAnswer, "the answer calls the page that was asked for the next one again")
}

func isAddress(next string) bool {
	return strings.HasPrefix(next, "https://") || strings.HasPrefix(next, "http://")
}

// turns reports whether a template of the request names the page.
func (r *Request) turns() bool {
	return slices.ContainsFunc([]any{r.Request, r.Query, r.Headers, r.Body}, func(part any) bool { return naming(reflect.ValueOf(part), "page") })
}

func (p *Paging) numbered() bool { return p != nil && p.From != nil }

// first is what templates see as the first page.
func (p *Paging) first() value.Value {
	if p.numbered() && p.Param == "" {
		return value.OfInt(int64(*p.From))
	}
	return value.Value{}
}

// called is what templates see as the page.
func (p *Paging) called(next string) value.Value {
	if p.numbered() {
		return value.OfNumber(next)
	}
	return value.OfText(next)
}

// page asks for one page; nil where it cannot be asked for yet.
func (c *client) page(ctx context.Context, s *scope, r *Request, query map[string]string, address string) (*httpx.Response, error) {
	request, err := c.request(ctx, s, r.parts(), nil)
	if errors.Is(err, errAstray) || err == nil && strings.Contains(request.URL.Path, "//") {
		return nil, nil //nolint:nilnil // a setting is not filled in yet
	}
	if err != nil {
		return nil, err
	}
	if address != "" {
		if err := turn(request, address); err != nil {
			return nil, err
		}
	}
	if r.Paging.numbered() && r.Paging.Param != "" && query[r.Paging.Param] == "" {
		query[r.Paging.Param] = value.OfInt(int64(*r.Paging.From)).String()
	}
	q := request.URL.Query()
	for name, v := range query {
		q.Set(name, v)
	}
	request.URL.RawQuery = q.Encode()
	request.Keep = discoverBytes
	resp, err := c.listed(ctx, s, request, r.Answers)
	if err != nil {
		return nil, err
	}
	if resp.Truncated {
		return nil, fault.New(fault.CodeDestinationAnswer, "the list is longer than %d MiB and cannot be read", discoverBytes>>20)
	}
	return resp, nil
}

// listed makes a request for a page, again where the vendor asks to wait and a run can.
func (c *client) listed(ctx context.Context, s *scope, r *httpx.Request, answers []Answer) (*httpx.Response, error) {
	for attempt := 1; ; attempt++ {
		resp, err := c.send(ctx, r, c.outside, connector.Turn{})
		if err != nil {
			return nil, harmless(err)
		}
		c.see(s, resp)
		e := c.verdict(s, resp, r.Secrets, answers)
		if e == nil {
			return resp, nil
		}
		if !c.hold(ctx, c.outside, e, attempt) {
			return nil, e
		}
	}
}

// turn leads a request to another page, whose address the vendor gave.
func turn(r *httpx.Request, address string) error {
	u, err := httpx.ParseBase(address)
	if err != nil {
		return err
	}
	if u.Host != r.URL.Host {
		return fault.New(fault.CodeDestinationAnswer, "the next page is said to be at another host, %s", u.Host)
	}
	r.URL = u
	return nil
}

// discoverBytes is how much of a page is read.
const discoverBytes = 32 << 20

// next returns what asks for the page after one, which is empty for the first; empty at the last one.
func (p *Paging) next(s *scope, before string, items int) (string, error) {
	switch {
	case p == nil:
		return "", nil
	case p.Next.given():
		v, err := s.eval(&p.Next.source)
		if err != nil || v.IsNull() || v.Kind() == value.Bool && !v.Bool() {
			return "", err
		}
		return v.String(), nil
	case p.From == nil || items == 0 || items < p.Size:
		return "", nil
	default:
		at := int64(*p.From)
		if before != "" {
			n, err := asInteger(value.OfText(before))
			if err != nil {
				return "", err
			}
			at = n.Int()
		}
		return value.OfInt(at + int64(max(p.Step, 1))).String(), nil
	}
}

// ListOptions loads a pick-list.
func (d *Destination) ListOptions(ctx context.Context, list string, job connector.SyncJob) ([]connector.Option, error) {
	if hook := d.hooks.Lists[list]; hook != nil {
		return d.hookedList(ctx, hook, job)
	}
	l, ok := d.manifest.Lists[list]
	if !ok {
		return nil, fault.New(fault.CodeInvalid, "there is no list %q", list)
	}
	options := connectorOptions(l.Static)
	s := d.jobScope(job)
	if asked, err := s.holds(&l.If); err != nil || !asked || !l.Request.Request.given() {
		return options, err
	}
	c, err := d.client(1)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	err = c.pages(ctx, s, &l.Request, func() error {
		o, offered, err := l.option(s)
		if err == nil && offered {
			options = append(options, o)
		}
		return err
	})
	return options, err
}

func (l *List) option(s *scope) (o connector.Option, offered bool, err error) {
	if offered, err = s.holds(&l.When); err != nil || !offered {
		return o, false, err
	}
	if o.Value, err = s.text(&l.Value.source); err != nil || o.Value == "" {
		return o, false, err
	}
	if o.Label, err = s.text(&l.Label.source); err != nil {
		return o, false, err
	}
	if o.Label == "" {
		o.Label = o.Value
	}
	o.Help, err = s.text(&l.Help.source)
	return o, true, err
}

// full is a field's name in mappings.
func (f *TargetField) full() string {
	if f.Section == "" || f.Section == defaultSection {
		return f.Name
	}
	return f.Section + "." + f.Name
}

// staticFields are the fields of a job that the manifest has, and whether there are no others.
func (d *Destination) staticFields(t *SyncType, job connector.SyncJob) (fields []*TargetField, all bool, err error) {
	s := d.jobScope(job)
	all = true
	lists := [][]TargetField{t.Targets}
	for _, name := range t.FieldSets {
		set := d.manifest.FieldSets[name]
		lists = append(lists, set.Static)
		all = all && len(set.Discover) == 0
	}
	for _, list := range lists {
		for i := range list {
			fits, err := s.holds(&list[i].When)
			if err != nil {
				return nil, false, err
			}
			if fits {
				fields = append(fields, &list[i])
			}
		}
	}
	return fields, all && d.hooks.Fields[t.Slug] == nil, nil
}

// TargetFields lists the fields that a mapping can fill.
func (d *Destination) TargetFields(ctx context.Context, job connector.SyncJob) ([]connector.TargetField, error) {
	t, err := d.syncType(job)
	if err != nil {
		return nil, err
	}
	static, all, err := d.staticFields(t, job)
	if err != nil {
		return nil, err
	}
	fields := make([]connector.TargetField, 0, len(static))
	for _, f := range static {
		fields = append(fields, f.offer(t))
	}
	if !all {
		found, err := d.discover(ctx, t, job)
		if err != nil {
			return nil, err
		}
		for _, f := range found {
			if !slices.ContainsFunc(fields, func(known connector.TargetField) bool { return known.Name == f.Name }) {
				fields = append(fields, f.TargetField)
			}
		}
	}
	if only := t.Modes[job.Mode].Match; len(only) > 0 {
		for i := range fields {
			fields[i].Match = slices.Contains(only, fields[i].Name)
		}
	}
	return fields, nil
}

func (f *TargetField) offer(t *SyncType) connector.TargetField {
	label := f.Label
	if label == "" {
		label = f.Name
	}
	return connector.TargetField{
		Name: f.full(), Label: label, Type: f.Type, Native: f.Type, Required: f.Required, Match: f.Match, Help: f.Help,
		Section: t.heading(f.Section), Options: connectorOptions(f.Options),
	}
}

// heading is what a section is called.
func (t *SyncType) heading(section string) string {
	for _, s := range t.Sections {
		if s.Name == section {
			return s.Label
		}
	}
	return ""
}

// found is a field that the account has.
type found struct {
	connector.TargetField
	form string
}

// discover reads the account's fields.
func (d *Destination) discover(ctx context.Context, t *SyncType, job connector.SyncJob) ([]found, error) {
	c, err := d.client(1)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	c.outside = d.outside(t, job)
	s := d.jobScope(job)
	var all []found
	for _, name := range t.FieldSets {
		set := d.manifest.FieldSets[name]
		for i := range set.Discover {
			x := &set.Discover[i]
			if run, err := s.holds(&x.If); err != nil || !run {
				if err != nil {
					return nil, err
				}
				continue
			}
			err := c.pages(ctx, s, &x.Request, func() error {
				f, offered, err := x.field(s, t)
				if err == nil && offered {
					all = append(all, f)
				}
				return err
			})
			if err != nil {
				return nil, err
			}
		}
	}
	if hook := d.hooks.Fields[t.Slug]; hook != nil {
		more, err := d.hookedFields(ctx, hook, job)
		if err != nil {
			return nil, err
		}
		all = append(all, more...)
	}
	return all, nil
}

func (x *Discovery) field(s *scope, t *SyncType) (f found, offered bool, err error) {
	if offered, err = s.holds(&x.When); err != nil || !offered {
		return f, false, err
	}
	for _, text := range []struct {
		to   *string
		expr *Expr
	}{{&f.Name, &x.Name}, {&f.Label, &x.Label}, {&f.Native, &x.Type}, {&f.Help, &x.Help}} {
		if *text.to, err = s.text(&text.expr.source); err != nil {
			return f, false, err
		}
	}
	if f.Name == "" {
		return f, false, nil
	}
	for _, cond := range []struct {
		to   *bool
		cond *Cond
	}{{&f.Required, &x.Required}, {&f.ReadOnly, &x.ReadOnly}, {&f.Match, &x.Match}} {
		if *cond.to, err = s.meets(cond.cond); err != nil {
			return f, false, err
		}
	}
	f.Type, f.form = x.Types[f.Native], x.Forms[f.Native]
	if f.Type == "" {
		f.Type = "unknown"
	}
	if f.Native == "" {
		f.Native = f.Type
	}
	if f.Label == "" {
		f.Label = f.Name
	}
	if x.Section != "" && x.Section != defaultSection {
		f.Name, f.Section = x.Section+"."+f.Name, t.heading(x.Section)
	}
	f.Options, err = choices(s, &x.Options)
	return f, true, err
}

// choices reads the values that a field takes.
func choices(s *scope, e *Expr) ([]connector.Option, error) {
	v, err := s.eval(&e.source)
	if err != nil {
		return nil, err
	}
	var all []connector.Option
	for _, item := range v.Parsed().List() {
		o := connector.Option{Value: item.String()}
		if item.Kind() == value.Map {
			named, _ := item.Get("value")
			label, _ := item.Get("label")
			o.Value, o.Label = named.String(), label.String()
		}
		if o.Label == "" {
			o.Label = o.Value
		}
		all = append(all, o)
	}
	return all, nil
}

// layout compiles how rows become records.
func (d *Destination) layout(ctx context.Context, t *SyncType, job connector.SyncJob) (*layout, error) {
	specs, all, err := d.staticFields(t, job)
	if err != nil {
		return nil, err
	}
	forms := map[string]string{}
	if !all && d.hasForms(t) && mapsOthers(specs, job) {
		found, err := d.discover(ctx, t, job)
		if err != nil {
			return nil, err
		}
		for _, f := range found {
			forms[f.Name] = f.form
		}
		if err := d.stillThere(t, job, specs, forms); err != nil {
			return nil, err
		}
	}
	l := &layout{clear: job.Delete == connector.DeleteClear, sections: []string{defaultSection}, schema: job.Model.Schema.Names(), nested: map[string]bool{}}
	for _, s := range t.Sections {
		l.sections = append(l.sections, s.Name)
	}
	for _, f := range specs {
		if f.Section != "" && !slices.Contains(l.sections, f.Section) {
			l.sections = append(l.sections, f.Section)
		}
	}
	col := func(name string, omit bool) (column, error) { return d.column(t, job, specs, forms, name, omit) }
	for _, target := range job.Columns {
		c, err := col(target.Name, target.Omit)
		if err != nil {
			return nil, err
		}
		if !c.pipe.same {
			l.worked = append(l.worked, len(l.columns))
		}
		l.columns = append(l.columns, c)
		if len(c.path) > 1 {
			l.nested[c.section] = true
		}
	}
	for _, pair := range job.Match {
		c, err := col(pair.To, false)
		if err != nil {
			return nil, err
		}
		l.match = append(l.match, c)
	}
	l.rendered, err = renderedOf(t, job)
	return l, err
}

// stillThere reports a mapped field that the account does not have any more: some vendors say nothing of it, and its
// values would be lost.
func (d *Destination) stillThere(t *SyncType, job connector.SyncJob, specs []*TargetField, found map[string]string) error {
	if t.customs() || t.Mapping.AllByName || d.hooks.Fields[t.Slug] != nil {
		return nil // any field may be typed in
	}
	for _, c := range job.Columns {
		_, known := found[c.Name]
		if !known && !slices.ContainsFunc(specs, func(f *TargetField) bool { return f.full() == c.Name }) {
			return fault.New(fault.CodeMappingColumn, "%s has no field %q any more", d.manifest.Name, c.Name).
				WithSuggestion("Map another field, or make this one again at the vendor.")
		}
	}
	return nil
}

// mapsOthers reports whether a mapping fills a field that the manifest does not have.
func mapsOthers(specs []*TargetField, job connector.SyncJob) bool {
	return slices.ContainsFunc(job.Columns, func(c connector.TargetColumn) bool {
		return !slices.ContainsFunc(specs, func(f *TargetField) bool { return f.full() == c.Name })
	})
}

func (d *Destination) hasForms(t *SyncType) bool {
	return slices.ContainsFunc(t.FieldSets, func(name string) bool {
		return slices.ContainsFunc(d.manifest.FieldSets[name].Discover, func(x Discovery) bool { return len(x.Forms) > 0 })
	}) || d.hooks.Fields[t.Slug] != nil && !d.hooks.Formless[t.Slug]
}

// column compiles one mapped field.
func (d *Destination) column(t *SyncType, job connector.SyncJob, specs []*TargetField, forms map[string]string, name string, omit bool) (column, error) {
	s := d.jobScope(job)
	spec := TargetField{}
	for _, f := range specs {
		if f.full() == name {
			spec = *f
		}
	}
	if spec.Name == "" {
		spec.As = forms[name]
	}
	section, path := place(name, spec.Section, t.Mapping.Nested, t.Sections)
	if spec.Name != "" && !t.nested(section) {
		path = []string{spec.Name}
	}
	p, err := spec.Pipeline.compile(spec.Options, t.Mapping.emptied(), s)
	key := append(value.AppendJSONString(nil, path[len(path)-1]), ':')
	return column{name: name, section: section, path: path, key: key, omit: omit, pipe: p}, err
}

func (t *SyncType) nested(section string) bool {
	if section == defaultSection {
		return t.Mapping.Nested
	}
	return slices.ContainsFunc(t.Sections, func(s Section) bool { return s.Name == section && s.Nested })
}

// renderedOf compiles the templates that a sync's settings hold.
func renderedOf(t *SyncType, job connector.SyncJob) (map[string]*template.Template, error) {
	var all map[string]*template.Template
	for _, f := range t.Fields {
		text := job.Settings.Text(f.Name)
		if !f.Rendered || text == "" {
			continue
		}
		parsed, err := template.Parse(text)
		if err != nil {
			return nil, fault.Wrap(err, fault.CodeTemplate, "%s", f.Label).WithPath("spec.settings." + f.Name)
		}
		if all == nil {
			all = map[string]*template.Template{}
		}
		all[f.Name] = parsed
	}
	return all, nil
}

// checkTemplates reports the settings' templates that cannot be read.
func (d *Destination) checkTemplates(t *SyncType, job connector.SyncJob, issues *fault.Issues) {
	if _, err := renderedOf(t, job); err != nil {
		*issues = append(*issues, fault.As(err))
	}
}

// Label is what a field of the manifest is called; one that only the account has keeps its name.
func (d *Destination) Label(job connector.SyncJob, field string) string {
	t, err := d.syncType(job)
	if err != nil {
		return field
	}
	lists := [][]TargetField{t.Targets}
	for _, name := range t.FieldSets {
		lists = append(lists, d.manifest.FieldSets[name].Static)
	}
	for _, f := range slices.Concat(lists...) {
		if f.full() == field && f.Label != "" {
			return f.Label
		}
	}
	return field
}
