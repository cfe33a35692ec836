package main

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// spent is what one pass took. The processor's time is the better measure on a machine with other work.
type spent struct{ wall, cpu time.Duration }

// clockTick is the unit of /proc/PID/stat on Linux: USER_HZ is 100 on every architecture that Go runs on.
const clockTick = 10 * time.Millisecond

// meter measures passes, with the processor's time of this process and of a server's.
type meter struct{ server func() time.Duration }

// time runs f once.
func (m meter) time(f func() error) (spent, error) {
	before, began := m.cpu(), time.Now()
	err := f()
	return spent{time.Since(began), m.cpu() - before}, err
}

func (m meter) cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	used := time.Duration(u.Utime.Nano() + u.Stime.Nano())
	if m.server != nil {
		used += m.server()
	}
	return used
}

// treeCPU is the processor's time of a process, its children that ended, and those that run.
func treeCPU(pid int) time.Duration {
	used := processCPU(pid, true)
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		return used
	}
	for child := range strings.FieldsSeq(string(children)) {
		if n, err := strconv.Atoi(child); err == nil {
			used += processCPU(n, false)
		}
	}
	return used
}

// processCPU reads utime and stime, and those of children that ended, which are fields 14 to 17 (proc_pid_stat(5)).
func processCPU(pid int, children bool) time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	_, after, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(after)
	last := 13
	if children {
		last = 15
	}
	var ticks int64
	for i := 11; i < last && i < len(fields); i++ {
		n, err := strconv.ParseInt(fields[i], 10, 64)
		if err != nil {
			return 0
		}
		ticks += n
	}
	return time.Duration(ticks) * clockTick
}

// peakMemory is the most that a process ever held in memory, in bytes.
func peakMemory(pid int) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, fmt.Errorf("reading the memory of process %d: %w", pid, err)
	}
	for line := range strings.Lines(string(text)) {
		if after, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kilobytes, err := strconv.ParseInt(strings.Fields(after)[0], 10, 64)
			return kilobytes << 10, err
		}
	}
	return 0, fmt.Errorf("process %d has no VmHWM", pid)
}

// pair is a peer and ours over the same rows.
type pair struct {
	meter   meter
	rounds  int
	prepare func() error // before every pass, not measured; may be nil
	peer    func() error
	ours    func() error
}

// samples are the passes of a pair, round by round.
type samples struct{ peer, ours []spent }

// run measures both by turns, so that whatever else the machine does slows both. Which of them begins changes
// from round to round. A first round warms caches up and does not count.
func (p pair) run() (s samples, err error) {
	for round := range p.rounds + 1 {
		order := []func() error{p.peer, p.ours}
		if round%2 == 1 {
			slices.Reverse(order)
		}
		var took [2]spent
		for i, f := range order {
			if took[i], err = p.pass(f); err != nil {
				return s, err
			}
		}
		if round%2 == 1 {
			slices.Reverse(took[:])
		}
		if round > 0 {
			s.peer, s.ours = append(s.peer, took[0]), append(s.ours, took[1])
		}
	}
	return s, nil
}

func (p pair) pass(f func() error) (spent, error) {
	if p.prepare != nil {
		if err := p.prepare(); err != nil {
			return spent{}, err
		}
	}
	return p.meter.time(f)
}

func wall(s spent) float64 { return s.wall.Seconds() }
func cpu(s spent) float64  { return s.cpu.Seconds() }

// speed is how fast ours is compared with the peer: the median of the rounds' own ratios.
func (s samples) speed(of func(spent) float64) float64 {
	ratios := make([]float64, len(s.peer))
	for i := range s.peer {
		ratios[i] = of(s.peer[i]) / of(s.ours[i])
	}
	return median(ratios)
}

// noisy tells whether the peer, which does the same work in every round, took much longer in one than in another.
func (s samples) noisy() bool {
	least, most := s.peer[0].wall, s.peer[0].wall
	for _, p := range s.peer {
		least, most = min(least, p.wall), max(most, p.wall)
	}
	return most.Seconds() > noise*least.Seconds()
}

// noise is how far apart the rounds of one peer may be for the clock on the wall to be believed.
const noise = 1.3

func medianOf(all []spent, of func(spent) float64) float64 {
	values := make([]float64, len(all))
	for i, s := range all {
		values[i] = of(s)
	}
	return median(values)
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}
