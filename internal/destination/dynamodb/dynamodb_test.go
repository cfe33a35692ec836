package dynamodb_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/destinationtest"
	"github.com/millrace/millrace/internal/destination/dynamodb"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

const (
	keyID  = "AKIAIOSFODNN7EXAMPLE"
	secret = "a-very-secret-access-key"
)

func (s *server) settings(changes ...any) connector.Settings {
	all := connector.Settings{
		"region": "eu-central-1", "endpoint": s.URL,
		"credential": map[string]any{"auth": "keys", "accessKeyId": keyID, "secretAccessKey": secret},
	}
	for i := 0; i < len(changes); i += 2 {
		all[changes[i].(string)] = changes[i+1]
	}
	return all
}

func open(t testing.TB, s connector.Settings) connector.Destination {
	t.Helper()
	info := dynamodb.Info()
	d, err := info.Open(connector.DestinationOptions{Settings: s.WithDefaults(info.Fields), Dir: t.TempDir(), Clock: clock.System{}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func job(table, match string, columns ...string) connector.SyncJob {
	j := connector.SyncJob{
		SyncID: 7, SyncSlug: "customers", RunID: 42, Type: dynamodb.SyncTypeSlug, Mode: connector.ModeUpsert, Delete: connector.DeleteNothing,
		Settings: connector.Settings{"table": table}, Model: connector.ModelInfo{ID: 3, Name: "Customers", Slug: "customers", PrimaryKey: "id"},
	}
	for name := range strings.FieldsSeq(match) {
		j.Match = append(j.Match, connector.MatchPair{From: name, To: name})
	}
	for _, name := range columns {
		j.Columns = append(j.Columns, connector.TargetColumn{Name: name, From: name})
	}
	return j
}

// row is a row of a job: the values that it is matched by, and those of its columns.
func row(match []any, values ...any) connector.Row {
	r := connector.Row{Key: fmt.Sprint(match)}
	for _, v := range match {
		r.Match = append(r.Match, value.Of(v))
	}
	for _, v := range values {
		r.Values = append(r.Values, value.Of(v))
	}
	return r
}

func key(values ...any) []any { return values }

func begin(t testing.TB, d connector.Destination, j connector.SyncJob) connector.Session {
	t.Helper()
	if err := d.Check(j); err != nil {
		t.Fatalf("checking: %v", err)
	}
	s, err := d.Begin(t.Context(), j)
	if err != nil {
		t.Fatalf("beginning: %v", err)
	}
	return s
}

func batch(op connector.Operation, rows ...connector.Row) *connector.Batch {
	return &connector.Batch{ID: "b", Operation: op, Rows: rows, Checkpoint: func(context.Context, string) error { return nil }}
}

func write(t testing.TB, s connector.Session, op connector.Operation, rows ...connector.Row) map[int]connector.Rejection {
	t.Helper()
	result, err := s.Write(t.Context(), batch(op, rows...))
	if err != nil {
		t.Fatalf("writing: %v", err)
	}
	refused := map[int]connector.Rejection{}
	for _, r := range result.Rejected {
		refused[r.Row] = r
	}
	return refused
}

// plain is a value as the table holds it.
func plain(t *testing.T, a attributeValue) value.Value {
	t.Helper()
	switch kind, v := a.only(); kind {
	case "NULL":
		return value.Value{}
	case "BOOL":
		return value.OfBool(v.(bool))
	case "N":
		return value.OfNumber(v.(string))
	case "B":
		b, err := base64.StdEncoding.DecodeString(v.(string))
		if err != nil {
			t.Fatal(err)
		}
		return value.OfBytes(b)
	case "L":
		var items []value.Value
		for _, x := range v.([]any) {
			items = append(items, plain(t, x.(map[string]any)))
		}
		return value.OfList(items)
	case "M":
		var fields []value.Field
		for name, x := range v.(map[string]any) {
			fields = append(fields, value.Field{Name: name, Value: plain(t, x.(map[string]any))})
		}
		return value.OfMap(fields)
	default:
		return value.OfText(v.(string))
	}
}

// TestConformance runs the suite for items that keep their other attributes and for items that are replaced.
//
// Req: SY-18, SY-21, SY-74, SY-78, FLD-32
func TestConformance(t *testing.T) {
	t.Parallel()
	for name, place := range places {
		for _, how := range []string{"merge", "replace"} {
			t.Run(name+" "+how, func(t *testing.T) {
				t.Parallel()
				f := fixture(place(t), how)
				if name == "protocol" {
					f.Failing = failing(t)
				}
				destinationtest.Run(t, f)
			})
		}
	}
}

// places are the servers that the tests run against.
var places = map[string]func(*testing.T) place{
	"Dynalite": func(t *testing.T) place { return newDynalite(t) },
	"protocol": func(t *testing.T) place { return newServer(t) },
}

func fixture(s place, how string) destinationtest.Fixture {
	var n atomic.Int64
	return destinationtest.Fixture{
		Info: dynamodb.Info(), Invalid: badJobs(), Removes: true, Arrival: arrival,
		Target: func(_ *testing.T, columns []connector.TargetColumn) destinationtest.Target {
			name := fmt.Sprintf("table-%d", n.Add(1))
			s.create(name, "id:S")
			j := job(name, "id")
			j.Columns, j.Delete, j.Settings["write"] = columns, connector.DeleteRecord, how
			return destinationtest.Target{Settings: s.settings(), Job: j, Read: func(t *testing.T) []destinationtest.Record {
				var records []destinationtest.Record
				for _, i := range s.items(name) {
					r := destinationtest.Record{}
					for name, a := range i {
						r[name] = plain(t, a)
					}
					records = append(records, r)
				}
				return records
			}}
		},
		Refused: []destinationtest.Refused{
			{Name: "39 digits", Column: column(value.TypeNumber), Value: value.OfDecimal("1." + strings.Repeat("1", 38)), Says: "38 significant digits"},
			{Name: "too large a number", Column: column(value.TypeNumber), Value: value.OfFloat(1e200), Says: "Number overflow"},
			{Name: "too large an item", Column: column(value.TypeString), Value: value.OfText(strings.Repeat("x", 400<<10)), Says: "maximum allowed size"},
		},
	}
}

func column(t value.Type) connector.TargetColumn {
	return connector.TargetColumn{Name: "value", From: "value", Type: t}
}

// arrival: numbers have one form and their limits, instants and dates are strings, an item has 400 KB.
func arrival(c connector.TargetColumn, v value.Value) destinationtest.Arrival {
	switch v.Kind() {
	case value.Null:
		return destinationtest.Arrival{Absent: c.Omit}
	case value.Time, value.Day:
		return destinationtest.Text(v)
	case value.Text:
		return destinationtest.Arrival{Value: v, Refused: len(v.Raw()) > 300<<10}
	case value.Float, value.Decimal:
		text, p := normalNumber(v.String())
		return destinationtest.Arrival{Value: value.OfNumber(text), Refused: p != nil}
	default:
		return destinationtest.As(v)
	}
}

func failing(t *testing.T) []destinationtest.Failing {
	t.Helper()
	s := newServer(t)
	answering := func(status int, kind, message string) connector.Settings {
		h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/x-amz-json-1.0")
			w.WriteHeader(status)
			fmt.Fprintf(w, `{"__type":"com.amazon.coral.service#%s","message":%q}`, kind, message)
		}))
		t.Cleanup(h.Close)
		return s.settings("endpoint", h.URL)
	}
	role := map[string]any{"auth": "keys", "accessKeyId": keyID, "secretAccessKey": secret, "roleArn": "arn:aws:iam::123456789012:role/x", "stsEndpoint": denyingSTS(t)}
	return []destinationtest.Failing{
		{Name: "unreachable", Settings: s.settings("endpoint", "http://127.0.0.1:1"), Code: fault.CodeDestinationUnreachable, Says: "connection refused"},
		{Name: "unknown host", Settings: s.settings("endpoint", "http://dynamodb.invalid"), Code: fault.CodeDestinationUnreachable, Says: "dynamodb.invalid"},
		{Name: "unknown key", Settings: s.settings("credential", map[string]any{"auth": "keys", "accessKeyId": "AKIAOTHER", "secretAccessKey": secret}), Code: fault.CodeDestinationAuth, Says: "security token included in the request is invalid"},
		{Name: "wrong secret", Settings: answering(400, "InvalidSignatureException", "The request signature we calculated does not match"), Code: fault.CodeDestinationAuth, Says: "does not match"},
		{Name: "expired", Settings: answering(400, "ExpiredTokenException", "The security token included in the request is expired"), Code: fault.CodeDestinationAuth, Says: "is expired"},
		{Name: "role", Settings: s.settings("credential", role), Code: fault.CodeDestinationAuth, Says: "is not authorized to perform: sts:AssumeRole"},
		{Name: "throttled", Settings: answering(400, "ThrottlingException", "Rate exceeded"), Code: fault.CodeDestinationThrottled, Says: "Rate exceeded"},
		{Name: "broken", Settings: answering(500, "InternalServerError", "Internal server error"), Code: fault.CodeDestinationUnknown, Says: "Internal server error"},
		{Name: "bad settings", Settings: s.settings("region", "Frankfurt"), Code: fault.CodeInvalid, Says: "not a region"},
	}
}

