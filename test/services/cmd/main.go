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
		for _, start := range []func() (string, error){services.StartPostgres, services.StartMariaDB} {
			address, err := start()
			if err != nil {
				return err
			}
			fmt.Println(address)
		}
		return nil
	case len(args) == 1 && args[0] == "stop":
		return errors.Join(services.StopPostgres(), services.StopMariaDB())
	default:
		return errors.New("usage: services start|stop")
	}
}
