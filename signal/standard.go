package signal

import "tidemark/detector"

// Standard holds the signals that the built-in rules know, by name. A
// declaration of the same name inherits what it does not say itself; Given only
// if that signal is declared, too.
var Standard = map[string]Signal{
	// Bursts of a third more are every service's daily life.
	"request_rate":      {Title: "requests", Kind: detector.Rate, Component: Traffic, Direction: detector.Both, MinEffect: &detector.MinEffect{Relative: 0.4}},
	"error_ratio":       {Title: "error ratio", Kind: detector.Ratio, Component: Application, Direction: detector.Up},
	"latency_p50":       {Title: "latency p50", Kind: detector.Latency, Component: Application, Direction: detector.Up},
	"latency_p95":       {Title: "latency p95", Kind: detector.Latency, Component: Application, Direction: detector.Up},
	"latency_p99":       {Title: "latency p99", Kind: detector.Latency, Component: Application, Direction: detector.Up},
	"latency_mean":      {Title: "mean latency", Kind: detector.Latency, Component: Application, Direction: detector.Up},
	"call_latency":      {Title: "latency of calls to it", Kind: detector.Latency, Component: Application, Direction: detector.Up},
	"cpu_usage":         {Title: "processor use", Kind: detector.Gauge, Component: Application, Direction: detector.Up, MinEffect: &detector.MinEffect{Relative: 0.3}},
	"process_restarts":  {Title: "process start", Kind: Change, Component: Application},
	"deploys":           {Title: "version", Kind: Change, Component: Deploy},
	"config_changes":    {Title: "configuration", Kind: Change, Component: Application},
	"cache_hit_ratio":   {Title: "cache hit ratio", Kind: detector.Ratio, Component: Cache, Direction: detector.Down, MinEffect: &detector.MinEffect{Absolute: 0.02}},
	"cache_evictions":   {Title: "cache evictions", Kind: detector.Rate, Component: Cache, Direction: detector.Up, MinEffect: &detector.MinEffect{Absolute: 0.5, Relative: 0.5}},
	"cache_expirations": {Title: "cache expirations", Kind: detector.Rate, Component: Cache, Direction: detector.Up, MinEffect: &detector.MinEffect{Absolute: 0.5, Relative: 0.5}},
	"cache_errors":      {Title: "cache errors", Kind: detector.Rate, Component: Cache, Direction: detector.Up, MinEffect: &detector.MinEffect{Absolute: 0.1, Relative: 0.5}},
	"cache_latency":     {Title: "cache latency", Kind: detector.Latency, Component: Cache, Direction: detector.Up, MinEffect: &detector.MinEffect{Relative: 0.5}},
	"cache_up":          {Title: "cache up", Kind: detector.Gauge, Component: Cache, Direction: detector.Down, MinEffect: &detector.MinEffect{Absolute: 0.1}},
	"cache_restarts":    {Title: "cache start", Kind: Change, Component: Cache},
	"cache_flushes":     {Title: "cache flushes", Kind: Change, Component: Cache},
	"cache_settings":    {Title: "cache settings", Kind: Change, Component: Cache},
	"cache_lookups":     {Title: "cache lookups", Kind: detector.Rate, Component: Cache, Direction: detector.Down, Given: "request_rate", MinEffect: &detector.MinEffect{Relative: 0.15}},
	"db_qps":            {Title: "database queries", Kind: detector.Rate, Component: Database, Direction: detector.Up, Given: "request_rate", MinEffect: &detector.MinEffect{Relative: 0.10}},
	"db_latency":        {Title: "database time per query", Kind: detector.Latency, Component: Database, Direction: detector.Up, Given: "db_qps", MinEffect: &detector.MinEffect{Relative: 0.3}},
	"db_errors":         {Title: "database errors", Kind: detector.Rate, Component: Database, Direction: detector.Up, MinEffect: &detector.MinEffect{Absolute: 0.1, Relative: 0.5}},
	"db_pool_wait":      {Title: "wait for a database connection", Kind: detector.Latency, Component: Database, Direction: detector.Up, MinEffect: &detector.MinEffect{Absolute: 0.001, Relative: 0.5}},
	"db_restarts":       {Title: "database start", Kind: Change, Component: Database},
	"db_settings":       {Title: "database settings", Kind: Change, Component: Database},
	"cache_served_ratio": {
		Title: "share of requests served from the cache", Kind: detector.Ratio, Component: Cache, Direction: detector.Down,
		MinEffect: &detector.MinEffect{Absolute: 0.02},
	},
	"cache_lookups_per_request": {
		Title: "cache lookups per request", Unit: "per request", Kind: detector.Rate, Component: Cache, Direction: detector.Down,
		MinEffect: &detector.MinEffect{Relative: 0.10}, // one replica of eight that goes past the cache
	},
	"db_queries_per_request": {
		Title: "database queries per request", Unit: "per request", Kind: detector.Rate, Component: Database, Direction: detector.Up,
		MinEffect: &detector.MinEffect{Relative: 0.10},
	},
	"db_connections_used_ratio": {
		Title: "share of database connections in use", Unit: "%", Kind: detector.Gauge, Component: Database, Direction: detector.Up,
		MinEffect: &detector.MinEffect{Absolute: 0.2},
	},
	"dependency_latency": {Title: "dependency latency", Kind: detector.Latency, Component: Dependency, Direction: detector.Up},
}

// kindEffects are the effects below which a deviation matters to nobody, for
// signals that do not say otherwise.
var kindEffects = map[detector.Kind]detector.MinEffect{
	detector.Latency: {Relative: 0.10},
	detector.Rate:    {Relative: 0.20},
	detector.Ratio:   {Relative: 0.15},
	detector.Gauge:   {Relative: 0.10},
	Change:           {},
}
