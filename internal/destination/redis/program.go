package redis

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/value"
)

// What a string of a key is.
const (
	formatValue = "value"
	formatJSON  = "json"
)

// emptyText is what an emptied field holds: Redis has no null.
var emptyText = value.OfText("")

// maxScore is the largest integer below which a double holds every integer.
// https://redis.io/docs/latest/commands/zadd/
const maxScore = 1 << 53

// base is what all programs know of their job.
type base struct {
	command string
	columns []connector.TargetColumn
	update  bool // only what exists is written
	ttl     int64
}

// matched returns the key or member that a row is matched by.
func (b base) matched(r connector.Row, what string) (string, error) {
	if len(r.Match) == 0 || r.Match[0].IsNull() || r.Match[0].String() == "" {
		return "", fmt.Errorf("the row has no %s: the matched column is empty", what)
	}
	return string(plain(r.Match[0])), nil
}

// at returns where a field lies among a row's values, or -1.
func (b base) at(name string) int {
	return slices.IndexFunc(b.columns, func(c connector.TargetColumn) bool { return c.Name == name })
}

// of returns the value of a field; null where the row has none.
func (b base) of(values []value.Value, name string) value.Value {
	i := b.at(name)
	if i < 0 || i >= len(values) {
		return value.Value{}
	}
	return values[i]
}

// omits reports whether a null of the field is left out.
func (b base) omits(name string) bool {
	i := b.at(name)
	return i >= 0 && b.columns[i].Omit
}

// expire returns the call that lets a key end.
func (b base) expire(key string) []call {
	if b.ttl == 0 {
		return nil
	}
	return []call{{key, []any{"EXPIRE", key, b.ttl}}}
}

// removeKey is the removal of all programs whose rows are keys.
func (b base) removeKey(r connector.Row) ([]call, error) {
	key, err := b.matched(r, matchKey)
	if err != nil {
		return nil, err
	}
	return []call{{key, []any{"DEL", key}}}, nil
}

// errNull is the refusal of a null.
func errNull(name string) error {
	return fmt.Errorf("invalid argument type: the field %q is null, which Redis cannot hold. Leave null values of this mapping out, or give it a default", name)
}

// plain is a value as Redis holds it: bytes and texts as they are, objects and lists as JSON.
func plain(v value.Value) []byte {
	if v.Kind() == value.Bytes {
		return []byte(v.Raw())
	}
	return v.AppendText(nil)
}

// number is a number as Redis reads it. The server refuses texts that are none.
func number(v value.Value, name string) (string, error) {
	switch v.Kind() {
	case value.Null:
		return "", errNull(name)
	case value.Int, value.Float, value.Decimal, value.Text:
		return v.String(), nil
	default:
		return "", fmt.Errorf("invalid argument type: the field %q is a number, and the row has a value of the type %s", name, v.Kind())
	}
}

// stringProgram writes a string: https://redis.io/docs/latest/commands/set/
type stringProgram struct{ base }

func (p *stringProgram) write(r connector.Row) ([]call, error) {
	key, err := p.matched(r, matchKey)
	if err != nil {
		return nil, err
	}
	v := p.of(r.Values, "value")
	switch {
	case !v.IsNull():
		return p.set(key, plain(v)), nil
	case p.omits("value"):
		return nil, nil
	default:
		return nil, errNull("value")
	}
}

func (b base) set(key string, text []byte) []call {
	args := []any{"SET", key, text}
	if b.ttl > 0 {
		args = append(args, "EX", b.ttl)
	}
	if b.update {
		args = append(args, "XX")
	}
	return []call{{key, args}}
}

// scriptString replaces a string that exists and leaves its time to live.
const scriptString = `local ttl = redis.call('PTTL', KEYS[1])
if ttl == -2 then return 0 end
redis.call('SET', KEYS[1], ARGV[1])
if ttl >= 0 then redis.call('PEXPIRE', KEYS[1], math.max(ttl, 1)) end
return 1`

func (p *stringProgram) clear(r connector.Row) ([]call, error) {
	key, err := p.matched(r, matchKey)
	if err != nil {
		return nil, err
	}
	return []call{{key, []any{"EVAL", scriptString, 1, key, ""}}}, nil
}

func (p *stringProgram) remove(r connector.Row) ([]call, error) { return p.removeKey(r) }

// jsonProgram writes a string that is a JSON object.
type jsonProgram struct{ base }

func (p *jsonProgram) write(r connector.Row) ([]call, error) {
	key, err := p.matched(r, matchKey)
	if err != nil {
		return nil, err
	}
	return p.set(key, p.object(r.Values)), nil
}

