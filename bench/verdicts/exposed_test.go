package main

import (
	"math"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/promslog"

	"tidemark/config"
	"tidemark/ingest"
	"tidemark/internal/archive"
	"tidemark/series"
)

// TestPrometheusShowsTheRecord checks that what the targets expose, through a real
// Prometheus and the queries, is what the engine is shown without one.
func TestPrometheusShowsTheRecord(t *testing.T) {
	const minutes, window = 8 * hour, 5
	s := newSite(random("site of exposed", 1), 0)
	start := time.Unix((block(fleetStart)+1)*int64(blockSpan/time.Second), 0).Add(-3 * time.Hour) // so that there are two blocks
	events := []event{
		{span{100, 101}, func(_ int, t *trouble) { t.deploy, t.lost = true, 0.4 }},
		{span{200, 203}, func(_ int, t *trouble) { t.noScrapes = true }},
		{span{260, 270}, func(_ int, t *trouble) { t.noScrape = true }},
		{span{330, 331}, func(_ int, t *trouble) { t.cacheRestart = true }},
		{span{400, 440}, func(_ int, t *trouble) { t.bypass = 1 }},
	}
	shown, _ := play(newWorld(s, 1), start.Add(-time.Minute), minutes, events)
	want := observe(start, shown, window)

	dir := t.TempDir()
	scrapes := newTexts(dir)
	if err := scrapes.write("shop", start, shown); err != nil {
		t.Fatal(err)
	}
	files, err := scrapes.close()
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 2 {
		t.Fatalf("%d files, want one for each of 2 blocks", len(files))
	}
	for _, file := range files {
		if err := archive.Load(t.Context(), dir, file, blockSpan); err != nil {
			t.Fatal(err)
		}
	}
	p, err := archive.Serve(t.Context(), dir, lookback)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Stop()
	name := filepath.Join(dir, "tidemark.yml")
	if err := writeYAML(name, configuration(p.URL, window, nil, 1)); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(name)
	if err != nil {
		t.Fatal(err)
	}
	src, err := ingest.New(cfg.Prometheus, cfg.Signals, ingest.Options{Logger: promslog.NewNopLogger(), Registerer: prometheus.NewRegistry()})
	if err != nil {
		t.Fatal(err)
	}
	grid := want.grid(minutes)
	got, err := src.Read(t.Context(), grid)
	if err != nil {
		t.Fatal(err)
	}
	frames, err := want.Read(t.Context(), grid)
	if err != nil {
		t.Fatal(err)
	}
	for n, frame := range frames {
		compareSeries(t, frame.Signal, got[n].Series, frame.Series)
	}
}

// compareSeries compares what is after the first window: there a counter begins, and
// rate() knows that it cannot have been below zero.
func compareSeries(t *testing.T, signal string, got, want []series.Series) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d series, want %d", signal, len(got), len(want))
		return
	}
	for k := range want {
		for i, w := range want[k].Values {
			g := got[k].Values[i]
			if i >= 5 && (math.IsNaN(g) != math.IsNaN(w) || math.Abs(g-w) > 1e-5*math.Abs(w)) {
				t.Errorf("%s, minute %d: %v, want %v", signal, i, g, w)
			}
		}
	}
}
