package sequence

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/millrace/millrace/internal/resource/resourcetest"
)

func TestGolden(t *testing.T) {
	t.Parallel()
	resourcetest.Golden(t, Kind(), "testdata/golden.json")
}

// Req: SY-86, SY-87
func TestValidate(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		spec string
		want []string // the paths of what is wrong
	}{
		{"a sync", `{"steps":[{"sync":"a"}],"schedule":{},"disabled":false}`, nil},
		{"a sync twice", `{"steps":[{"sync":"a"},{"sync":"b"},{"sync":"a"}],"schedule":{"type":"manual"},"disabled":false}`, nil},
		{"no step", `{"steps":[],"schedule":{},"disabled":false}`, []string{"spec.steps"}},
		{"every setting", `{"steps":[{"sync":"a","terminate":"rejected","rejected":{"percent":100}},{"sync":"b","terminate":"fatal"},{"sync":"c","terminate":"never"}],"schedule":{},"disabled":false}`, nil},
		{"another setting", `{"steps":[{"sync":"a","terminate":"sometimes"}],"schedule":{},"disabled":false}`, []string{"spec.steps[0].terminate"}},
		{"a limit that nothing reads", `{"steps":[{"sync":"a","terminate":"fatal","rejected":{"count":1}}],"schedule":{},"disabled":false}`, []string{"spec.steps[0].rejected"}},
		{"two limits", `{"steps":[{"sync":"a","rejected":{"count":1,"percent":1}}],"schedule":{},"disabled":false}`, []string{"spec.steps[0].rejected"}},
		{"an empty limit", `{"steps":[{"sync":"a","rejected":{}}],"schedule":{},"disabled":false}`, []string{"spec.steps[0].rejected"}},
		{"bad limits", `{"steps":[{"sync":"a","rejected":{"count":-1}},{"sync":"a","rejected":{"percent":101}}],"schedule":{},"disabled":false}`, []string{"spec.steps[0].rejected.count", "spec.steps[1].rejected.percent"}},
		{"six fields", `{"steps":[{"sync":"a"}],"schedule":{"type":"cron","cron":"0 0 12 * * *"},"disabled":false}`, []string{"spec.schedule.cron"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			spec := &Spec{}
			if err := json.Unmarshal([]byte(tt.spec), spec); err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, issue := range spec.validate() {
				got = append(got, issue.Path)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("%v, want %v", got, tt.want)
			}
		})
	}
}

// Req: SY-87
func TestExceeded(t *testing.T) {
	t.Parallel()
	tests := []struct {
		limit             Limit
		rejected, queried int64
		want              bool
	}{
		{Limit{}, 0, 100, false},
		{Limit{}, 1, 100, true},
		{Limit{Count: 10}, 9, 100, false},
		{Limit{Count: 10}, 10, 100, true},
		{Limit{Percent: 5}, 4, 100, false},
		{Limit{Percent: 5}, 5, 100, true},
		{Limit{Percent: 0.5}, 1, 200, true},
		{Limit{Percent: 50}, 0, 0, false},
		{Limit{Percent: 100}, 3, 0, true}, // removals are refused although no row was read
	}
	for _, tt := range tests {
		if got := tt.limit.Exceeded(tt.rejected, tt.queried); got != tt.want {
			t.Errorf("%+v: %d of %d: %v", tt.limit, tt.rejected, tt.queried, got)
		}
	}
}
