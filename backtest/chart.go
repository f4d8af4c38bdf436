package backtest

import (
	"fmt"
	"math"
	"strings"
	"time"

	"tidemark/detector"
	"tidemark/incident"
	"tidemark/series"
)

// The coordinates of a chart. It is stretched to the room that it has; its texts
// are not part of the drawing, so that they stay readable.
const (
	chartWidth  = 600
	chartHeight = 130
)

// chart is a panel as paths, with the texts of its axes.
type chart struct {
	Width, Height         int
	Band, Expected, Value string // paths
	Marks                 []mark
	Times                 []tick
	High, Low             string // the values at the top and at the bottom
}

// mark is a moment of the incident.
type mark struct {
	X    float64
	Kind string // onset, paged or resolved
}

// tick is a time at the axis, at a percentage of its length.
type tick struct {
	Left float64
	Text string
}

// newChart draws a panel of an incident. It is nil if there is nothing to draw.
func newChart(p Panel, in incident.Incident) *chart {
	low, high := extent(p.Judged)
	if len(p.Judged) < 2 || !(high > low) {
		return nil
	}
	from, until := p.Judged[0].Time, p.Judged[len(p.Judged)-1].Time
	x := func(t time.Time) float64 {
		return round(chartWidth * float64(t.Sub(from)) / float64(until.Sub(from)))
	}
	y := func(v float64) float64 {
		return round(chartHeight * (high - min(max(v, low), high)) / (high - low))
	}
	c := &chart{
		Width: chartWidth, Height: chartHeight,
		Band:     band(p.Judged, x, y),
		Expected: path(p.Judged, func(j detector.Judgement) float64 { return j.Expected }, x, y),
		Value:    path(p.Judged, func(j detector.Judgement) float64 { return j.Value }, x, y),
		Times:    times(from, until),
		High:     p.Signal.Format(high), Low: p.Signal.Format(low),
	}
	for _, m := range []struct {
		at   time.Time
		kind string
	}{{in.StartedAt, "onset"}, {in.FiredAt, "paged"}, {in.ResolvedAt, "resolved"}} {
		if !m.at.Before(from) && !m.at.After(until) {
			c.Marks = append(c.Marks, mark{x(m.at), m.kind})
		}
	}
	return c
}

func round(v float64) float64 { return math.Round(10*v) / 10 }

// extent returns the range of the values and of what was expected, with some room.
// A band that is much wider is cut off: the deviation is to be seen.
func extent(judged []detector.Judgement) (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	bandLow, bandHigh := low, high
	for _, j := range judged {
		for _, v := range []float64{j.Value, j.Expected} {
			if series.Finite(v) {
				low, high = min(low, v), max(high, v)
			}
		}
		if series.Finite(j.Lower) && series.Finite(j.Upper) {
			bandLow, bandHigh = min(bandLow, j.Lower), max(bandHigh, j.Upper)
		}
	}
	size := high - low
	low, high = min(low, max(bandLow, low-size)), max(high, min(bandHigh, high+size))
	room := 0.06 * (high - low)
	if low >= 0 {
		return max(0, low-room), high + room
	}
	return low - room, high + room
}

// path draws a line that breaks at gaps.
func path(judged []detector.Judgement, of func(detector.Judgement) float64, x func(time.Time) float64, y func(float64) float64) string {
	var b strings.Builder
	pen := "M"
	for _, j := range judged {
		v := of(j)
		if !series.Finite(v) {
			pen = "M"
			continue
		}
		fmt.Fprintf(&b, "%s%g %g", pen, x(j.Time), y(v))
		if pen == "M" {
			b.WriteString("h0.1") // a value between two gaps is seen, too
		}
		pen = "L"
	}
	return b.String()
}

// band draws the area between the lower and upper values, in pieces between gaps.
func band(judged []detector.Judgement, x func(time.Time) float64, y func(float64) float64) string {
	var b strings.Builder
	for i := 0; i < len(judged); {
		n := i
		for n < len(judged) && !math.IsNaN(judged[n].Lower) && !math.IsNaN(judged[n].Upper) {
			n++
		}
		pen := "M"
		for _, j := range judged[i:n] {
			fmt.Fprintf(&b, "%s%g %g", pen, x(j.Time), y(j.Upper))
			pen = "L"
		}
		for k := n - 1; k >= i; k-- {
			fmt.Fprintf(&b, "L%g %g", x(judged[k].Time), y(judged[k].Lower))
		}
		if n > i {
			b.WriteByte('Z')
		}
		i = n + 1
	}
	return b.String()
}

// times marks round times of the day, not more than four.
func times(from, until time.Time) []tick {
	every := 5 * time.Minute
	for _, d := range []time.Duration{15, 30, 60, 120, 180, 360, 720, 1440, 4 * 1440, 8 * 1440} {
		if until.Sub(from) <= 4*every {
			break
		}
		every = d * time.Minute
	}
	var out []tick
	for t := from.UTC().Truncate(every).Add(every); !t.After(until); t = t.Add(every) {
		text := t.Format("15:04")
		if every >= 24*time.Hour {
			text = t.Format("2 Jan")
		}
		out = append(out, tick{round(100 * float64(t.Sub(from)) / float64(until.Sub(from))), text})
	}
	return out
}
