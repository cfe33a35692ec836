package manifest

import (
	"slices"
	"strings"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
)

// check is a rule that counts in a run.
type check struct{ *Rule }

// checks are the rules of a run.
func (d *Destination) checks(t *SyncType, job connector.SyncJob) ([]*check, error) {
	s := d.jobScope(job)
	var all []*check
	for i := range t.Rules {
		r := &t.Rules[i]
		if len(r.Modes) > 0 && !slices.Contains(r.Modes, job.Mode) {
			continue
		}
		fits, err := s.holds(&r.When)
		if err != nil {
			return nil, err
		}
		if fits {
			all = append(all, &check{r})
		}
	}
	return all, nil
}

// obeyed says why a row breaks the rule.
func (c *check) obeyed(s *scope, r *record) error {
	have := func(fields []string) (n int) {
		for _, f := range fields {
			if !r.value(f).IsNull() {
				n++
			}
		}
		return n
	}
	if c.Row.given() {
		s.bind(r)
		good, err := s.meets(&c.Row)
		if err == nil && !good {
			err = fault.New(fault.CodeMappingReject, "%s", c.Message)
		}
		return err
	}
	if r.op == connector.Removed && r.layout.clear {
		return nil // what is emptied need not be complete
	}
	return c.broken(have)
}

func (c *check) broken(have func([]string) int) error {
	refuse := func(format string, fields []string) error {
		return fault.New(fault.CodeMappingReject, format, strings.Join(fields, ", "))
	}
	switch {
	case c.AtLeastOne != nil && have(c.AtLeastOne) == 0:
		return refuse("one of these fields needs a value: %s", c.AtLeastOne)
	case c.ExactlyOne != nil && have(c.ExactlyOne) != 1:
		return refuse("exactly one of these fields needs a value: %s", c.ExactlyOne)
	case c.AtMostOne != nil && have(c.AtMostOne) > 1:
		return refuse("only one of these fields may have a value: %s", c.AtMostOne)
	case c.Together != nil && have(c.Together) != 0 && have(c.Together) != len(c.Together):
		return refuse("these fields need values together: %s", c.Together)
	case c.Required != nil && have(c.Required) != len(c.Required):
		return refuse("these fields need values: %s", c.Required)
	}
	return nil
}

// Check reports every error of a sync's settings and mapping that can be known without the network.
func (d *Destination) Check(job connector.SyncJob) error {
	t, err := d.syncType(job)
	if err != nil {
		return err
	}
	var issues fault.Issues
	mapped := map[string]bool{}
	for _, c := range job.Columns {
		mapped[c.Name] = true
	}
	for _, p := range job.Match {
		mapped[p.To] = true
	}
	if !t.Mapping.None {
		d.checkFields(t, job, mapped, &issues)
	}
	rules, err := d.checks(t, job)
	if err != nil {
		return err
	}
	s := d.jobScope(job)
	for _, c := range rules {
		if err := c.configured(s, mapped); err != nil {
			path := "spec.mappings"
			if c.Settings.given() {
				path = "spec.settings"
			}
			issues = append(issues, fault.As(err).WithPath(path))
		}
	}
	d.checkTemplates(t, job, &issues)
	if check := d.hooks.Check[t.Slug]; check != nil {
		issues = append(issues, check(d, job)...)
	}
	return issues.Err()
}

// checkFields: fields that are required are mapped, and every mapped field can exist.
func (d *Destination) checkFields(t *SyncType, job connector.SyncJob, mapped map[string]bool, issues *fault.Issues) {
	fields, all, err := d.staticFields(t, job)
	if err != nil {
		*issues = append(*issues, fault.As(err))
		return
	}
	for _, f := range fields {
		if f.Required && !mapped[f.full()] {
			issues.Add("spec.mappings", fault.CodeRequired, "the field %s must be filled", f.full())
		}
	}
	if !all {
		return // the account knows more fields
	}
	known := make([]string, len(fields))
	for i, f := range fields {
		known[i] = f.full()
	}
	for _, c := range job.Columns {
		if section, _ := place(c.Name, "", false, t.Sections); !slices.Contains(known, c.Name) && !t.custom(section) {
			issues.Add("spec.mappings", fault.CodeMappingColumn, "%s (%s) has no field %q%s", d.manifest.Name, t.Name, c.Name, fault.DidYouMean(c.Name, known))
		}
	}
}

// custom reports whether fields may be typed in into a section.
func (t *SyncType) custom(section string) bool {
	if section == defaultSection {
		return t.Mapping.Custom || t.Mapping.AllByName
	}
	return slices.ContainsFunc(t.Sections, func(s Section) bool { return s.Name == section && s.Custom })
}

// configured says why a mapping or settings break the rule whatever the rows hold.
func (c *check) configured(s *scope, mapped map[string]bool) error {
	if c.Settings.given() {
		good, err := s.meets(&c.Settings)
		if err == nil && !good {
			err = fault.New(fault.CodeInvalid, "%s", c.Message)
		}
		return err
	}
	have := func(fields []string) (n int) {
		for _, f := range fields {
			if mapped[f] {
				n++
			}
		}
		return n
	}
	switch {
	case c.ExactlyOne != nil && have(c.ExactlyOne) > 1, c.AtMostOne != nil:
		return nil // which of them has a value is known of each row
	default:
		return c.broken(have)
	}
}
