package discover

import (
	"embed"
	"fmt"
	"regexp"
	"slices"

	"go.yaml.in/yaml/v2"

	"tidemark/signal"
)

//go:embed catalogue/*.yml
var files embed.FS

// The parts: what an entry tells about.
const (
	web      = "web"
	cache    = "cache"
	database = "database"
	change   = "change"
)

// parts is the order in which they are shown.
var parts = []string{web, cache, database, change}

// levels say from where an entry looks, best first: the application knows what it
// does for a request, a server only what it is asked.
var levels = []string{"application", "server", "proxy", "cloud", "probe"}

// entry is one exporter or instrumentation. Queries are templates:
// $by stands for the labels of the scope, $w for the window of rates, $prefix and
// other names for what Present captures or Pick finds, and $requests for the rate
// of requests in the same scope.
type entry struct {
	Name  string `yaml:"name"`
	Title string `yaml:"title"`
	Part  string `yaml:"part"`
	Level string `yaml:"level"`

	// Present and Except are matched against whole names of metrics.
	Present pattern  `yaml:"present"`
	Except  *pattern `yaml:"except"`

	// Labels may tell whose the series are, beside the usual ones.
	Labels []string `yaml:"labels"`

	// Splits are labels by which there may be a choice within one source.
	Splits []string `yaml:"splits"`

	// Pick finds out which of several labels the series have.
	Pick map[string]pick `yaml:"pick"`

	// Quantities are rates before they are added up: requests, errors, lookups,
	// hits, queries, query_seconds, query_count. The first one whose metrics
	// exist counts.
	Quantities map[string][]string `yaml:"quantities"`

	// Durations is a histogram or summary of request times.
	Durations *durations `yaml:"durations"`

	// Signals are what the quantities do not give. Of several of one name, the
	// first one counts.
	Signals []template `yaml:"signals"`

	// Shared entries count only if they have the scope of the requests.
	Shared bool `yaml:"shared"`

	// Asked entries count only if somebody asks them at the moment.
	Asked bool `yaml:"asked"`

	// Suggest keeps the entry's signals from being chosen, and says why.
	Suggest string `yaml:"suggest"`

	Missing []remedy `yaml:"missing"`
}

type pick struct {
	Labels []string `yaml:"labels"`
	Values pattern  `yaml:"values"` // that one of its values has to match
}

type durations struct {
	Metric       string `yaml:"metric"` // without _bucket, _sum, _count
	Matchers     string `yaml:"matchers"`
	Milliseconds bool   `yaml:"milliseconds"`
}

// template is a signal with templates as queries.
type template struct {
	signal.Signal `yaml:",inline"`
}

// remedy says what would provide a signal. A metric that exists makes it void.
type remedy struct {
	Signals []string `yaml:"signals"`
	Metric  string   `yaml:"metric"`
	What    string   `yaml:"what"`
	Remedy  string   `yaml:"remedy"`
}

// pattern is a regular expression for a whole text.
type pattern struct{ *regexp.Regexp }

// UnmarshalYAML implements yaml.Unmarshaler.
func (p *pattern) UnmarshalYAML(unmarshal func(any) error) error {
	var text string
	if err := unmarshal(&text); err != nil {
		return err
	}
	re, err := regexp.Compile("^(?:" + text + ")$")
	p.Regexp = re
	return err
}

type catalogue struct {
	Entries []entry
	Wanted  []remedy
}

// load reads the embedded catalogue.
func load() (*catalogue, error) {
	var c catalogue
	for _, part := range []string{"application", "server", "proxy", "change"} {
		var entries []entry
		if err := read(part, &entries); err != nil {
			return nil, err
		}
		c.Entries = append(c.Entries, entries...)
	}
	if err := read("wanted", &c.Wanted); err != nil {
		return nil, err
	}
	for _, e := range c.Entries {
		if e.Name == "" || e.Present.Regexp == nil || !slices.Contains(levels, e.Level) {
			return nil, fmt.Errorf("catalogue: entry %q: name, present or level is missing", e.Name)
		}
	}
	return &c, nil
}

func read(name string, into any) error {
	text, err := files.ReadFile("catalogue/" + name + ".yml")
	if err != nil {
		return err
	}
	if err := yaml.UnmarshalStrict(text, into); err != nil {
		return fmt.Errorf("catalogue: %s: %w", name, err)
	}
	return nil
}

// templates returns the signals of an entry: those that follow from its
// quantities, then its own.
func (e *entry) templates() []template {
	var out []template
	add := func(name, query, support string) {
		out = append(out, template{signal.Signal{Name: name, Query: query, Support: support}})
	}
	has := func(names ...string) bool {
		return !slices.ContainsFunc(names, func(n string) bool { return e.Quantities[n] == nil })
	}
	if has("requests") {
		add("request_rate", "$requests", "")
	}
	if has("requests", "errors") {
		// What never failed has no series of failures, and no missing data.
		add("error_ratio", "($errors or 0 * $requests) / $requests", "$requests")
	}
	if e.Durations != nil {
		out = append(out, e.Durations.templates()...)
	}
	if has("lookups", "hits") {
		add("cache_hit_ratio", "$hits / $lookups", "$lookups")
	}
	if has("lookups") {
		add("cache_lookups_per_request", "$lookups / $requests", "")
		add("cache_lookups", "$lookups", "")
	}
	if has("hits") {
		add("cache_served_ratio", "$hits / $requests", "$requests")
	}
	if has("queries") {
		add("db_qps", "$queries", "")
		add("db_queries_per_request", "$queries / $requests", "")
	}
	if has("query_seconds", "query_count") {
		add("db_latency", "$query_seconds / $query_count", "$query_count")
	}
	return append(out, e.Signals...)
}

func (d *durations) templates() []template {
	rate := func(suffix, by string) string {
		return "sum by (" + by + ") (rate(" + d.Metric + suffix + "{" + d.Matchers + "}[$w]))"
	}
	unit := ""
	if d.Milliseconds {
		unit = " / 1000"
	}
	count := rate("_count", "$by")
	var out []template
	for _, q := range []struct{ name, quantile string }{{"latency_p50", "0.5"}, {"latency_p99", "0.99"}} {
		out = append(out, template{signal.Signal{
			Name: q.name, Support: count,
			Query: "histogram_quantile(" + q.quantile + ", " + rate("_bucket", "le, $by") + ")" + unit,
		}})
	}
	return append(out, template{signal.Signal{
		Name: "latency_mean", Support: count,
		Query: rate("_sum", "$by") + " / " + count + unit,
	}})
}
