package httpapi

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"tidemark/incident"
)

//go:embed assets
var assets embed.FS

// pages holds the parsed template of every page, by its file's name.
type pages struct {
	templates map[string]*template.Template
	static    fs.FS
}

// newPages parses the embedded templates. They are part of the program, so that
// one which cannot be parsed is a bug that the first test finds.
func newPages(prefix string) *pages {
	p := &pages{templates: map[string]*template.Template{}}
	layout := template.Must(template.New("layout.html").Funcs(words(prefix)).ParseFS(assets, "assets/layout.html"))
	files, _ := fs.Glob(assets, "assets/pages/*.html")
	for _, file := range files {
		name := strings.TrimSuffix(path.Base(file), ".html")
		p.templates[name] = template.Must(template.Must(layout.Clone()).ParseFS(assets, file))
	}
	p.static, _ = fs.Sub(assets, "assets/static")
	return p
}

func (a *API) mountPages(r chi.Router) {
	r.Get("/", a.overviewPage)
	r.Get("/signals", a.signalsPage)
	r.Get("/signals/{name}", a.signalPage)
	r.Get("/rules", a.rulesPage)
	r.Get("/audit", a.auditPage)
	r.Get("/runbooks", a.runbooksPage)
	r.Get("/runbooks/{name}", a.runbookPage)
	r.Get("/status", a.statusPage)
	r.Get("/config", a.configPage)
	r.Get("/static/{file}", a.staticFile)
}

// staticCache is how long a browser may keep a style sheet.
const staticCache = "max-age=300"

func (a *API) staticFile(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", staticCache)
	http.ServeFileFS(w, r, a.pages.static, chi.URLParam(r, "file"))
}

// frame is what surrounds every page.
type frame struct {
	Title   string
	Section string // the part of the navigation that the page belongs to
	Refresh int    // seconds after which a browser asks again; 0 is never
	Health  health
	Page    any
}

// health is the one line about tidemark itself that every page shows.
type health struct {
	Class  string // bad, warn, learning or good
	Text   string
	Firing int
}

func (a *API) health() health {
	s := a.opts.Engine.Snapshot()
	h := health{}
	blind := 0
	for _, sig := range s.Signals {
		if sig.Err != nil {
			blind++
		}
	}
	for _, in := range s.Incidents {
		if in.State == incident.Firing && in.SuppressedBy == "" {
			h.Firing++
		}
	}
	switch {
	case s.Err != nil:
		h.Class, h.Text = "bad", "cannot read Prometheus"
	case !s.Ready:
		h.Class, h.Text = "learning", fmt.Sprintf("learning, %.0f %%", 100*s.Progress)
	case a.late(s.Time) > 0:
		h.Class, h.Text = "bad", "behind by "+span(a.late(s.Time))
	case blind > 0:
		h.Class, h.Text = "warn", fmt.Sprintf("blind on %s", count(blind, "signal"))
	default:
		h.Class, h.Text = "good", "watching "+count(len(s.Signals), "signal")
	}
	return h
}

// late returns how old the newest judged slot is, if that is more than a few
// cycles, and else 0.
func (a *API) late(newest time.Time) time.Duration {
	const patience = time.Minute // query offsets and slow queries are no news
	age := time.Since(newest)
	if newest.IsZero() || age < 3*a.opts.Configuration.Interval()+patience {
		return 0
	}
	return age
}

// show sends a page whole or, if its template breaks, an error.
func (a *API) show(w http.ResponseWriter, code int, name string, f frame) {
	f.Health = a.health()
	var body bytes.Buffer
	if err := a.pages.templates[name].ExecuteTemplate(&body, "layout.html", f); err != nil {
		a.opts.Logger.Error("A page cannot be shown", "page", name, "err", err)
		plain(w, http.StatusInternalServerError, "The page cannot be shown, which is a bug: the log holds the details. The JSON API is not affected.")
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_, _ = w.Write(body.Bytes()) // the client is gone if this fails
}

// showError sends a page that says what is wrong with the request.
func (a *API) showError(w http.ResponseWriter, err error) {
	e := asAPIError(err)
	a.show(w, e.code, "error", frame{Title: http.StatusText(e.code), Page: struct {
		Code int
		Text string
	}{e.code, e.Error()}})
}
