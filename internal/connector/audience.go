package connector

import (
	"context"

	"github.com/millrace/millrace/internal/value"
)

// AudienceReporter is a Destination that tells which audiences its ad accounts have and how large they are (SY-94).
// Its DestinationInfo has Audiences.
type AudienceReporter interface {
	// Audiences calls visit with every audience of every ad account, also those that Millrace has not made. The
	// accounts are those that the connection reaches, and those that the jobs name. An error of visit ends it.
	Audiences(ctx context.Context, jobs []SyncJob, visit func(Audience) error) error
	// AudienceOf returns the audience that a sync fills; ok is false for a sync that fills none, or has not made its
	// own yet. It makes nothing.
	AudienceOf(ctx context.Context, job SyncJob) (ref AudienceRef, ok bool, err error)
}

// AudienceReport is what a destination tells of audiences.
type AudienceReport struct {
	Columns   []AudienceColumn `json:"columns"`   // what the vendor tells besides account, ID, name and size
	SyncTypes []string         `json:"syncTypes"` // the slugs of those that fill audiences
}

// AudienceColumns are the columns that every table of audience sizes has, whatever the vendor tells.
var AudienceColumns = []string{
	"ad_account_id", "audience_id", "audience_name", "audience_size",
	"fetched_at", "destination", "destination_id", "sync_id", "snapshot_id",
}

// AudienceColumn is one thing that a vendor tells of an audience.
type AudienceColumn struct {
	Name string     `json:"name"` // lower-case letters, digits and underscores
	Type value.Type `json:"type"` // string, number, boolean, timestamp or object
	// Whole says that numbers are whole.
	Whole bool `json:"whole,omitempty"`
}

// AudienceRef names an audience.
type AudienceRef struct {
	Account string
	ID      string
}

// Audience is what a vendor tells of one audience.
type Audience struct {
	AudienceRef

	Name   string
	Size   *int64        // people who can be reached, or the vendor's estimate of them; nil: not known
	Status string        // the vendor's own word; empty: none
	Link   string        // the vendor's page; empty: none
	Values []value.Value // by AudienceReport.Columns; null: not told
}
