package resource

import (
	"fmt"

	"github.com/millrace/millrace/internal/connector"
)

// VisitSecrets visits the secret settings of a connector's configuration: those of secret fields, and the
// values of headers that say so. Secrets that the configuration could have and does not mention are visited
// as absent.
func VisitSecrets(path string, configuration map[string]any, fields []connector.Field, visit func(Place)) {
	for _, f := range fields {
		switch {
		case f.Secret || f.Type == connector.FieldSecret:
			visitOne(path+"."+f.Name, configuration, f.Name, f.Exists(connector.Settings(configuration).WithDefaults(fields)), visit)
		case f.Type == connector.FieldHeaders:
			visitHeaders(path+"."+f.Name, configuration[f.Name], visit)
		case f.Type == connector.FieldObject:
			if inner, ok := configuration[f.Name].(map[string]any); ok {
				VisitSecrets(path+"."+f.Name, inner, f.Fields, visit)
			}
		}
	}
}

// visitOne visits a member of an object, and one that is absent where the object could have it.
func visitOne(path string, in map[string]any, name string, possible bool, visit func(Place)) {
	v, present := in[name]
	if present || possible && in != nil {
		visit(Place{Path: path, Value: v, Absent: !present, Set: func(v any) { in[name] = v }})
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
			visitOne(fmt.Sprintf("%s[%v]", path, h["name"]), h, "value", true, visit)
		}
	}
}

// WithoutSecrets returns a copy of a configuration without the places of stored secrets.
func WithoutSecrets(configuration map[string]any) map[string]any {
	return withoutSecrets(configuration).(map[string]any) //nolint:forcetypeassert // an object's copy is an object
}

func withoutSecrets(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, member := range v {
			if _, secret := reference(member); !secret {
				out[name] = withoutSecrets(member)
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = withoutSecrets(item)
		}
		return out
	default:
		return v
	}
}
