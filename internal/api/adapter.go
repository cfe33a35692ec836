package api

import (
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// humaRequest returns the request and the writer below huma.
func humaRequest(c huma.Context) (*http.Request, http.ResponseWriter) {
	return humago.Unwrap(c)
}
