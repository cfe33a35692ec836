package manifest

import (
	"cmp"
	"context"
	"strings"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

var _ connector.AudienceReporter = (*Destination)(nil)

// maxAudiencePages ends a list of audiences that does not end. A report that lacks audiences would be wrong, so that
// this is an error.
const maxAudiencePages = 10_000

// columnTypes are the types of columns, and whether numbers are whole.
var columnTypes = map[string]connector.AudienceColumn{
	"text": {Type: value.TypeString}, "integer": {Type: value.TypeNumber, Whole: true}, "number": {Type: value.TypeNumber},
	"boolean": {Type: value.TypeBoolean}, "timestamp": {Type: value.TypeTimestamp}, "json": {Type: value.TypeObject},
}

// audienceReport is what the manifest tells of audiences; nil where it does not.
func (m *Manifest) audienceReport() *connector.AudienceReport {
	if m.Audiences == nil {
		return nil
	}
	r := &connector.AudienceReport{Columns: []connector.AudienceColumn{}, SyncTypes: []string{}}
	for _, c := range m.Audiences.Columns {
		column := columnTypes[c.Type]
		column.Name = c.Name
		r.Columns = append(r.Columns, column)
	}
	for i := range m.SyncTypes {
		if m.SyncTypes[i].Audience != nil {
			r.SyncTypes = append(r.SyncTypes, m.SyncTypes[i].Slug)
		}
	}
	return r
}

// Audiences lists the audiences of all accounts, one account after another.
func (d *Destination) Audiences(ctx context.Context, jobs []connector.SyncJob, visit func(connector.Audience) error) error {
	a := d.manifest.Audiences
	if a == nil {
		return fault.New(fault.CodeInvalid, "%s does not list audiences", d.manifest.Name)
	}
	c, err := d.client(1)
	if err != nil {
		return err
	}
	defer c.Close()
	accounts, err := d.accounts(ctx, c, jobs)
	if err != nil {
		return err
	}
	for _, account := range accounts {
		s := d.scope()
		id, err := a.accountID(s, account)
		if err != nil {
			return err
		}
		err = c.allPages(ctx, s, &a.Request, func() error {
			audience, counts, err := a.audience(s, id)
			if err != nil || !counts {
				return err
			}
			return visit(audience)
		})
		if err != nil {
			return ofAccount(err, id)
		}
	}
	return nil
}

// accountID is an account as the report has it. The scope knows the account from then on.
func (a *Audiences) accountID(s *scope, account string) (string, error) {
	s.set("account", value.OfText(account))
	id, err := s.text(&a.AccountID.source)
	return cmp.Or(id, account), err
}

// ofAccount says which account an error is about.
func ofAccount(err error, account string) error {
	e := fault.Wrap(err, fault.As(err).Code, "listing the audiences of the ad account %s", account)
	e.Class, e.After, e.Suggestion = fault.As(err).Class, fault.As(err).After, fault.As(err).Suggestion
	return e
}

// allPages is pages for a list that must be whole.
func (c *client) allPages(ctx context.Context, s *scope, r *Request, visit func() error) error {
	whole, err := c.pagesUpTo(ctx, s, r, maxAudiencePages, visit)
	if err == nil && !whole {
		err = fault.New(fault.CodeDestinationAnswer, "the list has more than %d pages", maxAudiencePages)
	}
	return err
}

// accounts are the ad accounts of the syncs and those that the connection reaches, each once. The way of a sync goes
// first: people chose it.
func (d *Destination) accounts(ctx context.Context, c *client, jobs []connector.SyncJob) ([]string, error) {
	a, s := d.manifest.Audiences, d.scope()
	named, err := s.eval(&a.Account.source)
	if err != nil {
		return nil, err
	}
	var all []string
	known := map[string]bool{}
	add := func(account string) error {
		account = strings.TrimSpace(account)
		id, err := a.accountID(d.scope(), account)
		if err == nil && account != "" && !known[id] {
			all, known[id] = append(all, account), true
		}
		return err
	}
	for _, job := range jobs {
		account, err := d.accountOf(job)
		if err != nil {
			return nil, err
		}
		if err := add(account); err != nil {
			return nil, err
		}
	}
	for _, v := range asList(named).List() {
		if err := add(v.String()); err != nil {
			return nil, err
		}
	}
	if a.Accounts != nil {
		err := c.allPages(ctx, s, &a.Accounts.Request, func() error {
			counts, err := s.holds(&a.Accounts.When)
			if err != nil || !counts {
				return err
			}
			account, err := s.text(&a.Accounts.Value.source)
			if err != nil {
				return err
			}
			return add(account)
		})
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// accountOf is the ad account of a sync; empty where it fills no audience.
func (d *Destination) accountOf(job connector.SyncJob) (string, error) {
	t, err := d.syncType(job)
	if err != nil || t.Audience == nil {
		return "", err
	}
	s := d.jobScope(job)
	if fits, err := s.holds(&t.Audience.When); err != nil || !fits {
		return "", err
	}
	return s.text(&t.Audience.Account.source)
}

// audience reads the item of the scope.
func (a *Audiences) audience(s *scope, account string) (x connector.Audience, counts bool, err error) {
	if counts, err = s.holds(&a.When); err != nil || !counts {
		return x, false, err
	}
	x.Account = account
	for _, text := range []struct {
		to *string
		is *source
	}{{&x.ID, &a.ID.source}, {&x.Name, &a.Name.source}, {&x.Status, &a.Status.source}, {&x.Link, &a.Link.source}} {
		if *text.to, err = s.text(text.is); err != nil {
			return x, false, err
		}
	}
	if x.ID == "" {
		return x, false, fault.New(fault.CodeDestinationAnswer, "the answer has an audience without an ID")
	}
	if x.Size, err = a.size(s); err != nil {
		return x, false, a.unread("size", x.ID, err)
	}
	x.Values = make([]value.Value, len(a.Columns))
	for i := range a.Columns {
		c := &a.Columns[i]
		v, err := s.eval(&c.Value.source)
		if err != nil {
			return x, false, err
		}
		if x.Values[i], err = c.read(v); err != nil {
			return x, false, a.unread(c.Name, x.ID, err)
		}
	}
	return x, true, nil
}

func (a *Audiences) unread(what, id string, err error) error {
	return fault.Wrap(err, fault.CodeDestinationAnswer, "reading %s of the audience %s", what, id)
}

// size is the audience's size; nil where the vendor does not know it.
func (a *Audiences) size(s *scope) (*int64, error) {
	if known, err := s.holds(&a.Known); err != nil || !known {
		return nil, err
	}
	v, err := s.eval(&a.Size.source)
	if err != nil || empty(v) {
		return nil, err
	}
	if v, err = asInteger(v); err != nil || v.Int() < 0 {
		return nil, err
	}
	n := v.Int()
	return &n, nil
}

func empty(v value.Value) bool { return v.IsNull() || v.Kind() == value.Text && v.Raw() == "" }

// read makes a value what the column says that it is.
func (c *AudienceColumn) read(v value.Value) (value.Value, error) {
	if empty(v) {
		return value.Value{}, nil
	}
	switch c.Type {
	case "integer":
		return asInteger(v)
	case "number":
		return asNumber(v)
	case "boolean":
		return asBoolean(v)
	case "timestamp":
		if at, ok := moment(v); ok {
			return value.OfTime(at), nil
		}
		return value.Value{}, refuse("a time", v)
	case "json":
		return value.OfJSON(string(v.AppendJSON(nil))), nil
	default:
		return value.OfText(v.String()), nil
	}
}

// AudienceOf returns the audience that a sync fills. What its first rows will make does not exist yet.
func (d *Destination) AudienceOf(ctx context.Context, job connector.SyncJob) (ref connector.AudienceRef, ok bool, err error) {
	t, err := d.syncType(job)
	if err != nil || d.manifest.Audiences == nil || t.Audience == nil {
		return ref, false, err
	}
	s := d.opened(job, t)
	if s.client, err = d.client(1); err != nil {
		return ref, false, err
	}
	defer s.client.Close()
	made, err := s.made(ctx)
	if err != nil {
		return ref, false, err
	}
	scope := d.jobScope(job)
	scope.set("resources", made)
	if ok, err = scope.holds(&t.Audience.When); err != nil || !ok {
		return ref, false, err
	}
	if ref.ID, err = scope.text(&t.Audience.ID.source); err != nil || ref.ID == "" {
		return ref, false, err
	}
	account, err := scope.text(&t.Audience.Account.source)
	if err != nil {
		return ref, false, err
	}
	ref.Account, err = d.manifest.Audiences.accountID(scope, account)
	return ref, err == nil, err
}

// made returns the resources of a sync that exist; those that are still to be made are null.
func (s *session) made(ctx context.Context) (value.Value, error) {
	var fields []value.Field
	for i := range s.kind.Resources {
		r := &s.kind.Resources[i]
		v, err := s.known(ctx, r, value.OfMap(fields))
		if err != nil {
			return value.Value{}, err
		}
		fields = append(fields, value.Field{Name: r.Name, Value: v})
	}
	return value.OfMap(fields), nil
}

// known is a resource as the settings say it or an earlier run made it; null where none did.
func (s *session) known(ctx context.Context, r *Resource, before value.Value) (value.Value, error) {
	a := s.bare(before)
	makes, err := a.scope.holds(&r.When)
	if err != nil {
		return value.Value{}, err
	}
	if !makes {
		return a.scope.eval(&r.Else.source)
	}
	key, err := s.resourceKey(ctx, a, r)
	if err != nil {
		return value.Value{}, err
	}
	text, found, err := s.state.Load(ctx, key)
	if err != nil || !found {
		return value.Value{}, err
	}
	return value.ParseJSON(text) //nolint:wrapcheck // it was encoded when it was made
}
