package manifest

import (
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/identifier"
	"github.com/millrace/millrace/internal/fault"
)

// checker finds what is wrong in a manifest whose words are all known.
type checker struct {
	*decoder

	m     *Manifest
	root  *yaml.Node
	loops map[string]bool // names that $each gives
}

var slugForm = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)

func (m *Manifest) check(d *decoder, root *yaml.Node) {
	c := &checker{decoder: d, m: m, root: root, loops: map[string]bool{}}
	if m.Version != Version {
		c.fail(c.at("version"), "version", "this program knows version %d of the language", Version)
	}
	if !slugForm.MatchString(m.Slug) {
		c.fail(c.at("slug"), "slug", "%q is not lower-case letters, digits and hyphens", m.Slug)
	}
	visit(reflect.ValueOf(m), func(*source) {}, func(e *each) { c.loops[e.as] = true; c.loops[e.as+"_index"] = true })
	c.fields("connection.fields", m.Connection.Fields, nil)
	c.connection()
	c.lists()
	c.sets()
	c.audiences()
	seen := map[string]bool{}
	for i := range m.SyncTypes {
		t := &m.SyncTypes[i]
		path := "syncTypes[" + strconv.Itoa(i) + "]"
		if seen[t.Slug] {
			c.fail(c.at(path+".slug"), path+".slug", "there are two sync types called %q", t.Slug)
		}
		seen[t.Slug] = true
		c.syncType(path, t)
	}
}

// at finds the node of a path, or the nearest one above it that exists.
func (c *checker) at(path string) *yaml.Node {
	n := c.root
	for _, part := range strings.FieldsFunc(path, func(r rune) bool { return r == '.' || r == '[' || r == ']' }) {
		next := child(n, part)
		if next == nil {
			return n
		}
		n = next
	}
	return n
}

func child(n *yaml.Node, name string) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Kind == yaml.SequenceNode {
		if i, err := strconv.Atoi(name); err == nil && i < len(n.Content) {
			return n.Content[i]
		}
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return n.Content[i+1]
		}
	}
	return nil
}

func (c *checker) wrong(path, format string, args ...any) { c.fail(c.at(path), path, format, args...) }

// known fails where a name is none of those that exist.
func (c *checker) known(path, what, name string, names []string) {
	if !slices.Contains(names, name) {
		c.wrong(path, "there is no %s %q%s", what, name, fault.DidYouMean(name, names))
	}
}

func fieldNames(list []Field) []string {
	names := make([]string, len(list))
	for i, f := range list {
		names[i] = f.Name
	}
	return names
}

// fields checks settings; those of before can be referred to as well.
func (c *checker) fields(path string, list []Field, before []string) {
	seen := map[string]bool{}
	for i, f := range list {
		at := path + "[" + strconv.Itoa(i) + "]"
		if seen[f.Name] {
			c.wrong(at+".name", "there are two settings called %q", f.Name)
		}
		seen[f.Name] = true
		if f.ShowIf != nil {
			c.known(at+".showIf.field", "setting", f.ShowIf.Field, fieldNames(list))
			c.showIf(at, f, list)
		}
		if f.OptionsFrom != "" {
			c.known(at+".optionsFrom", "list", f.OptionsFrom, append(slices.Sorted(maps.Keys(c.m.Lists)), before...))
		}
		if f.Type == string(connector.FieldSelect) && len(f.Options) == 0 && f.OptionsFrom == "" {
			c.wrong(at, "a select needs options or optionsFrom")
		}
	}
}

// showIf: the values of a condition on a pick-list are entries of it.
func (c *checker) showIf(path string, f Field, list []Field) {
	for _, other := range list {
		if other.Name != f.ShowIf.Field || len(other.Options) == 0 || other.Creatable {
			continue
		}
		var values []string
		for _, o := range other.Options {
			values = append(values, o.Value)
		}
		for _, v := range f.ShowIf.In {
			c.known(path+".showIf.in", "option", v, values)
		}
	}
}

func (c *checker) connection() {
	m := &c.m.Connection
	for i := range m.Auth {
		a := &m.Auth[i]
		path := "connection.auth[" + strconv.Itoa(i) + "]"
		if n := count(a.Bearer.given(), a.Basic != nil, a.Header != nil, a.Query != nil, a.OAuth != nil, a.OAuth1 != nil); n > 1 {
			c.wrong(path, "one way of authentication is expected, and there are %d", n)
		}
		if o := a.OAuth; o != nil && o.Grant == grantCode && !o.Authorize.given() {
			c.wrong(path+".oauth", "the grant code needs authorize, the vendor's page")
		}
		if o := a.OAuth; o != nil && o.Grant != grantGoogle && !o.Token.given() {
			c.wrong(path+".oauth", "token is missing: where tokens are got")
		}
	}
	names := []string{"connection", "token", "body", "status", "headers", "item", "vars"}
	c.names(reflect.ValueOf(m), names, nil)
	c.names(reflect.ValueOf(&c.m.Answers), append(names, "settings", "run", "row", "model"), nil)
	c.steps("connection.test", m.Test)
}

