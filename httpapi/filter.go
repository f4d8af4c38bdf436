package httpapi

import (
	"encoding/base64"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	promlabels "github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// Limits of a list.
const (
	defaultLimit = 100
	maxLimit     = 1000
)

// filter is what a request asks of a list. Its zero fields select everything.
type filter struct {
	state      string // "all", or a state of the listed things
	start, end time.Time
	signals    []string
	rules      []string
	selectors  [][]*promlabels.Matcher // any of them must match
	limit      int
	after      position // the last item of the page before
}

// position is where an item stands in a list: newest first, then by ID.
type position struct {
	startedAt time.Time
	id        string
}

// compare orders positions as lists show them.
func (p position) compare(q position) int {
	if c := q.startedAt.Compare(p.startedAt); c != 0 {
		return c
	}
	return strings.Compare(q.id, p.id)
}

// cursor is the position in the form that clients hand back. They must not look
// into it.
func (p position) cursor() string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(p.startedAt.UnixNano(), 10) + "/" + p.id))
}

func parseCursor(s string) (position, error) {
	text, err := base64.RawURLEncoding.DecodeString(s)
	nanos, id, ok := strings.Cut(string(text), "/")
	ns, parseErr := strconv.ParseInt(nanos, 10, 64)
	if err != nil || !ok || parseErr != nil {
		return position{}, badData("cursor %q is not one of this service: write the next_cursor of the page before, unchanged", s)
	}
	return position{time.Unix(0, ns).UTC(), id}, nil
}

// parseFilter reads the query parameters of a list whose items can be in the
// given states. Names lists the parameters that the list knows besides those of
// every list.
func parseFilter(r *http.Request, states []string, names ...string) (filter, error) {
	f := filter{state: "all", limit: defaultLimit}
	q, err := parameters(r, append([]string{"state", "start", "end", "signal", "match[]", "limit", "cursor"}, names...))
	if err != nil {
		return f, err
	}
	f.signals, f.rules = q["signal"], q["rule"]
	if s := q.Get("state"); s != "" {
		if !slices.Contains(states, s) {
			return f, badData("state %q is not known: write %s", s, alternatives(states))
		}
		f.state = s
	}
	if f.start, err = parseTime("start", q.Get("start")); err != nil {
		return f, err
	}
	if f.end, err = parseTime("end", q.Get("end")); err != nil {
		return f, err
	}
	if !f.start.IsZero() && !f.end.IsZero() && f.end.Before(f.start) {
		return f, badData("end %s lies before start %s: exchange them", q.Get("end"), q.Get("start"))
	}
	if s := q.Get("limit"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > maxLimit {
			return f, badData("limit %q is not usable: write a number from 1 to %d", s, maxLimit)
		}
		f.limit = n
	}
	if s := q.Get("cursor"); s != "" {
		if f.after, err = parseCursor(s); err != nil {
			return f, err
		}
	}
	f.selectors, err = parseSelectors(q["match[]"])
	return f, err
}

// parameters returns the query parameters, and an error if one of them is not
// among the names: a misspelt filter would otherwise select everything.
func parameters(r *http.Request, names []string) (url.Values, error) {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, badData("the query string cannot be read: %w: write name=value pairs that are percent-encoded", err)
	}
	for name := range q {
		if !slices.Contains(names, name) {
			return nil, badData("parameter %q is not known here: write %s", name, alternatives(names))
		}
	}
	return q, nil
}

func alternatives(words []string) string {
	last := len(words) - 1
	if last < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// parseTime reads RFC 3339 or seconds since the Unix epoch. The empty text is
// the zero time.
func parseTime(name, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return t.UTC(), nil
	}
	seconds, err := strconv.ParseFloat(text, 64)
	if err != nil || !(math.Abs(seconds) <= maxSeconds) {
		return time.Time{}, badData("%s %q is not a time: write RFC 3339 such as 2026-03-01T22:03:00Z, or seconds since 1970", name, text)
	}
	whole, fraction := math.Modf(seconds)
	return time.Unix(int64(whole), int64(fraction*1e9)).UTC(), nil
}

// maxSeconds is the end of the year 9999, the last that RFC 3339 can write. It
// also turns milliseconds, a common slip, into an error.
const maxSeconds = 253402300799

var selectorParser = parser.NewParser(parser.Options{})

func parseSelectors(texts []string) ([][]*promlabels.Matcher, error) {
	var out [][]*promlabels.Matcher
	for _, text := range texts {
		matchers, err := selectorParser.ParseMetricSelector(text)
		if err != nil {
			return nil, badData(`match[] %q is not a selector: %w: write one such as {service="shop"}`, text, err)
		}
		out = append(out, matchers)
	}
	return out, nil
}

// matches reports whether any of the selectors, or none being given, matches
// the labels.
func (f filter) matches(ls model.LabelSet) bool {
	return len(f.selectors) == 0 || slices.ContainsFunc(f.selectors, func(matchers []*promlabels.Matcher) bool {
		return !slices.ContainsFunc(matchers, func(m *promlabels.Matcher) bool {
			return !m.Matches(string(ls[model.LabelName(m.Name)]))
		})
	})
}

// overlaps reports whether something that went on from one time to another, the
// zero time being now, was going on between start and end.
func (f filter) overlaps(from, to time.Time) bool {
	if !f.end.IsZero() && from.After(f.end) {
		return false
	}
	return f.start.IsZero() || to.IsZero() || !to.Before(f.start)
}

// wants reports whether an item in the state stands in the list.
func (f filter) wants(state string) bool { return f.state == "all" || f.state == state }

// named reports whether the name is one of the wanted, or none is.
func named(wanted []string, name string) bool {
	return len(wanted) == 0 || slices.Contains(wanted, name)
}
