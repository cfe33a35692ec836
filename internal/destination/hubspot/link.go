package hubspot

import (
	"context"
	"net/url"
	"slices"
	"strings"
)

// end is a record in a request about associations.
type end struct {
	ID string `json:"id"`
}

// pair is an association of two records in a request.
type pair struct {
	From  end    `json:"from"`
	To    end    `json:"to"`
	Types []spec `json:"types"`

	item *item
}

// pairsPerRequest is how many associations a request has: as many as one that reads them may have.
const pairsPerRequest = 1000

// associate brings the associations of written rows into the state that the sync asks for.
func (w *batch) associate(ctx context.Context) error {
	if len(w.links) == 0 || len(w.items) == 0 {
		return nil
	}
	if err := w.identify(ctx); err != nil {
		return err
	}
	var types []string
	for i := range w.links {
		if to := w.links[i].to; !slices.Contains(types, to) {
			types = append(types, to)
		}
	}
	for _, to := range types {
		if err := w.associateWith(ctx, to); err != nil {
			return err
		}
	}
	return nil
}

// identify finds the ids of records that an answer did not tell.
func (w *batch) identify(ctx context.Context) error {
	var values []string
	for _, it := range w.items {
		if it.id == "" && (len(it.now) > 0 || len(it.then) > 0) {
			values = append(values, it.match)
		}
	}
	if len(values) == 0 {
		return nil
	}
	records, err := w.by.find(ctx, w.run, values, nil)
	if err != nil {
		return w.lost(err, w.items)
	}
	for _, it := range w.items {
		if rec := records[strings.ToLower(it.match)]; rec != nil && it.id == "" {
			it.id = rec.id
		}
	}
	return nil
}

func (w *batch) associateWith(ctx context.Context, to string) error {
	path := "/crm/v4/associations/" + url.PathEscape(w.object) + "/" + url.PathEscape(to) + "/batch/"
	switch w.mode {
	case modeOverwrite:
		gone, err := w.others(ctx, path, to)
		if err != nil {
			return w.lost(err, w.changed())
		}
		if err := w.tell(ctx, path+"archive", gone); err != nil {
			return err
		}
	case modeDiff:
		if err := w.tell(ctx, path+"labels/archive", w.removed(to)); err != nil {
			return err
		}
	}
	return w.tell(ctx, path+"create", w.wanted(to))
}

// changed are the items whose associations are others than before.
func (w *batch) changed() []*item {
	return slices.DeleteFunc(slices.Clone(w.items), func(it *item) bool { return !it.changed || it.id == "" })
}

// wanted are the associations that rows ask for and did not ask for before.
func (w *batch) wanted(to string) []pair {
	var all []pair
	for _, it := range w.changed() {
		for _, l := range it.now {
			if l.of.to == to {
				all = append(all, pair{From: end{it.id}, To: end{l.to}, Types: l.types, item: it})
			}
		}
	}
	return all
}

// removed are the associations that rows asked for before and do not any more.
func (w *batch) removed(to string) []pair {
	var all []pair
	for _, it := range w.changed() {
		for _, l := range it.then {
			if l.of.to != to {
				continue
			}
			if gone := l.without(it.now); len(gone) > 0 {
				all = append(all, pair{From: end{it.id}, To: end{l.to}, Types: gone, item: it})
			}
		}
	}
	return all
}

// without are the link's types that no link with the same record has any more.
func (l link) without(now []link) []spec {
	return slices.DeleteFunc(slices.Clone(l.types), func(s spec) bool {
		return slices.ContainsFunc(now, func(n link) bool { return n.of.to == l.of.to && n.to == l.to && slices.Contains(n.types, s) })
	})
}

// page is what one record is associated with.
type page struct {
	From end `json:"from"`
	To   []struct {
		ID    idText `json:"toObjectId"`
		Types []struct {
			Category string `json:"category"`
			Type     int    `json:"typeId"`
		} `json:"associationTypes"`
	} `json:"to"`
	Paging struct {
		Next struct {
			After string `json:"after"`
		} `json:"next"`
	} `json:"paging"`
}

// idText is an id that some answers have as a number.
type idText string

// UnmarshalJSON reads a text or a number.
func (v *idText) UnmarshalJSON(text []byte) error {
	*v = idText(strings.Trim(string(text), `"`))
	return nil
}

