package dynamodb_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// attributeValue is a value in DynamoDB's JSON: one member, named for its type.
type attributeValue map[string]any

type item map[string]attributeValue

// server speaks DynamoDB's protocol (JSON 1.0) for the operations that the destination uses, and keeps to the documented
// rules: sizes, numbers, keys, expressions, batches.
type server struct {
	t   *testing.T
	URL string

	mu     sync.Mutex
	tables map[string]*table
	fail   func(operation string, key item) (status int, code, message string) // refuses instead
	hold   func(key item) bool                                                 // leaves an item of a batch unprocessed
	calls  map[string]int
	refuse map[string]bool // operations that the credential may not use
}

type table struct {
	keys   []string
	types  map[string]string
	items  map[string]item
	status string
}

func newServer(t *testing.T) *server {
	t.Helper()
	s := &server{t: t, tables: map[string]*table{}, calls: map[string]int{}, refuse: map[string]bool{}}
	h := httptest.NewServer(s)
	t.Cleanup(h.Close)
	s.URL = h.URL
	return s
}

// create makes a table; each key is a name, a colon and a type.
func (s *server) create(name string, keys ...string) {
	t := &table{types: map[string]string{}, items: map[string]item{}, status: "ACTIVE"}
	for _, k := range keys {
		key, kind, _ := strings.Cut(k, ":")
		t.keys, t.types[key] = append(t.keys, key), kind
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tables[name] = t
}

// items returns what a table holds.
func (s *server) items(name string) []item {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Values(s.tables[name].items))
}

func (s *server) count(operation string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[operation]
}

// problem is an error as the server answers it.
type problem struct {
	status  int
	code    string
	message string
}

func invalid(format string, args ...any) *problem {
	return &problem{http.StatusBadRequest, "ValidationException", fmt.Sprintf(format, args...)}
}

var authorization = regexp.MustCompile(`^AWS4-HMAC-SHA256 Credential=([A-Z0-9]+)/\d{8}/[a-z0-9-]+/dynamodb/aws4_request, SignedHeaders=[a-z0-9;-]+, Signature=[0-9a-f]{64}$`)

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	operation, found := strings.CutPrefix(r.Header.Get("X-Amz-Target"), "DynamoDB_20120810.")
	var out any
	var p *problem
	m := authorization.FindStringSubmatch(r.Header.Get("Authorization"))
	switch {
	case !found || r.Header.Get("Content-Type") != "application/x-amz-json-1.0" || r.Method != http.MethodPost:
		p = &problem{http.StatusBadRequest, "UnknownOperationException", ""}
	case m == nil:
		p = &problem{http.StatusBadRequest, "MissingAuthenticationTokenException", "Request is missing Authentication Token"}
	case m[1] != keyID:
		p = &problem{http.StatusBadRequest, "UnrecognizedClientException", "The security token included in the request is invalid."}
	case s.refuse[operation]:
		p = &problem{http.StatusBadRequest, "AccessDeniedException", "User: arn:aws:iam::123456789012:user/x is not authorized to perform: dynamodb:" + operation}
	default:
		s.calls[operation]++
		out, p = s.answer(operation, body)
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	if p != nil {
		w.WriteHeader(p.status)
		out = map[string]string{"__type": "com.amazonaws.dynamodb.v20120810#" + p.code, "message": p.message}
	}
	_ = json.NewEncoder(w).Encode(out) //nolint:errcheck // the client sees
}

func (s *server) answer(operation string, body []byte) (any, *problem) {
	var in struct {
		TableName                 string
		Key                       item
		UpdateExpression          string
		ConditionExpression       string
		ExpressionAttributeNames  map[string]string
		ExpressionAttributeValues item
		RequestItems              map[string][]writeRequest
		Limit                     int
		ExclusiveStartTableName   string
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, &problem{http.StatusBadRequest, "SerializationException", err.Error()}
	}
	switch operation {
	case "ListTables":
		return s.list(in.Limit, in.ExclusiveStartTableName), nil
	case "BatchWriteItem":
		return s.batch(in.RequestItems)
	}
	t := s.tables[in.TableName]
	if t == nil {
		return nil, &problem{http.StatusBadRequest, "ResourceNotFoundException", "Requested resource not found: Table: " + in.TableName + " not found"}
	}
	switch operation {
	case "DescribeTable":
		return t.describe(in.TableName), nil
	case "UpdateItem":
		if s.fail != nil {
			if status, code, message := s.fail(operation, in.Key); status != 0 {
				return nil, &problem{status, code, message}
			}
		}
		return struct{}{}, t.update(in.Key, in.UpdateExpression, in.ConditionExpression, in.ExpressionAttributeNames, in.ExpressionAttributeValues)
	default:
		return nil, &problem{http.StatusBadRequest, "UnknownOperationException", operation}
	}
}