// denyingSTS is a token service that lets nobody assume a role.
func denyingSTS(t *testing.T) string {
	t.Helper()
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/xml")
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>User: arn:aws:iam::1:user/x is not authorized to perform: sts:AssumeRole</Message></Error></ErrorResponse>`)
	}))
	t.Cleanup(h.Close)
	return h.URL
}

func badJobs() []destinationtest.Invalid {
	edit := func(name string, edit func(*connector.SyncJob), paths ...string) destinationtest.Invalid {
		return destinationtest.Invalid{Name: name, Edit: edit, Paths: paths}
	}
	return []destinationtest.Invalid{
		edit("unknown mode", func(j *connector.SyncJob) { j.Mode = connector.ModeUpdate }, "spec.mode"),
		edit("no table", func(j *connector.SyncJob) { delete(j.Settings, "table") }, "spec.settings.table"),
		edit("no name of a table", func(j *connector.SyncJob) { j.Settings["table"] = "a b" }, "spec.settings.table"),
		edit("unknown way of writing", func(j *connector.SyncJob) { j.Settings["write"] = "append" }, "spec.settings.write"),
		edit("half a batch", func(j *connector.SyncJob) { j.Settings["parallel"] = 1.5 }, "spec.settings.parallel"),
		edit("no match", func(j *connector.SyncJob) { j.Match = nil }, "spec.match"),
		edit("the same match twice", func(j *connector.SyncJob) { j.Match = append(j.Match, j.Match[0]) }, "spec.match"),
		edit("no columns", func(j *connector.SyncJob) { j.Columns = nil }, "spec.mappings"),
		edit("an attribute twice", func(j *connector.SyncJob) { j.Columns[1].Name = "id" }, "spec.mappings"),
		edit("clearing nothing", func(j *connector.SyncJob) { j.Delete, j.Columns = connector.DeleteClear, j.Columns[:1] }, "spec.delete"),
		{Name: "connection", Settings: connector.Settings{"region": "EU", "endpoint": "dynamodb.local"}, Paths: []string{"spec.configuration.region", "spec.configuration.endpoint"}},
		{Name: "no region", Settings: connector.Settings{}, Paths: []string{"spec.configuration.region"}},
	}
}

// TestModes: what upsert, clear and delete leave of items, by both ways of writing.
//
// Req: SY-15, SY-18, SY-25
func TestModes(t *testing.T) {
	t.Parallel()
	for name, place := range places {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testModes(t, place(t))
		})
	}
}

func testModes(t *testing.T, s place) {
	t.Helper()
	for how, want := range map[string][]string{
		"merge":   {`{"a":"2","name":"Bea","other":"kept","pk":"x","sk":"1.5"}`, `{"other":"kept","pk":"x","sk":"1.5"}`},
		"replace": {`{"a":"2","name":"Bea","pk":"x","sk":"1.5"}`, `{"pk":"x","sk":"1.5"}`},
	} {
		table := "items-" + how
		s.create(table, "pk:S", "sk:N")
		d := open(t, s.settings())
		none(t, write(t, begin(t, d, job(table, "pk sk", "other")), connector.Added, row(key("x", value.OfDecimal("1.50")), "kept")))
		j := job(table, "pk sk", "pk", "name", "a")
		j.Settings["write"] = how
		ups := begin(t, d, j)
		for range 2 {
			refused := write(t, ups, connector.Changed, row(key("x", "1.5"), "x", "Bea", 2), row(key("x", "one"), "x", "Nobody", 2), row(key(nil, 1), nil, "Nobody", 2), row(key("x", []any{1}), "x", "Nobody", 2))
			if len(refused) != 3 || !strings.Contains(refused[1].Reason, "that is none") || !strings.Contains(refused[2].Reason, "no pk") || !strings.Contains(refused[3].Reason, "array") {
				t.Errorf("%s: refused %v", how, refused)
			}
			holds(t, s, table, want[0])
		}
		j.Delete = connector.DeleteClear
		none(t, write(t, begin(t, d, j), connector.Removed, row(key("x", 1.5), "x", "Bea", 2), row(key("gone", 1), "gone", "Bea", 2)))
		holds(t, s, table, want[1])
		j.Delete = connector.DeleteRecord
		none(t, write(t, begin(t, d, j), connector.Removed, row(key("x", 1.5), "x", "Bea", 2), row(key("gone", 1), "gone", "Bea", 2)))
		holds(t, s, table)
	}
}

func none(t *testing.T, refused map[int]connector.Rejection) {
	t.Helper()
	if len(refused) > 0 {
		t.Errorf("refused %v", refused)
	}
}

// holds compares a table with items as JSON of texts.
func holds(t *testing.T, s place, name string, want ...string) {
	t.Helper()
	var got []string
	for _, i := range s.items(name) {
		texts := map[string]string{}
		for name, a := range i {
			texts[name] = plain(t, a).String()
		}
		v := value.Of(texts)
		got = append(got, string(v.AppendJSON(nil)))
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the table holds %q, want %q", got, want)
	}
}

// TestTogether: rows with the same key are one item, the last of them, and 25 rows are one request.
//
// Req: SY-76
func TestTogether(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.create("items", "id:S")
	j := job("items", "id", "n")
	for _, how := range []string{"replace", "merge"} {
		j.Settings["write"] = how
		n := begin(t, open(t, s.settings()), j)
		var rows []connector.Row
		for i := range n.Limits().Rows {
			rows = append(rows, row(key(strconv.Itoa(i%20)), i))
		}
		none(t, write(t, n, connector.Added, rows...))
		for _, i := range s.items("items") {
			id, number := plain(t, i["id"]).String(), plain(t, i["n"]).String()
			if want := map[string]string{"0": "20", "4": "24", "5": "5"}[id]; want != "" && number != want {
				t.Errorf("%s: the item %s has %s, want %s", how, id, number, want)
			}
		}
	}
	if n := s.count("BatchWriteItem"); n != 1 {
		t.Errorf("%d requests", n)
	}
	if n := s.count("UpdateItem"); n != 25 {
		t.Errorf("%d updates", n)
	}
}

// TestUnprocessed: what the table had no throughput for is refused for now, and nothing else.
//
// Req: SY-76
func TestUnprocessed(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.create("items", "id:N")
	held := map[string]bool{"1": true, "2.50": true}
	s.hold = func(k item) bool { return held[k["id"]["N"].(string)] }
	j := job("items", "id", "n")
	j.Settings["write"] = "replace"
	n := begin(t, open(t, s.settings()), j)
	rows := []connector.Row{row(key(0), 0), row(key(1), 0), row(key(value.OfDecimal("2.50")), 0), row(key(3), 0)}
	refused := write(t, n, connector.Added, rows...)
	if len(refused) != 2 || !refused[1].Retry || !refused[2].Retry || len(s.items("items")) != 2 {
		t.Errorf("refused %v; the table holds %d items", refused, len(s.items("items")))
	}
	clear(held)
	none(t, write(t, n, connector.Added, rows[1], rows[2]))
	j.Delete = connector.DeleteRecord
	held["3"] = true
	refused = write(t, begin(t, open(t, s.settings()), j), connector.Removed, rows...)
	if len(refused) != 1 || !refused[3].Retry || len(s.items("items")) != 1 {
		t.Errorf("refused %v; the table holds %d items", refused, len(s.items("items")))
	}
}

// TestAnswers: what each kind of answer means for its row and for the batch.
//
// Req: SY-76, SY-78
func TestAnswers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		all    bool // each row is answered so, not only the second
		status int
		kind   string
		class  fault.Class
		code   fault.Code
		again  bool
	}{
		"throttled":          {status: 400, kind: "ProvisionedThroughputExceededException", again: true},
		"conflict":           {status: 400, kind: "TransactionConflictException", again: true},
		"conflicts":          {all: true, status: 400, kind: "TransactionConflictException", again: true},
		"broken":             {status: 500, kind: "InternalServerError", again: true},
		"collection is full": {status: 400, kind: "ItemCollectionSizeLimitExceededException"},
		"all throttled":      {all: true, status: 400, kind: "ThrottlingException", class: fault.Throttled, code: fault.CodeDestinationThrottled},
		"denied":             {all: true, status: 400, kind: "AccessDeniedException", class: fault.Fatal, code: fault.CodeDestinationDenied},
		"table gone":         {all: true, status: 400, kind: "ResourceNotFoundException", class: fault.Fatal, code: fault.CodeDestinationSchema},
		"key disabled":       {all: true, status: 400, kind: "UnrecognizedClientException", class: fault.Fatal, code: fault.CodeDestinationAuth},
	} {
		s := newServer(t)
		s.create("items", "id:S")
		s.fail = func(_ string, k item) (int, string, string) {
			if !c.all && k["id"]["S"] != "1" {
				return 0, "", ""
			}
			return c.status, c.kind, "because"
		}
		n := begin(t, open(t, s.settings()), job("items", "id", "n"))
		result, err := n.Write(t.Context(), batch(connector.Added, row(key("0"), 1), row(key("1"), 1)))
		if sent := s.count("UpdateItem"); sent != 2 {
			t.Errorf("%s: %d requests for two rows: the engine repeats, not the client", name, sent)
		}
		switch {
		case c.code != "":
			if !fault.Is(err, c.code) || fault.ClassOf(err) != c.class || fault.As(err).Hint() == "" {
				t.Errorf("%s: %v (%s)", name, err, fault.ClassOf(err))
			}
		case err != nil:
			t.Errorf("%s: %v", name, err)
		case c.all != (len(result.Rejected) == 2) || result.Rejected[0].Retry != c.again || !strings.Contains(result.Rejected[0].Reason, "because"):
			t.Errorf("%s: %+v", name, result.Rejected)
		}
	}
}

// TestBadItem: a batch that is refused for one of its items is halved by the engine, which the limits ask for.
func TestBadItem(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.create("items", "id:S")
	j := job("items", "id", "n")
	j.Settings["write"] = "replace"
	n := begin(t, open(t, s.settings()), j)
	_, err := n.Write(t.Context(), batch(connector.Added, row(key("0"), 1), row(key("1"), 1e200)))
	if fault.ClassOf(err) != fault.Permanent || !n.Limits().Split || len(s.items("items")) != 0 {
		t.Errorf("got %v (%s)", err, fault.ClassOf(err))
	}
}

// TestLostAnswer: a request whose answer was lost may have been carried out.
//
// Req: SY-76
func TestLostAnswer(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"merge", "replace"} {
		s := newServer(t)
		s.create("items", "id:S")
		j := job("items", "id", "n")
		j.Settings["write"] = how
		n := begin(t, open(t, s.settings()), j)
		s.fail = func(string, item) (int, string, string) { panic(http.ErrAbortHandler) }
		_, err := n.Write(t.Context(), batch(connector.Added, row(key("0"), 1)))
		if fault.ClassOf(err) != fault.Unknown || n.Limits().Idempotency != connector.Idempotent {
			t.Errorf("%s: %v (%s)", how, err, fault.ClassOf(err))
		}
	}
}

// TestTable: what is wrong with a table is named, and its keys are what rows are matched by.
//
// Req: SY-21, M-24
func TestTable(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.create("items", "pk:S", "sk:N")
	s.create("other", "id:B")
	s.tables["items"].types["city"] = "S"
	d := open(t, s.settings())
	for name, j := range map[string]connector.SyncJob{
		"primary key of the table items is pk and sk": job("items", "pk", "n"),
		"is pk and sk":          job("items", "pk city", "n"),
		"table nowhere":         job("nowhere", "id", "n"),
		"in the state CREATING": job("new", "id", "n"),
	} {
		s.create("new", "id:S")
		s.tables["new"].status = "CREATING"
		if _, err := d.Begin(t.Context(), j); !fault.Is(err, fault.CodeDestinationSchema) || !strings.Contains(err.Error(), name) || fault.As(err).Path == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	fields, err := d.(connector.FieldLister).TargetFields(t.Context(), job("items", "pk sk"))
	if err != nil {
		t.Fatal(err)
	}
	got := make([]string, len(fields))
	for i, f := range fields {
		got[i] = fmt.Sprintf("%s %s %v", f.Name, f.Type, f.Match)
	}
	if !reflect.DeepEqual(got, []string{"pk string true", "sk number true", "city string false"}) {
		t.Errorf("fields %q", got)
	}
	for i := range 250 {
		s.create(fmt.Sprintf("z-%03d", i), "id:S")
	}
	options, err := d.(connector.OptionLister).ListOptions(t.Context(), "tables", connector.SyncJob{})
	if err != nil || len(options) != 253 || options[0].Value != "items" {
		t.Errorf("%d options, %v", len(options), err)
	}
	s.refuse["ListTables"] = true
	if err := d.Test(t.Context()); err != nil {
		t.Errorf("a credential that may not list tables: %v", err)
	}
	none(t, write(t, begin(t, d, job("other", "id", "n")), connector.Added, row(key(value.OfBytes([]byte{0, 255})), 1)))
	if got := plain(t, s.items("other")[0]["id"]); got.Raw() != "\x00\xff" {
		t.Errorf("a binary key is %q", got.Raw())
	}
}

// TestExchanges: each request is noted with what it says, and without its signature.
//
// Req: SY-74
func TestExchanges(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.create("items", "id:S")
	n := begin(t, open(t, s.settings()), job("items", "id", "n"))
	b := batch(connector.Added, row(key("a"), 1), row(key("b"), 2))
	if _, err := n.Write(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf("%+v", b.Exchanges)
	if len(b.Exchanges) != 2 || !strings.Contains(text, "DynamoDB_20120810.UpdateItem") || !strings.Contains(text, `"SET #0 = :0"`) || strings.Contains(text, "Signature") || strings.Contains(text, keyID) {
		t.Errorf("noted %s", text)
	}
}
