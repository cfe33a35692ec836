package resource

import (
	"fmt"

	"github.com/millrace/millrace/internal/connector"
)

// VisitSecrets visits the secret settings of a connector's configuration: those of secret fields, and the
// values of headers that say so.
func VisitSecrets(path string, configuration map[string]any, fields []connector.Field, visit func(Place)) {
	for _, f := range fields {
		switch {
		case f.Secret || f.Type == connector.FieldSecret:
			visitOne(path+"."+f.Name, configuration, f.Name, visit)
		case f.Type == connector.FieldHeaders:
			visitHeaders(path+"."+f.Name, configuration[f.Name], visit)
		case f.Type == connector.FieldObject:
			if inner, ok := configuration[f.Name].(map[string]any); ok {
				VisitSecrets(path+"."+f.Name, inner, f.Fields, visit)
			}
		}
	}
}

func visitOne(path string, in map[string]any, name string, visit func(Place)) {
	if v, present := in[name]; present {
		visit(Place{Path: path, Value: v, Set: func(v any) { in[name] = v }})
	}
}

// visitHeaders visits the values of headers with "secret": true. They are known by their names, so that
// their order may change.
func visitHeaders(path string, v any, visit func(Place)) {
	list, ok := v.([]any)
	if !ok {
		return
	}
	for _, item := range list {
		h, ok := item.(map[string]any)
		if ok && h["secret"] == true {
			visitOne(fmt.Sprintf("%s[%v]", path, h["name"]), h, "value", visit)
		}
	}
}
