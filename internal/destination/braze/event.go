package braze

import (
	"context"
	"time"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/manifest"
	"github.com/millrace/millrace/internal/value"
)

// How long events wait for their users, and how often Braze is asked.
const (
	patience = 2 * time.Minute
	every    = 20 * time.Second
)

// writeEvents sends events of users that exist, and waits for the others to be made. What waited too long is tried again.
func writeEvents(ctx context.Context, r *manifest.Run) (connector.Result, error) {
	s := newSender(r)
	waiting := r.Rows()
	for waited := time.Duration(0); ; waited += every {
		var ready []manifest.Row
		var err error
		if ready, waiting, err = parted(ctx, r, waiting); err != nil {
			return connector.Result{}, s.left(err, waiting)
		}
		if err := s.events(ctx, ready); err != nil {
			return connector.Result{}, err
		}
		if len(waiting) == 0 {
			return r.Result(), nil
		}
		if waited >= patience {
			break
		}
		if err := r.Wait(ctx, every); err != nil {
			return connector.Result{}, s.left(err, waiting)
		}
	}
	for _, w := range waiting {
		s.refuse(w, "Braze has no user with this identifier yet", true)
	}
	return r.Result(), nil
}

// left is what an error means for rows that are still waiting: all of them are tried again where others were sent.
func (s *sender) left(err error, waiting []manifest.Row) error {
	if !s.wrote {
		return err
	}
	for _, w := range waiting {
		s.refuse(w, err.Error(), true)
	}
	return nil
}

// parted parts rows into those whose users exist and the others.
func parted(ctx context.Context, r *manifest.Run, rows []manifest.Row) (ready, waiting []manifest.Row, err error) {
	found, err := profiles(ctx, r, rows, nil)
	if err != nil {
		return nil, rows, err
	}
	for _, w := range rows {
		if _, there := found[identity(r.Job().Match[0].To, w.Match())]; there {
			ready = append(ready, w)
		} else {
			waiting = append(waiting, w)
		}
	}
	return ready, waiting, nil
}

// events sends the events or purchases of rows.
func (s *sender) events(ctx context.Context, rows []manifest.Row) error {
	member := "events"
	if s.run.Job().Settings.Text("kind") == "purchase" {
		member = "purchases"
	}
	var objects []object
	for _, w := range rows {
		objects = append(objects, object{w, s.event(w)})
	}
	return s.send(ctx, "/users/track", member, maxObjects, objects)
}

func (s *sender) event(w manifest.Row) value.Value {
	fields := w.Get("fields").Fields()
	var own []value.Field
	for _, f := range fields {
		if f.Name != "properties" && !f.Value.IsNull() {
			own = append(own, f)
		}
	}
	if name := s.run.Job().Settings.Text("eventName"); name != "" && get(own, "name").IsNull() && s.run.Job().Settings.Text("kind") != "purchase" {
		own = append(own, value.Field{Name: "name", Value: value.OfText(name)})
	}
	properties := get(fields, "properties")
	if properties.IsNull() {
		properties = w.Get("properties")
	}
	if len(properties.Parsed().Fields()) > 0 {
		own = append(own, value.Field{Name: "properties", Value: properties})
	}
	return with(w, own, existing(true)...)
}