func count(all ...bool) (n int) {
	for _, yes := range all {
		if yes {
			n++
		}
	}
	return n
}

// settingNames are the settings of all sync types: lists and field sets serve several.
func (c *checker) settingNames() []string {
	var names []string
	for _, t := range c.m.SyncTypes {
		names = append(names, fieldNames(t.Fields)...)
	}
	return names
}

// connectionNames are what a list of the connection's form sees.
var connectionNames = []string{"connection", "token", "body", "status", "headers", "item", "page"}

var jobNames = []string{"connection", "token", "settings", "run", "model", "body", "status", "headers", "item", "page"}

var columnForm = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// audiences checks how audiences are listed, and that the columns have names of their own.
func (c *checker) audiences() {
	a := c.m.Audiences
	if a == nil {
		return
	}
	if !a.Request.Request.given() {
		c.wrong("audiences", "request is missing")
	}
	c.paging("audiences", &a.Request)
	if a.Accounts != nil {
		c.paging("audiences.accounts", &a.Accounts.Request)
	}
	c.names(reflect.ValueOf(a), []string{"connection", "token", "account", "body", "status", "headers", "item", "page"}, nil)
	seen := slices.Clone(connector.AudienceColumns)
	for i, column := range a.Columns {
		at := "audiences.columns[" + strconv.Itoa(i) + "].name"
		if !columnForm.MatchString(column.Name) {
			c.wrong(at, "%q is not lower-case letters, digits and underscores", column.Name)
		}
		if slices.Contains(seen, column.Name) {
			c.wrong(at, "every table of audience sizes has a column %q already", column.Name)
		}
		seen = append(seen, column.Name)
	}
}

func (c *checker) lists() {
	for _, name := range slices.Sorted(maps.Keys(c.m.Lists)) {
		l := c.m.Lists[name]
		roots := jobNames
		if slices.ContainsFunc(c.m.Connection.Fields, func(f Field) bool { return f.OptionsFrom == name }) {
			roots = connectionNames // there is no sync
		}
		c.names(reflect.ValueOf(&l), roots, c.settingNames())
		c.paging("lists."+name, &l.Request)
	}
}

func (c *checker) sets() {
	for _, name := range slices.Sorted(maps.Keys(c.m.FieldSets)) {
		set := c.m.FieldSets[name]
		c.names(reflect.ValueOf(&set), append([]string{"value"}, jobNames...), c.settingNames())
		for i := range set.Discover {
			path := "fieldSets." + name + ".discover[" + strconv.Itoa(i) + "]"
			x := &set.Discover[i]
			if !x.Request.Request.given() {
				c.wrong(path, "request is missing")
			}
			c.paging(path, &x.Request)
			for _, native := range slices.Sorted(maps.Keys(x.Types)) {
				c.known(path+".types."+native, "type", x.Types[native], connector.TargetTypes)
			}
			for _, native := range slices.Sorted(maps.Keys(x.Forms)) {
				c.known(path+".forms."+native, "form", x.Forms[native], slices.Sorted(maps.Keys(forms)))
			}
		}
		c.targets("fieldSets."+name+".static", set.Static)
	}
}

func (c *checker) paging(path string, r *Request) {
	p := r.Paging
	if p != nil && p.Next.given() == (p.From != nil) {
		c.wrong(path+".paging", "either next or from is expected")
	}
	switch {
	case p == nil:
	case p.From != nil && p.Param == "" && !r.turns():
		c.wrong(path+".paging", "from needs param, or page in a template of the request")
	case p.Param != "" && r.turns():
		c.wrong(path+".paging", "either param or page in a template of the request says which page is asked for")
	}
}

func (c *checker) targets(path string, list []TargetField) {
	for i, f := range list {
		at := path + "[" + strconv.Itoa(i) + "]"
		if f.Identifier != "" {
			c.known(at+".identifier", "rule for identifiers", f.Identifier, identifierNames())
		}
		if f.Pattern != "" {
			if _, err := regexp.Compile(f.Pattern); err != nil {
				c.wrong(at+".pattern", "%v", err)
			}
		}
	}
}

