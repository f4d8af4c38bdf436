package signal

import (
	"testing"
	"time"

	"github.com/prometheus/common/model"
)

func TestWindow(t *testing.T) {
	for query, want := range map[string]time.Duration{
		"rate(hits_total[2m])": 2 * time.Minute,
		"sum(rate(hits_total[2m])) / sum(rate(lookups_total[10m]))": 10 * time.Minute,
		"max_over_time(rate(hits_total[1m])[15m:1m])":               15 * time.Minute,
		"service:cache_hits:ratio_rate3m{job=\"web\"}":              3 * time.Minute,
		"service:hits:rate2m / service:lookups:rate2m":              2 * time.Minute,
		"job:cache_hit_ratio:rate":                                  UsualWindow,
		"hits_10m":                                                  UsualWindow,
	} {
		s := Signal{Name: "cache_hit_ratio", Query: query}
		if err := s.Complete(defaults); err != nil {
			t.Fatal(err)
		}
		if s.Window != model.Duration(want) {
			t.Errorf("%s: window %v, want %v", query, s.Window, want)
		}
	}
	s := Signal{Name: "cache_hit_ratio", Query: "rate(hits_total[2m])", Window: model.Duration(time.Minute)}
	if err := s.Complete(defaults); err != nil || s.Window != model.Duration(time.Minute) {
		t.Errorf("window %v with error %v, want the one that is written", s.Window, err)
	}
}
