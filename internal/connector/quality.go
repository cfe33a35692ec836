package connector

import "context"

// QualityReporter is a Destination whose vendor tells how well it can use the events that it is sent. Its sync types that
// are told of have SyncType.Quality.
type QualityReporter interface {
	// Quality asks the vendor about the events of the place that a sync sends to, those of other senders included, and
	// changes nothing there. The job is that of a sync's settings: it has no run, no columns and no model. There is no
	// event where the vendor has nothing to tell yet.
	Quality(ctx context.Context, job SyncJob) ([]EventQuality, error)
}

// EventQuality is what a vendor tells of the events of one name. What it does not tell is unknown, which is not 0.
type EventQuality struct {
	Event       string              `json:"event"`
	Score       *float64            `json:"score" doc:"from 0 to 10: how well the events can be matched to people; null: not known"`
	Additional  *float64            `json:"additional" doc:"conversions that are reported because of the events, in percent of those that would be without them; may exceed 100; null: not known"`
	Keys        []KeyCoverage       `json:"keys" nullable:"false" doc:"what people are matched by"`
	Diagnostics []QualityDiagnostic `json:"diagnostics" nullable:"false" doc:"what the vendor finds wrong"`
}

// KeyCoverage is how many of the events have something that people are matched by.
type KeyCoverage struct {
	Key     string   `json:"key" doc:"the vendor's name of it"`
	Percent *float64 `json:"percent" doc:"of the events; null: not known"`
}

// QualityDiagnostic is something that a vendor finds wrong with events, in its own words.
type QualityDiagnostic struct {
	Name        string   `json:"name"`
	Description string   `json:"description,omitempty"`
	Solution    string   `json:"solution,omitempty"`
	Percent     *float64 `json:"percent" doc:"of the events; null: not known"`
}
