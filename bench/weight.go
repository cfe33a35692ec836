package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
)

// weighed is what processes of their own do, by their first arguments. Each prints the most memory that it held.
var weighed = map[string]func(ctx context.Context, args []string, out io.Writer) error{
	planCommand: planAndWeigh, sendCommand: sendAndWeigh, readCommand: readAndWeigh,
}

// weigh starts such a process, and returns what it printed, in bytes.
func weigh(ctx context.Context, args ...string) (int64, error) {
	self, err := os.Executable()
	if err != nil {
		return 0, fmt.Errorf("finding the command: %w", err)
	}
	cmd := exec.CommandContext(ctx, self, args...) //nolint:gosec // ourselves
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return 0, fmt.Errorf("%s: %w", args[0], err)
	}
	var peak int64
	if err := json.Unmarshal(out, &peak); err != nil {
		return 0, fmt.Errorf("reading the memory of the process: %w", err)
	}
	return peak, nil
}

func printPeak(out io.Writer) error {
	peak, err := peakMemory(os.Getpid())
	if err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(peak)
}

// flat is how much more memory ten times the rows may need: what the garbage collector lets grow between two of its
// rounds differs from process to process.
const flat = 1.25

// growth compares the memory of all rows with that of a tenth of them.
func growth(group, what string, rows, few, all int64) result {
	return result{
		group: group, what: what + ": peak memory, beside that of a tenth of the rows", rows: rows, ours: megabytes(all), peer: megabytes(few),
		goal: fmt.Sprintf("≤ %.3g× the memory", flat), ok: judge(float64(all) <= flat*float64(few)),
	}
}
