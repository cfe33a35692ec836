package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/millrace/millrace/test/services"
)

// From a PostgreSQL database to Redis and to a server with MongoDB's protocol: only the difference is written, a row that
// cannot be held is refused alone, and rows that leave the model go. The primary key is a text (M-06).
//
// Req: SY-15, SY-18, SY-25, SY-39, M-06
func TestPostgresToStores(t *testing.T) {
	t.Parallel()
	from := newDatabase(t,
		`CREATE TABLE people (id bigint PRIMARY KEY, email text, tags text[])`,
		`INSERT INTO people VALUES (1, 'a@x.test', '{vip,"two words"}'), (2, 'b@x.test', '{}'), (3, NULL, NULL)`)
	cache, store := services.Redis(t), services.MongoDB(t)
	p := start(t, "MILLRACE_HOME="+t.TempDir())
	document := func(kind, slug string, spec map[string]any) map[string]any {
		return map[string]any{"kind": kind, "metadata": map[string]any{"slug": slug, "name": slug}, "spec": spec}
	}
	sync := func(destination, kind, match string, settings map[string]any, columns ...string) map[string]any {
		fields := []any{}
		for _, name := range columns {
			fields = append(fields, map[string]any{"from": name, "to": name})
		}
		return document("sync", "people-to-"+destination, map[string]any{
			"model": "people", "destination": destination, "type": kind, "mode": "upsert", "delete": "delete", "mappings": fields,
			"match": []any{map[string]any{"from": "id", "to": match}}, "settings": settings,
		})
	}
	p.must(http.MethodPost, "/api/apply", map[string]any{"documents": []any{
		document("source", "app", map[string]any{"type": "postgresql", "configuration": from.configuration()}),
		document("model", "people", map[string]any{"source": "app", "method": "table", "table": map[string]any{"schema": "public", "name": "people"}, "primaryKey": "id"}),
		document("destination", "cache", map[string]any{"type": "redis", "configuration": map[string]any{"host": cache.Host, "port": cache.Port, "database": cache.Database, "sslMode": "disable"}}),
		document("destination", "store", map[string]any{"type": "mongodb", "configuration": mongoConfiguration(t, store)}),
		sync("cache", "keys", "key", map[string]any{"command": "hset"}, "email", "tags"),
		sync("store", "documents", "_id", map[string]any{"collection": "people"}, "email", "tags"),
	}}, nil)

	run := func(destination string, succeeded, failed opCounts) {
		t.Helper()
		p.trigger("people-to-" + destination)
		last := p.settle("people-to-" + destination)[0]
		if last.Error != nil || last.Succeeded != succeeded || last.Failed != failed {
			t.Errorf("%s: run %d took %+v and refused %+v, want %+v and %+v; error %+v", destination, last.ID, last.Succeeded, last.Failed, succeeded, failed, last.Error)
		}
	}
	run("cache", opCounts{Added: 2}, opCounts{Added: 1})
	run("store", opCounts{Added: 3}, opCounts{})
	expectHashes(t, cache, map[string]string{"1": `a@x.test ["vip","two words"]`, "2": `b@x.test []`})
	expectDocuments(t, store, `{"_id":"1","email":"a@x.test","tags":["vip","two words"]}`, `{"_id":"2","email":"b@x.test","tags":[]}`, `{"_id":"3","email":null,"tags":null}`)

	from.exec(`UPDATE people SET email = 'A@x.test' WHERE id = 1`, `DELETE FROM people WHERE id = 2`, `UPDATE people SET email = 'c@x.test', tags = '{}' WHERE id = 3`)
	run("cache", opCounts{Added: 1, Changed: 1, Removed: 1}, opCounts{})
	run("store", opCounts{Changed: 2, Removed: 1}, opCounts{})
	expectHashes(t, cache, map[string]string{"1": `A@x.test ["vip","two words"]`, "3": `c@x.test []`})
	expectDocuments(t, store, `{"_id":"1","email":"A@x.test","tags":["vip","two words"]}`, `{"_id":"3","email":"c@x.test","tags":[]}`)
}

func mongoConfiguration(t *testing.T, p services.MongoPlace) map[string]any {
	t.Helper()
	u, err := url.Parse(p.URI)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(u.Port())
	if err != nil {
		t.Fatal(err)
	}
	return map[string]any{"host": u.Hostname(), "port": port, "database": p.Database, "sslMode": "disable"}
}

// expectHashes compares every key of a database, with its fields email and tags.
func expectHashes(t *testing.T, p services.RedisPlace, want map[string]string) {
	t.Helper()
	c := redis.NewClient(&redis.Options{Addr: p.Address(), DB: p.Database, Protocol: 2})
	defer c.Close() //nolint:errcheck // nothing depends on it
	got := map[string]string{}
	for _, key := range c.Keys(t.Context(), "*").Val() {
		f := c.HGetAll(t.Context(), key).Val()
		got[key] = f["email"] + " " + f["tags"]
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("Redis holds %v, want %v", got, want)
	}
}

// expectDocuments compares the collection people, by _id.
func expectDocuments(t *testing.T, p services.MongoPlace, want ...string) {
	t.Helper()
	c, err := mongo.Connect(options.Client().ApplyURI(p.URI))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Disconnect(t.Context()) //nolint:errcheck // nothing depends on it
	cursor, err := c.Database(p.Database).Collection("people").Find(t.Context(), bson.D{}, options.Find().SetSort(bson.D{{Key: "_id", Value: 1}}))
	if err != nil {
		t.Fatal(err)
	}
	var all []bson.D
	if err := cursor.All(t.Context(), &all); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, d := range all {
		text, err := bson.MarshalExtJSON(d, false, false)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, string(text))
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("the collection holds\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
