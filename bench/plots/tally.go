package main

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// tally prints what becomes of each figure with other seeds, since a picture
// shows one: a row of a Markdown table each.
func tally(seeds int) error {
	fmt.Printf("| figure, %d seeds | event found | with sample: median, worst | alarms before |\n|---|---|---|---|\n", seeds)
	for _, f := range figures() {
		var delays []float64
		early := 0
		for seed := range seeds {
			h, err := f.watch(uint64(seed) + 1)
			if err != nil {
				return fmt.Errorf("judge %s: %w", f.name, err)
			}
			if n := h.samples(f.event); !math.IsNaN(n) {
				delays = append(delays, n)
			}
			early += h.early
		}
		row := []string{f.name, fmt.Sprintf("%d", len(delays)), "–", fmt.Sprintf("%d", early)}
		if slices.Sort(delays); len(delays) > 0 {
			row[2] = fmt.Sprintf("%.0f, %.0f", delays[len(delays)/2], delays[len(delays)-1])
		}
		fmt.Println("| " + strings.Join(row, " | ") + " |")
	}
	return nil
}
