package ingest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/prometheus/common/model"

	"tidemark/series"
	"tidemark/signal"
)

// keptAnswer is a checked answer as the cache holds it.
type keptAnswer struct {
	Labels  []model.LabelSet
	Values  [][]float64
	Samples int
}

// recall takes from the cache what it has of the signals, and returns the indexes
// of those that are to be read: of which something is missing.
func (r *reading) recall() []int {
	s := r.source
	if s.cache == nil {
		return r.all()
	}
	var missing []int
	for i, sig := range s.signals {
		if !r.recallSignal(i, sig) {
			missing = append(missing, i)
		}
	}
	return missing
}

func (r *reading) recallSignal(i int, sig signal.Signal) bool {
	s := r.source
	ask, err := asked(sig, r.grid)
	if err != nil || ask.N == 0 {
		return false
	}
	c, ok := s.recall(sig.Query, ask, r.grid)
	if !ok {
		return false
	}
	queries := uint64(1)
	if sig.Support != "" {
		support, ok := s.recall(sig.Support, ask, r.grid)
		if !ok {
			return false
		}
		c.support(support)
		queries++
	}
	s.recalled.Add(queries)
	r.answers[i] = answer{asked: true, frame: series.Frame{Signal: sig.Name, Series: c.series}}
	return true
}

// recall returns what the cache has for a query. An answer with more series than
// are allowed now is asked for again, which says so.
func (s *Source) recall(expr string, ask, g series.Grid) (checked, bool) {
	var kept keptAnswer
	if !s.cache.load(s.key(expr, ask, g), &kept) || len(kept.Labels) != len(kept.Values) || len(kept.Labels) > s.config.MaxSeriesPerSignal {
		return checked{}, false
	}
	c := checked{samples: kept.Samples}
	for i, labels := range kept.Labels {
		if len(kept.Values[i]) != g.N {
			return checked{}, false
		}
		if labels == nil { // gob does not tell empty from nil
			labels = model.LabelSet{}
		}
		c.keys = append(c.keys, keyOf(labels))
		c.series = append(c.series, series.Series{Labels: labels, Values: kept.Values[i]})
	}
	return c, true
}

// remember keeps an answer if the source will not give another one later.
func (s *Source) remember(expr string, ask, g series.Grid, c checked) {
	if s.cache == nil || c.samples == 0 || time.Since(g.End()) < settled {
		return
	}
	kept := keptAnswer{Samples: c.samples}
	for _, one := range c.series {
		kept.Labels = append(kept.Labels, one.Labels)
		kept.Values = append(kept.Values, one.Values)
	}
	s.cache.keep(s.key(expr, ask, g), kept)
}

// key names an answer: whom was asked, for whom, and what. Secrets are no part of
// it.
func (s *Source) key(expr string, ask, g series.Grid) string {
	h := sha256.New()
	part := func(format string, args ...any) {
		text := fmt.Sprintf(format, args...)
		fmt.Fprintf(h, "%d %s", len(text), text) // a hash takes everything
	}
	part("answer 1")
	u := *s.config.URL.URL
	u.User = nil
	part("%s", u.String())
	client := s.config.HTTPClientConfig
	if client.BasicAuth != nil {
		part("user %s", client.BasicAuth.Username)
	}
	if client.HTTPHeaders != nil { // such as that of a tenant
		for _, name := range slices.Sorted(maps.Keys(client.HTTPHeaders.Headers)) {
			part("header %s %q", name, client.HTTPHeaders.Headers[name].Values)
		}
	}
	part("%s", expr)
	for _, one := range []series.Grid{ask, g} {
		part("%d %d %d", one.Start.UnixMilli(), one.Step.Milliseconds(), one.N)
	}
	return hex.EncodeToString(h.Sum(nil))
}
