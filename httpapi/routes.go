package httpapi

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/munnerz/goautoneg"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

func (a *API) routes() http.Handler {
	r := chi.NewRouter()
	r.Use(a.measure, a.recovered, secured, crossOrigin(), limited, a.belowPrefix, middleware.GetHead)
	r.NotFound(a.nowhere)
	r.MethodNotAllowed(methodNotAllowed)

	r.Get("/anomalies", a.negotiated(a.anomalies, a.anomaliesPage))
	r.Get("/incidents", a.negotiated(a.incidents, a.incidentsPage))
	r.Get("/incidents/{id}", a.negotiated(a.incident, a.incidentPage))
	r.Get("/incidents/{id}/postmortem.md", a.postmortem)
	r.Post("/incidents/{id}/feedback", a.feedbackFromPage)

	r.Get("/api/v1/alerts", a.data(a.alerts))
	r.Get("/api/v1/rules", a.data(a.rules))
	r.Get("/api/v1/status/buildinfo", a.data(buildinfo))
	r.Post("/api/v1/accept", a.data(a.accept))
	r.Get("/api/v1/audit", a.data(a.audit))
	r.Post("/api/v1/audit/dismiss", a.data(a.dismiss))
	r.Post("/api/v1/events", a.data(a.recordEvent))
	r.Post("/api/v1/incidents/{id}/feedback", a.data(a.giveFeedback))
	r.Get("/api/v1/incidents/{id}/suppression", a.suppression)

	r.Method(http.MethodGet, "/metrics", promhttp.HandlerFor(a.opts.Gatherer, promhttp.HandlerOpts{
		ErrorLog: gatherLog{a.opts.Logger}, Registry: a.opts.Registerer,
	}))
	r.Get("/-/healthy", healthy)
	r.Get("/-/ready", a.ready)
	r.Put("/-/reload", a.reload)
	r.Post("/-/reload", a.reload)

	a.mountPages(r)
	a.metrics.initialise(r)
	return r
}

// belowPrefix lets only what lies below the route prefix reach the routes, which
// do not know of it. The root of the host leads to the overview.
func (a *API) belowPrefix(next http.Handler) http.Handler {
	if a.prefix == "" {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		route, below := strings.CutPrefix(routePath(r), a.prefix)
		switch {
		case r.URL.Path == "/":
			http.Redirect(w, r, a.prefix+"/", http.StatusFound)
		case !below || route != "" && route[0] != '/':
			a.nowhere(w, r)
		default:
			chi.RouteContext(r.Context()).RoutePath = cmp.Or(route, "/")
			next.ServeHTTP(w, r)
		}
	})
}

// routePath is the path by which the router chooses.
func routePath(r *http.Request) string {
	return cmp.Or(chi.RouteContext(r.Context()).RoutePath, r.URL.RawPath, r.URL.Path)
}

// nowhere answers for paths that there are not.
func (a *API) nowhere(w http.ResponseWriter, r *http.Request) {
	err := notFound("there is nothing at %s: the pages begin at %s/", r.URL.Path, a.prefix)
	a.negotiated(
		func(*http.Request) (any, error) { return nil, err },
		func(w http.ResponseWriter, _ *http.Request) { a.showError(w, err) },
	)(w, r)
}

// negotiated answers with a page if the client prefers text/html to
// application/json by name, as browsers do, and with data otherwise.
func (a *API) negotiated(data dataFunc, page http.HandlerFunc) http.HandlerFunc {
	asData := a.data(data)
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Vary", "Accept")
		if prefersHTML(r) {
			page(w, r)
			return
		}
		asData(w, r)
	}
}

func prefersHTML(r *http.Request) bool {
	accept := strings.Join(r.Header.Values("Accept"), ",")
	return goautoneg.Negotiate(accept, []string{"application/json", "text/html"}) == "text/html"
}

// methodNotAllowed names the methods that the path has, as RFC 9110 asks.
func methodNotAllowed(w http.ResponseWriter, r *http.Request) {
	routes := chi.RouteContext(r.Context()).Routes
	var allowed []string
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut} {
		lookup := method
		if method == http.MethodHead {
			lookup = http.MethodGet
		}
		if routes.Match(chi.NewRouteContext(), lookup, routePath(r)) {
			allowed = append(allowed, method)
		}
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	writeError(w, &apiError{http.StatusMethodNotAllowed, "method_not_allowed",
		fmt.Errorf("%s is not possible here: use %s", r.Method, strings.Join(allowed, " or "))})
}
