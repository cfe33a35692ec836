package template

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/millrace/millrace/internal/value"
)

// listFilters work on lists; one thing that is no list counts as a list of one.
var listFilters = map[string]filter{
	"join": join, "first": end1(0), "last": end1(-1), "size": size, "slice": slice, "concat": concat, "map": mapped, "sum": sum,
	"sort": sorted(compareOrder), "sort_natural": sorted(compareFolded), "sample": sample, "uniq": uniq,
	"reverse": onList(func(l, _ []value.Value) []value.Value { return reversed(l) }),
	"compact": compact,
	"push":    onList(func(l, args []value.Value) []value.Value { return append(slices.Clone(l), arg(args, 0)) }),
	"unshift": onList(func(l, args []value.Value) []value.Value { return append([]value.Value{arg(args, 0)}, l...) }),
	"pop":     onList(func(l, _ []value.Value) []value.Value { return l[:max(len(l)-1, 0)] }),
	"shift":   onList(func(l, _ []value.Value) []value.Value { return l[min(1, len(l)):] }),
}

func onList(do func(list, args []value.Value) []value.Value) filter {
	return func(s *Scope, in value.Value, args []value.Value) (value.Value, error) {
		list := listOf(in)
		if err := s.step(len(list)); err != nil {
			return value.Value{}, err
		}
		return value.OfList(do(list, args)), nil
	}
}

func join(s *Scope, in value.Value, args []value.Value) (value.Value, error) {
	sep := " "
	if a := arg(args, 0); !a.IsNull() {
		sep = textOf(a)
	}
	var b strings.Builder
	for i, v := range listOf(in) {
		if i > 0 {
			b.WriteString(sep)
		}
		b.WriteString(joinedText(v))
		if err := s.fits(b.Len()); err != nil {
			return value.Value{}, err
		}
	}
	return value.OfText(b.String()), nil
}

// joinedText is an item of a list that is joined; the items of a list in it stand between commas.
func joinedText(v value.Value) string {
	if v = v.Parsed(); v.Kind() != value.List {
		return textOf(v)
	}
	texts := make([]string, len(v.List()))
	for i, item := range v.List() {
		texts[i] = joinedText(item)
	}
	return strings.Join(texts, ",")
}

// end1 returns the first or the last item of a list or character of a text.
func end1(at int64) filter {
	return func(_ *Scope, in value.Value, _ []value.Value) (value.Value, error) {
		switch in = in.Parsed(); in.Kind() {
		case value.List:
			return listMember(in.List(), value.OfInt(at)), nil
		case value.Text:
			runes := []rune(in.Raw())
			if len(runes) == 0 {
				return value.Value{}, nil
			}
			return value.OfText(string(runes[(int(at)+len(runes))%len(runes)])), nil
		default:
			return value.OfText(""), nil
		}
	}
}

func size(_ *Scope, in value.Value, _ []value.Value) (value.Value, error) {
	switch in = in.Parsed(); in.Kind() {
	case value.List:
		return value.OfInt(int64(len(in.List()))), nil
	case value.Text:
		return value.OfInt(int64(len([]rune(in.Raw())))), nil
	default:
		return value.OfInt(0), nil
	}
}

func slice(_ *Scope, in value.Value, args []value.Value) (value.Value, error) {
	begin, length := intArg(args, 0, 0), intArg(args, 1, 1)
	if in = in.Parsed(); in.Kind() == value.List {
		from, to := window(begin, length, len(in.List()))
		return value.OfList(in.List()[from:to]), nil
	}
	if in.IsNull() {
		return value.OfList(nil), nil
	}
	runes := []rune(textOf(in))
	from, to := window(begin, length, len(runes))
	return value.OfText(string(runes[from:to])), nil
}

// window bounds a slice of n things.
func window(begin, length int64, n int) (from, to int) {
	if begin < 0 {
		begin += int64(n)
	}
	if begin < 0 || length < 0 || begin >= int64(n) {
		return 0, 0
	}
	return int(begin), int(begin + min(length, int64(n)-begin))
}

