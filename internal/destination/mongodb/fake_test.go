package mongodb_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/millrace/millrace/test/services"
)

// server speaks MongoDB's wire protocol for the commands that the destination and its tests use, and keeps documents in
// memory. It does what FerretDB does not: decimals, bulk writes that go on after an error, names of several types, and
// errors on purpose.
// https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/
type server struct {
	t *testing.T

	mu      sync.Mutex
	data    map[string]*collection
	intrude func(command string, body bson.D) bson.D           // answers instead; nil for nothing
	fail    func(collection string, filter bson.D) *writeError // refuses one write
	wait    int                                                // a write concern that is not met: its code
	members []string                                           // of the replica set that it says it belongs to
}

type collection struct {
	docs    []bson.D
	indexes []bson.D
}

type writeError struct {
	Index      int    `bson:"index"`
	Code       int    `bson:"code"`
	Message    string `bson:"errmsg"`
	KeyPattern bson.D `bson:"keyPattern,omitempty"`
}

const (
	opReply = 1
	opQuery = 2004
	opMsg   = 2013
)

// newServer starts a server, and returns a database in it.
func newServer(t *testing.T) (*server, services.MongoPlace) {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return serveAt(t, l), services.MongoPlace{URI: "mongodb://" + l.Addr().String() + "/", Database: "app"}
}

// serveAt serves until the test ends.
func serveAt(t *testing.T, l net.Listener) *server {
	t.Helper()
	s := &server{t: t, data: map[string]*collection{}}
	var connections sync.WaitGroup
	connections.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			connections.Go(func() { s.serve(c) })
		}
	})
	t.Cleanup(func() {
		l.Close() //nolint:errcheck // nothing depends on it
		connections.Wait()
	})
	return s
}

func (s *server) serve(c net.Conn) {
	defer c.Close() //nolint:errcheck // nothing depends on it
	for {
		var header [16]byte
		if _, err := io.ReadFull(c, header[:]); err != nil {
			return
		}
		rest := make([]byte, binary.LittleEndian.Uint32(header[:])-16)
		if _, err := io.ReadFull(c, rest); err != nil {
			return
		}
		op := binary.LittleEndian.Uint32(header[12:])
		body, err := parse(op, rest)
		if err != nil {
			s.t.Errorf("a message cannot be read: %v", err)
			return
		}
		answer := s.answer(body)
		if answer == nil {
			return // hangs up
		}
		if _, err := c.Write(frame(op, header[4:8], answer)); err != nil {
			return
		}
	}
}

// parse returns the command of a message, with its sequences of documents as arrays.
func parse(op uint32, rest []byte) (bson.D, error) {
	var body bson.D
	if op == opQuery {
		name := bytes.IndexByte(rest[4:], 0)
		return body, bson.Unmarshal(rest[4+name+1+8:], &body)
	}
	if op != opMsg {
		return nil, fmt.Errorf("operation %d", op)
	}
	var sequences bson.D
	for rest = rest[4:]; len(rest) > 0; {
		kind := rest[0]
		size := binary.LittleEndian.Uint32(rest[1:])
		part := rest[1 : 1+size]
		rest = rest[1+size:]
		if kind == 0 {
			if err := bson.Unmarshal(part, &body); err != nil {
				return nil, err
			}
			continue
		}
		name, docs, _ := bytes.Cut(part[4:], []byte{0})
		items := bson.A{}
		for len(docs) > 0 {
			size := binary.LittleEndian.Uint32(docs)
			var d bson.D
			if err := bson.Unmarshal(docs[:size], &d); err != nil {
				return nil, err
			}
			items, docs = append(items, d), docs[size:]
		}
		sequences = append(sequences, bson.E{Key: string(name), Value: items})
	}
	return append(body, sequences...), nil
}

func frame(op uint32, request []byte, answer bson.D) []byte {
	doc, err := bson.Marshal(answer)
	if err != nil {
		panic(err)
	}
	head := []byte{0, 0, 0, 0, 0} // flags, and a section of kind 0
	code := uint32(opMsg)
	if op == opQuery {
		code, head = opReply, make([]byte, 20)
		binary.LittleEndian.PutUint32(head[16:], 1)
	}
	out := make([]byte, 16)
	binary.LittleEndian.PutUint32(out, uint32(16+len(head)+len(doc)))
	copy(out[8:], request)
	binary.LittleEndian.PutUint32(out[12:], code)
	return slices.Concat(out, head, doc)
}

func get(d bson.D, name string) any {
	for _, e := range d {
		if e.Key == name {
			return e.Value
		}
	}
	return nil
}

func failed(code int, name, message string) bson.D {
	return bson.D{{Key: "ok", Value: 0}, {Key: "errmsg", Value: message}, {Key: "code", Value: code}, {Key: "codeName", Value: name}}
}

