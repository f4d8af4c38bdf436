package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v2"

	"tidemark/backtest"
	"tidemark/config"
	"tidemark/incident"
	"tidemark/internal/archive"
)

// scrapeInterval is the distance of samples. They are where the slots are, and one
// counts for no longer, so that a series ends when its scrapes fail, as it does where
// Prometheus marks that.
const (
	scrapeInterval = time.Minute
	lookback       = scrapeInterval - time.Second
)

// backtest loads what was scraped of the fleet, in OpenMetrics files, into a
// Prometheus below dir, runs a backtest without some of the signals, and returns the
// incidents that fired. It leaves the storage, the configuration, the list of faults
// and the report in dir.
func (f fleet) backtest(ctx context.Context, dir string, files, without []string, days int) ([]page, error) {
	for _, file := range files {
		if err := archive.Load(ctx, dir, file, blockSpan); err != nil {
			return nil, err
		}
		if err := os.Remove(file); err != nil {
			return nil, err
		}
	}
	p, err := archive.Serve(ctx, dir, lookback)
	if err != nil {
		return nil, err
	}
	defer p.Stop()
	name := filepath.Join(dir, "tidemark.yml")
	if err := writeYAML(name, configuration(p.URL, f.slowest(), without, days)); err != nil {
		return nil, err
	}
	cfg, err := config.Load(name)
	if err != nil {
		return nil, err
	}
	truth := filepath.Join(dir, "faults.yml")
	if err := writeYAML(truth, f.truth()); err != nil {
		return nil, err
	}
	options := backtest.Options{
		Config: cfg,
		Start:  fleetStart.AddDate(0, 0, days).Add(scrapeInterval),
		End:    fleetStart.AddDate(0, 0, fleetDays),
		Grace:  grace,
	}
	if options.Faults, err = backtest.LoadFaults(truth); err != nil {
		return nil, err
	}
	report, err := backtest.Run(ctx, options)
	if err != nil {
		return nil, err
	}
	if report.Stats.Partial {
		return nil, fmt.Errorf("prometheus did not answer all of the range: see the queries in %s", name)
	}
	incidents := slices.Clone(report.Incidents)
	slices.SortStableFunc(incidents, func(a, b incident.Incident) int { return a.FiredAt.Compare(b.FiredAt) })
	pages := make([]page, len(incidents))
	for i, in := range incidents {
		pages[i] = pageOf(in)
	}
	var text bytes.Buffer
	if err := report.WriteText(&text); err != nil {
		return nil, err
	}
	return pages, os.WriteFile(filepath.Join(dir, "report.txt"), text.Bytes(), 0o644)
}

// configuration watches the signals that are not left out, over windows of minutes.
func configuration(url string, window int, without []string, days int) yaml.MapSlice {
	type m = yaml.MapSlice
	var signals []m
	for _, name := range names {
		if !slices.Contains(without, name) {
			query := strings.ReplaceAll(queries[name], "[W]", fmt.Sprintf("[%dm]", window))
			signals = append(signals, m{{Key: "name", Value: name}, {Key: "query", Value: query}})
		}
	}
	return m{
		{Key: "global", Value: m{
			{Key: "evaluation_interval", Value: scrapeInterval.String()},
			{Key: "scope", Value: []string{"service"}},
			{Key: "time_zone", Value: fleetZone},
		}},
		{Key: "prometheus", Value: m{{Key: "url", Value: url}, {Key: "history", Value: fmt.Sprintf("%dd", days)}}},
		{Key: "signals", Value: signals},
	}
}

// truth lists the faults that mattered, from the minute in which they did.
func (f fleet) truth() []yaml.MapSlice {
	var out []yaml.MapSlice
	for i := range f {
		for _, h := range f[i].faults {
			if h.effect.IsZero() {
				continue
			}
			out = append(out, yaml.MapSlice{
				{Key: "start", Value: h.effect.Format(time.RFC3339)},
				{Key: "end", Value: h.to.Format(time.RFC3339)},
				{Key: "scope", Value: map[string]string{"service": f[i].name}},
				{Key: "component", Value: string(h.kind.truth[0])},
			})
		}
	}
	return out
}

func writeYAML(name string, value any) error {
	text, err := yaml.Marshal(value)
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return os.WriteFile(name, text, 0o644)
}
