package template

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/millrace/millrace/internal/value"
)

// expr is an expression.
type expr interface {
	eval(s *Scope) (value.Value, error)
}

// literal is a constant.
type literal struct{ v value.Value }

func (e literal) eval(*Scope) (value.Value, error) { return e.v, nil }

// special is empty or blank: constants that only comparisons understand.
type special struct{ name string }

func (e special) eval(*Scope) (value.Value, error) { return value.OfText(""), nil }

// path is a variable with its members: row['col'].a[0]. Without a root the first member names it: ['row'].col.
type path struct {
	root  string
	steps []expr // the name or index of each member
}

func (e *path) eval(s *Scope) (value.Value, error) {
	if err := s.step(1); err != nil {
		return value.Value{}, err
	}
	if v, ok := e.ofLoop(s); ok {
		return v, nil
	}
	v, rest, err := e.base(s)
	for _, step := range rest {
		if err != nil {
			break
		}
		var key value.Value
		if key, err = step.eval(s); err == nil {
			v = member(v, key)
		}
	}
	return v, err
}

// ofLoop reads one member of forloop or tablerowloop without making an object of all.
func (e *path) ofLoop(s *Scope) (v value.Value, ok bool) {
	if len(s.loops) == 0 || len(e.steps) != 1 {
		return v, false
	}
	l := s.loops[len(s.loops)-1]
	name, literally := e.steps[0].(literal)
	if !literally || e.root != l.object || e.root == l.variable || name.v.Kind() != value.Text {
		return v, false
	}
	return l.member(name.v.Raw())
}

// base finds the variable. A row's column is read without making an object of the row.
func (e *path) base(s *Scope) (value.Value, []expr, error) {
	if e.root == "" && len(e.steps) > 0 {
		name, err := e.steps[0].eval(s)
		if err != nil {
			return value.Value{}, nil, err
		}
		return (&path{root: name.String(), steps: e.steps[1:]}).base(s)
	}
	if v, ok := s.lookup(e.root); ok {
		return v, e.steps, nil
	}
	if r, ok := s.rows[e.root]; ok && len(e.steps) > 0 {
		if v, ok := e.within(r); ok {
			return v, e.steps[2:], nil
		}
		key, err := e.steps[0].eval(s)
		if err != nil {
			return value.Value{}, nil, err
		}
		v, _ := r.Get(key.String())
		return v, e.steps[1:], nil
	}
	if s.bare != nil {
		v, _ := s.bare.Get(e.root)
		return v, e.steps, nil
	}
	return value.Value{}, e.steps, nil
}

// within reads a member of a row's member without making an object of the latter, where the row can.
func (e *path) within(r Row) (v value.Value, ok bool) {
	deep, can := r.(DeepRow)
	if !can || len(e.steps) < 2 {
		return v, false
	}
	first, ok := e.steps[0].(literal)
	second, too := e.steps[1].(literal)
	if !ok || !too || first.v.Kind() != value.Text || second.v.Kind() != value.Text {
		return v, false
	}
	return deep.GetIn(first.v.Raw(), second.v.Raw())
}

// lookup finds a name among loops, assigned variables, given ones and counters.
func (s *Scope) lookup(name string) (value.Value, bool) {
	for _, l := range slices.Backward(s.loops) {
		if v, ok := l.get(name); ok {
			return v, true
		}
	}
	if v, ok := s.locals[name]; ok {
		return v, true
	}
	if v, ok := s.given(name); ok {
		return v, true
	}
	if n, ok := s.counters[name]; ok {
		return value.OfInt(n), true
	}
	return value.Value{}, false
}

// member returns v[key].
func member(v, key value.Value) value.Value {
	v = v.Parsed()
	switch v.Kind() {
	case value.Map:
		if m, ok := v.Get(key.String()); ok {
			return m
		}
		if key.Kind() == value.Text && key.Raw() == "size" {
			return value.OfInt(int64(len(v.Fields())))
		}
	case value.List:
		return listMember(v.List(), key)
	case value.Text:
		if key.Kind() == value.Text && key.Raw() == "size" {
			return value.OfInt(int64(len([]rune(v.Raw()))))
		}
	}
	return value.Value{}
}

