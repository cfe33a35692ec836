package notion

import (
	"strconv"
	"strings"
	"time"

	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

// shape is how values of a type of properties are written.
// https://developers.notion.com/reference/page-property-values
type shape struct {
	target string // of connector.TargetTypes
	match  bool   // rows can be matched by it
	of     func(value.Value) (any, error)
}

var shapes = map[string]shape{
	"title":        {"string", true, richText},
	"rich_text":    {"string", true, richText},
	"number":       {"number", false, number},
	"checkbox":     {"boolean", false, checkbox},
	"date":         {"timestamp", false, date},
	"select":       {"string", false, choice},
	"multi_select": {"array", false, choices},
	"email":        {"string", false, line},
	"phone_number": {"string", false, line},
	"url":          {"string", false, line},
}

// perText is how many characters one rich text has at most.
const perText = 2000

// texts splits a text into rich texts.
func texts(text string) []any {
	all := []any{}
	for runes := []rune(text); len(runes) > 0; {
		n := min(len(runes), perText)
		all = append(all, map[string]any{"text": map[string]any{"content": string(runes[:n])}})
		runes = runes[n:]
	}
	return all
}

func richText(v value.Value) (any, error) {
	if v.IsNull() {
		return []any{}, nil
	}
	return texts(v.String()), nil
}

func number(v value.Value) (any, error) {
	switch v.Kind() {
	case value.Null, value.Int, value.Float, value.Decimal:
		return v, nil
	}
	text := strings.TrimSpace(v.String())
	if text == "" {
		return value.Value{}, nil
	}
	if _, err := strconv.ParseFloat(text, 64); err != nil || v.Kind() != value.Text {
		return nil, fault.New(fault.CodeMappingReject, "the value is no number").WithSuggestion("Cast the column to a number in the model.")
	}
	return value.OfNumber(text), nil
}

// checkbox is never empty: null unticks it.
func checkbox(v value.Value) (any, error) {
	switch v.Kind() {
	case value.Null:
		return false, nil
	case value.Bool:
		return v.Bool(), nil
	}
	switch strings.ToLower(v.String()) {
	case "true", "yes", "1", "t", "y":
		return true, nil
	case "false", "no", "0", "f", "n", "":
		return false, nil
	}
	return nil, fault.New(fault.CodeMappingReject, "the value is neither true nor false").WithSuggestion("Cast the column to a boolean in the model.")
}

// date is one date, with a time or without.
func date(v value.Value) (any, error) {
	var start string
	switch v.Kind() {
	case value.Null:
		return value.Value{}, nil
	case value.Day:
		start = v.Time().Format(time.DateOnly)
	case value.Time:
		start = v.Time().Format(time.RFC3339)
	default:
		if start = strings.TrimSpace(v.String()); start == "" {
			return value.Value{}, nil
		}
	}
	return map[string]any{"start": start}, nil
}

func choice(v value.Value) (any, error) {
	text := strings.TrimSpace(v.String())
	if v.IsNull() || text == "" {
		return value.Value{}, nil
	}
	return map[string]any{"name": text}, nil
}

// choices are several: a list, or a text with commas between them.
func choices(v value.Value) (any, error) {
	items := v.List()
	if v.Kind() != value.List && !v.IsNull() {
		for part := range strings.SplitSeq(v.String(), ",") {
			items = append(items, value.OfText(part))
		}
	}
	all := []any{}
	for _, item := range items {
		named, err := choice(item)
		if err != nil {
			return nil, err
		}
		if _, is := named.(map[string]any); is {
			all = append(all, named)
		}
	}
	return all, nil
}

// line is a text that is empty or null.
func line(v value.Value) (any, error) {
	if v.IsNull() || v.String() == "" {
		return value.Value{}, nil
	}
	return v.String(), nil
}
