package httpapi

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"tidemark/detector"
	"tidemark/engine"
	"tidemark/series"
	"tidemark/signal"
)

// reading is a value of a signal against what is expected of it, written for a
// person.
type reading struct {
	Value     string
	Expected  string
	Band      string // 85 to 130/s; empty if it is not known
	Deviation string // 2.9×, −31 %, +4 points
	Score     string // −18.2
	Arrow     string // ↑, ↓
	Plot      *plot
}

// absent stands where a number is not known.
const absent = "–"

// declared returns the signal of that name: as configured or, if it is not any
// more, as the standard has it.
func declared(s *engine.Snapshot, name string) signal.Signal {
	for _, status := range s.Signals {
		if status.Signal.Name == name {
			return status.Signal
		}
	}
	sig := signal.Standard[name]
	sig.Name = name
	if sig.Title == "" {
		sig.Title = strings.ReplaceAll(name, "_", " ")
	}
	return sig
}

func read(s signal.Signal, value, expected, lower, upper, score float64, d detector.Direction) reading {
	r := reading{
		Value:     s.Format(value),
		Expected:  known(s, expected),
		Deviation: deviation(s.Kind, value, expected),
		Score:     absent,
		Plot:      newPlot(value, expected, lower, upper),
	}
	switch low, high := series.Finite(lower), series.Finite(upper); {
	case low && high:
		r.Band = between(s.Format(lower), s.Format(upper))
	case low:
		r.Band = "from " + s.Format(lower)
	case high:
		r.Band = "up to " + s.Format(upper)
	}
	if series.Finite(score) {
		r.Score = signed(strconv.FormatFloat(score, 'f', 1, 64))
	}
	switch {
	case math.IsNaN(value):
	case d == detector.Up:
		r.Arrow = "↑"
	case d == detector.Down:
		r.Arrow = "↓"
	}
	return r
}

// between writes a range, and a unit that both ends share only once.
func between(low, high string) string {
	number, unit := cutUnit(low)
	if _, other := cutUnit(high); unit == other {
		low = number
	}
	return low + " to " + high
}

// cutUnit parts "270 ms" into "270" and " ms".
func cutUnit(text string) (number, unit string) {
	number = strings.TrimRightFunc(text, func(r rune) bool { return r != '.' && (r < '0' || r > '9') })
	return number, text[len(number):]
}

func known(s signal.Signal, v float64) string {
	if math.IsNaN(v) {
		return absent
	}
	return s.Format(v)
}

// deviation says how far a value is from what is expected: ratios in points,
// everything else relative to it.
func deviation(kind detector.Kind, value, expected float64) string {
	switch {
	case !series.Finite(value) || !series.Finite(expected):
		return absent
	case kind == detector.Ratio:
		points := 100 * (value - expected)
		if math.Abs(points) < 10 {
			return signed(fmt.Sprintf("%+.1f points", points))
		}
		return signed(fmt.Sprintf("%+.0f points", points))
	case expected == 0:
		return absent
	}
	switch times := value / expected; {
	case times >= 10:
		return fmt.Sprintf("%.0f×", times)
	case times >= 2:
		return fmt.Sprintf("%.1f×", times)
	default:
		return signed(fmt.Sprintf("%+.0f %%", 100*(times-1)))
	}
}

// signed replaces the hyphen of a negative number by a minus sign.
func signed(text string) string {
	if rest, ok := strings.CutPrefix(text, "-"); ok {
		return "−" + rest
	}
	return text
}

// plot draws a value and its band on a line, in units of plotWidth.
type plot struct {
	Width                int
	BandX, BandW         float64
	ExpectedX            float64
	ValueX               float64
	HasExpected, Outside bool
}

// The plot's measures. The margin leaves room for the value's mark.
const (
	plotWidth  = 160
	plotMargin = 8
)

// newPlot returns nil if there is no value or no band to show.
func newPlot(value, expected, lower, upper float64) *plot {
	if !series.Finite(value) || math.IsNaN(lower) || math.IsNaN(upper) {
		return nil
	}
	low, high := value, value
	for _, v := range []float64{expected, lower, upper} {
		if series.Finite(v) {
			low, high = min(low, v), max(high, v)
		}
	}
	if !(high > low) || math.IsInf(high-low, 0) {
		return nil
	}
	x := func(v float64) float64 {
		v = min(max(v, low), high) // an open band reaches to the end
		return plotMargin + math.Round((v-low)/(high-low)*10*(plotWidth-2*plotMargin))/10
	}
	return &plot{
		Width: plotWidth, BandX: x(lower), BandW: max(x(upper)-x(lower), 1),
		ExpectedX: x(expected), ValueX: x(value),
		HasExpected: series.Finite(expected),
		Outside:     value < lower || value > upper,
	}
}
