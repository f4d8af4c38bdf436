package scenario

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"tidemark/config"
	"tidemark/incident"
	"tidemark/series"
	"tidemark/signal"
)

// Recorder keeps what a backtest reads, so that it can be told as a scenario. It
// holds all of it in memory.
type Recorder struct {
	config  *config.Config
	grid    series.Grid // of what was kept so far
	lines   map[string]map[string]*line
	signals map[string]*signal.Signal
	blind   []blindness
}

// blindness is a time in which a signal, or everything, could not be read.
type blindness struct {
	from, to time.Time
	signal   string // all if empty
}

// NewRecorder returns a recorder that has kept nothing yet.
func NewRecorder(c *config.Config) *Recorder {
	r := &Recorder{config: c, lines: map[string]map[string]*line{}, signals: map[string]*signal.Signal{}}
	for i := range c.Signals {
		name := c.Signals[i].Name
		r.lines[name], r.signals[name] = map[string]*line{}, &c.Signals[i]
	}
	return r
}

// Keep takes the next slots that were read, or that could not be read at all if
// there are no frames.
func (r *Recorder) Keep(g series.Grid, frames []series.Frame) {
	if r.grid.N == 0 {
		r.grid = series.Grid{Start: g.Start, Step: g.Step}
	}
	if frames == nil {
		r.hide("", g)
	}
	for _, f := range frames {
		if f.Err != nil {
			r.hide(f.Signal, g)
		}
		for _, s := range f.Series {
			key := s.Labels.String()
			l := r.lines[f.Signal][key]
			if l == nil {
				l = newLine(s.Labels, 0)
				r.lines[f.Signal][key] = l
			}
			l.values = append(extended(l.values, r.grid.N), s.Values...)
			if s.Support != nil {
				l.support = append(extended(l.support, r.grid.N), s.Support...)
			}
		}
	}
	r.grid.N += g.N
}

func (r *Recorder) hide(signal string, g series.Grid) {
	end := g.End().Add(g.Step)
	for i := range r.blind {
		if b := &r.blind[i]; b.signal == signal && b.to.Equal(g.Start) {
			b.to = end
			return
		}
	}
	r.blind = append(r.blind, blindness{g.Start, end, signal})
}

// extended returns the values with gaps up to n of them.
func extended(values []float64, n int) []float64 {
	return append(values, series.Gaps(n-len(values))...)
}

// Recording says what is told of what a recorder kept.
type Recording struct {
	Start time.Time           // the first slot that was judged
	Fired []incident.Incident // only what may have to do with their scopes is told, if there are any

	// ConfigDir is where the paths in the configuration begin.
	ConfigDir string

	// Anonymise puts pseudonyms in place of label values: the same one for the
	// same value of a label throughout the file.
	Anonymise bool
}

// Save writes a scenario file. Queries are not told.
func (r *Recorder) Save(file string, o Recording) error {
	if r.grid.N == 0 {
		return fmt.Errorf("record %s: nothing was read", file)
	}
	for _, lines := range r.lines {
		for _, l := range lines {
			l.values = extended(l.values, r.grid.N)
			if l.support != nil {
				l.support = extended(l.support, r.grid.N)
			}
		}
	}
	t := &telling{Recording: o, Recorder: r, kept: r.concerned(o.Fired)}
	t.alias = func(_ model.LabelName, value model.LabelValue) model.LabelValue { return value }
	if o.Anonymise {
		t.alias = pseudonyms(t.kept)
	}
	text, err := t.text(filepath.Dir(file))
	if err != nil {
		return fmt.Errorf("record %s: %w", file, err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		return fmt.Errorf("record the scenario: %w", err)
	}
	return nil
}

// concerned returns the series that take part in the verdicts on the scopes of
// incidents and on the services around them, and the loads that they are judged by;
// all if there is no incident.
func (r *Recorder) concerned(fired []incident.Incident) map[string][]*line {
	out := map[string][]*line{}
	around := r.around(r.graph(), fired)
	for _, name := range sortedKeys(r.lines) {
		if r.signals[name].Kind == signal.Edges {
			continue // they are written down
		}
		for _, key := range sortedKeys(r.lines[name]) {
			l := r.lines[name][key]
			scope := r.signals[name].ScopeOf(l.labels)
			if len(fired) == 0 || around[r.service(scope)] || slices.ContainsFunc(fired, func(in incident.Incident) bool { return agree(scope, in.Verdict.Scope) }) {
				out[name] = append(out[name], l)
			}
		}
	}
	for grown := true; grown; { // a load may have a load itself
		grown = false
		for _, name := range sortedKeys(out) {
			given := r.signals[name].Given
			for _, key := range sortedKeys(r.lines[given]) {
				load := r.lines[given][key]
				if !slices.Contains(out[given], load) && slices.ContainsFunc(out[name], func(l *line) bool { return agree(l.labels, load.labels) }) {
					out[given] = append(out[given], load)
					grown = true
				}
			}
		}
	}
	return out
}

// pseudonyms returns a function that names the values of each label by their
// rank.
func pseudonyms(kept map[string][]*line) func(model.LabelName, model.LabelValue) model.LabelValue {
	values := map[model.LabelName]map[model.LabelValue]bool{}
	for _, lines := range kept {
		for _, l := range lines {
			for name, v := range l.labels {
				if values[name] == nil {
					values[name] = map[model.LabelValue]bool{}
				}
				values[name][v] = true
			}
		}
	}
	aliases := map[model.LabelName]map[model.LabelValue]model.LabelValue{}
	for name, set := range values {
		aliases[name] = map[model.LabelValue]model.LabelValue{}
		digits := len(strconv.Itoa(len(set)))
		for i, v := range slices.Sorted(maps.Keys(set)) {
			aliases[name][v] = model.LabelValue(fmt.Sprintf("%s-%0*d", name, digits, i+1))
		}
	}
	return func(name model.LabelName, value model.LabelValue) model.LabelValue { return aliases[name][value] }
}

// Notation writes values in the notation of promtool: 1x29 is thirty times 1, _x3
// three gaps.
func Notation(values []float64) string {
	var b strings.Builder
	for i := 0; i < len(values); {
		n := 1
		for i+n < len(values) && sameValue(values[i], values[i+n]) {
			n++
		}
		if i > 0 {
			b.WriteByte(' ')
		}
		switch v := values[i]; {
		case !series.Finite(v) && n == 1:
			b.WriteByte('_')
		case !series.Finite(v):
			fmt.Fprintf(&b, "_x%d", n)
		default:
			b.WriteString(strconv.FormatFloat(v, 'f', -1, 64))
			if n > 1 {
				fmt.Fprintf(&b, "x%d", n-1)
			}
		}
		i += n
	}
	return b.String()
}

func sameValue(a, b float64) bool { return a == b || !series.Finite(a) && !series.Finite(b) }
