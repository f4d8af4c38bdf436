package httpapi

import (
	"errors"
	"net/http"
)

// protections are the headers of every answer. The pages have no script, no
// inline style and nothing from another host, so the policy can be strict.
var protections = map[string]string{
	"Content-Security-Policy": "default-src 'self'; script-src 'none'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
	"X-Content-Type-Options":  "nosniff",
	"X-Frame-Options":         "DENY",
	"Referrer-Policy":         "same-origin",
}

// secured sets the protective headers, except for those that the web
// configuration file has set before.
func secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, value := range protections {
			if w.Header().Get(name) == "" {
				w.Header().Set(name, value)
			}
		}
		next.ServeHTTP(w, r)
	})
}

// crossOrigin refuses requests that change something and that a page of another
// site has made a browser send. Programs, which send neither Origin nor
// Sec-Fetch-Site, pass.
func crossOrigin() func(http.Handler) http.Handler {
	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		writeError(w, &apiError{http.StatusForbidden, "forbidden",
			errors.New("the request comes from a page of another site: send it from a page of this service, or from a program such as curl")})
	}))
	return protection.Handler
}

// adminOnly is an error unless what changes the service's state is allowed.
func (a *API) adminOnly() error {
	if !a.opts.EnableAdminAPI {
		return forbidden("the admin API is switched off: start with --web.enable-admin-api")
	}
	return nil
}

// limited cuts off request bodies that are longer than any that is expected.
func limited(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxBodyBytes)
		next.ServeHTTP(w, r)
	})
}
