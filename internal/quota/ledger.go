package quota

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// Limit is one limit of a vendor.
type Limit struct {
	Requests int
	Window   time.Duration // in any span of this length; 0: under way at a time
}

// Ask is what a run wants of one class of endpoints.
type Ask struct {
	Class  string
	Limits []Limit
	Owner  string // names the run and the worker that executes it
	Want   int    // requests to begin within the next second
	Slots  int    // requests to have under way at a time
	InUse  int    // of them, those that are under way now
	Unused Grant  // what an earlier grant left
}

// Grant is what a run may do.
type Grant struct {
	Requests int       // may begin before Until
	Slots    int       // may be under way at a time
	Until    time.Time // when to ask again at the latest; the requests that were not begun are void then
	Again    time.Time // where Requests or Slots is 0: when asking again may help

	marks []mark // which buckets count the requests
}

// mark is a bucket of a window.
type mark struct{ width, bucket int64 }

// ledger is what is known of one class: the requests that were granted, by bucket of each window, and who has
// requests under way. Times are milliseconds since 1970.
//
// A window is cut into buckets. A grant counts in the bucket in which it is made and is void after it, so that
// every span as long as the window touches at most one bucket more than the window has. No grant lets so many
// buckets together hold more than the limit, and therefore no span has more requests than the limit.
type ledger struct {
	Hold    int64                     `json:"hold,omitempty"`    // nothing begins before
	Windows map[int64]map[int64]int64 `json:"windows,omitempty"` // requests by width and number of the bucket
	Holders map[string]holder         `json:"holders,omitempty"`
}

// holder is a run that has requests under way, or waits for its turn.
type holder struct {
	Slots int   `json:"slots"`
	Wants int   `json:"wants"`
	Since int64 `json:"since"` // of its first slot, or of its waiting
	Until int64 `json:"until"` // what it does not renew is over then
}

// Times of grants.
const (
	validity   = int64(1000)       // of a grant: so soon does a run notice that another one was asked to wait
	slotTime   = int64(60_000)     // of slots that are not renewed: their worker is dead
	turn       = int64(5_000)      // of slots that others wait for
	slotsAgain = int64(500)        // how soon a run asks again for slots
	longest    = int64(86_400_000) // of a hold that is believed
)

// bucketOf returns how long a bucket of a window is.
func bucketOf(width int64) int64 {
	parts := int64(60)
	if width < 6_000 {
		parts = 10
	}
	return max(1, (width+parts-1)/parts)
}

// take grants what the limits allow at a time.
func (l *ledger) take(at time.Time, a Ask) Grant {
	now := at.UnixMilli()
	l.giveBack(a.Unused)
	g := Grant{Requests: a.Want, Slots: a.Slots}
	until := now + validity
	var again int64
	for _, limit := range a.Limits {
		width := limit.Window.Milliseconds()
		if limit.Requests <= 0 || width <= 0 {
			continue
		}
		free, end, next := l.free(now, width, int64(limit.Requests))
		g.Requests = min(g.Requests, int(free), max(1, limit.Requests/10)) // others want some too
		until, again = min(until, end), max(again, next)
	}
	for _, limit := range a.Limits {
		if limit.Requests > 0 && limit.Window <= 0 {
			g.Slots = min(g.Slots, l.slots(now, limit.Requests, a))
		}
	}
	if g.Slots == 0 && a.InUse == 0 { // what is under way may take several requests, and gives its slot back when it is over
		g.Requests, again = 0, max(again, now+slotsAgain)
	}
	if l.held(now) {
		g.Requests, again = 0, max(again, l.Hold)
	}
	if g.Requests > 0 {
		g.marks = l.count(now, a.Limits, int64(g.Requests))
	}
	g.Until = time.UnixMilli(until).UTC()
	if g.Requests == 0 {
		g.Again = time.UnixMilli(max(again, now+1)).UTC()
	}
	return g
}

// held reports whether nothing may begin. A hold that lies further ahead than any is believed was noted by a clock
// that has been set back since.
func (l *ledger) held(now int64) bool { return l.Hold > now && l.Hold <= now+longest }

