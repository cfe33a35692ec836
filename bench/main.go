// Command bench runs each hot path beside its peer or limit, by turns and in one process, and prints how they
// compare with the goals. README.md says what is measured.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/pprof"
	"slices"
	"strings"
)

// bench is one run of the command.
type bench struct {
	dir      string // for data; removed at the end
	full     bool
	rounds   int
	rows     int64  // of the case process
	millrace string // path of the program under test
	out      io.Writer
	results  []result
}

// size is a number of rows: a tenth of it unless everything was asked for.
func (b *bench) size(full int64) int64 {
	if b.full {
		return full
	}
	return full / 10
}

func (b *bench) add(results ...result) {
	b.results = append(b.results, results...)
	for _, r := range results {
		fmt.Fprintf(b.out, "   %s: %s, beside %s; wall %s, CPU %s  %s  %s\n", r.what, r.ours, r.peer, r.wall, r.cpu, r.goal, r.ok)
	}
}

// cases are the hot paths, by the letters that -only takes.
var cases = []struct {
	name, title string
	run         func(context.Context, *bench) error
}{
	{"plan", "Plan and snapshot", planning},
	{"memory", "The planner's memory", planningMemory},
	{"encode", "Mapping and encoding", encoding},
	{"liquid", "Liquid templates", templates},
	{"http", "HTTP destination", overHTTP},
	{"manifest", "Destinations that are manifests", byManifest},
	{"postgres", "PostgreSQL destination", toPostgres},
	{"source", "PostgreSQL source", fromPostgres},
	{"mysql", "MySQL source", fromMySQL},
	{"parquet", "Parquet files", fromParquet},
	{"lightning", "Planning in a warehouse", inWarehouse},
	{"run", "A run from end to end", running},
	{"process", "The whole process", process},
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ok, err := command(ctx, os.Args[1:], os.Stdout)
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1) //nolint:gocritic // nothing waits for the signal
	case !ok:
		os.Exit(2)
	}
}

// command returns whether every goal was met.
func command(ctx context.Context, args []string, out io.Writer) (ok bool, err error) {
	if len(args) > 0 && weighed[args[0]] != nil {
		return true, weighed[args[0]](ctx, args[1:], out)
	}
	b := &bench{out: out}
	var only, results, profile, dir string
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.BoolVar(&b.full, "full", false, "the full size instead of a tenth")
	flags.IntVar(&b.rounds, "rounds", 5, "passes of each, of which the medians count")
	flags.Int64Var(&b.rows, "rows", processRows, "rows of the case process, whatever the size of the rest")
	flags.StringVar(&only, "only", "", "cases to run, separated by commas: "+strings.Join(names(), ", "))
	flags.StringVar(&results, "results", "", "file to write the table to; a part of the cases is never written")
	flags.StringVar(&profile, "cpuprofile", "", "file to write a profile of this process to")
	flags.StringVar(&dir, "dir", os.TempDir(), "folder for data; it should be on a real disk")
	flags.StringVar(&b.millrace, "millrace", "bin/millrace", "the program whose memory is measured")
	if err := flags.Parse(args); err != nil {
		return false, err //nolint:wrapcheck // it says what is wrong
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return false, fmt.Errorf("finding the folder for data: %w", err)
	}
	if b.dir, err = os.MkdirTemp(dir, "data-*"); err != nil {
		return false, fmt.Errorf("making a folder for data: %w", err)
	}
	defer func() {
		if rerr := os.RemoveAll(b.dir); err == nil && rerr != nil {
			err = fmt.Errorf("removing the data: %w", rerr)
		}
	}()
	if profile != "" {
		stop, err := startProfile(profile)
		if err != nil {
			return false, err
		}
		defer stop()
	}
	if err := b.run(ctx, only); err != nil {
		return false, err
	}
	return b.report(results, only != "")
}

func startProfile(path string) (stop func(), err error) {
	f, err := os.Create(path) //nolint:gosec // a path of the person who calls
	if err != nil {
		return nil, fmt.Errorf("making the profile: %w", err)
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, fmt.Errorf("starting the profile: %w", err)
	}
	return func() {
		pprof.StopCPUProfile()
		if err := f.Close(); err != nil {
			fmt.Fprintln(os.Stderr, "bench: closing the profile:", err)
		}
	}, nil
}

func names() []string {
	all := make([]string, len(cases))
	for i, c := range cases {
		all[i] = c.name
	}
	return all
}

func (b *bench) run(ctx context.Context, only string) error {
	chosen := names()
	if only != "" {
		chosen = strings.Split(only, ",")
		for _, name := range chosen {
			if !slices.Contains(names(), name) {
				return fmt.Errorf("there is no case %q; there are %s", name, strings.Join(names(), ", "))
			}
		}
	}
	for _, c := range cases {
		if !slices.Contains(chosen, c.name) {
			continue
		}
		fmt.Fprintf(b.out, "\n== %s\n", c.title)
		if err := c.run(ctx, b); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	return nil
}

// report prints the table, and writes it down where everything was measured.
func (b *bench) report(path string, part bool) (ok bool, err error) {
	fmt.Fprintln(b.out)
	table(b.out, b.results)
	size := sizeTenth
	if b.full {
		size = sizeFull
	}
	if path != "" && !part {
		err = save(path, size, b.results)
	}
	return !slices.ContainsFunc(b.results, func(r result) bool { return r.ok == missed }), err
}
