package mongodb

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/value"
)

// element is a value as MongoDB holds it: https://www.mongodb.com/docs/manual/reference/bson-types/. An instant has
// milliseconds, a date is its midnight in UTC, and a decimal has at most 34 digits.
func element(v value.Value) (any, error) {
	switch v = v.Parsed(); v.Kind() {
	case value.Null:
		return nil, nil //nolint:nilnil // null is a value
	case value.Bool:
		return v.Bool(), nil
	case value.Int:
		return v.Int(), nil
	case value.Float:
		return v.Float(), nil
	case value.Decimal:
		return decimal(v.Raw())
	case value.Bytes:
		return bson.Binary{Data: []byte(v.Raw())}, nil
	case value.Time, value.Day:
		return bson.NewDateTimeFromTime(v.Time()), nil
	case value.List:
		return array(v)
	case value.Map:
		return object(v)
	default:
		if !utf8.ValidString(v.Raw()) {
			return nil, errors.New("the text is not valid UTF-8, which a string must be")
		}
		return v.Raw(), nil
	}
}

// decimal keeps every digit, or refuses.
func decimal(text string) (any, error) {
	d, err := bson.ParseDecimal128(text)
	if err != nil {
		return nil, errors.New("the number has more than the 34 digits that a Decimal128 holds")
	}
	return d, nil
}

func array(v value.Value) (any, error) {
	items := make(bson.A, len(v.List()))
	for i, item := range v.List() {
		var err error
		if items[i], err = element(item); err != nil {
			return nil, err
		}
	}
	return items, nil
}

func object(v value.Value) (any, error) {
	members := make(bson.D, len(v.Fields()))
	for i, f := range v.Fields() {
		e, err := element(f.Value)
		if err != nil {
			return nil, err
		}
		members[i] = bson.E{Key: f.Name, Value: e}
	}
	return members, nil
}

// composer makes filters and updates of rows.
type composer struct {
	job   connector.SyncJob
	field string // that documents are found by
	hex   bool   // whose value is an ObjectId
}

func newComposer(job connector.SyncJob) composer {
	c := composer{job: job, field: job.Match[0].To}
	if c.field == matchObjectID {
		c.field, c.hex = matchID, true
	}
	return c
}

// filter finds a row's document.
func (c composer) filter(r connector.Row) (bson.D, error) {
	if len(r.Match) == 0 || r.Match[0].IsNull() || r.Match[0].String() == "" {
		return nil, fmt.Errorf("the row has no %s: the matched column is empty", c.field)
	}
	v := r.Match[0]
	if c.hex {
		id, err := bson.ObjectIDFromHex(v.String())
		if err != nil {
			return nil, errors.New("the matched column is not an ObjectId, which has 24 hexadecimal digits")
		}
		return bson.D{{Key: c.field, Value: id}}, nil
	}
	if kind := v.Parsed().Kind(); kind == value.List || kind == value.Map {
		return nil, fmt.Errorf("the matched column has a value of the type %s, which names no document", v.Kind())
	}
	e, err := element(v)
	if err != nil {
		return nil, err
	}
	return bson.D{{Key: c.field, Value: bson.D{{Key: "$eq", Value: e}}}}, nil
}

// set is the update by a row's values. Where every value is left out, it only makes sure that there is a document.
func (c composer) set(r connector.Row) (bson.D, error) {
	set := bson.D{}
	for i, column := range c.job.Columns {
		v := r.Values[i]
		if isMatched(c.job, column.Name) || v.IsNull() && column.Omit {
			continue
		}
		e, err := element(v)
		if err != nil {
			return nil, fmt.Errorf("the field %s: %w", column.Name, err)
		}
		set = append(set, bson.E{Key: column.Name, Value: e})
	}
	if len(set) == 0 {
		filter, err := c.filter(r)
		if err != nil {
			return nil, err
		}
		e, _ := element(r.Match[0]) //nolint:errcheck // the filter has one
		if c.hex {
			e = filter[0].Value
		}
		return bson.D{{Key: "$setOnInsert", Value: bson.D{{Key: c.field, Value: e}}}}, nil
	}
	return bson.D{{Key: "$set", Value: set}}, nil
}

// unset is the update that takes the mapped fields away.
func (c composer) unset() bson.D {
	unset := bson.D{}
	for _, column := range c.job.Columns {
		if !isMatched(c.job, column.Name) {
			unset = append(unset, bson.E{Key: column.Name, Value: ""})
		}
	}
	return bson.D{{Key: "$unset", Value: unset}}
}