func cursor(name string, items bson.A) bson.D {
	return bson.D{{Key: "ok", Value: 1}, {Key: "cursor", Value: bson.D{{Key: "id", Value: int64(0)}, {Key: "ns", Value: "app." + name}, {Key: "firstBatch", Value: items}}}}
}

func (s *server) answer(body bson.D) bson.D {
	s.mu.Lock()
	defer s.mu.Unlock()
	command := strings.ToLower(body[0].Key)
	if s.intrude != nil && command != "hello" && command != "ismaster" && command != "endsessions" {
		if answer := s.intrude(body[0].Key, body); answer == nil || len(answer) > 0 {
			return answer
		}
	}
	name, _ := body[0].Value.(string)
	switch command {
	case "hello", "ismaster":
		hello := bson.D{
			{Key: "ok", Value: 1}, {Key: "ismaster", Value: true}, {Key: "isWritablePrimary", Value: true}, {Key: "helloOk", Value: true}, {Key: "maxBsonObjectSize", Value: 16 << 20},
			{Key: "maxMessageSizeBytes", Value: 48000000}, {Key: "maxWriteBatchSize", Value: 100000}, {Key: "minWireVersion", Value: 0}, {Key: "maxWireVersion", Value: 21},
			{Key: "saslSupportedMechs", Value: bson.A{"SCRAM-SHA-256"}},
		}
		if s.members != nil {
			hello = append(hello, bson.E{Key: "setName", Value: "rs"}, bson.E{Key: "hosts", Value: s.members}, bson.E{Key: "me", Value: s.members[0]}, bson.E{Key: "primary", Value: s.members[0]})
		}
		return hello
	case "update", "delete":
		return s.write(command, name, body)
	case "insert":
		c := s.in(name)
		for _, d := range get(body, "documents").(bson.A) {
			c.docs = append(c.docs, d.(bson.D))
		}
		return bson.D{{Key: "ok", Value: 1}, {Key: "n", Value: 1}}
	case "find":
		return s.find(name)
	case "createindexes":
		c := s.in(name)
		for _, i := range get(body, "indexes").(bson.A) {
			c.indexes = append(c.indexes, i.(bson.D))
		}
		return bson.D{{Key: "ok", Value: 1}}
	case "listindexes":
		c := s.data[name]
		if c == nil {
			return failed(26, "NamespaceNotFound", "ns does not exist: app."+name)
		}
		items := bson.A{bson.D{{Key: "v", Value: 2}, {Key: "key", Value: bson.D{{Key: "_id", Value: 1}}}, {Key: "name", Value: "_id_"}}}
		for _, i := range c.indexes {
			items = append(items, i)
		}
		return cursor(name, items)
	case "listcollections":
		items := bson.A{}
		for name := range s.data {
			items = append(items, bson.D{{Key: "name", Value: name}, {Key: "type", Value: "collection"}})
		}
		return cursor("$cmd.listCollections", items)
	default:
		return bson.D{{Key: "ok", Value: 1}}
	}
}

func (s *server) in(name string) *collection {
	if s.data[name] == nil {
		s.data[name] = &collection{}
	}
	return s.data[name]
}

func (s *server) find(name string) bson.D {
	items := bson.A{}
	if c := s.data[name]; c != nil {
		docs := slices.Clone(c.docs)
		slices.SortFunc(docs, func(a, b bson.D) int { return bytes.Compare(raw(get(a, "_id")), raw(get(b, "_id"))) })
		for _, d := range docs {
			items = append(items, d)
		}
	}
	return cursor(name, items)
}

// write makes the updates or deletes of a command; without order it goes on after an error.
func (s *server) write(command, name string, body bson.D) bson.D {
	c := s.in(name)
	n, errs, upserted := 0, []writeError{}, bson.A{}
	for i, x := range get(body, command+"s").(bson.A) {
		one := x.(bson.D)
		filter := get(one, "q").(bson.D)
		var e *writeError
		if s.fail != nil {
			e = s.fail(name, filter)
		}
		if e == nil && command == "delete" {
			n += c.remove(filter)
		} else if e == nil {
			var id any
			if id, e = c.update(filter, get(one, "u").(bson.D), get(one, "upsert") == true); id != nil {
				upserted = append(upserted, bson.D{{Key: "index", Value: i}, {Key: "_id", Value: id}})
			}
			n++
		}
		if e != nil {
			e.Index = i
			errs = append(errs, *e)
			if get(body, "ordered") != false {
				break
			}
		}
	}
	answer := bson.D{{Key: "ok", Value: 1}, {Key: "n", Value: n}, {Key: "nModified", Value: n - len(upserted)}}
	if len(upserted) > 0 {
		answer = append(answer, bson.E{Key: "upserted", Value: upserted})
	}
	if len(errs) > 0 {
		answer = append(answer, bson.E{Key: "writeErrors", Value: errs})
	}
	if s.wait != 0 {
		answer = append(answer, bson.E{Key: "writeConcernError", Value: bson.D{{Key: "code", Value: s.wait}, {Key: "errmsg", Value: "waiting for replication timed out"}}})
	}
	return answer
}