// free returns how many requests a window has left, when the bucket of now ends, and when there is room again
// where there is none.
func (l *ledger) free(now, width, most int64) (free, end, again int64) {
	size := bucketOf(width)
	current, reach := now/size, (width+size-1)/size
	free = most
	buckets := l.Windows[width]
	for b, n := range buckets {
		if b < current-reach || b > current+reach { // over; or counted by a clock that was set back since
			delete(buckets, b)
			continue
		}
		free -= n
	}
	end = (current + 1) * size
	if free > 0 {
		return free, end, 0
	}
	left := free
	for _, b := range slices.Sorted(maps.Keys(buckets)) {
		if left += buckets[b]; left > 0 {
			return 0, end, (b + reach + 1) * size
		}
	}
	return 0, end, end
}

// count notes requests in the bucket of now of each window.
func (l *ledger) count(now int64, limits []Limit, n int64) []mark {
	var marks []mark
	for _, limit := range limits {
		width := limit.Window.Milliseconds()
		if limit.Requests <= 0 || width <= 0 {
			continue
		}
		m := mark{width, now / bucketOf(width)}
		if slices.Contains(marks, m) {
			continue // two limits with one window
		}
		if l.Windows == nil {
			l.Windows = map[int64]map[int64]int64{}
		}
		if l.Windows[width] == nil {
			l.Windows[width] = map[int64]int64{}
		}
		l.Windows[width][m.bucket] += n
		marks = append(marks, m)
	}
	return marks
}

// giveBack takes back the requests of a grant that were not made.
func (l *ledger) giveBack(unused Grant) {
	for _, m := range unused.marks {
		buckets := l.Windows[m.width]
		if n, counted := buckets[m.bucket]; counted {
			buckets[m.bucket] = max(0, n-int64(unused.Requests))
		}
	}
}

// slots returns how many requests the run may have under way, and notes it. Each run gets its share; what others
// do not want is anybody's. Where there are more runs than slots they take turns.
func (l *ledger) slots(now int64, most int, a Ask) int {
	for owner, h := range l.Holders {
		if h.Until < now || h.Until > now+2*slotTime { // dead; or noted by a clock that was set back since
			delete(l.Holders, owner)
		}
	}
	me, known := l.Holders[a.Owner]
	if !known {
		me.Since = now
	}
	me.Wants, me.Until = a.Slots, now+slotTime
	others, waiting := l.others(a.Owner, most/(len(l.Holders)+boolInt(!known)))
	got := min(a.Slots, most-others)
	switch {
	case me.Slots == 0 && l.before(a.Owner, me) >= most-others: // others have waited longer
		got = 0
	case waiting && me.Slots > 0 && now-me.Since > turn:
		got = min(got, max(1, most/len(l.Holders)))
		if most < len(l.Holders) {
			got = 0
		}
	}
	got = max(got, 0)
	held := max(got, a.InUse)
	if (held == 0) != (me.Slots == 0) {
		me.Since = now
	}
	me.Slots = held
	if l.Holders == nil {
		l.Holders = map[string]holder{}
	}
	l.Holders[a.Owner] = me
	return got
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// others returns how many slots the other runs have, and whether one of them has less than its share.
func (l *ledger) others(owner string, share int) (slots int, waiting bool) {
	for name, h := range l.Holders {
		if name != owner {
			slots += h.Slots
			waiting = waiting || h.Slots < min(h.Wants, max(1, share))
		}
	}
	return slots, waiting
}

// before returns how many other runs without a slot have waited longer.
func (l *ledger) before(owner string, me holder) int {
	n := 0
	for name, h := range l.Holders {
		if name != owner && h.Slots == 0 && cmp.Or(cmp.Compare(h.Since, me.Since), cmp.Compare(name, owner)) < 0 {
			n++
		}
	}
	return n
}

// hold keeps every run from beginning a request before a time.
func (l *ledger) hold(now, until time.Time) {
	until = earlier(until, now.Add(time.Duration(longest)*time.Millisecond))
	if !l.held(now.UnixMilli()) {
		l.Hold = 0
	}
	l.Hold = max(l.Hold, until.UnixMilli())
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// leave gives back what a run has.
func (l *ledger) leave(owner string, unused Grant) {
	l.giveBack(unused)
	delete(l.Holders, owner)
}

// over returns when nothing of the ledger matters any more.
func (l *ledger) over() int64 {
	last := l.Hold
	for width, buckets := range l.Windows {
		for b := range buckets {
			last = max(last, b*bucketOf(width)+2*width)
		}
	}
	for _, h := range l.Holders {
		last = max(last, h.Until)
	}
	return last
}
