package httpapi

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

func (a *API) routes() http.Handler {
	r := chi.NewRouter()
	r.Use(a.measure, a.recovered, secured, crossOrigin(), limited, middleware.GetHead)
	r.NotFound(a.data(func(r *http.Request) (any, error) {
		return nil, notFound("there is nothing at %s: the pages begin at %s/", r.URL.Path, a.prefix)
	}))
	r.MethodNotAllowed(methodNotAllowed)
	if a.prefix == "" {
		a.mount(r)
	} else {
		r.Get("/", a.redirectToPrefix)
		r.Route(a.prefix, a.mount)
	}
	a.metrics.initialise(r)
	return r
}

func (a *API) mount(r chi.Router) {
	r.Get("/anomalies", a.data(a.anomalies))
	r.Get("/incidents", a.data(a.incidents))
	r.Get("/incidents/{id}", a.data(a.incident))

	r.Get("/api/v1/alerts", a.data(a.alerts))
	r.Get("/api/v1/rules", a.data(a.rules))
	r.Get("/api/v1/status/buildinfo", a.data(buildinfo))

	r.Method(http.MethodGet, "/metrics", promhttp.HandlerFor(a.opts.Gatherer, promhttp.HandlerOpts{
		ErrorLog: gatherLog{a.opts.Logger}, Registry: a.opts.Registerer,
	}))
	r.Get("/-/healthy", healthy)
	r.Get("/-/ready", a.ready)
	r.Put("/-/reload", a.reload)
	r.Post("/-/reload", a.reload)

}

func (a *API) redirectToPrefix(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, a.prefix+"/", http.StatusFound)
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
		if routes.Match(chi.NewRouteContext(), lookup, r.URL.Path) {
			allowed = append(allowed, method)
		}
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	writeError(w, &apiError{http.StatusMethodNotAllowed, "method_not_allowed",
		fmt.Errorf("%s is not possible here: use %s", r.Method, strings.Join(allowed, " or "))})
}
