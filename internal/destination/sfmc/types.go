package sfmc

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

// fieldType is the type of a field of a data extension.
// https://developer.salesforce.com/docs/marketing/marketing-cloud/guide/dataextensionfield.html
type fieldType struct {
	Name   string
	Length int // of texts, or the digits of a decimal; 0 means that Salesforce decides
	Scale  int // digits behind the point
}

// Lengths of fields that have one.
const (
	keyLength   = 254 // the most that a sendable field can have
	emailLength = 254
	phoneLength = 50
)

var typePattern = regexp.MustCompile(`^([A-Za-z]+)(?:\s*\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\))?$`)

// typeNames are the types that fields can have.
var typeNames = []string{"Text", "Number", "Date", "Boolean", "EmailAddress", "Phone", "Decimal", "Locale"}

// readType reads a type as people write it, such as Text(50) or Decimal(18,2).
func readType(text string) (fieldType, error) {
	m := typePattern.FindStringSubmatch(strings.TrimSpace(text))
	at := -1
	if m != nil {
		at = slices.IndexFunc(typeNames, func(n string) bool { return strings.EqualFold(n, m[1]) })
	}
	if at < 0 {
		return fieldType{}, fault.New(fault.CodeInvalid, "%q is no type of field", text).
			WithSuggestion("Types are %s; a text can have a length, as in Text(50), and a decimal its digits and those behind the point, as in Decimal(18,2).", strings.Join(typeNames, ", "))
	}
	t := typeOf(typeNames[at])
	if m[2] != "" && t.Name != "Text" && t.Name != "Decimal" || m[3] != "" && t.Name != "Decimal" {
		return fieldType{}, fault.New(fault.CodeInvalid, "%s has no length: only Text and Decimal do", t.Name)
	}
	if m[2] != "" {
		t.Length, _ = strconv.Atoi(m[2]) //nolint:errcheck // they are digits
		t.Scale, _ = strconv.Atoi(m[3])  //nolint:errcheck // the same, or 0
	}
	return t, nil
}

// typeOf is a type with the lengths that it has unless people say otherwise.
func typeOf(name string) fieldType {
	switch name {
	case "EmailAddress":
		return fieldType{Name: name, Length: emailLength}
	case "Phone":
		return fieldType{Name: name, Length: phoneLength}
	case "Decimal":
		return fieldType{Name: name, Length: 18, Scale: 4}
	default:
		return fieldType{Name: name}
	}
}

// ofColumn is the type that a field gets of the values that it is filled with.
func ofColumn(t value.Type) fieldType {
	switch t {
	case value.TypeBoolean:
		return typeOf("Boolean")
	case value.TypeNumber:
		return typeOf("Decimal")
	case value.TypeDate, value.TypeTimestamp:
		return typeOf("Date")
	default:
		return typeOf("Text")
	}
}

// extensionField is a field of a data extension that is made.
type extensionField struct {
	Name string
	Type fieldType
	Key  bool
}

// node is the field as a request has it.
func (f extensionField) node() *node {
	length, scale := "", ""
	if f.Type.Length > 0 {
		length = strconv.Itoa(f.Type.Length)
	}
	if f.Type.Name == "Decimal" {
		scale = strconv.Itoa(f.Type.Scale)
	}
	return element("Field",
		leaf("CustomerKey", f.Name), leaf("Name", f.Name), leaf("Scale", scale), leaf("MaxLength", length),
		flag("IsRequired", f.Key), flag("IsPrimaryKey", f.Key), leaf("FieldType", f.Type.Name))
}

// fieldsOf are the fields that a sync fills: those that rows are matched by are the primary key.
func fieldsOf(job connector.SyncJob) ([]extensionField, error) {
	said, err := saidTypes(job)
	if err != nil {
		return nil, err
	}
	var all []extensionField
	add := func(name string, t fieldType, key bool) {
		if slices.ContainsFunc(all, func(f extensionField) bool { return strings.EqualFold(f.Name, name) }) {
			return
		}
		if other, ok := said[strings.ToLower(name)]; ok {
			t = other
		}
		if t.Name == "Text" && t.Length == 0 && (key || name == job.Settings.Text("sendField")) {
			t.Length = keyLength
		}
		all = append(all, extensionField{Name: name, Type: t, Key: key})
	}
	for _, m := range job.Match {
		var t value.Type
		if at := job.Model.Schema.Index(m.From); at >= 0 {
			t = job.Model.Schema[at].Type
		}
		add(m.To, ofColumn(t), true)
	}
	for _, c := range job.Columns {
		add(c.Name, ofColumn(c.Type), false)
	}
	return all, nil
}

// saidTypes are the types that people chose, by the fields' names in small letters.
func saidTypes(job connector.SyncJob) (map[string]fieldType, error) {
	said := map[string]fieldType{}
	for _, line := range job.Settings.List("types") {
		name, text, ok := strings.Cut(line, "=")
		if !ok || strings.TrimSpace(name) == "" {
			return nil, fault.New(fault.CodeInvalid, "%q does not say a field and its type, as in Email=EmailAddress", line)
		}
		t, err := readType(text)
		if err != nil {
			return nil, err
		}
		said[strings.ToLower(strings.TrimSpace(name))] = t
	}
	return said, nil
}
