package template

import (
	"errors"

	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

// searchFilters find things in lists: by the value of a property, or by an expression that names the item.
var searchFilters = map[string]filter{
	"where": search(byProperty, keep(true)), "where_exp": search(byExpression, keep(true)),
	"reject": search(byProperty, keep(false)), "reject_exp": search(byExpression, keep(false)),
	"find": search(byProperty, found), "find_exp": search(byExpression, found),
	"find_index": search(byProperty, foundAt), "find_index_exp": search(byExpression, foundAt),
	"has": search(byProperty, has), "has_exp": search(byExpression, has),
	"group_by": group1(propertyKey), "group_by_exp": group1(expressionKey),
}

// test decides about one item.
type test func(item value.Value) (bool, error)

// search makes a filter of a way to test items and a use of the tests.
func search(testOf func(*Scope, []value.Value) (test, error), use func(list []value.Value, t test) (value.Value, error)) filter {
	return func(s *Scope, in value.Value, args []value.Value) (value.Value, error) {
		t, err := testOf(s, args)
		if err != nil {
			return value.Value{}, err
		}
		list := listOf(in)
		if err := s.step(len(list)); err != nil {
			return value.Value{}, err
		}
		return use(list, t)
	}
}

// byProperty: the property equals the second argument, or is true where there is none.
func byProperty(_ *Scope, args []value.Value) (test, error) {
	path := textArg(args, 0, "")
	return func(item value.Value) (bool, error) {
		v := property(item, path)
		if len(args) < 2 {
			return truthy(v), nil
		}
		return v.Equal(args[1]), nil
	}, nil
}

// byExpression: the expression of the second argument holds, where the first argument names the item.
func byExpression(s *Scope, args []value.Value) (test, error) {
	key, err := expressionKey(s, args)
	return func(item value.Value) (bool, error) {
		v, err := key(item)
		return truthy(v), err
	}, err
}

// maxExprs is how many expressions of filters a scope remembers.
const maxExprs = 100

// parsed returns the expression in a text.
func (s *Scope) parsed(text string) (expr, error) {
	if e, ok := s.exprs[text]; ok {
		return e, nil
	}
	p := &parser{lexer: newLexer(text)}
	e, err := p.expression(text, 0)
	if err != nil {
		if inner, ok := errors.AsType[*At](err); ok { // its place is one of the expression, not of the template
			err = inner.Err
		}
		return nil, fault.New(fault.CodeTemplate, "the expression of the filter: %s", err)
	}
	if s.exprs == nil || len(s.exprs) >= maxExprs {
		s.exprs = map[string]expr{}
	}
	s.exprs[text] = e
	return e, nil
}

// maxNesting is how deep loops and expressions of filters may nest.
const maxNesting = 200

func expressionKey(s *Scope, args []value.Value) (func(value.Value) (value.Value, error), error) {
	e, err := s.parsed(textArg(args, 1, ""))
	if err != nil {
		return nil, err
	}
	name := textArg(args, 0, "")
	return func(item value.Value) (value.Value, error) {
		if len(s.loops) > maxNesting {
			return value.Value{}, s.step(s.limits.Steps + 1)
		}
		s.loops = append(s.loops, &loop{variable: name, item: item})
		defer s.leave()
		return e.eval(s)
	}, nil
}

func propertyKey(_ *Scope, args []value.Value) (func(value.Value) (value.Value, error), error) {
	path := textArg(args, 0, "")
	return func(item value.Value) (value.Value, error) { return property(item, path), nil }, nil
}

func keep(want bool) func([]value.Value, test) (value.Value, error) {
	return func(list []value.Value, t test) (value.Value, error) {
		var result []value.Value
		for _, v := range list {
			is, err := t(v)
			if err != nil {
				return value.Value{}, err
			}
			if is == want {
				result = append(result, v)
			}
		}
		return value.OfList(result), nil
	}
}

// index returns where the first item is that passes, or -1.
func index(list []value.Value, t test) (int, error) {
	for i, v := range list {
		if is, err := t(v); err != nil || is {
			return i, err
		}
	}
	return -1, nil
}

func found(list []value.Value, t test) (value.Value, error) {
	i, err := index(list, t)
	if err != nil || i < 0 {
		return value.Value{}, err
	}
	return list[i], nil
}

func foundAt(list []value.Value, t test) (value.Value, error) {
	i, err := index(list, t)
	if err != nil || i < 0 {
		return value.Value{}, err
	}
	return value.OfInt(int64(i)), nil
}

func has(list []value.Value, t test) (value.Value, error) {
	i, err := index(list, t)
	return value.OfBool(err == nil && i >= 0), err
}

// group1 makes a list of {name, items} of a list.
func group1(keyOf func(*Scope, []value.Value) (func(value.Value) (value.Value, error), error)) filter {
	return func(s *Scope, in value.Value, args []value.Value) (value.Value, error) {
		key, err := keyOf(s, args)
		if err != nil {
			return value.Value{}, err
		}
		list := enumerate(in)
		if err := s.step(len(list)); err != nil {
			return value.Value{}, err
		}
		return grouped(list, key)
	}
}

func grouped(list []value.Value, key func(value.Value) (value.Value, error)) (value.Value, error) {
	at := map[string]int{}
	var names []value.Value
	var items [][]value.Value
	for _, v := range list {
		k, err := key(v)
		if err != nil {
			return value.Value{}, err
		}
		id := k.Kind().String() + k.String()
		i, known := at[id]
		if !known {
			i = len(names)
			at[id] = i
			names, items = append(names, k), append(items, nil)
		}
		items[i] = append(items[i], v)
	}
	groups := make([]value.Value, len(names))
	for i := range names {
		groups[i] = value.OfMap([]value.Field{{Name: "name", Value: names[i]}, {Name: "items", Value: value.OfList(items[i])}})
	}
	return value.OfList(groups), nil
}
