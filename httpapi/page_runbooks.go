package httpapi

import (
	"bytes"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"

	"github.com/go-chi/chi/v5"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
)

// markdown renders runbooks. It does not pass on raw HTML or links that run
// scripts, which is goldmark's default.
var markdown = goldmark.New(
	goldmark.WithExtensions(extension.GFM),
	goldmark.WithParserOptions(parser.WithAutoHeadingID()),
)

type runbookEntry struct{ Name, Title string }

func (a *API) runbooksPage(w http.ResponseWriter, _ *http.Request) {
	var entries []runbookEntry
	if a.opts.Runbooks != nil {
		files, err := fs.Glob(a.opts.Runbooks, "*.md")
		if err != nil {
			a.showError(w, fmt.Errorf("list the runbooks: %w", err))
			return
		}
		for _, file := range files {
			text, err := fs.ReadFile(a.opts.Runbooks, file)
			if err != nil {
				a.showError(w, fmt.Errorf("read the runbook %s: %w", file, err))
				return
			}
			name := strings.TrimSuffix(path.Base(file), ".md")
			entries = append(entries, runbookEntry{name, titleOf(text, name)})
		}
	}
	a.show(w, http.StatusOK, "runbooks", frame{Title: "Runbooks", Section: "/runbooks", Page: entries})
}

func (a *API) runbookPage(w http.ResponseWriter, r *http.Request) {
	name := chi.URLParam(r, "name")
	text, err := a.runbook(name)
	if err != nil {
		a.showError(w, err)
		return
	}
	var body bytes.Buffer
	if err := markdown.Convert(text, &body); err != nil {
		a.showError(w, fmt.Errorf("render the runbook %s: %w", name, err))
		return
	}
	a.show(w, http.StatusOK, "runbook", frame{
		Title: titleOf(text, name), Section: "/runbooks",
		Page: template.HTML(body.String()), //nolint:gosec // goldmark escapes what the file holds
	})
}

func (a *API) runbook(name string) ([]byte, error) {
	file := name + ".md"
	missing := notFound("there is no runbook %q: %s/runbooks lists those that there are", name, a.prefix)
	if a.opts.Runbooks == nil || !fs.ValidPath(file) || strings.Contains(file, "/") {
		return nil, missing
	}
	text, err := fs.ReadFile(a.opts.Runbooks, file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, missing
	case err != nil:
		return nil, fmt.Errorf("read the runbook %s: %w", name, err)
	}
	return text, nil
}

// titleOf is the first heading of a Markdown text, or the name in words.
func titleOf(text []byte, name string) string {
	for line := range strings.Lines(string(text)) {
		if title, ok := strings.CutPrefix(line, "# "); ok {
			return strings.TrimSpace(title)
		}
	}
	return strings.ReplaceAll(name, "_", " ")
}
