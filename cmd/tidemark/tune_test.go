package main

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestTune(t *testing.T) {
	p := startPast(t, time.Date(2025, 3, 5, 12, 0, 0, 0, time.UTC))
	file := filepath.Join(t.TempDir(), "tidemark.yml")
	text := fmt.Sprintf("prometheus: {url: %q, history: 3h}\nsignals:\n  - {name: request_rate, query: requests}\n", p.URL)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name           string
		target         string
		code           int
		stdout, stderr string // parts
	}{
		{"quiet already", "2-per-week", 0, "The configuration meets the target: nothing is to be changed.", "tune: 50 %"},
		{"no rate", "2", 1, "", `--target "2" is not a rate: write one such as 2-per-week, 1-per-day or 3-per-month`},
		{"no number", "1.2.3-per-day", 1, "", "1.2.3 is not a number"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			args := []string{"tune", "--config.file=" + file, "--start=2025-03-05T15:00:00Z", "--end=2025-03-05T16:39:00Z", "--target=" + tc.target}
			if code := run(t.Context(), args, &stdout, &stderr); code != tc.code {
				t.Errorf("exit code %d, want %d; standard error:\n%s", code, tc.code, stderr.String())
			}
			if !strings.Contains(stdout.String(), tc.stdout) || !strings.Contains(stderr.String(), tc.stderr) {
				t.Errorf("standard output:\n%s\nstandard error:\n%s\nwant …%s… and …%s…", stdout.String(), stderr.String(), tc.stdout, tc.stderr)
			}
		})
	}
}

func TestParseRate(t *testing.T) {
	for text, want := range map[string]float64{"2-per-week": 2, "1-per-day": 7, "3-per-month": 0.7, "0-per-week": 0} {
		if got, err := parseRate(text); err != nil || math.Abs(got-want) > 1e-9 {
			t.Errorf("%s: got %g per week and error %v, want %g", text, got, err, want)
		}
	}
}
