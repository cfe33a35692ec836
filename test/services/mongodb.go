package services

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// mongodbEnv names a server to use instead of starting one, as a connection string of a user who may do everything.
const mongodbEnv = "MILLRACE_TEST_MONGODB_URI"

// How long a server may take to answer for the first time, and to be built.
const (
	mongodbStartTime = 30 * time.Second
	ferretBuildTime  = 15 * time.Minute
)

// MongoPlace is a database of a server with MongoDB's protocol.
type MongoPlace struct {
	URI      string // of the server
	Database string
}

// MongoDB returns a new, empty database, which is dropped when the test ends. The server is FerretDB, whose source is
// fetched and built once; or MongoDB itself, where a connection string is given. Where neither can be had,
// the test is skipped and says why.
func MongoDB(t testing.TB) MongoPlace {
	t.Helper()
	uri, err := StartMongoDB()
	if err != nil {
		t.Skipf("a server with MongoDB's protocol is needed, and FerretDB could not be built or started: %v", err)
	}
	p := MongoPlace{URI: uri, Database: fmt.Sprintf("t_%d_%d_%d", os.Getpid(), time.Now().UnixNano(), databases.Add(1))}
	t.Cleanup(func() {
		if err := withMongoDB(uri, func(ctx context.Context, c *mongo.Client) error { return c.Database(p.Database).Drop(ctx) }); err != nil {
			t.Logf("dropping the database: %v", err)
		}
	})
	return p
}

// withMongoDB does something with a connection of its own. It waits for a server that is starting.
func withMongoDB(uri string, do func(context.Context, *mongo.Client) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c, err := mongo.Connect(options.Client().ApplyURI(uri).SetServerSelectionTimeout(mongodbStartTime).SetRetryWrites(false).SetHeartbeatInterval(time.Second / 2))
	if err != nil {
		return err
	}
	return errors.Join(do(ctx, c), c.Disconnect(ctx))
}

func pingMongoDB(uri string) error {
	return withMongoDB(uri, func(ctx context.Context, c *mongo.Client) error { return c.Ping(ctx, nil) })
}

// StartMongoDB starts the shared server, or finds the one that runs, and returns its connection string.
func StartMongoDB() (string, error) {
	if uri := os.Getenv(mongodbEnv); uri != "" {
		return uri, nil
	}
	unlock, err := lock()
	if err != nil {
		return "", err
	}
	defer unlock()
	if uri, err := os.ReadFile(mongodbAddress()); err == nil && ferretRuns() {
		return string(uri), nil
	}
	program, err := buildFerret()
	if err != nil {
		return "", err
	}
	port, err := freePort()
	if err != nil {
		return "", err
	}
	data := filepath.Join(folder(), fmt.Sprintf("ferretdb-%d", port))
	if err := os.MkdirAll(data, 0o700); err != nil {
		return "", err
	}
	if err := detach(filepath.Join(folder(), "ferretdb.log"), program, "127.0.0.1:"+strconv.Itoa(port), data, filepath.Join(folder(), "ferretdb.pid")); err != nil {
		return "", err
	}
	uri := fmt.Sprintf("mongodb://127.0.0.1:%d/", port)
	if err := pingMongoDB(uri); err != nil {
		text, _ := os.ReadFile(filepath.Join(folder(), "ferretdb.log")) //nolint:errcheck // the first error matters
		return "", fmt.Errorf("FerretDB does not start: %w: %s", err, text)
	}
	return uri, os.WriteFile(mongodbAddress(), []byte(uri), 0o600)
}

func mongodbAddress() string { return filepath.Join(folder(), "mongodb.uri") }

// ferretRuns reports whether the process that was started is there still.
func ferretRuns() bool {
	text, err := os.ReadFile(filepath.Join(folder(), "ferretdb.pid"))
	if err != nil {
		return false
	}
	pid, err := strconv.Atoi(string(text))
	return err == nil && syscall.Kill(pid, 0) == nil
}

// buildFerret builds the server from the module beside this package, unless it was built before.
func buildFerret() (string, error) {
	_, here, _, _ := runtime.Caller(0) //nolint:dogsled // the file is all that is wanted
	source := filepath.Join(filepath.Dir(here), "ferretdb")
	program := filepath.Join(folder(), "ferretdb")
	ctx, cancel := context.WithTimeout(context.Background(), ferretBuildTime)
	defer cancel()
	build := exec.CommandContext(ctx, "go", "build", "-o", program, ".")
	build.Dir, build.Env = source, append(os.Environ(), "GOFLAGS=", "GOWORK=off")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building FerretDB in %s: %w: %s. Name a running server in %s", source, err, out, mongodbEnv)
	}
	return program, nil
}

// StopMongoDB ends the shared server and removes its data.
func StopMongoDB() error {
	unlock, err := lock()
	if err != nil {
		return err
	}
	defer unlock()
	err = stopServer(filepath.Join(folder(), "ferretdb.pid"))
	folders, gerr := filepath.Glob(filepath.Join(folder(), "ferretdb-*"))
	err = errors.Join(err, gerr)
	for _, data := range append(folders, mongodbAddress(), filepath.Join(folder(), "ferretdb.pid"), filepath.Join(folder(), "ferretdb.log")) {
		err = errors.Join(err, os.RemoveAll(data))
	}
	return err
}
