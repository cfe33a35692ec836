// Package web holds the built web app. Without a build the folder has only a placeholder, so that the
// Go code compiles on a machine without Node; the server then answers that the web app is not built.
package web

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var dist embed.FS

// Assets returns the files of the built web app; index.html at its root is missing without a build.
// Files under assets/ carry a hash of their content in their names and may be cached for ever.
func Assets() fs.FS {
	sub, err := fs.Sub(dist, "dist")
	if err != nil {
		panic("web: the embedded folder has no dist: " + err.Error())
	}
	return sub
}
