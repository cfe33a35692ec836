package jira

import (
	"strconv"
	"strings"
	"time"

	"github.com/millrace/millrace/internal/connector/manifest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

// shape is how Jira takes the values of a field.
type shape struct {
	kind string // of the value, or of the items where there are several
	many bool
}

// document is the kind of texts in the Atlassian Document Format.
const document = "document"

// members are what names an object of a kind.
var members = map[string]string{
	"priority": "name", "user": "accountId", "option": "value", "version": "name", "component": "name", "group": "name",
	"securitylevel": "name", "resolution": "name", "issuelink": "id", "parent": "id",
}

func targetType(native string) string {
	switch native {
	case "number":
		return "number"
	case "date":
		return "date"
	case "datetime":
		return "timestamp"
	case "array":
		return "array"
	case "string", "priority", "option":
		return "string"
	case "user", "issuelink", "parent", "component", "version", "group":
		return "reference"
	default:
		return "object"
	}
}

// shapeOf reads the schema of a field. Long texts are documents.
func shapeOf(schema value.Value) shape {
	kind := manifest.TextAt(schema, "type")
	system, custom := manifest.TextAt(schema, "system"), manifest.TextAt(schema, "custom")
	switch {
	case kind == "array":
		return shape{manifest.TextAt(schema, "items"), true}
	case system == "description", system == "environment", strings.HasSuffix(custom, ":textarea"):
		return shape{kind: document}
	}
	return shape{kind: kind}
}

// of shapes a value. Null empties a field.
func (s shape) of(v value.Value) (any, error) {
	if !s.many {
		return s.one(v)
	}
	items := v.List()
	if v.Kind() != value.List && !v.IsNull() {
		for part := range strings.SplitSeq(v.String(), ",") {
			if part = strings.TrimSpace(part); part != "" {
				items = append(items, value.OfText(part))
			}
		}
	}
	all := []any{}
	for _, item := range items {
		shaped, err := s.one(item.Parsed())
		if err != nil {
			return nil, err
		}
		all = append(all, shaped)
	}
	return all, nil
}

func (s shape) one(v value.Value) (any, error) {
	if v.IsNull() || v.Kind() == value.Map {
		return v, nil
	}
	member := members[s.kind]
	switch {
	case s.kind == document:
		return text(v.String()), nil
	case member == "id":
		return issue(v.String()), nil
	case member != "":
		return map[string]any{member: v.String()}, nil
	}
	switch s.kind {
	case "string":
		return v.String(), nil
	case "number":
		return number(v)
	case "date", "datetime":
		return moment(v, s.kind), nil
	}
	return v, nil
}

// issue names another issue by its id, or by its key.
func issue(text string) map[string]any {
	if _, err := strconv.ParseUint(text, 10, 64); err != nil {
		return map[string]any{"key": text}
	}
	return map[string]any{"id": text}
}

func number(v value.Value) (any, error) {
	switch v.Kind() {
	case value.Int, value.Float, value.Decimal:
		return v, nil
	}
	text := strings.TrimSpace(v.String())
	if text == "" {
		return value.Value{}, nil
	}
	if _, err := strconv.ParseFloat(text, 64); err != nil {
		return nil, fault.New(fault.CodeMappingReject, "the value is no number").WithSuggestion("Cast the column to a number in the model.")
	}
	return value.OfNumber(text), nil
}

// moment is a date or a time as Jira reads them; a text is sent as it is.
func moment(v value.Value, kind string) any {
	switch {
	case v.Kind() != value.Time && v.Kind() != value.Day:
		return v.String()
	case kind == "date":
		return v.Time().Format(time.DateOnly)
	default:
		return v.Time().Format("2006-01-02T15:04:05.000-0700")
	}
}

// text is a document: one that is written down as JSON, or one that is made of a plain text.
func text(s string) any {
	if strings.HasPrefix(strings.TrimSpace(s), "{") {
		if v, err := value.ParseJSON(s); err == nil && manifest.TextAt(v, "type") == "doc" {
			return v
		}
	}
	return paragraphs(s)
}

// paragraphs makes a document of a plain text: an empty line ends a paragraph, other line breaks stay.
// https://developer.atlassian.com/cloud/jira/platform/apis/document/structure/
func paragraphs(text string) map[string]any {
	content := []any{}
	for block := range strings.SplitSeq(strings.ReplaceAll(text, "\r\n", "\n"), "\n\n") {
		nodes := []any{}
		for i, line := range strings.Split(block, "\n") {
			if i > 0 {
				nodes = append(nodes, map[string]any{"type": "hardBreak"})
			}
			if line != "" {
				nodes = append(nodes, map[string]any{"type": "text", "text": line})
			}
		}
		content = append(content, map[string]any{"type": "paragraph", "content": nodes})
	}
	return map[string]any{"version": 1, "type": "doc", "content": content}
}
