package main

import (
	"fmt"
	"image/color"
	"math"
	"strings"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"tidemark/detector"
)

// The colours of a picture.
var (
	bandColor     = color.RGBA{R: 0xbf, G: 0xd9, B: 0xf4, A: 0xff}
	expectedColor = color.RGBA{R: 0x1f, G: 0x6f, B: 0xc4, A: 0xff}
	valueColor    = color.RGBA{R: 0x38, G: 0x38, B: 0x38, A: 0xff}
	anomalyColor  = color.RGBA{R: 0xd0, G: 0x10, B: 0x10, A: 0xff}
	faultColor    = color.RGBA{R: 0xff, G: 0xdc, B: 0xd4, A: 0xff}
	harmlessColor = color.RGBA{R: 0xdc, G: 0xf0, B: 0xd0, A: 0xff}
	learningColor = color.RGBA{R: 0xd6, G: 0xd6, B: 0xd6, A: 0xff}
)

// scene draws the part [from, until) of a history.
type scene struct {
	figure      figure
	history     history
	from, until time.Time
}

// Plot implements plot.Plotter.
func (s scene) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	at := func(t time.Time, v float64) vg.Point { return vg.Point{X: x(seconds(t)), Y: y(v)} }

	s.shade(c, x, learningColor, monday, s.history.learned, "learning")
	for _, b := range s.figure.before {
		s.shade(c, x, harmlessColor, monday.Add(b.from), monday.Add(b.until), b.what)
	}
	f := s.figure.fault
	s.shade(c, x, faultColor, monday.Add(f.from), monday.Add(f.until), f.what)

	for _, run := range s.runs(func(j detector.Judgement) bool { return !math.IsNaN(j.Lower) && !math.IsNaN(j.Upper) }) {
		outline := make([]vg.Point, 0, 2*len(run))
		for _, j := range run {
			outline = append(outline, at(j.Time, j.Upper))
		}
		for i := range run {
			j := run[len(run)-1-i]
			outline = append(outline, at(j.Time, j.Lower))
		}
		c.FillPolygon(bandColor, c.ClipPolygonXY(outline))
	}
	line := func(colour color.RGBA, width float64, value func(detector.Judgement) float64, where func(detector.Judgement) bool) {
		for _, run := range s.runs(where) {
			points := make([]vg.Point, len(run))
			for i, j := range run {
				points[i] = at(j.Time, value(j))
			}
			c.StrokeLines(draw.LineStyle{Color: colour, Width: vg.Length(width) * px}, c.ClipLinesXY(points)...)
		}
	}
	thin, thick := 0.8, 2.0
	if s.until.Sub(s.from) < day {
		thin, thick = 1.3, 2.5
	}
	value := func(j detector.Judgement) float64 { return j.Value }
	line(valueColor, thin, value, func(j detector.Judgement) bool { return !math.IsNaN(j.Value) })
	line(anomalyColor, thick, value, func(j detector.Judgement) bool { return j.State == detector.Anomalous })
	line(expectedColor, 1.6, func(j detector.Judgement) float64 { return j.Expected },
		func(j detector.Judgement) bool { return !math.IsNaN(j.Expected) })
	s.mark(c, x, at)
}

// runs returns the stretches of the scene's samples for which something holds.
func (s scene) runs(where func(detector.Judgement) bool) (out [][]detector.Judgement) {
	var run []detector.Judgement
	for _, j := range s.history.judged {
		if j.Time.Before(s.from) || j.Time.After(s.until) {
			continue
		}
		if where(j) {
			run = append(run, j)
			continue
		}
		if len(run) > 0 {
			out = append(out, run)
			run = nil
		}
	}
	if len(run) > 0 {
		out = append(out, run)
	}
	return out
}

// shade colours a stretch of time, and names it at its top.
func (s scene) shade(c draw.Canvas, x func(float64) vg.Length, colour color.RGBA, from, until time.Time, name string) {
	if !from.Before(s.until) || !until.After(s.from) {
		return
	}
	left, right := max(x(seconds(from)), c.Min.X), min(x(seconds(until)), c.Max.X)
	c.FillPolygon(colour, rectangle(left, right, c.Min.Y, c.Max.Y))
	style := textStyle(regular(12))
	room := style.Width(name)
	where := min(left+3*px, c.Max.X-room)
	if right-left < room && left+room < c.Max.X {
		where = max((left+right-room)/2, c.Min.X+3*px)
	}
	c.FillText(style, vg.Point{X: where, Y: c.Max.Y - 15*px}, name)
}

// mark shows when the anomaly of the fault began by the detector's estimate, and
// when it was called.
func (s scene) mark(c draw.Canvas, x func(float64) vg.Length, at func(time.Time, float64) vg.Point) {
	h := s.history
	if h.called.IsZero() || s.until.Sub(s.from) >= day {
		return
	}
	onset := x(seconds(h.onset))
	c.StrokeLine2(draw.LineStyle{Color: anomalyColor, Width: 1.5 * px, Dashes: []vg.Length{5 * px, 4 * px}}, onset, c.Min.Y, onset, c.Max.Y)
	style := textStyle(bold(12))
	style.Color = anomalyColor
	name := "onset " + h.onset.Format("15:04")
	c.FillText(style, vg.Point{X: onset - style.Width(name) - 5*px, Y: c.Max.Y - 15*px}, name)
	for _, j := range h.judged {
		if !j.Time.Equal(h.called) {
			continue
		}
		p := at(j.Time, j.Value)
		c.DrawGlyph(draw.GlyphStyle{Color: anomalyColor, Radius: 5 * px, Shape: draw.CircleGlyph{}}, p)
		c.FillText(style, vg.Point{X: p.X + 9*px, Y: min(p.Y+4*px, c.Max.Y-30*px)}, "called "+h.called.Format("15:04"))
	}
}

// summary says in a line what is seen.
func (h history) summary(f figure) string {
	var said []string
	begin := monday.Add(f.fault.from)
	if h.called.IsZero() {
		said = append(said, "tidemark stays silent")
	} else {
		minutes := int(h.called.Sub(begin)/time.Minute) + 1
		said = append(said, fmt.Sprintf("called at the fault's sample no. %d; it began at %s, by the estimate at %s",
			minutes, begin.Format("15:04"), h.onset.Format("15:04")))
	}
	switch h.early {
	case 0:
		said = append(said, "no alarm before it")
	case 1:
		said = append(said, "1 alarm before it")
	default:
		said = append(said, fmt.Sprintf("%d alarms before it", h.early))
	}
	return strings.Join(said, "; ")
}