func (s *server) list(limit int, after string) any {
	names := slices.Sorted(maps.Keys(s.tables))
	names = slices.DeleteFunc(names, func(n string) bool { return n <= after && after != "" })
	out := map[string]any{}
	if limit > 0 && limit < len(names) {
		names = names[:limit]
		out["LastEvaluatedTableName"] = names[limit-1]
	}
	out["TableNames"] = names
	return out
}

func (t *table) describe(name string) any {
	schema, attributes := []any{}, []any{}
	for i, k := range t.keys {
		schema = append(schema, map[string]string{"AttributeName": k, "KeyType": []string{"HASH", "RANGE"}[i]})
	}
	for _, k := range slices.Sorted(maps.Keys(t.types)) {
		attributes = append(attributes, map[string]string{"AttributeName": k, "AttributeType": t.types[k]})
	}
	return map[string]any{"Table": map[string]any{"TableName": name, "TableStatus": t.status, "KeySchema": schema, "AttributeDefinitions": attributes}}
}

// id is the text by which an item with the key is kept.
func (t *table) id(key item, exact bool) (string, *problem) {
	if exact && len(key) != len(t.keys) {
		return "", invalid("The provided key element does not match the schema")
	}
	var text strings.Builder
	for i, name := range t.keys {
		a, has := key[name]
		kind, v := a.only()
		if !has || kind != t.types[name] {
			return "", invalid("The provided key element does not match the schema")
		}
		if v == "" {
			return "", invalid("One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: %s", name)
		}
		if limit := []int{2048, 1024}[i]; len(fmt.Sprint(v)) > limit {
			return "", invalid("One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of%d bytes", limit)
		}
		if kind == "N" {
			number, p := normalNumber(v.(string))
			if p != nil {
				return "", p
			}
			v = number
		}
		fmt.Fprintf(&text, "%q", v)
	}
	return text.String(), nil
}

// only returns the one member of a value.
func (a attributeValue) only() (kind string, v any) {
	for kind, v = range a {
		return kind, v
	}
	return "", nil
}

var maxNumber, minNumber = power(126), new(big.Rat).Inv(power(130))

func power(n int64) *big.Rat {
	return new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(n), nil))
}

// normal checks a value and brings its numbers into their one form.
func (a attributeValue) normal() (attributeValue, *problem) {
	if len(a) != 1 {
		return nil, invalid("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")
	}
	switch kind, v := a.only(); kind {
	case "N":
		text, p := normalNumber(v.(string))
		return attributeValue{"N": text}, p
	case "L":
		var items []any
		for _, x := range v.([]any) {
			one, p := attributeValue(x.(map[string]any)).normal()
			if p != nil {
				return nil, p
			}
			items = append(items, map[string]any(one))
		}
		return attributeValue{"L": items}, nil
	case "M":
		members := map[string]any{}
		for name, x := range v.(map[string]any) {
			one, p := attributeValue(x.(map[string]any)).normal()
			if p != nil {
				return nil, p
			}
			members[name] = map[string]any(one)
		}
		return attributeValue{"M": members}, nil
	default:
		return a, nil
	}
}

// normalNumber enforces 38 digits and the magnitudes, and trims zeros.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
func normalNumber(text string) (string, *problem) {
	n, ok := new(big.Rat).SetString(text)
	if !ok {
		return "", invalid("The parameter cannot be converted to a numeric value: %s", text)
	}
	abs := new(big.Rat).Abs(n)
	switch {
	case n.Sign() == 0:
		return "0", nil
	case abs.Cmp(maxNumber) >= 0:
		return "", invalid("Number overflow. Attempting to store a number with magnitude larger than supported range")
	case abs.Cmp(minNumber) < 0:
		return "", invalid("Number underflow. Attempting to store a number with magnitude smaller than supported range")
	}
	plain := strings.TrimRight(strings.TrimRight(n.FloatString(200), "0"), ".")
	if n.IsInt() {
		plain = n.Num().String()
	}
	digits := strings.Trim(strings.NewReplacer("-", "", ".", "").Replace(plain), "0")
	if len(digits) > 38 {
		return "", invalid("Attempting to store more than 38 significant digits in a Number")
	}
	return plain, nil
}

// size is roughly what an item takes.
func (i item) size() int {
	b, _ := json.Marshal(i) //nolint:errcheck // texts
	return len(b)
}

const maxItem = 400 << 10

func (t *table) put(id string, i item) *problem {
	whole := item{}
	for name, a := range i {
		n, p := a.normal()
		if p != nil {
			return p
		}
		whole[name] = n
	}
	if whole.size() > maxItem {
		return invalid("Item size has exceeded the maximum allowed size")
	}
	t.items[id] = whole
	return nil
}

