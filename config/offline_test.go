package config

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestOffline(t *testing.T) {
	signals := func(c *Config) map[string]string {
		out := map[string]string{}
		for _, s := range c.Signals {
			out[s.Name] = s.Query + " given " + s.Given
		}
		return out
	}
	for _, tc := range []struct {
		name, text string
		of         []string
		want       map[string]string
	}{
		{"nothing declared", "", []string{"request_rate", "db_qps", "mine"}, map[string]string{"request_rate": "request_rate given ", "db_qps": "db_qps given request_rate"}},
		{"some declared", "signals: [{name: db_qps, query: x, given: none}, {name: mine, kind: gauge, component: cache}]", []string{"request_rate", "db_qps"},
			map[string]string{"db_qps": "x given ", "mine": "mine given ", "request_rate": "request_rate given "}},
		{"that of a service", minimal, nil, map[string]string{"request_rate": "sum(rate(http_requests_total[5m])) given "}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, err := Offline("story", []byte(tc.text), ".", tc.of, 0)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, signals(c)); diff != "" {
				t.Errorf("signals (-want +got):\n%s", diff)
			}
			if c.Rules.Rule("cache_bypass") == nil {
				t.Error("the built-in rules are missing")
			}
		})
	}
	const want = `story:2: signals[0]: signal "mine": kind "" is not known`
	if _, err := Offline("story", []byte("signals:\n  - {name: mine, component: cache}\n"), ".", nil, 0); err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got error %v, want %s", err, want)
	}
}
