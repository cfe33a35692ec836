// Command ferretdb is a server with MongoDB's protocol that keeps its documents in files of SQLite. Tests use it where
// they need MongoDB, whose own server Debian does not package.
//
// It is a module of its own: what it takes is no dependency of Millrace.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strconv"
	"syscall"

	"github.com/FerretDB/FerretDB/ferretdb"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run serves the documents of a folder at an address (host:port) until it is told to end. Its process's number is in the
// file meanwhile.
func run(args []string) error {
	if len(args) != 3 {
		return errors.New("usage: ferretdb ADDRESS FOLDER FILE")
	}
	if err := os.WriteFile(args[2], []byte(strconv.Itoa(os.Getpid())), 0o600); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	f, err := ferretdb.New(&ferretdb.Config{
		Listener: ferretdb.ListenerConfig{TCP: args[0]}, Handler: "sqlite", SQLiteURL: "file:" + args[1] + "/", Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return err
	}
	return f.Run(ctx)
}