// syncType checks one sync type.
func (c *checker) syncType(path string, t *SyncType) {
	c.fields(path+".fields", t.Fields, nil)
	settings := fieldNames(t.Fields)
	names, open := c.mappable(path, t)
	c.targets(path+".targets", t.Targets)
	for mode, rule := range t.Modes {
		at := path + ".modes." + string(mode)
		if !slices.Contains(modeOrder, mode) {
			c.wrong(at, "there is no mode %q", mode)
		}
		for _, f := range rule.Match {
			c.mapped(at+".match", f, names, open)
		}
		for _, del := range append(slices.Clone(rule.Deletes), rule.Default) {
			if del != "" && !slices.Contains(connector.DeleteBehaviors, del) {
				c.wrong(at+".deletes", "there is no delete behaviour %q; there are %v", del, connector.DeleteBehaviors)
			}
		}
		if t.Hook == "" {
			c.covered(at, t, mode, rule)
		}
	}
	for i, r := range t.Rules {
		c.rule(path+".rules["+strconv.Itoa(i)+"]", r, names, open)
	}
	for _, group := range t.Identifiers {
		for _, f := range group {
			c.mapped(path+".identifiers", f, names, open)
		}
	}
	if b := t.Batch.Setting; b != "" {
		c.known(path+".batch.setting", "setting", b, settings)
	}
	if f := t.FirstRun; f != "" && f != "remember" {
		c.known(path+".firstRun", "setting", f, settings)
	}
	for i := range t.Resources {
		r := &t.Resources[i]
		if len(r.Steps) == 0 {
			c.wrong(path+".resources["+strconv.Itoa(i)+"].steps", "a step is missing")
		}
	}
	if t.Audience != nil && c.m.Audiences == nil {
		c.wrong(path+".audience", "the manifest does not list audiences")
	}
	c.names(reflect.ValueOf(t), slices.Concat(jobNames, []string{"row", "vars", "resources", "batch", "value", "matches"}), settings)
	for i := range t.Write {
		w := &t.Write[i]
		at := path + ".write[" + strconv.Itoa(i) + "]"
		if (len(w.Steps) == 0) == (w.Hook == "") {
			c.wrong(at, "either steps or a hook is expected")
		}
		c.steps(at+".steps", w.Steps)
	}
	c.classes(path, t)
	c.begin(path+".begin", t.Begin)
	c.steps(path+".finish", t.Finish)
	c.steps(path+".clear", t.Clear)
}

// begin: what is asked before a run changes nothing, and the run waits for no work.
func (c *checker) begin(path string, steps []Step) {
	c.steps(path, steps)
	for i, st := range steps {
		if !st.Reads || st.Until.given() {
			c.wrong(path+"["+strconv.Itoa(i)+"]", "a step of begin reads, and is no work that takes long")
		}
	}
}

// classes: what a limit counts alone are the requests of steps, and a step's class is that of a limit.
func (c *checker) classes(path string, t *SyncType) {
	only := []string{}
	for i, l := range slices.Concat(c.m.Limits, t.Limits) {
		if l.Only && (l.Class == "" || l.Per == 0) {
			c.wrong(path+".limits["+strconv.Itoa(i-len(c.m.Limits))+"]", "only needs class and per")
		}
		if l.Only {
			only = append(only, l.Class)
		}
	}
	for i := range t.Write {
		for j, st := range t.Write[i].Steps {
			if st.Class != "" {
				c.known(path+".write["+strconv.Itoa(i)+"].steps["+strconv.Itoa(j)+"].class", "limit with only of the class", st.Class, only)
			}
		}
	}
}

// covered: something is sent for each operation that a mode acts on.
func (c *checker) covered(path string, t *SyncType, mode connector.Mode, rule Mode) {
	job := connector.SyncJob{Mode: mode}
	have := func(op connector.Operation) bool {
		return slices.ContainsFunc(t.Write, func(w Write) bool { return w.fits(job, op) })
	}
	if !have(connector.Added) && mode != connector.ModeTrigger {
		c.wrong(path, "nothing is written for rows that were added")
	}
	for _, del := range rule.Deletes {
		if job.Delete = del; del != connector.DeleteNothing && !have(connector.Removed) {
			c.wrong(path+".deletes", "nothing is written for rows that were removed, with %q", del)
		}
	}
}

// mappable lists the fields that a mapping can name, and reports whether there may be others.
func (c *checker) mappable(path string, t *SyncType) (names []string, open bool) {
	open = t.customs() || t.Mapping.AllByName || t.Hook != ""
	lists := [][]TargetField{t.Targets}
	for i, name := range t.FieldSets {
		c.known(path+".fieldSets["+strconv.Itoa(i)+"]", "field set", name, slices.Sorted(maps.Keys(c.m.FieldSets)))
		set := c.m.FieldSets[name]
		lists = append(lists, set.Static)
		open = open || len(set.Discover) > 0
	}
	for _, list := range lists {
		for i := range list {
			names = append(names, list[i].full())
		}
	}
	return names, open
}

func (c *checker) mapped(path, field string, names []string, open bool) {
	if !open {
		c.known(path, "field", field, names)
	}
}