// concat joins lists, and texts where neither is a list.
func concat(s *Scope, in value.Value, args []value.Value) (value.Value, error) {
	a, b := in.Parsed(), arg(args, 0).Parsed()
	if a.Kind() != value.List && b.Kind() != value.List && !a.IsNull() && a.Kind() != value.Map {
		text := textOf(a) + textOf(b)
		return value.OfText(text), s.fits(len(text))
	}
	list := append(slices.Clone(listOf(a)), listOf(b)...)
	return value.OfList(list), s.step(len(list))
}

// compact removes null, and with a property the things without it.
func compact(s *Scope, in value.Value, args []value.Value) (value.Value, error) {
	var list []value.Value
	path := textArg(args, 0, "")
	for _, v := range listOf(in) {
		if !property(v, path).IsNull() {
			list = append(list, v)
		}
	}
	return value.OfList(list), s.step(len(list))
}

// property returns a member by a path such as a.b; an empty path means the thing itself.
func property(v value.Value, path string) value.Value {
	if path == "" {
		return v
	}
	if v = v.Parsed(); v.Kind() == value.Map {
		if m, ok := v.Get(path); ok {
			return m
		}
	}
	for step := range strings.SplitSeq(path, ".") {
		v = member(v, value.OfText(step))
	}
	return v
}

func mapped(s *Scope, in value.Value, args []value.Value) (value.Value, error) {
	list := listOf(in)
	result := make([]value.Value, len(list))
	for i, v := range list {
		result[i] = property(v, textArg(args, 0, ""))
	}
	return value.OfList(result), s.step(len(list))
}

func sum(s *Scope, in value.Value, args []value.Value) (value.Value, error) {
	total := value.OfInt(0)
	list := listOf(in)
	if err := s.step(len(list)); err != nil {
		return total, err
	}
	for _, v := range list {
		var err error
		if total, err = mathFilters["plus"](s, total, []value.Value{property(v, textArg(args, 0, ""))}); err != nil {
			return total, err
		}
	}
	return total, nil
}

// compareOrder orders numbers, times and texts, and puts null last.
func compareOrder(a, b value.Value) int {
	if a.IsNull() || b.IsNull() {
		return compareNull(a, b)
	}
	switch {
	case ordered("<", a, b):
		return -1
	case ordered(">", a, b):
		return 1
	default:
		return 0
	}
}

func compareNull(a, b value.Value) int {
	switch {
	case a.IsNull() && b.IsNull():
		return 0
	case a.IsNull():
		return 1
	default:
		return -1
	}
}

func compareFolded(a, b value.Value) int {
	if a.IsNull() || b.IsNull() {
		return compareNull(a, b)
	}
	return cmp.Compare(strings.ToLower(textOf(a)), strings.ToLower(textOf(b)))
}

func sorted(order func(a, b value.Value) int) filter {
	return func(s *Scope, in value.Value, args []value.Value) (value.Value, error) {
		list, path := slices.Clone(listOf(in)), textArg(args, 0, "")
		if err := s.step(8 * len(list)); err != nil {
			return value.Value{}, err
		}
		slices.SortStableFunc(list, func(a, b value.Value) int { return order(property(a, path), property(b, path)) })
		return value.OfList(list), nil
	}
}

// uniq keeps the first of equal things.
func uniq(s *Scope, in value.Value, _ []value.Value) (value.Value, error) {
	list := listOf(in)
	seen := make(map[string]bool, len(list))
	var result []value.Value
	for _, v := range list {
		key := v.Kind().String() + v.String()
		if isNumber(v) {
			key = "number" + value.OfFloat(v.Float()).String()
		}
		if !seen[key] {
			seen[key] = true
			result = append(result, v)
		}
	}
	return value.OfList(result), s.step(len(list))
}

// sample draws items at random.
func sample(s *Scope, in value.Value, args []value.Value) (value.Value, error) {
	list, n := slices.Clone(listOf(in)), intArg(args, 0, 1)
	if in.Kind() == value.Text {
		list = nil
		for _, r := range in.Raw() {
			list = append(list, value.OfText(string(r)))
		}
	}
	rand.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] }) //nolint:gosec // a sample is no secret
	if n == 1 {
		if len(list) == 0 {
			return value.Value{}, nil
		}
		return list[0], nil
	}
	return value.OfList(list[:cut(max(n, 0), len(list))]), s.step(len(list))
}
