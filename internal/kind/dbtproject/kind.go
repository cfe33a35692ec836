package dbtproject

import (
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/git"
	"github.com/millrace/millrace/internal/httpx"
	"github.com/millrace/millrace/internal/kind/source"
	kindtunnel "github.com/millrace/millrace/internal/kind/tunnel"
	"github.com/millrace/millrace/internal/resource"
	"github.com/millrace/millrace/internal/tunnel"
)

// Method is the modeling method that sources have whose models can be nodes of a project.
const Method = "dbt"

// Kind returns the descriptor of dbt projects.
func Kind(registry *connector.Registry) resource.Kind {
	k := resource.Define(KindName, KindName+"s",
		func(s *Spec, stored func(string) bool) fault.Issues { return s.validate(stored) },
		func(s *Spec) []resource.Ref {
			return append([]resource.Ref{{Kind: "source", Slug: s.Source, Path: "spec.source"}}, kindtunnel.Ref(s.Tunnel)...)
		},
		func(s *Spec, visit func(resource.Place)) {
			if info, ok := InfoOf(s.Origin); ok && s.Configuration != nil {
				resource.VisitSecrets(configuration, s.Configuration, info.Fields, visit)
			}
		})
	k.Related = func(spec any, get func(kind, slug string) (any, error)) fault.Issues {
		return spec.(*Spec).validateSource(registry, get) //nolint:forcetypeassert // made by New
	}
	k.Change = func(before, after any) fault.Issues {
		var issues fault.Issues
		if before.(*Spec).Source != after.(*Spec).Source { //nolint:forcetypeassert // this kind's specs
			issues.Add("spec.source", fault.CodeInvalid, "a dbt project keeps its source: its models read from there; make another project")
		}
		return issues
	}
	return k
}

const configuration = "spec.configuration"

// validateSource: only sources that run SQL have models of dbt.
func (s *Spec) validateSource(registry *connector.Registry, get func(kind, slug string) (any, error)) fault.Issues {
	var issues fault.Issues
	d, err := get("source", s.Source)
	if err != nil {
		return issues // the missing reference is reported already
	}
	info, err := registry.Source(d.(*source.Spec).Type) //nolint:forcetypeassert // the kind's own spec
	if err == nil && !slices.Contains(info.Methods, Method) {
		issues.Add("spec.source", fault.CodeInvalid, "there are no dbt models of %s", info.Name)
	}
	return issues
}

// number is an ID in dbt Cloud and at GitHub.
var number = regexp.MustCompile(`^[0-9]{1,20}$`)

// validateOrigin checks the fields of the origin.
func (s *Spec) validateOrigin(stored func(string) bool, issues *fault.Issues) {
	info, ok := InfoOf(s.Origin)
	if !ok {
		issues.Add("spec.origin", fault.CodeInvalid, "a manifest does not come from %q; there are %s", s.Origin, joined(Origins))
		return
	}
	settings := connector.Settings(resource.WithoutSecrets(s.Configuration))
	*issues = append(*issues, settings.Check(configuration, info.Fields, func(name string) bool { return stored(configuration + "." + name) })...)
	full := settings.WithDefaults(info.Fields)
	complain := func(field string, err error) {
		if err != nil {
			*issues = append(*issues, fault.As(err).WithPath(configuration+"."+field))
		}
	}
	if text := full.Text("url"); s.Origin == OriginGit && text != "" {
		u, err := git.Parse(text)
		complain("url", err)
		if err == nil && (u.Scheme == "ssh") != (full.Text("auth") == AuthSSH) {
			complain("auth", fault.New(fault.CodeInvalid, "the repository's address and its credentials do not fit: an SSH key is for SSH, everything else for HTTPS"))
		}
	}
	for _, field := range []string{"baseUrl", "apiUrl"} {
		if text := full.Text(field); text != "" {
			_, err := httpx.ParseBase(text)
			complain(field, err)
		}
	}
	for _, field := range []string{"accountId", "jobId", "installationId"} {
		if text := full.Text(field); text != "" && !number.MatchString(text) {
			complain(field, fault.New(fault.CodeInvalid, "%q is not a number", text))
		}
	}
	for _, field := range []string{"path", "folder"} {
		if text := full.Text(field); text != "" && !filepath.IsLocal(text) {
			complain(field, fault.New(fault.CodeInvalid, "%q is not a path within the repository", text))
		}
	}
	if text := full.Text("select"); strings.HasPrefix(strings.TrimSpace(text), "-") {
		complain("select", fault.New(fault.CodeInvalid, "a selector does not begin with -"))
	}
	if text := full.Text("target"); strings.HasPrefix(text, "-") {
		complain("target", fault.New(fault.CodeInvalid, "a target does not begin with -"))
	}
	if text := full.Text("hostKey"); text != "" {
		_, err := tunnel.ParseKey(text)
		complain("hostKey", err)
	}
}

func (s *Spec) validate(stored func(string) bool) fault.Issues {
	var issues fault.Issues
	if s.Source == "" {
		issues.Add("spec.source", fault.CodeRequired, "choose the source that dbt builds its models in")
	}
	s.validateOrigin(stored, &issues)
	if info, known := InfoOf(s.Origin); s.Tunnel != "" && known && !info.Tunnels {
		issues.Add("spec.tunnel", fault.CodeInvalid, "only a repository is reached through a tunnel")
	}
	if s.Files != "" {
		if u, err := url.Parse(s.Files); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
			issues.Add("spec.files", fault.CodeInvalid, "the address must be like https://github.com/acme/shop/blob/main")
		}
	}
	return issues
}

func joined[T ~string](all []T) string {
	words := make([]string, len(all))
	for i, w := range all {
		words[i] = string(w)
	}
	return strings.Join(words, ", ")
}

// Link returns the address at which a file of the project can be seen, or nothing.
func (s *Spec) Link(path string) string {
	if s.Files == "" || path == "" {
		return ""
	}
	parts := strings.Split(strings.ReplaceAll(path, `\`, "/"), "/") // dbt on Windows writes backslashes
	for i, p := range parts {
		parts[i] = url.PathEscape(p)
	}
	return fmt.Sprintf("%s/%s", strings.TrimRight(s.Files, "/"), strings.Join(parts, "/"))
}
