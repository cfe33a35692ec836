package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"time"
)

// result is one line of the table.
type result struct {
	group string
	what  string
	rows  int64
	ours  string
	peer  string
	wall  string // the ratio by the clock
	cpu   string // the ratio by the processor's time
	goal  string
	ok    verdict
}

type verdict string

const (
	passed verdict = "pass"
	missed verdict = "MISS"
	info   verdict = "–"
)

func judge(ok bool) verdict {
	if ok {
		return passed
	}
	return missed
}

// atLeast judges how fast ours is beside the peer. Where the machine is busy the processor's time decides.
func (s samples) atLeast(goal float64, rows int64, group, what string) result {
	decisive := s.speed(wall)
	if s.noisy() {
		decisive = s.speed(cpu)
	}
	r := s.line(rows, group, what)
	r.wall, r.cpu = fmt.Sprintf("%.2f×", s.speed(wall)), fmt.Sprintf("%.2f×", s.speed(cpu))
	r.goal, r.ok = fmt.Sprintf("≥ %.2g× the speed%s", goal, s.by()), judge(decisive >= goal)
	return r
}

// atMost judges how long ours takes beside the peer.
func (s samples) atMost(goal float64, rows int64, group, what string) result {
	decisive := 1 / s.speed(wall)
	if s.noisy() {
		decisive = 1 / s.speed(cpu)
	}
	r := s.line(rows, group, what)
	r.wall, r.cpu = fmt.Sprintf("%.2f×", 1/s.speed(wall)), fmt.Sprintf("%.2f×", 1/s.speed(cpu))
	r.goal, r.ok = fmt.Sprintf("≤ %.2g× the time%s", goal, s.by()), judge(decisive <= goal)
	return r
}

// by says what decided.
func (s samples) by() string {
	if s.noisy() {
		return " (CPU)"
	}
	return ""
}

func (s samples) line(rows int64, group, what string) result {
	return result{group: group, what: what, rows: rows, ours: rate(rows, medianOf(s.ours, wall)), peer: rate(rows, medianOf(s.peer, wall))}
}

// unjudged is a line for reading.
func (r result) unjudged() result {
	r.goal, r.ok = "", info
	return r
}

func rate(rows int64, seconds float64) string {
	return fmt.Sprintf("%s/s (%.2f s)", count(float64(rows)/seconds), seconds)
}

// count writes a number as people read it.
func count(n float64) string {
	switch {
	case n >= 1e6:
		return fmt.Sprintf("%.3gM", n/1e6)
	case n >= 1e3:
		return fmt.Sprintf("%.3gk", n/1e3)
	default:
		return fmt.Sprintf("%.0f", n)
	}
}

func megabytes(n int64) string { return fmt.Sprintf("%d MiB", n>>20) }

var header = []string{"", "What", "Rows", "Ours", "Peer or limit", "Wall", "CPU", "Goal", ""}

func (r result) cells() []string {
	return []string{r.group, r.what, count(float64(r.rows)), r.ours, r.peer, r.wall, r.cpu, r.goal, string(r.ok)}
}

// table writes the results as a Markdown table whose columns are aligned.
func table(w io.Writer, results []result) {
	lines := [][]string{header}
	for _, r := range results {
		lines = append(lines, r.cells())
	}
	widths := make([]int, len(header))
	for _, line := range lines {
		for i, cell := range line {
			widths[i] = max(widths[i], len([]rune(cell)))
		}
	}
	for n, line := range lines {
		for i, cell := range line {
			fmt.Fprint(w, "| ", cell, strings.Repeat(" ", widths[i]-len([]rune(cell))+1))
		}
		fmt.Fprintln(w, "|")
		if n > 0 {
			continue
		}
		for _, width := range widths {
			fmt.Fprint(w, "|", strings.Repeat("-", width+2))
		}
		fmt.Fprintln(w, "|")
	}
}

// save writes the results of one size, and keeps those of the other.
func save(path, size string, results []result) error {
	old, err := os.ReadFile(path) //nolint:gosec // a page of the source tree
	if err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("reading the last results: %w", err)
	}
	sections := map[string]string{}
	for _, part := range strings.Split(string(old), "\n## ")[1:] {
		name, _, _ := strings.Cut(part, "\n")
		sections[name] = "## " + strings.TrimRight(part, "\n") + "\n"
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "## %s\n\n%s, %s.\n\n", size, time.Now().UTC().Format("2 January 2006 15:04 UTC"), machine())
	table(&b, results)
	sections[size] = b.String()

	var page bytes.Buffer
	page.WriteString("# Last results\n\nWritten by `make bench`; README.md says how to read them.\n")
	for _, name := range []string{sizeTenth, sizeFull} {
		if sections[name] != "" {
			page.WriteString("\n" + sections[name])
		}
	}
	return os.WriteFile(path, page.Bytes(), 0o644) //nolint:gosec // a page of the source tree
}

// The two sizes.
const (
	sizeTenth = "A tenth of the size"
	sizeFull  = "Full size"
)

func machine() string {
	model := "unknown processor"
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(text)) {
			if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
				model = strings.TrimSpace(value)
				break
			}
		}
	}
	memory, load := "", ""
	if text, err := os.ReadFile("/proc/meminfo"); err == nil {
		var kilobytes int64
		if _, err := fmt.Sscanf(string(text), "MemTotal: %d kB", &kilobytes); err == nil {
			memory = fmt.Sprintf(", %d GiB", kilobytes>>20)
		}
	}
	if text, err := os.ReadFile("/proc/loadavg"); err == nil {
		load = ", load " + strings.Fields(string(text))[0] + " at the end"
	}
	return fmt.Sprintf("%d × %s%s, %s/%s, %s%s", runtime.NumCPU(), model, memory, runtime.GOOS, runtime.GOARCH, runtime.Version(), load)
}
