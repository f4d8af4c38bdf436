package main

import (
	"testing"
	"time"
)

func TestShortFaults(t *testing.T) {
	for _, tc := range []struct {
		name   string
		factor float64
		least  int
		most   int
	}{
		{"nothing happens", 1, 0, 1},
		{"twice as slow", 2, 19, 20},
	} {
		t.Run(tc.name, func(t *testing.T) {
			found, all, err := short(3, tc.factor, 10*time.Minute)
			if err != nil {
				t.Fatal(err)
			}
			if all < 19 || found < tc.least || found > tc.most {
				t.Errorf("%d anomalies in %d, want %d to %d in about 20", found, all, tc.least, tc.most)
			}
		})
	}
}
