package alerting

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/millrace/millrace/internal/fault"
)

func read(t *testing.T, text string) *Spec {
	t.Helper()
	if text == "" {
		return nil
	}
	var s Spec
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		t.Fatal(err)
	}
	return &s
}

// What always watches cannot be turned off, thresholds are in their order, and every error is told at once.
//
// Req: SY-62, SY-63, SY-66
func TestValidate(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spec string
		want []string // paths
	}{
		"nothing":              {`{}`, nil},
		"everything":           {`{"recipients":[{"channel":"a","levels":"critical"},{"channel":"b"}],"triggers":{"fatal":{"warning":1,"critical":3},"rejected":{"warning":0.5,"critical":10,"measure":"percent"},"modelSize":{"warning":1000,"critical":1},"duration":{"critical":24},"throughput":{"warning":50,"windowHours":24}}}`, nil},
		"fatal off":            {`{"triggers":{"fatal":{"off":true}}}`, []string{"a.triggers.fatal.off"}},
		"rejected off":         {`{"triggers":{"rejected":{"off":true}}}`, []string{"a.triggers.rejected.off"}},
		"optional off":         {`{"triggers":{"modelSize":{"off":true}}}`, nil},
		"no such trigger":      {`{"triggers":{"mood":{}}}`, []string{"a.triggers.mood"}},
		"no streak":            {`{"triggers":{"fatal":{"critical":0}}}`, []string{"a.triggers.fatal.critical"}},
		"half a run":           {`{"triggers":{"fatal":{"critical":1.5}}}`, []string{"a.triggers.fatal.critical"}},
		"half a row":           {`{"triggers":{"rejected":{"critical":1.5}}}`, []string{"a.triggers.rejected.critical"}},
		"half a percent":       {`{"triggers":{"rejected":{"critical":0.5,"measure":"percent"}}}`, nil},
		"over 100 percent":     {`{"triggers":{"rejected":{"critical":101,"measure":"percent"}}}`, []string{"a.triggers.rejected.critical"}},
		"half an hour":         {`{"triggers":{"duration":{"warning":0.5}}}`, []string{"a.triggers.duration.warning"}},
		"two days":             {`{"triggers":{"duration":{"warning":48}}}`, []string{"a.triggers.duration.warning"}},
		"critical first":       {`{"triggers":{"duration":{"warning":5,"critical":2}}}`, []string{"a.triggers.duration.critical"}},
		"critical first below": {`{"triggers":{"modelSize":{"warning":100,"critical":500}}}`, []string{"a.triggers.modelSize.critical"}},
		"no measure":           {`{"triggers":{"fatal":{"measure":"percent"}}}`, []string{"a.triggers.fatal.measure"}},
		"no window":            {`{"triggers":{"duration":{"windowHours":3}}}`, []string{"a.triggers.duration.windowHours"}},
		"window too long":      {`{"triggers":{"throughput":{"windowHours":7200}}}`, []string{"a.triggers.throughput.windowHours"}},
		"recipients":           {`{"recipients":[{"channel":""},{"channel":"a"},{"channel":"a","levels":"some"}]}`, []string{"a.recipients[0].channel", "a.recipients[2].channel", "a.recipients[2].levels"}},
		"several":              {`{"recipients":[{"channel":""}],"triggers":{"fatal":{"off":true},"mood":{}}}`, []string{"a.recipients[0].channel", "a.triggers.fatal.off", "a.triggers.mood"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var issues fault.Issues
			read(t, c.spec).Validate("a", SyncTypes, &issues)
			var paths []string
			for _, issue := range issues {
				paths = append(paths, issue.Path)
			}
			if !slices.Equal(paths, c.want) {
				t.Errorf("found %v, want %v", issues, c.want)
			}
		})
	}
}

// An absent list of recipients is another thing than an empty one, also after the document was stored.
//
// Req: SY-62
func TestNobodyIsStored(t *testing.T) {
	t.Parallel()
	for _, text := range []string{`{"recipients":[]}`, `{}`, `{"recipients":[{"channel":"a"}]}`} {
		stored, err := json.Marshal(read(t, text))
		if err != nil || string(stored) != text {
			t.Errorf("%s is stored as %s: %v", text, stored, err)
		}
	}
}

