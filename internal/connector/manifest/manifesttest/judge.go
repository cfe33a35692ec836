// Package manifesttest is the suite of destinations that are manifests: it replays their cases, and lets the API
// descriptions that vendors publish judge every request.
package manifesttest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi2"
	"github.com/getkin/kin-openapi/openapi2conv"
	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"gopkg.in/yaml.v3"
)

// SpecsVariable names the folder with the vendors' published API descriptions.
const SpecsVariable = "MILLRACE_VENDOR_SPECS"

// Spec is one of a vendor's API descriptions.
type Spec struct {
	File   string   `yaml:"file"`   // in the folder of descriptions
	Prefix string   `yaml:"prefix"` // what the path of a request has before the paths of the description
	Base   string   `yaml:"base"`   // what the paths of the description have before the path of a request
	Host   string   `yaml:"host"`   // the second address of a vendor whose requests it is about
	Except []Except `yaml:"except"` // what the description gets wrong
}

// Except is something that a description gets wrong.
type Except struct {
	Request string `yaml:"request"` // METHOD /path, where * stands for a part of the path
	At      string `yaml:"at"`      // where in the body, as a JSON pointer; everything below it counts. Empty: the whole request
	// Parameter is a header or query parameter that the description asks for, and the documentation does not.
	Parameter string `yaml:"parameter"`
	Why       string `yaml:"why"` // what the vendor's documentation says instead
}

// UnmarshalYAML reads the short form, a text that is the request, as well.
func (e *Except) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		e.Request = n.Value
		return nil
	}
	type plain Except
	return n.Decode((*plain)(e)) //nolint:wrapcheck // the caller names the file
}

func (e Except) about(method, path string) bool {
	fits, err := filepath.Match(e.Request, method+" "+path)
	return err == nil && fits
}

// judge compares requests with a vendor's descriptions.
type judge struct {
	specs  []Spec
	routes []routers.Router
}

// newJudge reads descriptions. It returns nil where there are none.
func newJudge(folder string, specs []Spec) (*judge, error) {
	if folder == "" || len(specs) == 0 {
		return nil, nil
	}
	j := &judge{specs: specs}
	for _, s := range specs {
		router, err := route(filepath.Join(folder, s.File))
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", s.File, err)
		}
		j.routes = append(j.routes, router)
	}
	return j, nil
}

func route(file string) (routers.Router, error) {
	doc, err := read(file)
	if err != nil {
		return nil, err
	}
	doc.Servers = openapi3.Servers{{URL: "/"}}
	for _, item := range doc.Paths.Map() {
		item.Servers = nil
		for _, op := range item.Operations() {
			op.Servers, op.Security = nil, &openapi3.SecurityRequirements{}
		}
	}
	doc.Security = nil
	return gorillamux.NewRouter(doc) //nolint:wrapcheck // the caller names the file
}

func read(file string) (*openapi3.T, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err //nolint:wrapcheck // it names the file
	}
	var version struct {
		Swagger   string `yaml:"swagger"`
		Discovery string `yaml:"discoveryVersion"`
	}
	if err := yaml.Unmarshal(text, &version); err != nil {
		return nil, err //nolint:wrapcheck // the caller names the file
	}
	if version.Discovery != "" {
		return readDiscovery(text)
	}
	loader := openapi3.NewLoader()
	loader.IsExternalRefsAllowed = true
	if version.Swagger == "" {
		return loader.LoadFromFile(file) //nolint:wrapcheck // the caller names the file
	}
	var tree any
	if err := yaml.Unmarshal(text, &tree); err != nil {
		return nil, err //nolint:wrapcheck // the caller names the file
	}
	if text, err = json.Marshal(tree); err != nil { // types of schemas are read from JSON only
		return nil, err //nolint:wrapcheck // the caller names the file
	}
	var old openapi2.T
	if err := json.Unmarshal(text, &old); err != nil {
		return nil, err //nolint:wrapcheck // the caller names the file
	}
	return openapi2conv.ToV3(&old) //nolint:wrapcheck // the caller names the file
}

// Problem says what a description finds wrong in a request.
func (j *judge) Problem(r *http.Request, body []byte) string {
	var found []string
	for i, s := range j.specs {
		path := r.URL.Path
		if s.Host != "" {
			rest, ours := strings.CutPrefix(path, "/"+s.Host)
			if !ours {
				continue
			}
			path = rest
		}
		path, under := strings.CutPrefix(path, s.Prefix)
		if !under {
			continue
		}
		problem := ask(j.routes[i], r, path, body, s)
		if problem == "" {
			return ""
		}
		found = append(found, problem)
	}
	if len(found) == 0 {
		return "no description knows the address"
	}
	return strings.Join(found, "; ")
}

func ask(router routers.Router, r *http.Request, path string, body []byte, s Spec) string {
	var spared, parameters []string
	for _, e := range s.Except {
		if !e.about(r.Method, path) {
			continue
		}
		switch {
		case e.Parameter != "":
			parameters = append(parameters, e.Parameter)
		case e.At != "":
			spared = append(spared, e.At)
		default:
			return ""
		}
	}
	copied := r.Clone(context.Background())
	copied.URL = &url.URL{Scheme: "http", Host: r.Host, Path: s.Base + path, RawQuery: r.URL.RawQuery}
	copied.RequestURI, copied.Body = "", io.NopCloser(bytes.NewReader(body))
	found, params, err := router.FindRoute(copied)
	if err != nil {
		return err.Error()
	}
	err = openapi3filter.ValidateRequest(context.Background(), &openapi3filter.RequestValidationInput{
		Request: copied, PathParams: params, Route: found,
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, MultiError: true},
	})
	var left []string
	for _, e := range flat(err) {
		if missing, ok := errors.AsType[*openapi3filter.RequestError](e); ok && missing.Parameter != nil && slices.Contains(parameters, missing.Parameter.Name) {
			continue
		}
		pointer := ""
		if at, ok := errors.AsType[*openapi3.SchemaError](e); ok {
			pointer = "/" + strings.Join(at.JSONPointer(), "/")
		}
		if !slices.ContainsFunc(spared, func(s string) bool { return pointer == s || strings.HasPrefix(pointer, s+"/") }) {
			left = append(left, e.Error())
		}
	}
	return strings.Join(left, "; ")
}

// flat takes errors of several apart.
func flat(err error) []error {
	var several openapi3.MultiError
	var request *openapi3filter.RequestError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &several):
		var all []error
		for _, e := range several {
			all = append(all, flat(e)...)
		}
		return all
	case errors.As(err, &request) && request.Err != nil && request != err: //nolint:errorlint // the outermost one
		return flat(request)
	default:
		return []error{err}
	}
}