// object is the row as JSON; without values, all of its fields are null.
func (p *jsonProgram) object(values []value.Value) []byte {
	var fields []value.Field
	for i, c := range p.columns {
		f := value.Field{Name: c.Name}
		if i < len(values) {
			f.Value = values[i]
		}
		if !f.Value.IsNull() || !c.Omit || values == nil {
			fields = append(fields, f)
		}
	}
	return value.OfMap(fields).AppendJSON(nil)
}

func (p *jsonProgram) clear(r connector.Row) ([]call, error) {
	key, err := p.matched(r, matchKey)
	if err != nil {
		return nil, err
	}
	return []call{{key, []any{"EVAL", scriptString, 1, key, p.object(nil)}}}, nil
}

func (p *jsonProgram) remove(r connector.Row) ([]call, error) { return p.removeKey(r) }

// hashProgram writes fields of a hash: https://redis.io/docs/latest/commands/hset/
type hashProgram struct{ base }

// scriptHash sets fields of a hash that exists. The first argument is the time to live, or empty.
const scriptHash = `if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('HSET', KEYS[1], unpack(ARGV, 2))
if ARGV[1] ~= '' then redis.call('EXPIRE', KEYS[1], ARGV[1]) end
return 1`

func (p *hashProgram) write(r connector.Row) ([]call, error) {
	key, err := p.matched(r, matchKey)
	if err != nil {
		return nil, err
	}
	var pairs []any
	for i, c := range p.columns {
		switch v := r.Values[i]; {
		case !v.IsNull():
			pairs = append(pairs, c.Name, plain(v))
		case !c.Omit:
			return nil, errNull(c.Name)
		}
	}
	switch {
	case len(pairs) == 0:
		return nil, nil // every value is left out
	case p.update:
		return p.existing(key, p.ttl, pairs), nil
	}
	return append([]call{{key, append([]any{"HSET", key}, pairs...)}}, p.expire(key)...), nil
}

func (p *hashProgram) existing(key string, ttl int64, pairs []any) []call {
	first := ""
	if ttl > 0 {
		first = strconv.FormatInt(ttl, 10)
	}
	return []call{{key, append([]any{"EVAL", scriptHash, 1, key, first}, pairs...)}}
}

func (p *hashProgram) clear(r connector.Row) ([]call, error) {
	key, err := p.matched(r, matchKey)
	if err != nil {
		return nil, err
	}
	var pairs []any
	for _, c := range p.columns {
		pairs = append(pairs, c.Name, "")
	}
	return p.existing(key, 0, pairs), nil
}

func (p *hashProgram) remove(r connector.Row) ([]call, error) { return p.removeKey(r) }

// setProgram writes members of a set: https://redis.io/docs/latest/commands/sadd/. Members that a row had before and
// has no longer go: a set has no other way to tell that the row changed.
type setProgram struct{ base }

func (p *setProgram) write(r connector.Row) ([]call, error) {
	key, err := p.matched(r, matchKey)
	if err != nil {
		return nil, err
	}
	v := p.of(r.Values, "members")
	if v.IsNull() && p.omits("members") {
		return nil, nil
	}
	now, err := members(v)
	if err != nil {
		return nil, err
	}
	before, err := members(p.of(r.Before, "members"))
	if err != nil {
		before = nil // it was never taken
	}
	var calls []call
	if gone := without(before, now); len(gone) > 0 {
		calls = append(calls, call{key, append([]any{"SREM", key}, gone...)})
	}
	if len(now) > 0 {
		calls = append(calls, call{key, append([]any{"SADD", key}, now...)})
	}
	return append(calls, p.expire(key)...), nil
}

// members are the items of a list, or the single value.
func members(v value.Value) ([]any, error) {
	items := []value.Value{v}
	if p := v.Parsed(); p.Kind() == value.List {
		items = p.List()
	}
	all := make([]any, len(items))
	for i, item := range items {
		if item.IsNull() {
			return nil, errNull("members")
		}
		all[i] = string(plain(item))
	}
	return all, nil
}

// without returns the members that are not among others.
func without(all, others []any) []any {
	var rest []any
	for _, m := range all {
		if !slices.Contains(others, m) {
			rest = append(rest, m)
		}
	}
	return rest
}

// clear takes the row's members out. Redis removes a set without members by itself.
func (p *setProgram) clear(r connector.Row) ([]call, error) {
	key, err := p.matched(r, matchKey)
	if err != nil {
		return nil, err
	}
	all, err := members(p.of(r.Values, "members"))
	if err != nil || len(all) == 0 {
		return nil, nil //nolint:nilerr // nothing of the row is there
	}
	return []call{{key, append([]any{"SREM", key}, all...)}}, nil
}

func (p *setProgram) remove(r connector.Row) ([]call, error) { return p.removeKey(r) }

