// Package docs holds the pages that the service serves itself.
package docs

import (
	"embed"
	"io/fs"
)

//go:embed runbooks/*.md
var files embed.FS

// Runbooks returns the runbooks, one Markdown page for each built-in rule and
// each of its refinements: <name>.md.
func Runbooks() fs.FS {
	sub, err := fs.Sub(files, "runbooks")
	if err != nil {
		panic(err) // the name is a constant that is valid
	}
	return sub
}