func listMember(list []value.Value, key value.Value) value.Value {
	at := int64(0)
	switch {
	case key.Kind() == value.Int:
		at = key.Int()
	case key.Kind() == value.Text && key.Raw() == "size":
		return value.OfInt(int64(len(list)))
	case key.Kind() == value.Text && key.Raw() == "first":
	case key.Kind() == value.Text && key.Raw() == "last":
		at = -1
	default:
		n, err := strconv.ParseInt(key.String(), 10, 64)
		if err != nil {
			return value.Value{}
		}
		at = n
	}
	if at < 0 {
		at += int64(len(list))
	}
	if at < 0 || at >= int64(len(list)) {
		return value.Value{}
	}
	return list[at]
}

// span is a range (from..to).
type span struct{ from, to expr }

// eval makes a list; its size is bounded by the scope's steps.
func (e *span) eval(s *Scope) (value.Value, error) {
	from, to, err := e.bounds(s)
	if err != nil || to < from {
		return value.OfList(nil), err
	}
	if to-from >= int64(max(s.limits.Steps, 1)) {
		return value.Value{}, s.step(s.limits.Steps + 1)
	}
	if err := s.step(int(to - from + 1)); err != nil {
		return value.Value{}, err
	}
	list := make([]value.Value, 0, to-from+1)
	for n := from; n <= to; n++ {
		list = append(list, value.OfInt(n))
	}
	return value.OfList(list), nil
}

func (e *span) bounds(s *Scope) (from, to int64, err error) {
	a, err := e.from.eval(s)
	if err != nil {
		return 0, 0, err
	}
	b, err := e.to.eval(s)
	return toInt(a), toInt(b), err
}

// call applies a filter.
type call struct {
	input expr
	name  string
	do    filter
	args  []expr
	named []namedArg
	at    int
}

type namedArg struct {
	name string
	expr expr
}

func (e *call) eval(s *Scope) (value.Value, error) {
	if err := s.step(1); err != nil {
		return value.Value{}, err
	}
	in, err := e.input.eval(s)
	if err != nil {
		return value.Value{}, err
	}
	mark := len(s.args)
	args, err := e.arguments(s)
	if err != nil {
		return value.Value{}, err
	}
	v, err := e.do(s, in, args)
	if err != nil {
		s.failAt(e.at)
	}
	s.args = s.args[:mark]
	return v, err
}

// arguments evaluates the arguments onto the scope's stack, where they stay until the filter returns.
func (e *call) arguments(s *Scope) ([]value.Value, error) {
	if len(e.args)+len(e.named) == 0 {
		return nil, nil
	}
	var room [4]value.Value // an argument may itself call filters, so that the stack is used only once all are known
	args := room[:0]
	for _, a := range e.args {
		v, err := a.eval(s)
		if err != nil {
			return nil, err
		}
		args = append(args, v)
	}
	if len(e.named) > 0 {
		fields := make([]value.Field, 0, len(e.named))
		for _, a := range e.named {
			v, err := a.expr.eval(s)
			if err != nil {
				return nil, err
			}
			fields = append(fields, value.Field{Name: a.name, Value: v})
		}
		args = append(args, value.OfMap(fields))
	}
	mark := len(s.args)
	s.args = append(s.args, args...)
	return s.args[mark:len(s.args):len(s.args)], nil
}

// binary compares or combines two expressions.
type binary struct {
	op          string
	left, right expr
}

func (e *binary) eval(s *Scope) (value.Value, error) {
	ok, err := e.test(s)
	return value.OfBool(ok), err
}

