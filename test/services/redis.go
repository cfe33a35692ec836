package services

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// redisEnv names a server to use instead of starting one, as host:port, without a password and with many databases.
const redisEnv = "MILLRACE_TEST_REDIS_ADDRESS"

// redisDatabases is how many databases the shared server has. Number 0 counts those that were handed out.
const redisDatabases = 4096

// How long a server may take to start, and how often it is asked whether it has.
const (
	redisStartTime = 30 * time.Second
	redisAskEvery  = 10 * time.Millisecond
)

// RedisPlace is a database of a Redis server.
type RedisPlace struct {
	Host     string
	Port     int
	Database int
}

// Address is the server's, as host:port.
func (r RedisPlace) Address() string { return r.Host + ":" + strconv.Itoa(r.Port) }

// Redis returns an empty database of the shared server, which is emptied when the test ends. The server is started when
// the first test process needs it and found by the others. A test that cannot have one fails, saying what to install.
func Redis(t testing.TB) RedisPlace {
	t.Helper()
	address, err := StartRedis()
	if err != nil {
		t.Fatalf("Redis is needed: %v", err)
	}
	host, port, _ := strings.Cut(address, ":")
	p := RedisPlace{Host: host}
	if p.Port, err = strconv.Atoi(port); err != nil {
		t.Fatal(err)
	}
	counter := redis.NewClient(&redis.Options{Addr: address, Protocol: 2})
	n, err := counter.Incr(t.Context(), "handed out").Result()
	if err := errors.Join(err, counter.Close()); err != nil {
		t.Fatal(err)
	}
	p.Database = int(n-1)%(redisDatabases-1) + 1
	flush := func() {
		c := redis.NewClient(&redis.Options{Addr: address, DB: p.Database, Protocol: 2})
		if err := errors.Join(c.FlushDB(context.Background()).Err(), c.Close()); err != nil {
			t.Errorf("emptying the database: %v", err)
		}
	}
	flush()
	t.Cleanup(flush)
	return p
}

// StartRedis starts the shared server, or finds the one that runs, and returns its address.
func StartRedis() (string, error) {
	if address := os.Getenv(redisEnv); address != "" {
		return address, nil
	}
	unlock, err := lock()
	if err != nil {
		return "", err
	}
	defer unlock()
	if address, err := os.ReadFile(redisAddress()); err == nil && pingRedis(string(address)) {
		return string(address), nil
	}
	port, err := freePort()
	if err != nil {
		return "", err
	}
	data := filepath.Join(folder(), fmt.Sprintf("redis-%d", port))
	if err := launchRedis(data, port, "--databases", strconv.Itoa(redisDatabases)); err != nil {
		return "", err
	}
	address := "127.0.0.1:" + strconv.Itoa(port)
	return address, os.WriteFile(redisAddress(), []byte(address), 0o600)
}

func redisAddress() string { return filepath.Join(folder(), "redis.address") }

// launchRedis starts a server without persistence; it outlives this process. Options are as redis-server takes them.
func launchRedis(data string, port int, options ...string) error {
	program, err := exec.LookPath("redis-server")
	if err != nil {
		return errors.New("redis-server was not found: install it with `apt-get install redis-server`, or name a running server in " + redisEnv)
	}
	if err := os.MkdirAll(data, 0o700); err != nil {
		return err
	}
	err = detach(filepath.Join(data, "log"), program, append([]string{
		"--port", strconv.Itoa(port), "--bind", "127.0.0.1", "--dir", data, "--save", "", "--appendonly", "no",
		"--pidfile", filepath.Join(data, "pid"), "--daemonize", "no", "--unixsocket", filepath.Join(data, "s"), "--loglevel", "warning",
	}, options...)...)
	if err != nil {
		return err
	}
	c := redis.NewClient(&redis.Options{
		Network: "unix", Addr: filepath.Join(data, "s"), Protocol: 2,
		DialerRetries: int(redisStartTime / redisAskEvery), DialerRetryTimeout: redisAskEvery, DialTimeout: redisStartTime,
	})
	err = c.Ping(context.Background()).Err()
	if _, ok := errors.AsType[redis.Error](err); ok { // one that asks for a password has started too
		err = nil
	}
	if err != nil {
		text, _ := os.ReadFile(filepath.Join(data, "log")) //nolint:errcheck // the first error matters
		err = fmt.Errorf("Redis does not start: %w: %s", err, text)
	}
	return errors.Join(err, c.Close())
}

func pingRedis(address string) bool {
	c := redis.NewClient(&redis.Options{Addr: address, Protocol: 2})
	err := c.Ping(context.Background()).Err()
	return errors.Join(err, c.Close()) == nil
}

// RedisOfItsOwn starts a server that nobody else uses, with options as redis-server takes them, and returns its plain
// port. It ends with the test.
func RedisOfItsOwn(t testing.TB, options ...string) RedisPlace {
	t.Helper()
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(folder(), 0o755); err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(folder(), fmt.Sprintf("own-redis-%d", port))
	t.Cleanup(func() {
		if err := errors.Join(stopServer(filepath.Join(data, "pid")), os.RemoveAll(data)); err != nil {
			t.Logf("stopping Redis: %v", err)
		}
	})
	if err := launchRedis(data, port, options...); err != nil {
		t.Fatalf("Redis is needed: %v", err)
	}
	return RedisPlace{Host: "127.0.0.1", Port: port}
}

// Kill ends a server that nobody else uses at once.
func (r RedisPlace) Kill() error {
	return stopServer(filepath.Join(folder(), fmt.Sprintf("own-redis-%d", r.Port), "pid"))
}

// StopRedis ends the shared server and removes its data.
func StopRedis() error {
	unlock, err := lock()
	if err != nil {
		return err
	}
	defer unlock()
	servers, err := filepath.Glob(filepath.Join(folder(), "redis-*"))
	for _, data := range servers {
		err = errors.Join(err, stopServer(filepath.Join(data, "pid")), os.RemoveAll(data))
	}
	return errors.Join(err, os.RemoveAll(redisAddress()))
}
