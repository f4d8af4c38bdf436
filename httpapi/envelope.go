package httpapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
)

// envelope is the frame of every JSON answer, as Prometheus has it.
type envelope struct {
	Status    string `json:"status"`
	Data      any    `json:"data,omitempty"`
	ErrorType string `json:"errorType,omitempty"`
	Error     string `json:"error,omitempty"`
}

// apiError is an error that knows its status code and its errorType.
type apiError struct {
	code int
	kind string
	err  error
}

func (e *apiError) Error() string { return e.err.Error() }
func (e *apiError) Unwrap() error { return e.err }

func badData(format string, args ...any) error {
	return &apiError{http.StatusBadRequest, "bad_data", fmt.Errorf(format, args...)}
}

func notFound(format string, args ...any) error {
	return &apiError{http.StatusNotFound, "not_found", fmt.Errorf(format, args...)}
}

func forbidden(format string, args ...any) error {
	return &apiError{http.StatusForbidden, "forbidden", fmt.Errorf(format, args...)}
}

func conflict(format string, args ...any) error {
	return &apiError{http.StatusConflict, "conflict", fmt.Errorf(format, args...)}
}

func unavailable(format string, args ...any) error {
	return &apiError{http.StatusServiceUnavailable, "unavailable", fmt.Errorf(format, args...)}
}

// asAPIError gives an error that does not know its status the status 500.
func asAPIError(err error) *apiError {
	var e *apiError
	if errors.As(err, &e) {
		return e
	}
	return &apiError{http.StatusInternalServerError, "internal", err}
}

// dataFunc answers a request with what becomes the envelope's data.
type dataFunc func(r *http.Request) (any, error)

func (a *API) data(f dataFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		data, err := f(r)
		if err != nil {
			writeError(w, asAPIError(err))
			return
		}
		writeJSON(w, http.StatusOK, envelope{Status: "success", Data: data})
	}
}

func writeError(w http.ResponseWriter, e *apiError) {
	writeJSON(w, e.code, envelope{Status: "error", ErrorType: e.kind, Error: e.Error()})
}

// writeJSON sends the answer whole or, if it cannot be encoded, an error.
func writeJSON(w http.ResponseWriter, code int, v envelope) {
	body, err := json.Marshal(v)
	if err != nil {
		code = http.StatusInternalServerError
		body, _ = json.Marshal(envelope{Status: "error", ErrorType: "internal", Error: fmt.Sprintf("encode the answer: %v", err)})
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_, _ = w.Write(append(body, '\n')) // the client is gone if this fails
}
