package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"go.yaml.in/yaml/v2"

	"tidemark/backtest"
	"tidemark/config"
	"tidemark/incident"
	"tidemark/internal/archive"
)

// judge loads the case into a Prometheus and returns the incidents of a backtest,
// in the order in which they fired.
func (c *kase) judge(ctx context.Context) (incidents []incident.Incident, err error) {
	tmp, err := os.MkdirTemp("", "rootcause")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(tmp) }()
	text, series, err := c.compose()
	if err != nil {
		return nil, err
	}
	samples := filepath.Join(tmp, "samples.om")
	if err := os.WriteFile(samples, []byte(text), 0o600); err != nil {
		return nil, err
	}
	if err := archive.Load(ctx, tmp, samples, 2*time.Hour); err != nil {
		return nil, err
	}
	// A sample counts until the next one is due, and a little longer.
	interval := time.Duration(c.Interval) * time.Second
	p, err := archive.Serve(ctx, tmp, max(5*time.Minute, interval+interval/5))
	if err != nil {
		return nil, err
	}
	defer p.Stop()
	file := filepath.Join(tmp, "tidemark.yml")
	if err := os.WriteFile(file, c.configuration(p.URL, series), 0o600); err != nil {
		return nil, err
	}
	cfg, err := config.Load(file)
	if err != nil {
		return nil, err
	}
	report, err := backtest.Run(ctx, backtest.Options{Config: cfg, Start: time.Unix(c.First, 0), End: time.Unix(c.Last, 0)})
	if err != nil {
		return nil, err
	}
	return byFiring(report.Incidents), nil
}

// known are the metrics of service-level data, and which signal each one is. Of
// two for the same signal the first one that a case has is taken.
var known = []struct{ metric, with, signal, query, support string }{
	{"requests_per_second", "service", "request_rate", "sum by (service) (requests_per_second)", ""},
	{"request_error_ratio", "service", "error_ratio", "max by (service) (request_error_ratio)", "sum by (service) (requests_per_second)"},
	{"request_latency_avg_seconds", "service", "latency_mean", "max by (service) (request_latency_avg_seconds)", "sum by (service) (requests_per_second)"},
	{"request_latency_seconds", "quantile", "latency_p95", "max by (service) (request_latency_seconds)", "sum by (service) (requests_per_second)"},
	{"call_latency_p50_seconds", "destination", "call_latency", `label_replace(call_latency_p50_seconds, "service", "$1", "destination", "(.*)")`, ""},
	{"container_cpu_usage_percent", "service", "cpu_usage", "max by (service) (container_cpu_usage_percent) / 100", ""},
}

// coarse is the distance between samples from which on one cycle must do: faults
// last for a few of them.
const coarse = 5 * time.Minute

// configuration returns a configuration for the metrics that there are, with the
// calls of the case.
func (c *kase) configuration(url string, series []string) []byte {
	type m = yaml.MapSlice
	var signals []m
	for _, k := range known {
		for _, s := range series {
			if strings.HasPrefix(s, k.metric+"{") && strings.Contains(s, k.with+"=") {
				one := m{{Key: "name", Value: k.signal}, {Key: "query", Value: k.query}}
				if k.support != "" {
					one = append(one, yaml.MapItem{Key: "support", Value: k.support})
				}
				signals = append(signals, one)
				break
			}
		}
	}
	interval := time.Duration(c.Interval) * time.Second
	settle := 2
	if interval >= coarse {
		settle = 1
	}
	file := m{
		{Key: "global", Value: m{{Key: "evaluation_interval", Value: interval.String()}, {Key: "scope", Value: []string{"service"}}, {Key: "settle", Value: settle}}},
		{Key: "prometheus", Value: m{{Key: "url", Value: url}, {Key: "history", Value: "7d"}}},
		{Key: "signals", Value: signals},
	}
	if len(c.Calls) > 0 {
		edges := make([]m, len(c.Calls))
		for i, e := range c.Calls {
			edges[i] = m{{Key: "caller", Value: e[0]}, {Key: "callee", Value: e[1]}}
		}
		file = append(file, yaml.MapItem{Key: "topology", Value: m{{Key: "edges", Value: edges}}})
	}
	text, err := yaml.Marshal(file)
	if err != nil {
		panic(fmt.Sprintf("strings and maps have a form in YAML: %v", err))
	}
	return text
}
