package credential

import (
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/millrace/millrace/internal/cloud"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/resource"
)

const configuration = "spec.configuration"

// Kind returns the descriptor of credentials.
func Kind(types []Type) resource.Kind {
	k := resource.Define(KindName, KindName+"s",
		func(s *Spec, stored func(string) bool) fault.Issues { return s.validate(types, stored) },
		func(*Spec) []resource.Ref { return nil },
		func(s *Spec, visit func(resource.Place)) {
			if t, err := TypeOf(types, s.Type); err == nil {
				resource.VisitSecrets(configuration, s.Configuration, t.Fields, visit)
			}
		})
	k.Change = func(before, after any) fault.Issues {
		var issues fault.Issues
		if before.(*Spec).Type != after.(*Spec).Type { //nolint:forcetypeassert // this kind's specs
			issues.Add("spec.type", fault.CodeInvalid, "a credential keeps its provider: what uses it expects that one; make another credential")
		}
		return issues
	}
	return k
}

// Check reports every error of a spec with its secrets in place.
func Check(types []Type, s Spec) error {
	return s.validate(types, func(string) bool { return false }).Err()
}

func (s *Spec) validate(types []Type, stored func(string) bool) fault.Issues {
	t, err := TypeOf(types, s.Type)
	if err != nil {
		return fault.Issues{fault.As(err)}
	}
	settings := connector.Settings(resource.WithoutSecrets(s.Configuration))
	issues := settings.Check(configuration, t.Fields, func(name string) bool { return stored(configuration + "." + name) })
	full := settings.WithDefaults(t.Fields)
	switch s.Type {
	case cloud.ProviderAWS:
		checkAWS(full, &issues)
	case cloud.ProviderGCP:
		checkGCP(full, &issues)
	case cloud.ProviderAzure:
		checkAzure(full, &issues)
	}
	return issues
}

func complain(issues *fault.Issues, field, format string, args ...any) {
	issues.Add(configuration+"."+field, fault.CodeInvalid, format, args...)
}

var (
	// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-arns
	roleARN = regexp.MustCompile(`^arn:[a-z0-9-]+:iam::[0-9]{12}:role/.+`)
	// A client secret's ID is a UUID, and its value never is:
	// https://learn.microsoft.com/en-us/entra/identity-platform/how-to-add-credentials
	uuid = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
	// A tenant is named by its ID or by one of its domains.
	tenant = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.-]*$`)
)

func checkAWS(s connector.Settings, issues *fault.Issues) {
	if role := s.Text("roleArn"); role != "" && !roleARN.MatchString(role) {
		complain(issues, "roleArn", "%q is not the ARN of a role such as arn:aws:iam::123456789012:role/millrace", role)
	}
	checkAddress("stsEndpoint", s.Text("stsEndpoint"), issues)
}

func checkGCP(s connector.Settings, issues *fault.Issues) {
	if key := s.Text("serviceAccountKey"); key != "" {
		if _, err := cloud.ParseServiceAccount(key); err != nil {
			*issues = append(*issues, fault.As(err).WithPath(configuration+".serviceAccountKey"))
		}
	}
}

func checkAzure(s connector.Settings, issues *fault.Issues) {
	if id := s.Text("clientId"); id != "" && !uuid.MatchString(id) {
		complain(issues, "clientId", "%q is not a client ID such as 6731de76-14a6-49ae-97bc-6eba6914391e", id)
	}
	if id := s.Text("tenantId"); id != "" && !tenant.MatchString(id) {
		complain(issues, "tenantId", "%q is neither a tenant's ID nor one of its domains", id)
	}
	if uuid.MatchString(s.Text("clientSecret")) {
		issues.Add(configuration+".clientSecret", fault.CodeInvalid, "this is the secret's ID, and its value is needed").Suggestion = "The value is shown once, next to the ID, when the secret is made. If it is lost, make another secret."
	}
	if a := s.Text("authority"); a != "" {
		checkAddress("authority", a, issues)
	}
}

func checkAddress(field, text string, issues *fault.Issues) {
	if text == "" {
		return
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.RawQuery != "" {
		complain(issues, field, "the address must be like https://sts.example.com")
	}
}

// Resolve returns what a connector gets of a credential whose secrets are in place: an object that cloud.AWS, cloud.GCP
// or cloud.Azure decode.
func Resolve(types []Type, s Spec) (map[string]any, error) {
	t, err := TypeOf(types, s.Type)
	if err != nil {
		return nil, err
	}
	full := connector.Settings(s.Configuration).WithDefaults(t.Fields)
	out := map[string]any{}
	for _, f := range t.Fields {
		if v, set := full[f.Name]; set && f.Exists(full) {
			out[f.Name] = v
		}
	}
	if out["auth"] == authRole { // it is this server's identity that assumes the role
		out["auth"] = cloud.AuthServer
	}
	return out, nil
}

// References lists the credentials that settings name, with their places.
func References(path string, settings map[string]any, fields []connector.Field) []resource.Ref {
	var refs []resource.Ref
	Visit(path, settings, fields, func(path, slug string, _ connector.Field, _ func(any)) {
		refs = append(refs, resource.Ref{Kind: KindName, Slug: slug, Path: path})
	})
	return refs
}

// Visit calls f for every credential that settings name.
func Visit(path string, settings map[string]any, fields []connector.Field, f func(path, slug string, field connector.Field, set func(any))) {
	full := connector.Settings(settings).WithDefaults(fields)
	for _, field := range fields {
		switch {
		case !field.Exists(full):
		case field.Type == connector.FieldCredential:
			if slug, ok := settings[field.Name].(string); ok && slug != "" {
				f(path+"."+field.Name, slug, field, func(v any) { settings[field.Name] = v })
			}
		case field.Type == connector.FieldObject:
			if inner, ok := settings[field.Name].(map[string]any); ok {
				Visit(path+"."+field.Name, inner, field.Fields, f)
			}
		}
	}
}

// Fits reports the credentials of settings that are another provider's than the setting takes.
func Fits(path string, settings map[string]any, fields []connector.Field, get func(kind, slug string) (any, error)) fault.Issues {
	var issues fault.Issues
	Visit(path, settings, fields, func(path, slug string, field connector.Field, _ func(any)) {
		found, err := get(KindName, slug)
		if err != nil {
			return // that there is none is reported with the reference
		}
		if s, ok := found.(*Spec); ok && !slices.Contains(field.Providers, s.Type) {
			issues.Add(path, fault.CodeInvalid, "the credential %q is of the provider %s, and %s needs one of %s", slug, s.Type, field.Label, strings.Join(field.Providers, ", "))
		}
	})
	return issues
}

// Clone copies settings so that credentials can be put in place.
func Clone(settings map[string]any, fields []connector.Field) map[string]any {
	out := maps.Clone(settings)
	for _, f := range fields {
		if inner, ok := out[f.Name].(map[string]any); ok && f.Type == connector.FieldObject {
			out[f.Name] = Clone(inner, f.Fields)
		}
	}
	return out
}
