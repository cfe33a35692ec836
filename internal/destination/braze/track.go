package braze

import (
	"context"
	"fmt"
	"strings"

	"github.com/millrace/millrace/internal/connector/manifest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

// maxObjects are the most objects of a request to /users/track, and maxIDs those of the other requests about users.
// https://www.braze.com/docs/api/endpoints/user_data/post_user_track/
const (
	maxObjects = 75
	maxIDs     = 50
)

// object is a part of a request, and the row that it is about.
type object struct {
	row  manifest.Row
	body value.Value
}

// sender sends the objects of one batch and keeps in mind which rows were refused.
type sender struct {
	run     *manifest.Run
	refused map[int]bool
	wrote   bool
}

func newSender(r *manifest.Run) *sender { return &sender{run: r, refused: map[int]bool{}} }

func (s *sender) refuse(w manifest.Row, reason string, retry bool) {
	if !s.refused[w.Index()] {
		s.refused[w.Index()] = true
		s.run.Reject(w, reason, retry)
	}
}

// send makes requests whose bodies are {member: [objects]}.
func (s *sender) send(ctx context.Context, path, member string, most int, objects []object) error {
	for len(objects) > 0 {
		n := min(most, len(objects))
		if err := s.part(ctx, path, member, objects[:n]); err != nil {
			return err
		}
		objects = objects[n:]
	}
	return nil
}

func (s *sender) part(ctx context.Context, path, member string, objects []object) error {
	items := make([]value.Value, len(objects))
	for i, o := range objects {
		items[i] = o.body
	}
	body := value.OfMap([]value.Field{{Name: member, Value: value.OfList(items)}}).AppendJSON(nil)
	a, err := s.run.Class(strings.TrimPrefix(path, "/users/")).Ask(ctx, "POST", path, body, nil)
	if err != nil {
		return s.lost(err, objects)
	}
	s.wrote = true
	return s.read(a.Value(), objects)
}

// lost decides about a request that failed. Rows of a batch of which a part was taken cannot be refused as a whole.
func (s *sender) lost(err error, objects []object) error {
	class := fault.ClassOf(err)
	if !s.wrote || class == fault.Unknown || class == fault.Fatal {
		return err
	}
	for _, o := range objects {
		s.refuse(o.row, fault.As(err).Error(), len(objects) > 1 || class != fault.Permanent)
	}
	return nil
}

// read refuses the rows that a success names. Their numbers count within the list.
func (s *sender) read(answer value.Value, objects []object) error {
	errors, _ := answer.Get("errors")
	for _, e := range errors.Parsed().List() {
		index, _ := e.Get("index")
		words, _ := e.Get("type")
		if words.IsNull() {
			words = e
		}
		i := int(index.Int())
		if index.Kind() != value.Int || i < 0 || i >= len(objects) {
			return fault.New(fault.CodeDestinationUnknown, "Braze does not say which row it refused: %s", words)
		}
		s.refuse(objects[i].row, explained(words.String()), false)
	}
	return nil
}

// explained adds to what Braze says of a row what people can do about it, where its words do not tell.
func explained(words string) string {
	if strings.Contains(words, "phone") {
		return words + " Braze does not take numbers that are deactivated, refused by carriers, opted out or another user's."
	}
	return words
}

// reading is the error of a request that only reads: whether it arrived does not matter.
func reading(err error) error {
	if fault.ClassOf(err) == fault.Unknown {
		return fault.Reclass(err, fault.Retryable)
	}
	return err
}

// with puts what identifies a user before attributes.
func with(w manifest.Row, fields []value.Field, more ...value.Field) value.Value {
	all := append([]value.Field{}, w.Get("matched").Fields()...)
	all = append(all, more...)
	for _, f := range fields {
		if get(all, f.Name).IsNull() {
			all = append(all, f)
		}
	}
	return value.OfMap(all)
}

// identity is what identifies a row's user, as one text.
func identity(kind string, v value.Value) string {
	if kind != matchAlias {
		return v.String()
	}
	label, _ := v.Parsed().Get("alias_label")
	name, _ := v.Parsed().Get("alias_name")
	return fmt.Sprintf("%q %q", label.String(), name.String())
}

// What users are found by.
const (
	matchExternal = "external_id"
	matchBraze    = "braze_id"
	matchAlias    = "user_alias"
)