var word = regexp.MustCompile(`[#:][A-Za-z0-9_]+`)

func (t *table) update(key item, expression, condition string, names map[string]string, values item) *problem {
	id, p := t.id(key, true)
	if p != nil {
		return p
	}
	used := word.FindAllString(expression+" "+condition, -1)
	for name := range names {
		if !slices.Contains(used, name) {
			return invalid("Value provided in ExpressionAttributeNames unused in expressions: keys: {%s}", name)
		}
	}
	for name := range values {
		if !slices.Contains(used, name) {
			return invalid("Value provided in ExpressionAttributeValues unused in expressions: keys: {%s}", name)
		}
	}
	old, exists := t.items[id]
	if condition != "" {
		name, known := strings.CutPrefix(condition, "attribute_exists(")
		if _, has := old[names[strings.TrimSuffix(name, ")")]]; !known || !exists || !has {
			return &problem{http.StatusBadRequest, "ConditionalCheckFailedException", "The conditional request failed"}
		}
	}
	now := maps.Clone(old)
	if now == nil {
		now = maps.Clone(key)
	}
	action, rest, _ := strings.Cut(expression, " ")
	for part := range strings.SplitSeq(rest, ", ") {
		if expression == "" {
			break
		}
		path, v, _ := strings.Cut(part, " = ")
		name, known := names[path]
		switch {
		case !known:
			return invalid("Invalid UpdateExpression: An expression attribute name used in the document path is not defined; attribute name: %s", path)
		case slices.Contains(t.keys, name):
			return invalid("One or more parameter values were invalid: Cannot update attribute %s. This attribute is part of the key", name)
		case action == "SET" && values[v] == nil:
			return invalid("Invalid UpdateExpression: An expression attribute value used in expression is not defined; attribute value: %s", v)
		case action == "SET":
			now[name] = values[v]
		case action == "REMOVE":
			delete(now, name)
		default:
			return invalid("Invalid UpdateExpression: Syntax error; token: %q", action)
		}
	}
	return t.put(id, now)
}

type writeRequest struct {
	PutRequest    *struct{ Item item } `json:",omitempty"`
	DeleteRequest *struct{ Key item }  `json:",omitempty"`
}

func (s *server) batch(requests map[string][]writeRequest) (any, *problem) {
	left := map[string][]writeRequest{}
	for name, writes := range requests {
		t := s.tables[name]
		if t == nil {
			return nil, &problem{http.StatusBadRequest, "ResourceNotFoundException", "Requested resource not found"}
		}
		if len(writes) > 25 || len(writes) == 0 {
			return nil, invalid("1 validation error detected: Value at 'requestItems' failed to satisfy constraint: Member must have length less than or equal to 25")
		}
		if p := t.check(writes); p != nil {
			return nil, p
		}
		for _, w := range writes {
			key, id := t.of(w)
			if s.fail != nil {
				if status, code, message := s.fail("BatchWriteItem", key); status != 0 {
					return nil, &problem{status, code, message}
				}
			}
			switch {
			case s.hold != nil && s.hold(key):
				left[name] = append(left[name], w)
			case w.PutRequest != nil:
				if p := t.put(id, w.PutRequest.Item); p != nil {
					s.t.Errorf("a batch that was checked has a bad item: %s", p.message)
				}
			default:
				delete(t.items, id)
			}
		}
	}
	return map[string]any{"UnprocessedItems": left}, nil
}

// of returns the key of a write, and the text by which its item is kept.
func (t *table) of(w writeRequest) (item, string) {
	key := item{}
	from := item{}
	if w.PutRequest != nil {
		from = w.PutRequest.Item
	} else if w.DeleteRequest != nil {
		from = w.DeleteRequest.Key
	}
	for _, k := range t.keys {
		if a, has := from[k]; has {
			key[k] = a
		}
	}
	id, p := t.id(key, true)
	if p != nil {
		return key, ""
	}
	return key, id
}

// check refuses a batch as a whole for one bad write.
func (t *table) check(writes []writeRequest) *problem {
	seen := map[string]bool{}
	for _, w := range writes {
		key, id := t.of(w)
		if id == "" {
			_, p := t.id(key, true)
			return p
		}
		if seen[id] {
			return invalid("Provided list of item keys contains duplicates")
		}
		seen[id] = true
		if w.PutRequest == nil {
			continue
		}
		if w.PutRequest.Item.size() > maxItem {
			return invalid("Item size has exceeded the maximum allowed size")
		}
		for _, a := range w.PutRequest.Item {
			if _, p := a.normal(); p != nil {
				return p
			}
		}
	}
	return nil
}
