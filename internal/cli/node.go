package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"github.com/millrace/millrace/internal/fault"
	"gopkg.in/yaml.v3"
)

// fileDocument is one document of a file.
type fileDocument struct {
	file string
	node *yaml.Node
	json json.RawMessage
}

// parseDocuments reads the documents of a file, and replaces ${NAME} in their texts.
func parseDocuments(file string, text []byte, lookup func(string) (string, bool)) ([]fileDocument, error) {
	d := yaml.NewDecoder(bytes.NewReader(text))
	var documents []fileDocument
	for {
		var node yaml.Node
		err := d.Decode(&node)
		if errors.Is(err, io.EOF) {
			return documents, nil
		}
		if err != nil {
			return nil, fault.Wrap(err, fault.CodeMalformed, "reading %s", file)
		}
		tree, err := treeOf(&node)
		if err != nil {
			return nil, fault.Wrap(err, fault.CodeMalformed, "reading %s", file)
		}
		if tree == nil {
			continue
		}
		filled, err := fillVariables(tree, lookup)
		if err != nil {
			return nil, fault.Wrap(err, fault.CodeInvalid, "reading %s", file)
		}
		b, err := json.Marshal(filled)
		if err != nil {
			return nil, fault.Wrap(err, fault.CodeMalformed, "reading %s", file)
		}
		documents = append(documents, fileDocument{file, &node, b})
	}
}

// jsonNumber is a number that YAML and JSON write alike.
var jsonNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$`)

// treeOf returns what a node means, with every digit of its numbers.
func treeOf(n *yaml.Node) (any, error) {
	var plain any
	if err := n.Decode(&plain); err != nil { // says what is wrong, such as a key that occurs twice
		return nil, err
	}
	return exact(n, plain), nil
}

// exact puts the numbers of a node, as they are written, into what the node means.
func exact(n *yaml.Node, plain any) any {
	switch n.Kind {
	case yaml.DocumentNode:
		if len(n.Content) == 1 {
			return exact(n.Content[0], plain)
		}
	case yaml.AliasNode:
		return exact(n.Alias, plain)
	case yaml.ScalarNode:
		if tag := n.ShortTag(); (tag == "!!int" || tag == "!!float") && jsonNumber.MatchString(n.Value) {
			return json.Number(n.Value)
		}
	case yaml.SequenceNode:
		if list, ok := plain.([]any); ok && len(list) == len(n.Content) {
			for i, item := range n.Content {
				list[i] = exact(item, list[i])
			}
		}
	case yaml.MappingNode:
		if members, ok := plain.(map[string]any); ok {
			for i := 0; i+1 < len(n.Content); i += 2 {
				if v, own := members[n.Content[i].Value]; own && n.Content[i].Tag != "!!merge" {
					members[n.Content[i].Value] = exact(n.Content[i+1], v)
				}
			}
		}
	}
	return plain
}

// nodeOf returns a document as YAML that apply reads: members in their order, numbers with every digit, and texts in
// which ${NAME} does not mean a variable.
func nodeOf(text []byte) (*yaml.Node, error) {
	var n yaml.Node
	if err := yaml.Unmarshal(text, &n); err != nil { // JSON is YAML
		return nil, err
	}
	readable(&n)
	return &n, nil
}

// reference is a variable's reference in a text, which an exported text must not have by chance.
var reference = regexp.MustCompile(`\$\{[A-Za-z_][A-Za-z0-9_]*\}`)

func readable(n *yaml.Node) {
	n.Style = 0
	if n.Kind == yaml.ScalarNode && n.Tag == "!!str" {
		n.Value = reference.ReplaceAllStringFunc(n.Value, func(m string) string { return "$" + m })
	}
	for _, child := range n.Content {
		readable(child)
	}
}

// line returns the line of a file in which a path of a document stands, such as spec.mappings[0].from; where it is
// absent, that of the nearest part around it.
func (d fileDocument) line(path string) int {
	n := d.node
	for n.Kind == yaml.DocumentNode && len(n.Content) == 1 {
		n = n.Content[0]
	}
	line := n.Line
	for _, step := range steps(path) {
		if n.Kind == yaml.AliasNode {
			n = n.Alias
		}
		next, at := child(n, step)
		if next == nil {
			return line
		}
		n, line = next, at
	}
	return line
}

func steps(path string) []string {
	return strings.FieldsFunc(path, func(r rune) bool { return r == '.' || r == '[' || r == ']' })
}

// child returns a member of an object or an item of a list, and its line.
func child(n *yaml.Node, step string) (*yaml.Node, int) {
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == step {
				return n.Content[i+1], n.Content[i].Line
			}
		}
	case yaml.SequenceNode:
		if i, err := strconv.Atoi(step); err == nil && i >= 0 && i < len(n.Content) {
			return n.Content[i], n.Content[i].Line
		}
	}
	return nil, 0
}

// locate says in which file and line the errors of an answer are.
func locate(err error, documents []fileDocument) error {
	var api *APIError
	if !errors.As(err, &api) {
		return err
	}
	located := *api
	located.Path = place(api.Path, documents)
	located.Issues = make([]APIError, len(api.Issues))
	for i, issue := range api.Issues {
		located.Issues[i] = issue
		located.Issues[i].Path = place(issue.Path, documents)
	}
	return &located
}

// place turns "sync orders: spec.model", as the server names a place, into "shop.yaml:12, sync orders: spec.model".
func place(path string, documents []fileDocument) string {
	name, rest, ok := strings.Cut(path, ": ")
	if !ok {
		return path
	}
	for _, d := range documents {
		var head struct {
			Kind     string
			Metadata struct{ Slug string }
		}
		if json.Unmarshal(d.json, &head) == nil && head.Kind+" "+head.Metadata.Slug == name {
			return fmt.Sprintf("%s:%d, %s: %s", d.file, d.line(rest), name, rest)
		}
	}
	return path
}