func (e *binary) test(s *Scope) (bool, error) {
	if err := s.step(1); err != nil {
		return false, err
	}
	l, err := e.left.eval(s)
	if err != nil {
		return false, err
	}
	switch e.op {
	case "and":
		if !truthy(l) {
			return false, nil
		}
		r, err := e.right.eval(s)
		return truthy(r), err
	case "or":
		if truthy(l) {
			return true, nil
		}
		r, err := e.right.eval(s)
		return truthy(r), err
	}
	r, err := e.right.eval(s)
	if err != nil {
		return false, err
	}
	return compare(e.op, e.left, e.right, l, r), nil
}

// truthy: everything but null and false.
func truthy(v value.Value) bool {
	return !v.IsNull() && (v.Kind() != value.Bool || v.Bool())
}

func compare(op string, left, right expr, l, r value.Value) bool {
	if sp, ok := right.(special); ok {
		return (op == "==") == isEmpty(l, sp.name) && (op == "==" || op == "!=" || op == "<>")
	}
	if sp, ok := left.(special); ok {
		return (op == "==") == isEmpty(r, sp.name) && (op == "==" || op == "!=" || op == "<>")
	}
	switch op {
	case "==":
		return l.Equal(r)
	case "!=", "<>":
		return !l.Equal(r)
	case "contains":
		return contains(l, r)
	default:
		return ordered(op, l, r)
	}
}

// isEmpty compares with empty or blank.
func isEmpty(v value.Value, name string) bool {
	switch v = v.Parsed(); v.Kind() {
	case value.Null:
		return name == "blank"
	case value.Bool:
		return name == "blank" && !v.Bool()
	case value.Text:
		if name == "blank" {
			return strings.TrimSpace(v.Raw()) == ""
		}
		return v.Raw() == ""
	case value.List:
		return len(v.List()) == 0
	case value.Map:
		return len(v.Fields()) == 0
	default:
		return false
	}
}

func contains(l, r value.Value) bool {
	switch l = l.Parsed(); l.Kind() {
	case value.Text:
		return !r.IsNull() && strings.Contains(l.Raw(), r.String())
	case value.List:
		for _, item := range l.List() {
			if item.Equal(r) {
				return true
			}
		}
		return false
	case value.Map:
		_, ok := l.Get(r.String())
		return ok
	default:
		return false
	}
}

// ordered compares numbers, texts that are both numbers against numbers, times and texts. Null compares with
// nothing.
func ordered(op string, l, r value.Value) bool {
	if l.IsNull() || r.IsNull() {
		return false
	}
	var c int
	a, aok := numeric(l)
	b, bok := numeric(r)
	switch {
	case l.Kind() == value.Int && r.Kind() == value.Int:
		c = cmp.Compare(l.Int(), r.Int())
	case isNumber(l) || isNumber(r):
		if !aok || !bok {
			return false
		}
		c = cmp.Compare(a, b)
	case isMoment(l) && isMoment(r):
		c = l.Time().Compare(r.Time())
	default:
		c = strings.Compare(l.String(), r.String())
	}
	switch op {
	case ">":
		return c > 0
	case "<":
		return c < 0
	case ">=":
		return c >= 0
	default:
		return c <= 0
	}
}

func isMoment(v value.Value) bool { return v.Kind() == value.Time || v.Kind() == value.Day }

func isNumber(v value.Value) bool {
	return v.Kind() == value.Int || v.Kind() == value.Float || v.Kind() == value.Decimal
}

// numeric reads a number, or a text that is one.
func numeric(v value.Value) (float64, bool) {
	switch v.Kind() {
	case value.Int, value.Float, value.Decimal:
		return v.Float(), true
	case value.Text:
		return decimalIn(strings.TrimSpace(v.Raw()))
	default:
		return 0, false
	}
}

// toInt reads a whole number from anything; what is none is 0.
func toInt(v value.Value) int64 {
	if v.Kind() == value.Int {
		return v.Int()
	}
	f, _ := numeric(v)
	return int64(f)
}

// not is the opposite of a condition.
type not struct{ of expr }

func (e *not) eval(s *Scope) (value.Value, error) {
	v, err := e.of.eval(s)
	return value.OfBool(!truthy(v)), err
}
