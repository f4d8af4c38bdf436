package httpapi

import (
	"cmp"
	"math"
	"net/http"
	"slices"

	"github.com/go-chi/chi/v5"

	"tidemark/detector"
	"tidemark/engine"
	"tidemark/rules"
)

// seriesShown is how many series of a signal one page lists.
const seriesShown = 500

// stateCounts is how many series are in each state.
type stateCounts struct{ Anomalous, Unknown, Learning, Normal int }

func (c *stateCounts) add(series []engine.SeriesStatus) {
	for _, s := range series {
		switch s.Judgement.State {
		case detector.Anomalous:
			c.Anomalous++
		case detector.Learning:
			c.Learning++
		case detector.Normal:
			c.Normal++
		default:
			c.Unknown++
		}
	}
}

// Total is the number of all series.
func (c stateCounts) Total() int { return c.Anomalous + c.Unknown + c.Learning + c.Normal }

// signalView is a signal with the series that a page shows of it.
type signalView struct {
	engine.SignalStatus
	Counts  stateCounts
	Series  []seriesView
	Hidden  int            // series that match and are not shown
	Match   string         // the selector that was asked for
	Problem string         // why it cannot be used
	Changes []rules.Change // that a change signal saw
}

type seriesView struct {
	engine.SeriesStatus
	Reading reading
	Extra   []pair // labels beyond the scope
}

// signalsPage shows each signal with the series that is furthest off.
func (a *API) signalsPage(w http.ResponseWriter, _ *http.Request) {
	var views []signalView
	for _, status := range a.opts.Engine.Snapshot().Signals {
		v := signalView{SignalStatus: status}
		v.Counts.add(status.Series)
		if len(status.Series) > 0 {
			v.Series = []seriesView{seriesViewOf(status, slices.MinFunc(status.Series, byTrouble))}
		}
		views = append(views, v)
	}
	a.show(w, http.StatusOK, "signals", frame{Title: "Signals", Section: "/signals", Page: views})
}

// signalPage shows the series of one signal, those in trouble first.
func (a *API) signalPage(w http.ResponseWriter, r *http.Request) {
	s, name := a.opts.Engine.Snapshot(), chi.URLParam(r, "name")
	i := slices.IndexFunc(s.Signals, func(status engine.SignalStatus) bool { return status.Signal.Name == name })
	if i < 0 {
		a.showError(w, notFound("there is no signal %q: %s/signals lists those that are configured", name, a.prefix))
		return
	}
	v := signalView{SignalStatus: s.Signals[i], Match: r.URL.Query().Get("match[]")}
	v.Counts.add(v.SignalStatus.Series)
	var f filter
	var err error
	if v.Match != "" {
		f.selectors, err = parseSelectors([]string{v.Match})
	}
	var series []engine.SeriesStatus
	if err != nil {
		v.Problem = err.Error()
	} else {
		for _, status := range v.SignalStatus.Series {
			if f.matches(status.Scope.Merge(status.Labels)) {
				series = append(series, status)
			}
		}
	}
	slices.SortStableFunc(series, byTrouble)
	v.Hidden = max(len(series)-seriesShown, 0)
	for _, status := range series[:len(series)-v.Hidden] {
		v.Series = append(v.Series, seriesViewOf(v.SignalStatus, status))
	}
	for _, c := range s.Changes {
		if c.Kind == name {
			v.Changes = append(v.Changes, c)
		}
	}
	a.show(w, codeOf(err), "signal", frame{Title: v.Signal.Title, Section: "/signals", Page: v})
}

func seriesViewOf(status engine.SignalStatus, series engine.SeriesStatus) seriesView {
	j := series.Judgement
	return seriesView{
		SeriesStatus: series, Extra: pairs(series.Labels, series.Scope),
		Reading: read(status.Signal, j.Value, j.Expected, j.Lower, j.Upper, j.Score, j.Direction),
	}
}

// byTrouble orders series: anomalous ones, those without a value, then the rest
// by how far off they are.
func byTrouble(a, b engine.SeriesStatus) int {
	order := []detector.State{detector.Anomalous, detector.Unknown, detector.Learning, detector.Normal}
	return cmp.Or(
		cmp.Compare(slices.Index(order, a.Judgement.State), slices.Index(order, b.Judgement.State)),
		cmp.Compare(math.Abs(b.Judgement.Score), math.Abs(a.Judgement.Score)),
	)
}
