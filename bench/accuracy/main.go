// Command accuracy measures the detector on simulated signals of a web service
// whose faults are known: false alarms per series and month, which faults are
// found, and how soon; side by side with simple and published alternatives.
//
//	go run ./bench/accuracy -seeds 10 -weeks 4
//
// It prints tables; it has no opinion about them. The simulation is described at
// stack.run. The other detectors alarm after five minutes outside their band,
// tidemark at once.
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"

	"tidemark/detector"
)

type settings struct {
	seeds       int
	first       uint64
	weeks       int
	step        time.Duration
	smooth      int
	signal      string
	sensitivity float64
	parallel    int
	only        string
	alone       bool
}

var volumes = []float64{1000, 50, 2}

func main() {
	var s settings
	flag.IntVar(&s.seeds, "seeds", 10, "simulations of each kind")
	flag.Uint64Var(&s.first, "first-seed", 1, "seed of the first one")
	flag.IntVar(&s.weeks, "weeks", 4, "weeks that count, after three to learn")
	flag.DurationVar(&s.step, "step", time.Minute, "distance between samples")
	flag.StringVar(&s.signal, "signal", "", "only signals whose name contains this")
	flag.IntVar(&s.smooth, "smooth", 1, "samples over which rates and ratios are formed")
	flag.Float64Var(&s.sensitivity, "sensitivity", detector.DefaultSensitivity, "of tidemark")
	flag.IntVar(&s.parallel, "parallel", runtime.GOMAXPROCS(0), "simulations at a time")
	flag.StringVar(&s.only, "only", "", "run only the sections whose name contains this")
	flag.BoolVar(&s.alone, "alone", false, "tidemark only")
	flag.Parse()
	if flag.NArg() > 0 || s.seeds < 1 || s.weeks < 1 || s.step < time.Second {
		flag.Usage()
		os.Exit(2)
	}
	for _, section := range []struct {
		name string
		run  func(settings)
	}{
		{"signals", table},
		{"stress", stress},
		{"cold start", coldStart},
		{"level shift", levelShift},
		{"dial", dial},
		{"calibration", calibration},
	} {
		if strings.Contains(section.name, s.only) {
			started := time.Now()
			section.run(s)
			fmt.Printf("(%s: %s)\n\n", section.name, time.Since(started).Round(time.Second))
		}
	}
}
