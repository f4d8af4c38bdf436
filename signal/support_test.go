package signal

import (
	"testing"
	"time"

	"tidemark/detector"
)

func TestSupportOf(t *testing.T) {
	for _, tc := range []struct{ name, query, want string }{
		{
			"share of rates", `sum by (service) (rate(errors_total[5m])) / sum by (service) (rate(requests_total[5m]))`,
			`sum by (service) (rate(requests_total[5m]))`,
		},
		{
			"one class of a counter", `sum(rate(http_requests_total{code=~"5.."}[2m])) / sum(rate(http_requests_total[2m]))`,
			`sum(rate(http_requests_total[2m]))`,
		},
		{
			"hits and misses", `rate(hits_total[5m]) / (rate(hits_total[5m]) + rate(misses_total[5m]))`,
			`(rate(hits_total[5m]) + rate(misses_total[5m]))`,
		},
		{"the other share", `1 - (rate(a_total[5m]) / rate(b_total[5m]))`, `rate(b_total[5m])`},
		{"limited", `clamp_max(rate(a_total[5m]) / rate(b_total[5m]), 1)`, `rate(b_total[5m])`},
		{"not divided by nothing", `rate(a_total[5m]) / (rate(b_total[5m]) > 0)`, `(rate(b_total[5m]) > 0)`},
		{"at least", `rate(a_total[5m]) / clamp_min(rate(b_total[5m]), 1)`, `clamp_min(rate(b_total[5m]), 1)`},
		{"increases", `increase(a_total[10m]) / increase(b_total[10m])`, `(increase(b_total[10m])) / 600`},
		{"increases over different times", `increase(a_total[10m]) / (increase(b_total[10m]) + increase(c_total[5m]))`, ``},
		{"mean in milliseconds", `rate(t_sum[5m]) / rate(t_count[5m]) / 1000`, `rate(t_count[5m])`},
		{"matched by labels", `rate(a_total[5m]) / on (service) rate(b_total[5m])`, `rate(b_total[5m])`},
		{"many to one", `rate(a_total[5m]) / on (service) group_left rate(b_total[5m])`, ``},
		{
			"quantile", `histogram_quantile(0.99, sum by (service, le) (rate(d_bucket{job="web"}[5m])))`,
			`sum by (service) (rate(d_bucket{job="web",le="+Inf"}[5m]))`,
		},
		{
			"quantile without", `histogram_quantile(0.5, sum without (pod) (rate(d_bucket[5m])))`,
			`sum without (pod, le) (rate(d_bucket{le="+Inf"}[5m]))`,
		},
		{"quantile of one series", `histogram_quantile(0.5, rate(d_bucket[5m]))`, `sum without (le) (rate(d_bucket{le="+Inf"}[5m]))`},
		{
			"quantile of increases", `histogram_quantile(0.5, sum by (le) (increase(d_bucket[5m])))`,
			`(sum(increase(d_bucket{le="+Inf"}[5m]))) / 300`,
		},
		{
			"native histogram", `histogram_quantile(0.9, sum by (service) (rate(d[5m])))`,
			`histogram_count(sum by (service) (rate(d[5m])))`,
		},
		{"quantile of several histograms", `histogram_quantile(0.5, rate(a_bucket[5m]) + rate(b_bucket[5m]))`, ``},
		{"share of seconds", `rate(busy_seconds_total[5m]) / rate(all_seconds_total[5m])`, ``},
		{"share of bytes", `sum(rate(cached_bytes_total[5m])) / sum(rate(served_bytes[5m]))`, ``},
		{"bytes for each second", `rate(sent_bytes_total[5m]) / rate(duration_seconds_sum[5m])`, ``},
		{"rate of a subquery", `rate(a_total[5m]) / rate(b_total[5m:1m])`, `rate(b_total[5m:1m])`},
		{"count of series", `count(up == 0) / count(up)`, ``},
		{"time", `rate(a_total[5m]) / vector(time())`, ``},
		{"recorded", `service:error_ratio:rate5m`, ``},
		{"share of a gauge", `in_use / connections`, ``},
		{"mean of shares", `avg by (service) (rate(a_total[5m]) / rate(b_total[5m]))`, ``},
		{"mean of means", `avg(rate(a_total[5m])) / avg(rate(b_total[5m]))`, ``},
		{"inverted", `1 / (rate(a_total[5m]) / rate(b_total[5m]))`, ``},
		{"no query", `sum(`, ``},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := supportOf(tc.query)
			if got != tc.want {
				t.Errorf("support of\n%s\nis   %q,\nwant %q", tc.query, got, tc.want)
			}
			if got != "" {
				if err := CheckQuery(got); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func TestDefaultSupport(t *testing.T) {
	const share = `rate(a_total[5m]) / rate(b_total[5m])`
	for _, tc := range []struct {
		name   string
		signal Signal
		want   string
	}{
		{"ratio", Signal{Name: "error_ratio", Query: share}, "rate(b_total[5m])"},
		{"latency", Signal{Name: "latency_mean", Query: share}, "rate(b_total[5m])"},
		{"own", Signal{Name: "error_ratio", Query: share, Support: "c"}, "c"},
		{"none", Signal{Name: "error_ratio", Query: share, Support: "none"}, ""},
		{"queries per request", Signal{Name: "db_queries_per_request", Query: share}, ""},
		{"gauge", Signal{Name: "share", Query: share, Kind: detector.Gauge, Component: Cache}, ""},
		{"change", Signal{Name: "deploys", Query: share}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := tc.signal
			if err := s.Complete(Defaults{Step: time.Minute}); err != nil {
				t.Fatal(err)
			}
			if s.Support != tc.want {
				t.Errorf("support is %q, want %q", s.Support, tc.want)
			}
		})
	}
}