func (c *checker) rule(path string, r Rule, names []string, open bool) {
	n := count(r.AtLeastOne != nil, r.ExactlyOne != nil, r.AtMostOne != nil, r.Together != nil, r.Required != nil, r.Row.given(), r.Settings.given())
	if n != 1 {
		c.wrong(path, "one rule is expected, and there are %d", n)
	}
	if (r.Row.given() || r.Settings.given()) && r.Message == "" {
		c.wrong(path, "message is missing: what to tell where the rule does not hold")
	}
	for _, f := range slices.Concat(r.AtLeastOne, r.ExactlyOne, r.AtMostOne, r.Together, r.Required) {
		c.mapped(path, f, names, open)
	}
}

func (c *checker) steps(path string, steps []Step) {
	for i := range steps {
		st := &steps[i]
		at := path + "[" + strconv.Itoa(i) + "]"
		st.matches, st.turns = naming(reflect.ValueOf(st).Elem(), "matches"), naming(reflect.ValueOf(st).Elem(), "page")
		if !st.Request.given() {
			c.wrong(at, "request is missing")
		}
		if st.Fail.given() && !st.Until.given() {
			c.wrong(at+".fail", "it belongs to until")
		}
		if st.Next.given() && (st.Until.given() || !st.Reads) {
			c.wrong(at+".next", "it belongs to steps with reads, and without until")
		}
		for j, rd := range st.Rows {
			if rd.By == "key" && (!rd.Key.given() || !rd.Is.given()) {
				c.wrong(at+".rows["+strconv.Itoa(j)+"]", "by key needs key and is")
			}
			if rd.Absent == "reject" && rd.AbsentReason == "" {
				c.wrong(at+".rows["+strconv.Itoa(j)+"]", "absentReason is missing")
			}
		}
	}
}

// naming reports whether a template of a part names a variable.
func naming(part reflect.Value, name string) (found bool) {
	visit(part, func(p *source) {
		found = found || p.tmpl != nil && slices.ContainsFunc(p.tmpl.Paths(), func(path []string) bool { return path[0] == name })
	}, func(*each) {})
	return found
}

var assigned = regexp.MustCompile(`\{%-?\s*(?:assign|for|capture|increment|decrement|tablerow)\s+(\w+)`)

// names checks the variables of every template of a part: their roots, and which settings they name.
func (c *checker) names(v reflect.Value, roots, settings []string) {
	connection := append(fieldNames(c.m.Connection.Fields), "clientId", "clientSecret", "refreshToken", baseField.Name)
	visit(v, func(s *source) {
		if s.tmpl == nil {
			return
		}
		own := map[string]bool{"forloop": true, "tablerowloop": true}
		for _, m := range assigned.FindAllStringSubmatch(s.text, -1) {
			own[m[1]] = true
		}
		for _, path := range s.tmpl.Paths() {
			root := path[0]
			switch {
			case root == "" || own[root] || c.loops[root]:
			case !slices.Contains(roots, root):
				c.variable(s, "there is no variable %q here%s", root, fault.DidYouMean(root, roots))
			case root == "connection" && len(path) > 1 && !slices.Contains(connection, path[1]):
				c.variable(s, "the connection has no setting %q%s", path[1], fault.DidYouMean(path[1], connection))
			case root == "settings" && len(path) > 1 && !slices.Contains(settings, path[1]):
				c.variable(s, "the sync has no setting %q%s", path[1], fault.DidYouMean(path[1], settings))
			}
		}
	}, func(*each) {})
}

func (c *checker) variable(s *source, format string, args ...any) {
	c.fail(&yaml.Node{Line: s.line}, strings.TrimPrefix(s.path, "."), format, args...)
}

// visit finds every piece of a part that is evaluated.
func visit(v reflect.Value, piece func(*source), loop func(*each)) {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return
		}
		if t, ok := reflect.TypeAssert[*Tree](v); ok {
			walk(t.root, piece, loop)
			return
		}
		visit(v.Elem(), piece, loop)
	case reflect.Struct:
		visitStruct(v, piece, loop)
	case reflect.Slice:
		for i := range v.Len() {
			visit(v.Index(i), piece, loop)
		}
	case reflect.Map:
		for _, k := range v.MapKeys() {
			visit(v.MapIndex(k), piece, loop)
		}
	}
}

func visitStruct(v reflect.Value, piece func(*source), loop func(*each)) {
	switch x := v.Interface().(type) {
	case Text:
		piece(&x.source)
	case Cond:
		piece(&x.source)
	case Expr:
		piece(&x.source)
	case Call:
		piece(&x.Path.source)
	default:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				visit(v.Field(i), piece, loop)
			}
		}
	}
}

// identifierNames lists the rules for identifiers.
func identifierNames() []string {
	var list []string
	for _, p := range identifier.Presets() {
		list = append(list, p.Name)
	}
	return list
}
