package ingest

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"unicode"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
)

// reason is the bounded word by which an error is counted and treated.
type reason string

const (
	unreachable     reason = "unreachable"      // no answer: refused, reset, unknown host, TLS
	timedOut        reason = "timeout"          // no answer in time, or the source gave up on it
	unavailable     reason = "unavailable"      // the source says that it cannot answer now
	unauthorized    reason = "unauthorized"     // the source wants other credentials
	redirected      reason = "redirect"         // the source is somewhere else
	badQuery        reason = "bad_query"        // the source does not accept or cannot run the query
	tooManySamples  reason = "too_many_samples" // the query touches more than the source allows
	tooLarge        reason = "too_large"        // the answer has more bytes than allowed
	badResponse     reason = "bad_response"     // the answer is not one of this API
	partial         reason = "partial"          // the answer came with warnings
	histograms      reason = "histograms"       // the answer has native histograms
	tooManySeries   reason = "too_many_series"  // the answer has more series than allowed
	duplicateSeries reason = "duplicate_series" // two series have the same labels
	badSamples      reason = "bad_samples"      // timestamps not asked for, out of order or twice
)

var reasons = []reason{
	unreachable, timedOut, unavailable, unauthorized, redirected, badQuery, tooManySamples, tooLarge,
	badResponse, partial, histograms, tooManySeries, duplicateSeries, badSamples,
}

// queryError is why a query gave no data. Its text is safe to show: bounded, on
// one line, without configured secrets.
type queryError struct {
	reason reason
	text   string
}

func (e *queryError) Error() string { return e.text }

// reasonOf returns the reason of an error of a query, and an empty one if the
// caller ended it.
func reasonOf(err error) reason {
	if e, ok := errors.AsType[*queryError](err); ok {
		return e.reason
	}
	return ""
}

// down reports whether the error says nothing about the query: the source did
// not answer, and may answer the same query later.
func down(err error) bool {
	switch reasonOf(err) {
	case unreachable, timedOut, unavailable:
		return true
	default:
		return false
	}
}

// tooMuch reports whether a query over fewer slots may succeed.
func tooMuch(err error) bool {
	switch reasonOf(err) {
	case tooManySamples, tooLarge, timedOut:
		return true
	default:
		return false
	}
}

// tooMuchWords are how the sources say that a query over fewer slots may
// succeed: Prometheus' limits of samples and of resolution, the limits of Mimir
// and Thanos, and VictoriaMetrics' -search.max flags.
var tooMuchWords = []string{
	"too many samples", "maximum resolution", "exceeded the maximum",
	"exceeded samples limit", "exceeded chunks limit", "exceeded series limit", "-search.max",
}

// apiError turns what the API says about a query into an error.
func apiError(kind v1.ErrorType, text string) *queryError {
	lower := strings.ToLower(text)
	switch {
	case slices.ContainsFunc(tooMuchWords, func(w string) bool { return strings.Contains(lower, w) }):
		return &queryError{tooManySamples, "asks for too much: " + text}
	case kind == v1.ErrTimeout:
		return &queryError{timedOut, "the source gave up: " + text}
	case kind == v1.ErrBadData, kind == v1.ErrExec:
		return &queryError{badQuery, "the source refuses the query: " + text}
	case kind == v1.ErrBadResponse:
		return &queryError{badResponse, "the answer is not one of the Prometheus API: " + text}
	default:
		return &queryError{unavailable, "the source cannot answer: " + text}
	}
}

// maxErrorText is how many bytes of what a server said are repeated.
const maxErrorText = 256

// redactor removes secrets from texts that come from elsewhere.
type redactor struct{ secrets *strings.Replacer }

func newRedactor(secrets []string) redactor {
	slices.SortFunc(secrets, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	var pairs []string
	for _, s := range secrets {
		// A one-letter secret would make every text unreadable and protects nothing.
		if len(s) > 2 {
			pairs = append(pairs, s, "<secret>")
		}
	}
	return redactor{strings.NewReplacer(pairs...)}
}

// text returns what a server or library said without secrets, on one line and
// cut.
func (r redactor) text(s string) string {
	// Secrets are looked for far beyond what is shown, so that no part of one
	// that this limit divides comes into view.
	s = r.secrets.Replace(s[:min(len(s), 64*maxErrorText)])
	return cut(s[:min(len(s), 2*maxErrorText)])
}

// cut returns s on one line, printable and bounded.
func cut(s string) string {
	s = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, "�"), func(c rune) bool {
		return unicode.IsSpace(c) || !unicode.IsPrint(c)
	}), " ")
	if len(s) > maxErrorText {
		s = strings.ToValidUTF8(s[:maxErrorText], "") + "…"
	}
	return s
}
