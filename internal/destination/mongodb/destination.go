package mongodb

import (
	"context"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
)

// destination is one database.
type destination struct {
	settings settings
	clock    clock.Clock
	log      *slog.Logger
	network  connector.Network

	mu   sync.Mutex
	open *mongo.Client
}

var (
	_ connector.Destination  = (*destination)(nil)
	_ connector.FieldLister  = (*destination)(nil)
	_ connector.OptionLister = (*destination)(nil)
)

// dialer lets the driver connect through the network.
type dialer func(ctx context.Context, network, address string) (net.Conn, error)

// DialContext opens a connection.
func (d dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return d(ctx, network, address)
}

// database returns the database, whose connections are made when they are first needed.
func (d *destination) database() (*mongo.Database, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.open == nil {
		if err := d.usable().Err(); err != nil {
			return nil, fault.As(err)
		}
		o, err := d.settings.options(d.network)
		if err != nil {
			return nil, err
		}
		if d.open, err = mongo.Connect(o); err != nil { // its text may repeat the connection string
			return nil, fault.New(fault.CodeInvalid, "the connection's settings cannot be used").WithPath("spec.configuration")
		}
	}
	return d.open.Database(d.settings.database()), nil
}

// Test connects to the primary server and looks whether the user may see the database's collections.
func (d *destination) Test(ctx context.Context) error {
	db, err := d.database()
	if err != nil {
		return err
	}
	if err := db.Client().Ping(ctx, readpref.Primary()); err != nil {
		return d.translate(ctx, err, "connecting to "+d.settings.address())
	}
	if _, err := collections(ctx, db); err != nil {
		return d.translate(ctx, err, "listing the collections of "+d.settings.address())
	}
	return nil
}

// collections lists those that the user may use. Without names only, the server asks for more than listCollections.
// https://www.mongodb.com/docs/manual/reference/command/listCollections/
func collections(ctx context.Context, db *mongo.Database) ([]string, error) {
	return db.ListCollectionNames(ctx, bson.D{}, options.ListCollections().SetNameOnly(true).SetAuthorizedCollections(true))
}

// ListOptions lists the collections, without those of the server itself.
func (d *destination) ListOptions(ctx context.Context, list string, _ connector.SyncJob) ([]connector.Option, error) {
	if list != listCollections {
		return nil, fault.New(fault.CodeNotFound, "there is no list %q", list)
	}
	db, err := d.database()
	if err != nil {
		return nil, err
	}
	names, err := collections(ctx, db)
	if err != nil {
		return nil, d.translate(ctx, err, "listing the collections of "+d.settings.address())
	}
	slices.Sort(names)
	options := []connector.Option{}
	for _, name := range names {
		if !strings.HasPrefix(name, "system.") {
			options = append(options, connector.Option{Value: name, Label: name})
		}
	}
	return options, nil
}

// uniqueFields returns the fields of a collection that have a unique index of their own, which holds all documents.
// https://www.mongodb.com/docs/manual/core/index-unique/
func (d *destination) uniqueFields(ctx context.Context, c *mongo.Collection) ([]string, error) {
	cursor, err := c.Indexes().List(ctx)
	var indexes []struct {
		Key     bson.D   `bson:"key"`
		Unique  bool     `bson:"unique"`
		Partial bson.Raw `bson:"partialFilterExpression"`
	}
	if err == nil {
		err = cursor.All(ctx, &indexes)
	}
	if codeOf(err) == codeNoNamespace {
		return nil, nil // a collection without documents
	}
	if err != nil {
		return nil, d.translate(ctx, err, "listing the indexes of "+c.Name())
	}
	var fields []string
	for _, i := range indexes {
		if i.Unique && len(i.Key) == 1 && i.Partial == nil && i.Key[0].Key != matchID {
			fields = append(fields, i.Key[0].Key)
		}
	}
	return fields, nil
}

// TargetFields lists what documents can be found by. A collection has no other fields of its own.
func (d *destination) TargetFields(ctx context.Context, job connector.SyncJob) ([]connector.TargetField, error) {
	s, err := decode(job)
	if err != nil {
		return nil, err
	}
	db, err := d.database()
	if err != nil {
		return nil, err
	}
	unique, err := d.uniqueFields(ctx, db.Collection(s.Collection))
	if err != nil {
		return nil, err
	}
	fields := []connector.TargetField{
		{Name: matchID, Type: "string", Native: "any", Match: true, ReadOnly: true, Help: "A value of the column's own type. A model's primary key is a text, unless its column is cast"},
		{Name: matchObjectID, Type: "string", Native: "objectId", Match: true, ReadOnly: true, Help: "The column has the 24 hexadecimal digits of an ObjectId"},
	}
	for _, name := range unique {
		fields = append(fields, connector.TargetField{Name: name, Type: "unknown", Native: "any", Match: true, Help: "Unique"})
	}
	return fields, nil
}

// Close ends every connection.
func (d *destination) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.open == nil {
		return nil
	}
	err := d.open.Disconnect(context.Background())
	d.open = nil
	return err
}
