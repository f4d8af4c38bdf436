package main

import (
	"image/color"
	"math"
	"slices"
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

	for _, e := range s.events() {
		e.shade(c, x, c.Min.Y)
	}
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
	line(expectedColor, 1.8, func(j detector.Judgement) float64 { return j.Expected },
		func(j detector.Judgement) bool { return !math.IsNaN(j.Expected) })
	value := func(j detector.Judgement) float64 { return j.Value }
	line(valueColor, thin, value, func(j detector.Judgement) bool { return !math.IsNaN(j.Value) })
	line(anomalyColor, thick, value, func(j detector.Judgement) bool { return j.State == detector.Anomalous })
	for _, e := range s.events() {
		e.shade(c, x, c.Max.Y-20*px)
		e.label(c, x)
	}
	s.mark(c, x, at)
}

// event is a stretch of time that is coloured, and named at its top.
type event struct {
	name  string
	color color.RGBA
	from  time.Time
	until time.Time
}

// events returns what happens within the scene.
func (s scene) events() []event {
	all := []event{{"learning", learningColor, monday, s.history.learned}}
	f := s.figure
	for _, c := range append(f.before[:len(f.before):len(f.before)], f.event) {
		colour := faultColor
		if c.harmless {
			colour = harmlessColor
		}
		all = append(all, event{c.what, colour, monday.Add(c.from), monday.Add(c.until)})
	}
	return slices.DeleteFunc(all, func(e event) bool { return !e.from.Before(s.until) || !e.until.After(s.from) })
}

// span returns where the event begins and ends on the canvas.
func (e event) span(c draw.Canvas, x func(float64) vg.Length) (left, right vg.Length) {
	return max(x(seconds(e.from)), c.Min.X), min(x(seconds(e.until)), c.Max.X)
}

// shade colours the event's time from a height up to the top.
func (e event) shade(c draw.Canvas, x func(float64) vg.Length, low vg.Length) {
	left, right := e.span(c, x)
	c.FillPolygon(e.color, rectangle(left, right, low, c.Max.Y))
}

// label names the event at its top; centred if the name is the wider one.
func (e event) label(c draw.Canvas, x func(float64) vg.Length) {
	left, right := e.span(c, x)
	style := textStyle(regular(12))
	room := style.Width(e.name)
	where := left + 4*px
	if right-left < room {
		where = (left + right - room) / 2
	}
	where = min(max(where, c.Min.X+4*px), c.Max.X-room)
	c.FillText(style, vg.Point{X: where, Y: c.Max.Y - 15*px}, e.name)
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
		p, label := at(j.Time, j.Value), c.Max.Y-35*px
		c.StrokeLine2(draw.LineStyle{Color: anomalyColor, Width: px}, p.X, p.Y, p.X, label)
		c.DrawGlyph(draw.GlyphStyle{Color: anomalyColor, Radius: 5 * px, Shape: draw.CircleGlyph{}}, p)
		c.FillText(style, vg.Point{X: p.X + 5*px, Y: label}, "called "+h.called.Format("15:04"))
	}
}
