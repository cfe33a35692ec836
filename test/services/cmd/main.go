// Command services starts and stops the servers that tests share.
package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/millrace/millrace/test/services"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 1 && args[0] == "start":
		return start(services.StartPostgres, services.StartMariaDB, services.StartRedis, services.StartRabbitMQ, offered(services.StartMongoDB))
	case len(args) == 2 && args[0] == "start" && args[1] == "postgres":
		return start(services.StartPostgres)
	case len(args) == 2 && args[0] == "serve" && args[1] == "s3":
		return services.ServeS3()
	case len(args) == 1 && args[0] == "stop":
		return errors.Join(services.StopPostgres(), services.StopMariaDB(), services.StopRedis(), services.StopMongoDB(), services.StopRabbitMQ())
	default:
		return errors.New("usage: services start [postgres] | serve s3 | stop")
	}
}

// offered is a server that tests do without where it cannot be had: they are skipped and say so.
func offered(one func() (string, error)) func() (string, error) {
	return func() (string, error) {
		address, err := one()
		if err != nil {
			fmt.Fprintln(os.Stderr, "a server could not be started, and its tests are skipped:", err)
		}
		return address, nil
	}
}

// start prints the address of each server on a line of its own.
func start(all ...func() (string, error)) error {
	for _, one := range all {
		address, err := one()
		if err != nil {
			return err
		}
		fmt.Println(address)
	}
	return nil
}