// The sync's word counts before the destination's, and what nobody mentions is as the types say: fatal errors and
// rejected rows are watched, the others are not.
//
// Req: SY-62, SY-66
func TestEffective(t *testing.T) {
	t.Parallel()
	type want struct {
		off      bool
		warning  float64 // 0: none
		critical float64
		from     int
	}
	standard := map[string]want{
		Fatal: {critical: 1, from: Nowhere}, Rejected: {warning: 1, from: Nowhere}, ModelSize: {off: true, warning: 1, from: Nowhere},
		Duration: {off: true, warning: 1, from: Nowhere}, Throughput: {off: true, warning: 1, from: Nowhere},
	}
	for name, c := range map[string]struct {
		sync, destination string
		want              map[string]want // what differs from the standard
		recipients        string          // the first one's channel
		from              int
	}{
		"nothing":                     {"", "", nil, "", Nowhere},
		"the destination's":           {"", `{"recipients":[{"channel":"d"}],"triggers":{"fatal":{"critical":3},"duration":{"critical":6}}}`, map[string]want{Fatal: {critical: 3, from: 1}, Duration: {critical: 6, from: 1}}, "d", 1},
		"the sync's":                  {`{"recipients":[{"channel":"s"}],"triggers":{"fatal":{"critical":5}}}`, `{"recipients":[{"channel":"d"}],"triggers":{"fatal":{"critical":3}}}`, map[string]want{Fatal: {critical: 5, from: 0}}, "s", 0},
		"each by itself":              {`{"triggers":{"modelSize":{}}}`, `{"recipients":[{"channel":"d"}],"triggers":{"duration":{}}}`, map[string]want{ModelSize: {warning: 1, from: 0}, Duration: {warning: 1, from: 1}}, "d", 1},
		"turned off":                  {`{"triggers":{"duration":{"off":true}}}`, `{"triggers":{"duration":{"critical":2}}}`, map[string]want{Duration: {off: true, warning: 1, from: 0}}, "", Nowhere},
		"a trigger is replaced whole": {`{"triggers":{"fatal":{"warning":2}}}`, `{"triggers":{"fatal":{"critical":3}}}`, map[string]want{Fatal: {warning: 2, from: 0}}, "", Nowhere},
		"nobody":                      {`{"recipients":[]}`, `{"recipients":[{"channel":"d"}]}`, nil, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := Effective(SyncTypes, read(t, c.sync), read(t, c.destination))
			for _, w := range p.Watches {
				expected, differs := c.want[w.Type.Name]
				if !differs {
					expected = standard[w.Type.Name]
				}
				if got := (want{w.Trigger.Off, of(w.Trigger.Warning), of(w.Trigger.Critical), w.From}); got != expected {
					t.Errorf("%s is %+v, want %+v", w.Type.Name, got, expected)
				}
			}
			first := ""
			if len(p.Recipients) > 0 {
				first = p.Recipients[0].Channel
			}
			if first != c.recipients || p.From != c.from {
				t.Errorf("%q of layer %d is told, want %q of %d", first, p.From, c.recipients, c.from)
			}
		})
	}
}

func of(n *float64) float64 {
	if n == nil {
		return 0
	}
	return *n
}

// Req: SY-66
func TestLevel(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		trigger, spec string
		value         float64
		want          Level
		threshold     float64
	}{
		"one failure":                 {Fatal, `{}`, 1, Critical, 1},
		"no failure":                  {Fatal, `{}`, 0, OK, 1},
		"a streak not reached":        {Fatal, `{"critical":3}`, 2, OK, 3},
		"a streak":                    {Fatal, `{"critical":3}`, 3, Critical, 3},
		"critical counts first":       {Fatal, `{"warning":1,"critical":3}`, 5, Critical, 3},
		"between":                     {Fatal, `{"warning":1,"critical":3}`, 2, Warning, 1},
		"one rejected row":            {Rejected, `{}`, 1, Warning, 1},
		"an empty model":              {ModelSize, `{}`, 0, Warning, 1},
		"a model at its minimum":      {ModelSize, `{"warning":1000}`, 1000, OK, 1000},
		"a model below it":            {ModelSize, `{"warning":1000,"critical":10}`, 999, Warning, 1000},
		"a model far below it":        {ModelSize, `{"warning":1000,"critical":10}`, 9, Critical, 10},
		"an hour":                     {Duration, `{}`, 1, OK, 1},
		"more than an hour":           {Duration, `{}`, 1.01, Warning, 1},
		"few operations":              {Throughput, `{"critical":50}`, 49, Critical, 50},
		"enough operations":           {Throughput, `{"critical":50}`, 50, OK, 50},
		"equal thresholds: the worse": {Fatal, `{"warning":2,"critical":2}`, 2, Critical, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := Effective(SyncTypes, read(t, `{"triggers":{"`+c.trigger+`":`+c.spec+`}}`))
			for _, w := range p.Watches {
				if w.Type.Name != c.trigger {
					continue
				}
				if level, threshold := w.Level(c.value); level != c.want || threshold != c.threshold {
					t.Errorf("%v is %s by %v, want %s by %v", c.value, level, threshold, c.want, c.threshold)
				}
			}
		})
	}
}
