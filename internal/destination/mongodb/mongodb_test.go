package mongodb_test

import (
	"context"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/destinationtest"
	"github.com/millrace/millrace/internal/destination/mongodb"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
	"github.com/millrace/millrace/test/services"
)

const password = "a-password-of-mongo"

// world is a database of the test's own.
type world struct {
	place       services.MongoPlace
	db          *mongo.Database
	collections atomic.Int64
}

// worlds are the servers that the tests run against.
var worlds = map[string]func(*testing.T) *world{
	"FerretDB": func(t *testing.T) *world { return worldAt(t, services.MongoDB(t)) },
	"protocol": func(t *testing.T) *world { w, _ := ownWorld(t); return w },
}

// ownWorld is a database of a server that can be made to fail.
func ownWorld(t *testing.T) (*world, *server) {
	t.Helper()
	s, p := newServer(t)
	return worldAt(t, p), s
}

// inEach runs a test against each server.
func inEach(t *testing.T, test func(*testing.T, *world)) {
	t.Helper()
	for name, world := range worlds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, world(t))
		})
	}
}

func worldAt(t testing.TB, p services.MongoPlace) *world {
	t.Helper()
	c, err := mongo.Connect(options.Client().ApplyURI(p.URI).SetRetryWrites(false))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Disconnect(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return &world{place: p, db: c.Database(p.Database)}
}

// settings are those of the destination, with changes.
func (w *world) settings(t testing.TB, changes ...any) connector.Settings {
	t.Helper()
	u, err := url.Parse(w.place.URI)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.ParseFloat(u.Port(), 64)
	if err != nil {
		t.Fatal(err)
	}
	s := connector.Settings{"host": u.Hostname(), "port": port, "database": w.place.Database, "sslMode": "disable"}
	for i := 0; i < len(changes); i += 2 {
		s[changes[i].(string)] = changes[i+1]
	}
	return s
}

func open(t testing.TB, s connector.Settings, network connector.Network) connector.Destination {
	t.Helper()
	info := mongodb.Info()
	d, err := info.Open(connector.DestinationOptions{Settings: s.WithDefaults(info.Fields), Dir: t.TempDir(), Clock: clock.System{}, Log: slog.New(slog.DiscardHandler), Network: network})
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

func job(collection, match string, columns ...string) connector.SyncJob {
	j := connector.SyncJob{
		SyncID: 7, SyncSlug: "customers", RunID: 42, Type: mongodb.SyncTypeSlug, Mode: connector.ModeUpsert, Delete: connector.DeleteNothing,
		Settings: connector.Settings{"collection": collection}, Match: []connector.MatchPair{{From: "id", To: match}},
		Model: connector.ModelInfo{ID: 3, Name: "Customers", Slug: "customers", PrimaryKey: "id"},
	}
	for _, name := range columns {
		j.Columns = append(j.Columns, connector.TargetColumn{Name: name, From: name})
	}
	return j
}

// row is a row of a job; a value of Go is read as JSON would be.
func row(id any, values ...any) connector.Row {
	r := connector.Row{Key: fmt.Sprint(id), Match: []value.Value{value.Of(id)}}
	for _, v := range values {
		r.Values = append(r.Values, value.Of(v))
	}
	return r
}

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

func none(t *testing.T, refused map[int]connector.Rejection) {
	t.Helper()
	if len(refused) > 0 {
		t.Errorf("refused %v", refused)
	}
}

// unique makes a unique index.
func (w *world) unique(t testing.TB, collection, field string) {
	t.Helper()
	_, err := w.db.Collection(collection).Indexes().CreateOne(t.Context(), mongo.IndexModel{Keys: bson.D{{Key: field, Value: 1}}, Options: options.Index().SetUnique(true)})
	if err != nil {
		t.Fatal(err)
	}
}

// documents returns what a collection holds.
func (w *world) documents(t testing.TB, collection string) []bson.D {
	t.Helper()
	cursor, err := w.db.Collection(collection).Find(t.Context(), bson.D{}, options.Find().SetSort(bson.D{{Key: "_id", Value: 1}}))
	var all []bson.D
	if err = errors.Join(err, cursor.All(t.Context(), &all)); err != nil {
		t.Fatal(err)
	}
	return all
}

// holds compares a collection with documents in extended JSON, sorted by _id.
func (w *world) holds(t *testing.T, collection string, want ...string) {
	t.Helper()
	var got []string
	for _, d := range w.documents(t, collection) {
		text, err := bson.MarshalExtJSON(d, false, false)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, string(text))
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the collection %s holds\n%q, want\n%q", collection, got, want)
	}
}

// TestConformance runs the suite for documents that are named and for documents that are found by a unique field.
//
// Req: SY-18, SY-21, SY-74, SY-78, FLD-32
func TestConformance(t *testing.T) {
	t.Parallel()
	for _, match := range []string{"_id", "id"} {
		t.Run("by "+match, func(t *testing.T) {
			t.Parallel()
			w, _ := ownWorld(t)
			destinationtest.Run(t, w.fixture(t, match))
		})
	}
}

func (w *world) fixture(t *testing.T, match string) destinationtest.Fixture {
	t.Helper()
	f := destinationtest.Fixture{
		Info: mongodb.Info(), Invalid: invalid(), Removes: true, Arrival: arrival,
		Target: func(t *testing.T, columns []connector.TargetColumn) destinationtest.Target {
			name := fmt.Sprintf("c%d", w.collections.Add(1))
			j := job(name, match)
			if match != "_id" {
				w.unique(t, name, match)
			}
			j.Columns, j.Delete = columns, connector.DeleteRecord
			return destinationtest.Target{Settings: w.settings(t), Job: j, Read: func(t *testing.T) []destinationtest.Record {
				var records []destinationtest.Record
				for _, d := range w.documents(t, name) {
					r := destinationtest.Record{}
					for _, e := range d {
						r[e.Key] = plain(e.Value)
					}
					records = append(records, r)
				}
				return records
			}}
		},
		Refused: []destinationtest.Refused{
			{Name: "35 digits", Column: column(value.TypeNumber), Value: value.OfDecimal("1." + strings.Repeat("1", 34)), Says: "34 digits"},
			{Name: "invalid UTF-8", Column: column(value.TypeString), Value: value.OfText("a\xffb"), Says: "UTF-8"},
		},
	}
	if match == "_id" {
		f.Failing = w.failing(t)
	}
	return f
}

func column(t value.Type) connector.TargetColumn {
	return connector.TargetColumn{Name: "value", From: "value", Type: t}
}

// plain is a value as a collection holds it.
func plain(v any) value.Value {
	switch v := v.(type) {
	case bson.DateTime:
		return value.OfTime(v.Time())
	case bson.Decimal128:
		return value.OfDecimal(v.String())
	case bson.Binary:
		return value.OfBytes(v.Data)
	case bson.ObjectID:
		return value.OfText(v.Hex())
	case bson.A:
		var items []value.Value
		for _, x := range v {
			items = append(items, plain(x))
		}
		return value.OfList(items)
	case bson.D:
		var fields []value.Field
		for _, e := range v {
			fields = append(fields, value.Field{Name: e.Key, Value: plain(e.Value)})
		}
		return value.OfMap(fields)
	default:
		return value.Of(v)
	}
}

// arrival: an instant has milliseconds, and a date is its midnight.
func arrival(c connector.TargetColumn, v value.Value) destinationtest.Arrival {
	switch v.Kind() {
	case value.Null:
		return destinationtest.Arrival{Absent: c.Omit}
	case value.Time, value.Day:
		return destinationtest.As(value.OfTime(v.Time().Truncate(time.Millisecond)))
	default:
		return destinationtest.As(v)
	}
}

func (w *world) failing(t *testing.T) []destinationtest.Failing {
	t.Helper()
	answering := func(command string, answer bson.D) *world {
		w, s := ownWorld(t)
		s.intrude = func(got string, _ bson.D) bson.D {
			if got != command {
				return bson.D{}
			}
			return answer
		}
		return w
	}
	guarded := answering("saslStart", failed(18, "AuthenticationFailed", "Authentication failed."))
	atlas := answering("saslStart", failed(8000, "AtlasError", "bad auth : authentication failed"))
	open := answering("ping", failed(13, "Unauthorized", "command ping requires authentication"))
	small := answering("listCollections", failed(13, "Unauthorized", "not authorized on app to execute command listCollections"))
	return []destinationtest.Failing{
		{Name: "wrong password", Settings: guarded.settings(t, "username", "me", "password", "not-the-password"), Code: fault.CodeDestinationAuth, Says: "Authentication failed"},
		{Name: "wrong password at Atlas", Settings: atlas.settings(t, "username", "me", "password", "not-the-password"), Code: fault.CodeDestinationAuth, Says: "bad auth"},
		{Name: "no password", Settings: open.settings(t), Code: fault.CodeDestinationDenied, Says: "requires authentication"},
		{Name: "not allowed", Settings: small.settings(t), Code: fault.CodeDestinationDenied, Says: "not authorized on app"},
		{Name: "no seedlist", Settings: w.settings(t, "host", "cluster0.invalid", "srv", true), Code: fault.CodeInvalid, Says: "cluster0.invalid"},
		{Name: "unreachable", Settings: w.settings(t, "port", 1.0), Code: fault.CodeDestinationUnreachable, Says: "connection refused"},
		{Name: "no encryption", Settings: w.settings(t, "sslMode", "verify-full"), Code: fault.CodeDestinationUnreachable, Says: "server selection error"},
		{Name: "bad settings", Settings: w.settings(t, "host", "mongodb://x"), Code: fault.CodeInvalid, Says: "by it"},
		{Name: "bad connection string", Settings: connector.Settings{"method": "uri", "uri": "mongodb://u:p@ss:w/rd@host/db"}, Code: fault.CodeInvalid, Says: "cannot be read"},
	}
}

func invalid() []destinationtest.Invalid {
	edit := func(name string, edit func(*connector.SyncJob), paths ...string) destinationtest.Invalid {
		return destinationtest.Invalid{Name: name, Edit: edit, Paths: paths}
	}
	uri := func(name, text string) destinationtest.Invalid {
		return destinationtest.Invalid{Name: name, Settings: connector.Settings{"method": "uri", "uri": text, "database": "app"}, Paths: []string{"spec.configuration.uri"}}
	}
	return []destinationtest.Invalid{
		edit("unknown mode", func(j *connector.SyncJob) { j.Mode = connector.ModeInsert }, "spec.mode"),
		edit("no collection", func(j *connector.SyncJob) { delete(j.Settings, "collection") }, "spec.settings.collection"),
		edit("a collection of the server's", func(j *connector.SyncJob) { j.Settings["collection"] = "system.users" }, "spec.settings.collection"),
		edit("half a row", func(j *connector.SyncJob) { j.Settings["batchSize"] = 1.5 }, "spec.settings.batchSize"),
		edit("no match", func(j *connector.SyncJob) { j.Match = nil }, "spec.match"),
		edit("no columns", func(j *connector.SyncJob) { j.Columns = nil }, "spec.mappings"),
		edit("a field twice", func(j *connector.SyncJob) { j.Columns[1].Name = "id" }, "spec.mappings"),
		edit("an operator", func(j *connector.SyncJob) { j.Columns[1].Name = "a.$set" }, "spec.mappings"),
		edit("a dot at the end", func(j *connector.SyncJob) { j.Columns[1].Name = "a." }, "spec.mappings"),
		edit("a part of another", func(j *connector.SyncJob) { j.Columns[0].Name, j.Columns[1].Name = "a", "a.b" }, "spec.mappings"),
		edit("another name", func(j *connector.SyncJob) {
			j.Match, j.Columns[1].Name = []connector.MatchPair{{From: "id", To: "id"}}, "_id"
		}, "spec.mappings"),
		edit("clearing nothing", func(j *connector.SyncJob) {
			j.Delete, j.Match, j.Columns = connector.DeleteClear, []connector.MatchPair{{From: "id", To: "id"}}, j.Columns[:1]
		}, "spec.delete"),
		{Name: "connection", Settings: connector.Settings{
			"host": "a.example.com,b.example.com", "port": 0.5, "database": "a/b", "username": "u", "sslMode": "perhaps", "caCertificate": "no certificate",
		}, Paths: []string{"spec.configuration.host", "spec.configuration.port", "spec.configuration.database", "spec.configuration.password", "spec.configuration.sslMode", "spec.configuration.caCertificate"}},
		{Name: "password without user", Settings: connector.Settings{"host": "x", "database": "x", "password": "p"}, Paths: []string{"spec.configuration.username"}},
		{Name: "no database", Settings: connector.Settings{"method": "uri", "uri": "mongodb://host"}, Paths: []string{"spec.configuration.database"}},
		{Name: "method", Settings: connector.Settings{"method": "pigeon", "database": "x"}, Paths: []string{"spec.configuration.method"}},
		uri("another scheme", "https://host/app"),
		uri("a placeholder", "mongodb+srv://me:<password>@host/app"),
		uri("a file of this server", "mongodb://host/app?tls=true&tlsCAFile=/etc/passwd"),
		uri("an identity of this server", "mongodb://host/app?authMechanism=MONGODB-AWS"),
		uri("bad options", "mongodb://host/app?maxPoolSize=many"),
		uri("bad escape", "mongodb://host/app?x=%zz"),
	}
}

// TestModes: what upsert, clear and delete leave of documents, however they are found.
//
// Req: SY-15, SY-18, SY-25
func TestModes(t *testing.T) {
	t.Parallel()
	inEach(t, func(t *testing.T, w *world) {
		for _, match := range []string{"_id", "_id (Object ID)", "code"} {
			w.testModes(t, match)
		}
	})
}

func (w *world) testModes(t *testing.T, match string) {
	t.Helper()
	const hex = "65f000000000000000000001"
	row1, stored, collection := "one", `"one"`, fmt.Sprintf("m%d", w.collections.Add(1))
	var id any = "one"
	switch match {
	case "code":
		id, stored = "theirs", `"theirs"`
	case "_id (Object ID)":
		row1, stored = hex, `{"$oid":"`+hex+`"}`
		id, _ = bson.ObjectIDFromHex(hex) //nolint:errcheck // it is one
	}
	w.unique(t, collection, "code")
	old := bson.D{{Key: "_id", Value: id}, {Key: "code", Value: "one"}, {Key: "other", Value: true}, {Key: "plan", Value: bson.D{{Key: "a", Value: 1}}}}
	if _, err := w.db.Collection(collection).InsertOne(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	d := open(t, w.settings(t), connector.Network{})
	j := job(collection, match, "name", "plan", "address.city", "left")
	j.Columns[3].Omit = true
	for range 2 { // sending again changes nothing
		none(t, write(t, begin(t, d, j), connector.Changed, row(row1, "Ann", map[string]any{"b": 2}, "Ulm", nil)))
		w.holds(t, collection, `{"_id":`+stored+`,"code":"one","other":true,"plan":{"b":2},"address":{"city":"Ulm"},"name":"Ann"}`)
	}
	gone := "65f000000000000000000002"
	j.Delete = connector.DeleteClear
	none(t, write(t, begin(t, d, j), connector.Removed, row(row1, "Ann", nil, "Ulm", nil), row(gone, nil, nil, nil, nil)))
	w.holds(t, collection, `{"_id":`+stored+`,"code":"one","other":true,"address":{}}`)
	j.Delete = connector.DeleteRecord
	none(t, write(t, begin(t, d, j), connector.Removed, row(row1, nil, nil, nil, nil), row(gone, nil, nil, nil, nil)))
	w.holds(t, collection)
}

// TestNew: a document that is added has the matched value; by a unique field, the server makes its _id. A row whose
// values are all left out adds a document all the same.
//
// Req: SY-21
func TestNew(t *testing.T) {
	t.Parallel()
	inEach(t, testNew)
}

func testNew(t *testing.T, w *world) {
	t.Helper()
	w.unique(t, "people", "code")
	d := open(t, w.settings(t), connector.Network{})
	j := job("people", "code", "code", "n")
	j.Columns[1].Omit = true
	for range 2 {
		none(t, write(t, begin(t, d, j), connector.Added, row("x", "x", 1), row("y", "y", nil)))
	}
	all := w.documents(t, "people")
	if len(all) != 2 {
		t.Fatalf("documents %v", all)
	}
	codes := map[string]bool{}
	for _, doc := range all {
		if _, ok := doc[0].Value.(bson.ObjectID); !ok || doc[0].Key != "_id" {
			t.Errorf("the _id is %v", doc[0])
		}
		codes[doc[1].Value.(string)] = true
	}
	if !codes["x"] || !codes["y"] {
		t.Errorf("documents %v", all)
	}
}

// TestNames: an _id that is a text and one that is an ObjectId name two documents.
//
// Req: SY-21
func TestNames(t *testing.T) {
	t.Parallel()
	w, _ := ownWorld(t)
	d := open(t, w.settings(t), connector.Network{})
	for _, match := range []string{"_id", "_id (Object ID)"} {
		j := job("named", match, "n")
		j.Columns[0].Omit = true
		none(t, write(t, begin(t, d, j), connector.Added, row("65f000000000000000000001", nil)))
	}
	w.holds(t, "named", `{"_id":"65f000000000000000000001"}`, `{"_id":{"$oid":"65f000000000000000000001"}}`)
}

// TestRefused: each row has its own answer, from the server or from what its values can be.
//
// Req: SY-78
func TestRefused(t *testing.T) {
	t.Parallel()
	w, _ := ownWorld(t)
	w.unique(t, "people", "email")
	d := open(t, w.settings(t), connector.Network{})
	s := begin(t, d, job("people", "_id (Object ID)", "email"))
	id := func(n int) string { return fmt.Sprintf("65f0000000000000000000%02d", n) }
	none(t, write(t, s, connector.Added, row(id(1), "ann@example.com")))
	refused := write(t, s, connector.Added, row(id(2), "ann@example.com"), row("short", "x"), row(nil, "y"), row(id(3), "bob@example.com"))
	if len(refused) != 3 || !strings.Contains(refused[0].Reason, "E11000") || refused[0].Retry || !strings.Contains(refused[1].Reason, "ObjectId") || refused[2].Reason == "" {
		t.Errorf("refused %v", refused)
	}
	if all := w.documents(t, "people"); len(all) != 2 {
		t.Errorf("documents %v", all)
	}
	refused = write(t, begin(t, d, job("other", "_id", "x")), connector.Added, row([]any{1}, 1), row(map[string]any{"$gt": ""}, 1), row("ok", 1))
	if len(refused) != 2 || !strings.Contains(refused[1].Reason, "object") {
		t.Errorf("refused %v", refused)
	}
}

// TestLastWins: of rows with the same match value in a batch the last one stays.
func TestLastWins(t *testing.T) {
	t.Parallel()
	inEach(t, testLastWins)
}

func testLastWins(t *testing.T, w *world) {
	t.Helper()
	s := begin(t, open(t, w.settings(t), connector.Network{}), job("c", "_id", "n"))
	var rows []connector.Row
	for i := range 60 {
		rows = append(rows, row(strconv.Itoa(i%20), i))
	}
	none(t, write(t, s, connector.Added, rows...))
	for _, doc := range w.documents(t, "c") {
		id, err := strconv.ParseInt(doc[0].Value.(string), 10, 64)
		if err != nil || doc[1].Value != id+40 {
			t.Errorf("%v", doc)
		}
	}
}

// TestIndexes: a field that documents are found by has a unique index of its own.
//
// Req: SY-21, M-24
func TestIndexes(t *testing.T) {
	t.Parallel()
	inEach(t, testIndexes)
}

func testIndexes(t *testing.T, w *world) {
	t.Helper()
	c := w.db.Collection("people")
	w.unique(t, "people", "code")
	if _, err := c.Indexes().CreateMany(t.Context(), []mongo.IndexModel{
		{Keys: bson.D{{Key: "name", Value: 1}}},
		{Keys: bson.D{{Key: "a", Value: 1}, {Key: "b", Value: 1}}, Options: options.Index().SetUnique(true)},
	}); err != nil {
		t.Fatal(err)
	}
	d := open(t, w.settings(t), connector.Network{})
	fields, err := d.(connector.FieldLister).TargetFields(t.Context(), job("people", "_id"))
	var names []string
	for _, f := range fields {
		names = append(names, f.Name)
	}
	if want := []string{"_id", "_id (Object ID)", "code"}; err != nil || !reflect.DeepEqual(names, want) {
		t.Errorf("fields %v, %v", names, err)
	}
	for _, j := range []connector.SyncJob{job("people", "name", "x"), job("people", "a", "x"), job("nowhere", "code", "x")} {
		_, err := d.Begin(t.Context(), j)
		if !fault.Is(err, fault.CodeDestinationSchema) || fault.As(err).Path != "spec.match" || !strings.Contains(fault.As(err).Hint(), "createIndex") {
			t.Errorf("%s: %v", j.Match[0].To, err)
		}
	}
	list, err := d.(connector.OptionLister).ListOptions(t.Context(), "collections", connector.SyncJob{})
	if err != nil || len(list) != 1 || list[0].Value != "people" {
		t.Errorf("collections %v, %v", list, err)
	}
}

// TestConnectionString: the place and the database are read from it, and the password is not shown.
//
// Req: X-22
func TestConnectionString(t *testing.T) {
	t.Parallel()
	inEach(t, testConnectionString)
}

func testConnectionString(t *testing.T, w *world) {
	t.Helper()
	uri := strings.TrimSuffix(w.place.URI, "/") + "/" + w.place.Database + "?appName=x"
	d := open(t, connector.Settings{"method": "uri", "uri": uri}, connector.Network{})
	if err := d.Test(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := begin(t, d, job("c", "_id", "n"))
	b := batch(connector.Added, row("x", 1))
	if _, err := s.Write(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	w.holds(t, "c", `{"_id":"x","n":1}`)
	if x := b.Exchanges[0]; x.URL != strings.TrimSuffix(w.place.URI, "/")+"/"+w.place.Database+".c" || !strings.Contains(x.RequestBody, `"$set":{"n":1}`) || !strings.Contains(x.ResponseBody, `"upserted":1`) {
		t.Errorf("noted %+v", x)
	}
	err := open(t, connector.Settings{"method": "uri", "uri": "mongodb://me:" + password + "@127.0.0.1:1/app"}, connector.Network{}).Test(t.Context())
	if err == nil || strings.Contains(err.Error()+fault.As(err).Hint(), password) || !strings.Contains(fault.As(err).Hint(), "127.0.0.1:1 ") {
		t.Errorf("got %v: %s", err, fault.As(err).Hint())
	}
}

// TestAnswers: what each kind of answer means for its row and for the batch.
//
// Req: SY-76, SY-78
func TestAnswers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		all   bool // each row is answered so, not only the second
		error writeError
		class fault.Class
		code  fault.Code
		again bool
	}{
		"another writer added it": {error: writeError{Code: 11000, Message: "because", KeyPattern: bson.D{{Key: "_id", Value: 1}}}, again: true},
		"another document has it": {error: writeError{Code: 11000, Message: "because", KeyPattern: bson.D{{Key: "email", Value: 1}}}},
		"several fields":          {error: writeError{Code: 11000, Message: "because", KeyPattern: bson.D{{Key: "_id", Value: 1}, {Key: "b", Value: 1}}}},
		"validation":              {error: writeError{Code: 121, Message: "because"}},
		"no primary any more":     {error: writeError{Code: 189, Message: "because"}, again: true},
		"throttled":               {error: writeError{Code: 16500, Message: "because"}, again: true},
		"all throttled":           {all: true, error: writeError{Code: 16500, Message: "because"}, class: fault.Throttled, code: fault.CodeDestinationThrottled},
		"may not write":           {all: true, error: writeError{Code: 13, Message: "because"}, class: fault.Fatal, code: fault.CodeDestinationDenied},
	} {
		w, s := ownWorld(t)
		n := begin(t, open(t, w.settings(t), connector.Network{}), job("c", "_id", "n"))
		s.fail = func(_ string, filter bson.D) *writeError {
			e := c.error
			if _, id := wanted(filter); id == "1" || c.all {
				return &e
			}
			return nil
		}
		result, err := n.Write(t.Context(), batch(connector.Added, row("0", 1), row("1", 1), row("2", 1)))
		switch {
		case c.code != "":
			if !fault.Is(err, c.code) || fault.ClassOf(err) != c.class || fault.As(err).Hint() == "" {
				t.Errorf("%s: %v (%s)", name, err, fault.ClassOf(err))
			}
		case err != nil:
			t.Errorf("%s: %v", name, err)
		case len(result.Rejected) != 1 || result.Rejected[0].Row != 1 || result.Rejected[0].Retry != c.again || !strings.Contains(result.Rejected[0].Reason, "because"):
			t.Errorf("%s: %+v", name, result.Rejected)
		}
	}
}

// TestCommands: what an answer to a whole command means.
//
// Req: SY-76
func TestCommands(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer bson.D
		class  fault.Class
		code   fault.Code
	}{
		"may not write":   {failed(13, "Unauthorized", "because"), fault.Fatal, fault.CodeDestinationDenied},
		"a view":          {failed(166, "CommandNotSupportedOnView", "because"), fault.Fatal, fault.CodeDestinationSchema},
		"going away":      {failed(91, "ShutdownInProgress", "because"), fault.Retryable, fault.CodeDestinationUnreachable},
		"no primary":      {failed(10107, "NotWritablePrimary", "because"), fault.Retryable, fault.CodeDestinationUnreachable},
		"throttled":       {failed(16500, "RequestRateTooLarge", "because"), fault.Throttled, fault.CodeDestinationThrottled},
		"anything else":   {failed(2, "BadValue", "because"), fault.Permanent, fault.CodeDestinationRejected},
		"no answer":       {nil, fault.Unknown, fault.CodeDestinationUnknown},
		"password is old": {failed(18, "AuthenticationFailed", "because"), fault.Fatal, fault.CodeDestinationAuth},
	} {
		w, s := ownWorld(t)
		n := begin(t, open(t, w.settings(t), connector.Network{}), job("c", "_id", "n"))
		s.intrude = func(command string, _ bson.D) bson.D {
			if command != "update" {
				return bson.D{}
			}
			return c.answer
		}
		_, err := n.Write(t.Context(), batch(connector.Added, row("0", 1)))
		if !fault.Is(err, c.code) || fault.ClassOf(err) != c.class || c.answer != nil && !strings.Contains(fmt.Sprint(err), "because") {
			t.Errorf("%s: %v (%s)", name, err, fault.ClassOf(err))
		}
	}
	w, s := ownWorld(t)
	s.wait = 64
	n := begin(t, open(t, w.settings(t), connector.Network{}), job("c", "_id", "n"))
	if _, err := n.Write(t.Context(), batch(connector.Added, row("0", 1))); fault.ClassOf(err) != fault.Unknown || n.Limits().Idempotency != connector.Idempotent {
		t.Errorf("not replicated: %v (%s)", err, fault.ClassOf(err))
	}
}

// TestNetwork: a server behind a tunnel is the only one that is asked for, and a seedlist record is refused there.
//
// Req: X-23
func TestNetwork(t *testing.T) {
	t.Parallel()
	w, own := ownWorld(t)
	place := strings.Trim(strings.TrimPrefix(w.place.URI, "mongodb://"), "/")
	behind := connector.Network{
		Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			if address != "mongo.internal:27017" {
				t.Errorf("the tunnel was asked for %s", address)
			}
			return (&net.Dialer{}).DialContext(ctx, network, place)
		},
		Beside: (&net.Dialer{}).DialContext,
	}
	own.members = []string{"rs-1.internal:27017", "rs-2.internal:27017"}
	s := w.settings(t, "host", "mongo.internal", "port", 27017.0)
	if err := open(t, s, behind).Test(t.Context()); err != nil {
		t.Error(err)
	}
	s["srv"] = true
	if err := open(t, s, behind).Test(t.Context()); !fault.Is(err, fault.CodeInvalid) || !strings.Contains(err.Error(), "seedlist") {
		t.Errorf("a seedlist record behind a tunnel: %v", err)
	}
}

