package api

import (
	"net/http"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/resource"
)

// Description returns the OpenAPI 3.1 document of Millrace's own API as YAML, for a server with these kinds.
func Description(kinds *resource.Registry, registry *connector.Registry, version string) ([]byte, error) {
	s := &Server{Options: Options{
		Resources: resource.NewStore(nil, kinds, nil, clock.System{}), Registry: registry, Version: version,
	}}
	return s.own(http.NewServeMux()).OpenAPI().YAML()
}
