package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestScore(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := file("good.csv", "timestamp,value\n2026-03-04 10:00:00,1\n2026-03-04 10:05:00,2\n")
	bad := file("bad.csv", "timestamp,value\n2026-03-04 10:00:00,1\n"+strings.Repeat("2026-03-04 10:05:00,x\n", 30))
	for _, tc := range []struct {
		name   string
		args   []string
		code   int
		stdout string
		stderr string // a part of it
	}{
		{
			"a file", []string{"--step=5m", "--input=" + good}, 0,
			"timestamp,value,anomaly_score,expected,lower,upper\n2026-03-04 10:00:00,1,0,,,\n2026-03-04 10:05:00,2,0,,,\n", "",
		},
		{
			"bad lines", []string{"--step=5m", "--input=" + bad}, 1,
			"timestamp,value,anomaly_score,expected,lower,upper\n2026-03-04 10:00:00,1,0,,,\n",
			`line 22: value "x" is not a number: write one such as 17.5, or nothing for a gap` + "\ntidemark: 30 of 31 lines are left out\n",
		},
		{"no such file", []string{"--step=5m", "--input=" + dir + "/none.csv"}, 1, "", "none.csv: no such file or directory"},
		{"no step", []string{"--input=" + good}, 2, "", "required flag(s) '--step' not provided"},
		{"no such step", []string{"--step=0s", "--input=" + good}, 1, "", "step 0s is not positive: write the distance between the lines, such as 5m"},
		{"no such kind", []string{"--step=5m", "--kind=speed", "--input=" + good}, 2, "", "enum value must be one of auto,gauge,rate,ratio,latency, got 'speed'"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			if code := run(t.Context(), append([]string{"score"}, tc.args...), &stdout, &stderr); code != tc.code {
				t.Errorf("exit code %d, want %d", code, tc.code)
			}
			if stdout.String() != tc.stdout {
				t.Errorf("standard output %q, want %q", stdout.String(), tc.stdout)
			}
			if !strings.Contains(stderr.String(), tc.stderr) {
				t.Errorf("standard error %q, want …%s…", stderr.String(), tc.stderr)
			}
		})
	}
}