// TestEncryption: each mode trusts whom it says it trusts, by fields and by connection string.
//
// Req: X-22
func TestEncryption(t *testing.T) {
	t.Parallel()
	pair := httptest.NewTLSServer(nil) // for its certificate, which is for 127.0.0.1
	t.Cleanup(pair.Close)
	ca := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: pair.Certificate().Raw}))
	plain, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	serveAt(t, tls.NewListener(plain, &tls.Config{Certificates: pair.TLS.Certificates, MinVersion: tls.VersionTLS12}))
	place := plain.Addr().String()
	_, port, err := net.SplitHostPort(place)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.ParseFloat(port, 64)
	if err != nil {
		t.Fatal(err)
	}
	fields := func(mode, ca string) connector.Settings {
		return connector.Settings{"host": "127.0.0.1", "port": n, "database": "app", "sslMode": mode, "caCertificate": ca}
	}
	uri := func(options, ca string) connector.Settings {
		return connector.Settings{"method": "uri", "uri": "mongodb://" + place + "/app" + options, "caCertificate": ca}
	}
	for name, c := range map[string]struct {
		settings connector.Settings
		says     string
		code     fault.Code
	}{
		"signed":                        {settings: fields("verify-full", ca)},
		"whoever answers":               {settings: fields("require", "")},
		"signed, by connection string":  {settings: uri("?tls=true", ca)},
		"whoever, by connection string": {settings: uri("?tls=true&tlsInsecure=true", "")},
		"unknown":                       {fields("verify-full", ""), "x509", fault.CodeDestinationUnreachable},
		"unknown, by connection string": {uri("?tls=true", ""), "x509", fault.CodeDestinationUnreachable},
		"not asked for":                 {uri("", ca), "does not ask for encryption", fault.CodeInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := open(t, c.settings, connector.Network{}).Test(t.Context())
			if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says) || !fault.Is(err, c.code)) {
				t.Errorf("got %v, want it to say %q", err, c.says)
			}
		})
	}
}