// placeProgram writes a place under its name: https://redis.io/docs/latest/commands/geoadd/
type placeProgram struct{ base }

func (p *placeProgram) write(r connector.Row) ([]call, error) {
	key, err := p.matched(r, matchKey)
	if err != nil {
		return nil, err
	}
	name := p.of(r.Values, "name")
	if name.IsNull() {
		return nil, errNull("name")
	}
	calls, err := p.place(r, key, plain(name))
	if err != nil {
		return nil, err
	}
	if before := p.of(r.Before, "name"); !before.IsNull() && !before.Equal(name) {
		calls = append([]call{{key, []any{"ZREM", key, plain(before)}}}, calls...)
	}
	return append(calls, p.expire(key)...), nil
}

// place adds a member with the row's place.
func (b base) place(r connector.Row, key string, member []byte) ([]call, error) {
	longitude, err := number(b.of(r.Values, "longitude"), "longitude")
	if err != nil {
		return nil, err
	}
	latitude, err := number(b.of(r.Values, "latitude"), "latitude")
	if err != nil {
		return nil, err
	}
	return []call{{key, []any{"GEOADD", key, longitude, latitude, member}}}, nil
}

// clear takes the place out: a place has no empty position.
func (p *placeProgram) clear(r connector.Row) ([]call, error) {
	key, err := p.matched(r, matchKey)
	if err != nil {
		return nil, err
	}
	name := p.of(r.Values, "name")
	if name.IsNull() {
		return nil, nil
	}
	return []call{{key, []any{"ZREM", key, plain(name)}}}, nil
}

func (p *placeProgram) remove(r connector.Row) ([]call, error) { return p.removeKey(r) }

// keyOf returns the key of the sorted set that values name.
func (b base) keyOf(values []value.Value) (string, error) {
	key := b.of(values, "key")
	if key.IsNull() || key.String() == "" {
		return "", errNull("key")
	}
	return string(plain(key)), nil
}

// moved takes a member out of the sorted set that it was in before.
func (b base) moved(r connector.Row, key, member string) []call {
	before, err := b.keyOf(r.Before)
	if b.update || err != nil || before == key {
		return nil
	}
	return []call{{before, []any{"ZREM", before, member}}}
}

// removeMember is the removal of the programs whose rows are members.
func (b base) removeMember(r connector.Row) ([]call, error) {
	member, err := b.matched(r, matchMember)
	if err != nil {
		return nil, err
	}
	key, err := b.keyOf(r.Values)
	if err != nil {
		return nil, err
	}
	return []call{{key, []any{"ZREM", key, member}}}, nil
}

// scoreProgram writes a member with its score: https://redis.io/docs/latest/commands/zadd/
type scoreProgram struct{ base }

func (p *scoreProgram) write(r connector.Row) ([]call, error) {
	score := p.of(r.Values, "score")
	if n := score.Int(); score.Kind() == value.Int && (n > maxScore || n < -maxScore) {
		return nil, fmt.Errorf("the score %d is too large: a score is a double, which holds integers exactly up to %d", n, int64(maxScore))
	}
	text, err := number(score, "score")
	if err != nil {
		return nil, err
	}
	return p.add(r, text, p.update)
}

func (p *scoreProgram) add(r connector.Row, score string, existing bool) ([]call, error) {
	member, err := p.matched(r, matchMember)
	if err != nil {
		return nil, err
	}
	key, err := p.keyOf(r.Values)
	if err != nil {
		return nil, err
	}
	args := []any{"ZADD", key}
	if existing {
		args = append(args, "XX")
	}
	return append(p.moved(r, key, member), call{key, append(args, score, member)}), nil
}

// clear sets the score to zero: a member has a score.
func (p *scoreProgram) clear(r connector.Row) ([]call, error) { return p.add(r, "0", true) }

func (p *scoreProgram) remove(r connector.Row) ([]call, error) { return p.removeMember(r) }

// memberPlaceProgram writes a member with its place.
type memberPlaceProgram struct{ base }

func (p *memberPlaceProgram) write(r connector.Row) ([]call, error) {
	member, err := p.matched(r, matchMember)
	if err != nil {
		return nil, err
	}
	key, err := p.keyOf(r.Values)
	if err != nil {
		return nil, err
	}
	calls, err := p.place(r, key, []byte(member))
	return append(p.moved(r, key, member), calls...), err
}

// clear is refused when the sync is checked.
func (p *memberPlaceProgram) clear(connector.Row) ([]call, error) {
	return nil, errors.New("a place cannot be empty")
}

func (p *memberPlaceProgram) remove(r connector.Row) ([]call, error) { return p.removeMember(r) }