// raw is a value with its type, by which values are compared.
func raw(v any) []byte {
	kind, b, err := bson.MarshalValue(v)
	if err != nil {
		return nil
	}
	return append([]byte{byte(kind)}, b...)
}

// wanted is the field and value of a filter.
func wanted(filter bson.D) (string, any) {
	v := filter[0].Value
	if eq, is := v.(bson.D); is && len(eq) == 1 && eq[0].Key == "$eq" {
		v = eq[0].Value
	}
	return filter[0].Key, v
}

func (c *collection) at(filter bson.D) int {
	field, v := wanted(filter)
	return slices.IndexFunc(c.docs, func(d bson.D) bool { return bytes.Equal(raw(lookup(d, field)), raw(v)) })
}

func lookup(d bson.D, path string) any {
	first, rest, nested := strings.Cut(path, ".")
	v := get(d, first)
	if inner, is := v.(bson.D); nested && is {
		return lookup(inner, rest)
	}
	if nested {
		return nil
	}
	return v
}

func (c *collection) remove(filter bson.D) int {
	i := c.at(filter)
	if i < 0 {
		return 0
	}
	c.docs = slices.Delete(c.docs, i, i+1)
	return 1
}

// update changes the document of a filter, or inserts one, and returns the _id of one that was inserted.
func (c *collection) update(filter, u bson.D, upsert bool) (any, *writeError) {
	i := c.at(filter)
	if i < 0 && !upsert {
		return nil, nil
	}
	var d bson.D
	if i >= 0 {
		d = slices.Clone(c.docs[i])
	} else {
		field, v := wanted(filter)
		d = put(d, field, v)
	}
	for _, operator := range u {
		fields := operator.Value.(bson.D)
		slices.SortFunc(fields, func(a, b bson.E) int { return strings.Compare(a.Key, b.Key) })
		for _, e := range fields {
			switch {
			case e.Key == "_id" && !bytes.Equal(raw(get(d, "_id")), raw(e.Value)):
				return nil, &writeError{Code: 66, Message: "Performing an update on the path '_id' would modify the immutable field '_id'"}
			case operator.Key == "$set", operator.Key == "$setOnInsert" && i < 0:
				d = put(d, e.Key, e.Value)
			case operator.Key == "$unset":
				d = take(d, e.Key)
			}
		}
	}
	if get(d, "_id") == nil {
		d = append(bson.D{{Key: "_id", Value: bson.NewObjectID()}}, d...)
	}
	if e := c.duplicate(d, i); e != nil {
		return nil, e
	}
	if i >= 0 {
		c.docs[i] = d
		return nil, nil
	}
	c.docs = append(c.docs, d)
	return get(d, "_id"), nil
}

func (c *collection) duplicate(d bson.D, own int) *writeError {
	for _, index := range append(c.indexes, bson.D{{Key: "key", Value: bson.D{{Key: "_id", Value: 1}}}, {Key: "unique", Value: true}}) {
		key := get(index, "key").(bson.D)
		if get(index, "unique") != true || len(key) != 1 {
			continue
		}
		for i, other := range c.docs {
			if i != own && bytes.Equal(raw(lookup(other, key[0].Key)), raw(lookup(d, key[0].Key))) {
				return &writeError{Code: 11000, Message: "E11000 duplicate key error collection: app.c index: " + key[0].Key + "_1 dup key", KeyPattern: key}
			}
		}
	}
	return nil
}

func put(d bson.D, path string, v any) bson.D {
	first, rest, nested := strings.Cut(path, ".")
	for i, e := range d {
		if e.Key != first {
			continue
		}
		if nested {
			inner, _ := e.Value.(bson.D)
			v = put(slices.Clone(inner), rest, v)
		}
		d[i].Value = v
		return d
	}
	if nested {
		v = put(nil, rest, v)
	}
	return append(d, bson.E{Key: first, Value: v})
}

func take(d bson.D, path string) bson.D {
	first, rest, nested := strings.Cut(path, ".")
	for i, e := range d {
		if e.Key != first {
			continue
		}
		if !nested {
			return slices.Delete(d, i, i+1)
		}
		if inner, is := e.Value.(bson.D); is {
			d[i].Value = take(slices.Clone(inner), rest)
		}
	}
	return d
}
