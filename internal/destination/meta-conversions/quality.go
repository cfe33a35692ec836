// Package conversions is what the manifest of Meta's Conversions API cannot say: how well Meta can use the events.
//
// Meta's pages are named in README.md.
package conversions

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/manifest"
	"github.com/millrace/millrace/internal/fault"
)

// Hooks returns the Go code beside the manifest.
func Hooks() manifest.Hooks {
	return manifest.Hooks{
		Quality: map[string]func(context.Context, *manifest.Run) ([]connector.EventQuality, error){"event": quality},
	}
}

// fields are what is asked for: of events of websites, since Meta rates no others.
const fields = "web{event_name," +
	"event_match_quality{composite_score,match_key_feedback{identifier,coverage{percentage}},diagnostics{name,description,solution,percentage}}," +
	"acr{percentage}}"

// quality asks the Dataset Quality API.
func quality(ctx context.Context, r *manifest.Run) ([]connector.EventQuality, error) {
	q := url.Values{"dataset_id": {r.Settings().Text("pixelId")}, "fields": {fields}}
	a, err := r.Ask(ctx, http.MethodGet, "/dataset_quality?"+q.Encode(), nil, nil)
	if err != nil {
		return nil, refused(a, err)
	}
	return read(a.Body)
}

// refused says what a token needs that may not read the quality, where that is what is wrong.
func refused(a *manifest.Answered, err error) error {
	if a == nil || !denies(a.Body) {
		return err
	}
	return fault.New(fault.CodeDestinationDenied, "Meta does not let the access token read the quality of events: %s", fault.As(err).Message).
		WithSuggestion("Generate an access token in the Events Manager and accept the Dataset Quality API there; older tokens of the same person may use it from then on. " +
			"A system user needs the permission Use events dataset, and its app ads_read with ads_management or business_management.")
}

// denies reports whether an answer says that a permission is missing: by Meta's codes 10, and 200 to 299.
func denies(body []byte) bool {
	var failure struct {
		Error struct {
			Code int `json:"code"`
		} `json:"error"`
	}
	if json.Unmarshal(body, &failure) != nil {
		return false
	}
	code := failure.Error.Code
	return code == 10 || code >= 200 && code <= 299
}

type percentage struct {
	Percentage *float64 `json:"percentage"`
}

// answer is what Meta answers. It leaves out what it does not know.
type answer struct {
	Web []struct {
		Name  string `json:"event_name"`
		Match struct {
			Score *float64 `json:"composite_score"`
			Keys  []struct {
				Identifier string     `json:"identifier"`
				Coverage   percentage `json:"coverage"`
			} `json:"match_key_feedback"`
			Diagnostics []struct {
				percentage

				Name        string `json:"name"`
				Description string `json:"description"`
				Solution    string `json:"solution"`
			} `json:"diagnostics"`
		} `json:"event_match_quality"`
		Additional percentage `json:"acr"`
	} `json:"web"`
}

// read reads an answer. Without events of websites, there is nothing in it.
func read(body []byte) ([]connector.EventQuality, error) {
	var a answer
	if err := json.Unmarshal(body, &a); err != nil {
		return nil, fault.Wrap(err, fault.CodeDestinationAnswer, "reading what Meta tells of the quality of events")
	}
	events := make([]connector.EventQuality, len(a.Web))
	for i, w := range a.Web {
		e := connector.EventQuality{
			Event: w.Name, Score: w.Match.Score, Additional: w.Additional.Percentage,
			Keys: []connector.KeyCoverage{}, Diagnostics: []connector.QualityDiagnostic{},
		}
		for _, k := range w.Match.Keys {
			e.Keys = append(e.Keys, connector.KeyCoverage{Key: k.Identifier, Percent: k.Coverage.Percentage})
		}
		for _, d := range w.Match.Diagnostics {
			e.Diagnostics = append(e.Diagnostics, connector.QualityDiagnostic{Name: d.Name, Description: d.Description, Solution: d.Solution, Percent: d.Percentage})
		}
		events[i] = e
	}
	return events, nil
}
