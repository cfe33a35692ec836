package api_test

import (
	"context"
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/engine/audiencesize"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/kind/destination"
	kindsync "github.com/millrace/millrace/internal/kind/sync"
	"github.com/millrace/millrace/internal/resource"
	"github.com/millrace/millrace/internal/value"
)

// adPlatform is the world's target as an ad platform with audiences.
type adPlatform struct{ *memoryTarget }

var _ connector.AudienceReporter = adPlatform{}

// adsInfo is a type of destination that tells the sizes of its audiences.
func adsInfo(w *world) connector.DestinationInfo {
	return connector.DestinationInfo{
		Slug: "ads", Name: "Ads", Audiences: &connector.AudienceReport{
			Columns: []connector.AudienceColumn{{Name: "kind", Type: value.TypeString}}, SyncTypes: []string{"audience"},
		},
		SyncTypes: []connector.SyncType{{
			Slug: "audience", Name: "Audiences", Modes: []connector.Mode{connector.ModeAdd},
			Fields:  []connector.Field{{Name: "id", Label: "Audience", Type: connector.FieldString}},
			Mapping: connector.MappingRule{Enabled: true, Required: true},
		}},
		Open: func(connector.DestinationOptions) (connector.Destination, error) { return adPlatform{w.target}, nil },
	}
}

func (adPlatform) Audiences(_ context.Context, _ []connector.SyncJob, visit func(connector.Audience) error) error {
	n := int64(700)
	for _, a := range []connector.Audience{
		{AudienceRef: connector.AudienceRef{Account: "17", ID: "1"}, Name: "Buyers", Size: &n, Status: "Normal", Link: "https://ads.example.com/1", Values: []value.Value{{}}},
		{AudienceRef: connector.AudienceRef{Account: "17", ID: "2"}, Name: "Few", Values: []value.Value{{}}},
	} {
		if err := visit(a); err != nil {
			return err
		}
	}
	return nil
}

func (adPlatform) AudienceOf(_ context.Context, job connector.SyncJob) (connector.AudienceRef, bool, error) {
	return connector.AudienceRef{Account: "17", ID: job.Settings.Text("id")}, true, nil
}

// adAccounts opens the world's ad platform.
type adAccounts struct{ w *world }

var _ audiencesize.Destinations = adAccounts{}

func (a adAccounts) Destination(context.Context, int64, int64, destination.Spec) (connector.Destination, error) {
	return adPlatform{a.w.target}, nil
}

func (a adAccounts) Job(_ context.Context, _ int64, doc resource.Document, _ connector.DestinationInfo) (connector.SyncJob, error) {
	spec := doc.Spec.(*kindsync.Spec)
	return connector.SyncJob{SyncID: doc.ID, Mode: spec.Mode, Settings: spec.Settings}, nil
}

// A destination says where the sizes of its audiences are written and how that stands; a sync, how many of those whom it
// sent were matched.
//
// Req: SY-94, MB-14
func TestAudienceSizes(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.furnish()
		w.ok("GET", "/api/destinations/crm/audience-sizes", nil).has("supported", false).has("enabled", false).has("looks", "[]")
		w.send("POST", "/api/destinations/crm/audience-sizes/run", nil).want(422)
		w.ok("GET", "/api/syncs/people-to-crm/matched-users", nil).has("supported", false).has("newest", nil)

		w.ok("POST", "/api/sources", document("house", "House", object{"type": "house", "engine": "lightning", "configuration": object{"auditSchema": "told"}}))
		spec := object{"type": "ads", "configuration": object{}, "audienceSizes": object{"enabled": true, "source": "shop"}}
		w.send("POST", "/api/destinations", document("ads", "Ads", spec)).want(422).has("error.path", "spec.audienceSizes.source")
		spec["audienceSizes"] = object{"enabled": true, "source": "house"}
		ads := w.ok("POST", "/api/destinations", document("ads", "Ads", spec)).has("spec.audienceSizes.source", "house").id("metadata.id")
		w.ok("POST", "/api/syncs", document("buyers", "Buyers", object{
			"model": "people", "destination": "ads", "type": "audience", "mode": "add", "settings": object{"id": "1"}, "disabled": false,
			"schedule": object{"type": "manual"}, "mappings": []object{{"to": "id", "from": "id"}},
		}))
		w.ok("GET", "/api/syncs/buyers/matched-users", nil).has("supported", true).has("newest", nil).has("settlesHours", 48)

		w.sizes.Warehouses = noWarehouse{fault.New(fault.CodeSourceUnreachable, "nobody is home")}
		w.sizes.Sweep(t.Context())
		w.ok("GET", "/api/destinations/ads/audience-sizes", nil).has("supported", true).has("enabled", true).has("state", "failed").
			has("source.slug", "house").has("table", path("told.ads_%d_audiences", ads)).has("view", "told.external_audiences_metadata_v1").
			has("error.code", "source.unreachable").has("error.message", "nobody is home").has("looks.0.error.code", "source.unreachable")
		w.ok("GET", "/api/destinations/ads/audiences", nil).has("total", 0)

		spec["audienceSizes"] = object{"enabled": false, "source": "house"}
		w.ok("PUT", "/api/destinations/ads", document("ads", "Ads", spec))
		w.sizes.Sweep(t.Context())
		w.ok("GET", "/api/destinations/ads/audience-sizes", nil).has("enabled", false).has("state", "done").has("error", nil).has("looks.0.audiences", 2)
		w.ok("GET", "/api/destinations/ads/audiences?limit=1", nil).has("total", 2).has("nextCursor", "1").has("items.0.size", 700).has("items.0.sync.slug", "buyers")
		w.ok("GET", "/api/destinations/ads/audiences?cursor=1", nil).has("items.0.name", "Few").has("items.0.size", nil).has("items.0.sync", nil).has("nextCursor", nil)
		w.ok("GET", "/api/syncs/buyers/matched-users", nil).has("newest.matched", 700).has("newest.percent", nil).has("newest.link", "https://ads.example.com/1").has("newest.status", "Normal")
		w.send("POST", "/api/destinations/ads/audience-sizes/run", nil).want(202)
	})
}
