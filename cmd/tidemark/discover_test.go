package main

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tidemark/internal/promtest"
)

// TestGettingStarted goes the way of docs/getting-started.md on a real Prometheus:
// discover, check, backtest. Then the same without a list of signals.
func TestGettingStarted(t *testing.T) {
	now := time.Now().Truncate(time.Minute)
	var past strings.Builder
	for _, m := range []struct {
		series string
		rate   int
	}{
		{`http_requests_total{service="shop",job="web",instance="a",code="200"}`, 100},
		{`shop_cache_lookups_total{service="shop",job="web",instance="a"}`, 90},
		{`shop_cache_hits_total{service="shop",job="web",instance="a"}`, 84},
		{`shop_db_queries_total{service="shop",job="web",instance="a"}`, 20},
	} {
		for i := range 300 {
			fmt.Fprintf(&past, "%s %d %d\n", m.series, i*60*m.rate, now.Add(time.Duration(i-299)*time.Minute).Unix())
		}
	}
	data, dir := t.TempDir(), t.TempDir()
	promtest.LoadOpenMetrics(t, data, past.String())
	p := promtest.StartPrometheus(t, promtest.PrometheusOptions{Dir: data})

	do := func(args ...string) string {
		t.Helper()
		var stdout, stderr bytes.Buffer
		if code := run(t.Context(), args, &stdout, &stderr); code != 0 {
			t.Fatalf("%v: exit code %d, want 0; standard error:\n%s", args, code, stderr.String())
		}
		return stdout.String()
	}
	file := filepath.Join(dir, "tidemark.yml")
	if got := do("discover", "--prometheus.url="+p.URL, "--output.file="+file); got != "" {
		t.Errorf("discover prints %q, want nothing beside the file", got)
	}
	if got, want := do("check", "config", file), file+": valid, 7 signals, 12 rules\n"; !strings.HasPrefix(got, want) {
		t.Errorf("check config says %q, want %q", got, want)
	}
	span := []string{"--start=" + now.Add(-time.Hour).UTC().Format(time.RFC3339), "--end=" + now.UTC().Format(time.RFC3339)}
	if got, want := do(append([]string{"backtest", "--config.file=" + file}, span...)...), " 7 series, "; !strings.Contains(got, want) {
		t.Errorf("backtest says %q, want …%s…", got, want)
	}

	short := filepath.Join(dir, "short.yml")
	if err := os.WriteFile(short, fmt.Appendf(nil, "prometheus: {url: %q, history: 3h}\n", p.URL), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, want := do("check", "config", short), short+": no signals, they are discovered at the start: `tidemark discover` shows which\n"; !strings.Contains(got, want) {
		t.Errorf("check config says %q, want …%s…", got, want)
	}
	if got, want := do(append([]string{"backtest", "--config.file=" + short}, span...)...), " 7 series, "; !strings.Contains(got, want) {
		t.Errorf("backtest without signals says %q, want …%s…", got, want)
	}
}

// TestDiscoverCredentials logs in as a file says, and repeats no secret.
func TestDiscoverCredentials(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "tidemark" || password != "s3cret-word" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if strings.HasSuffix(r.URL.Path, "/values") {
			fmt.Fprint(w, `{"status":"success","data":["http_requests_total"]}`)
			return
		}
		fmt.Fprint(w, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{"service":"shop"},"value":[1700000100,"1"]}]}}`)
	}))
	defer server.Close()
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	secret := write("password", "s3cret-word")
	inFile := write("file.yml", "basic_auth: {username: tidemark, password_file: password}\n")
	inline := write("inline.yml", "basic_auth: {username: tidemark, password: s3cret-word}\n")
	wrong := write("wrong.yml", "basic_oauth: {}\n")
	for _, tc := range []struct {
		name   string
		args   []string
		code   int
		stdout string // a part of it
		stderr string // a part of it
	}{
		{"a password in a file", []string{"--prometheus.config=" + inFile}, 0, "password_file: " + secret, ""},
		{"a password", []string{"--prometheus.config=" + inline}, 0, "password: <secret>", ""},
		{"none", nil, 1, "", "the source refuses the credentials: 401 Unauthorized: : write the credentials"},
		{"a misspelt option", []string{"--prometheus.config=" + wrong}, 1, "", "wrong.yml: yaml: unmarshal errors:   line 1: field basic_oauth not found"},
		{"no such file", []string{"--prometheus.config=" + dir + "/none.yml"}, 1, "", "none.yml: no such file or directory"},
		{"a file that exists", []string{"--prometheus.config=" + inFile, "--output.file=" + secret}, 1, "", "password exists already: remove it, or choose another name"},
		{"not a time", []string{"--time=yesterday"}, 1, "", `--time "yesterday" is not a time: write RFC 3339 such as`},
		{"not a rate", []string{"--max-query-rate=NaN"}, 1, "", "--max-query-rate NaN is not a rate"},
		{"not a URL", []string{"--prometheus.url=localhost"}, 1, "", `--prometheus.url: url "localhost" is not an http address: write one such as`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			args := append([]string{"discover"}, tc.args...)
			if !strings.Contains(strings.Join(args, " "), "--prometheus.url=") {
				args = append(args, "--prometheus.url="+server.URL)
			}
			var stdout, stderr bytes.Buffer
			if code := run(t.Context(), args, &stdout, &stderr); code != tc.code {
				t.Errorf("exit code %d, want %d", code, tc.code)
			}
			if !strings.Contains(stdout.String(), tc.stdout) {
				t.Errorf("standard output %q, want …%s…", stdout.String(), tc.stdout)
			}
			if !strings.Contains(stderr.String(), tc.stderr) {
				t.Errorf("standard error %q, want …%s…", stderr.String(), tc.stderr)
			}
			if all := stdout.String() + stderr.String(); strings.Contains(all, "s3cret-word") {
				t.Errorf("the password is shown: %s", all)
			}
		})
	}
}