// others reads the associations that HubSpot has of changed rows and that they do not ask for, whoever made them.
func (w *batch) others(ctx context.Context, path, to string) ([]pair, error) {
	type question struct {
		ID    string `json:"id"`
		After string `json:"after,omitempty"`
	}
	items := map[string]*item{}
	var ask []question
	for _, it := range w.changed() {
		items[it.id] = it
		ask = append(ask, question{ID: it.id})
	}
	var all []pair
	for len(ask) > 0 {
		var got struct {
			Results []page `json:"results"`
		}
		if err := read(ctx, w.run, "POST", path+"read", map[string]any{"inputs": ask}, &got); err != nil {
			return nil, err
		}
		ask = nil
		for _, p := range got.Results {
			it := items[p.From.ID]
			if it == nil {
				continue
			}
			for _, t := range p.To {
				other := link{to: string(t.ID), of: &association{to: to}}
				for _, s := range t.Types {
					other.types = append(other.types, spec{s.Category, s.Type})
				}
				if !it.asks(other) {
					all = append(all, pair{From: end{it.id}, To: end{other.to}, item: it})
				}
			}
			if after := p.Paging.Next.After; after != "" {
				ask = append(ask, question{ID: it.id, After: after})
			}
		}
	}
	return all, nil
}

// asks reports whether the row asks for a link with all of its labels. The type without a label comes with every other.
func (it *item) asks(other link) bool {
	if !slices.ContainsFunc(it.now, func(l link) bool { return l.of.to == other.of.to && l.to == other.to }) {
		return false
	}
	for _, s := range other.types {
		asked := slices.ContainsFunc(it.now, func(l link) bool {
			return l.of.to == other.of.to && l.to == other.to && (slices.Contains(l.types, s) || s == l.of.plain)
		})
		if !asked {
			return false
		}
	}
	return true
}

// tell makes the requests about some associations.
func (w *batch) tell(ctx context.Context, path string, pairs []pair) error {
	pairs = slices.DeleteFunc(slices.Clone(pairs), func(p pair) bool { return !slices.Contains(w.items, p.item) })
	for chunk := range slices.Chunk(pairs, pairsPerRequest) {
		if err := w.tellSome(ctx, path, chunk); err != nil {
			return err
		}
	}
	return nil
}

// made is an association that was made.
type made struct {
	From idText `json:"fromObjectId"`
	To   idText `json:"toObjectId"`
}

func (w *batch) tellSome(ctx context.Context, path string, pairs []pair) error {
	items := owners(pairs)
	return w.part(items, func(items []*item) error {
		some := slices.DeleteFunc(slices.Clone(pairs), func(p pair) bool { return !slices.Contains(items, p.item) })
		var got struct {
			Results []made    `json:"results"`
			Errors  []problem `json:"errors"`
		}
		if err := call(ctx, w.run, "POST", path, body(path, some), &got); err != nil || len(got.Errors) == 0 {
			return err
		}
		for _, p := range some {
			done := slices.ContainsFunc(got.Results, func(res made) bool {
				return string(res.From) == p.From.ID && string(res.To) == p.To.ID
			})
			if !done && slices.Contains(w.items, p.item) {
				reason := &got.Errors[0]
				if own := about(got.Errors, "", p.To.ID, p.From.ID); own != nil {
					reason = own
				}
				w.drop(p.item, w.words(*reason), false)
			}
		}
		return nil
	})
}

// owners are the rows that some associations are of.
func owners(pairs []pair) []*item {
	var all []*item
	for _, p := range pairs {
		if !slices.Contains(all, p.item) {
			all = append(all, p.item)
		}
	}
	return all
}

// body is a request about associations. One that removes all associations of two records names none of their types.
func body(path string, pairs []pair) map[string]any {
	if !strings.HasSuffix(path, "/batch/archive") {
		return map[string]any{"inputs": pairs}
	}
	type whole struct {
		From end   `json:"from"`
		To   []end `json:"to"`
	}
	var all []*whole
	for _, p := range pairs {
		at := slices.IndexFunc(all, func(e *whole) bool { return e.From == p.From })
		if at < 0 {
			all = append(all, &whole{From: p.From})
			at = len(all) - 1
		}
		all[at].To = append(all[at].To, p.To)
	}
	return map[string]any{"inputs": all}
}
