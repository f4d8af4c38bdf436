package main

import (
	"bufio"
	"fmt"
	"image/color"
	"image/png"
	"math"
	"os"
	"slices"
	"time"

	stdfont "golang.org/x/image/font"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"

	"tidemark/signal"
)

// Size of a picture in pixels.
const (
	width  = 1000
	height = 420
)

// px is a pixel, at the 96 per inch at which the pictures are drawn.
const px = vg.Inch / 96

// closeUp returns the part of time that the right panel shows: the event, and
// something on both sides.
func (f figure) closeUp() (from, until time.Time) {
	around := max(75*time.Minute, (f.event.until-f.event.from)/3)
	return monday.Add(f.event.from - around), monday.Add(min(f.event.until+around, f.until-step))
}

// draw writes the picture of a figure: its whole history on the left, the fault
// close up on the right.
func (f figure) draw(path string, h history) error {
	const top, split = 92, 590 // where the panels begin, and the right one
	first, last := h.judged[0].Time, h.judged[len(h.judged)-1].Time
	picture := vgimg.NewWith(vgimg.UseWH(width*px, height*px), vgimg.UseDPI(96))
	c := draw.New(picture)
	write(c, 14, height-26, bold(19), f.title)
	write(c, 14, height-49, regular(14), h.summary(f.event))
	legend(c, 14, height-76, scene{f, h, first, last}.events())

	from, until := f.closeUp()
	f.panel(h, first, last).Draw(draw.Crop(c, 6*px, (split-width)*px, 6*px, -top*px))
	f.panel(h, from, until).Draw(draw.Crop(c, (split+16)*px, -16*px, 6*px, -top*px))
	if err := save(path, picture); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// panel shows a part of the history.
func (f figure) panel(h history, from, until time.Time) *plot.Plot {
	p := plot.New()
	p.BackgroundColor = color.Transparent
	p.X.Min, p.X.Max = seconds(from), seconds(until)
	closely, _ := f.closeUp()
	p.Y.Min, p.Y.Max = h.extent(closely)
	p.X.Tick.Marker = clock{}
	p.Y.Tick.Marker = values{f.signal}
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.Padding = 0
		a.Tick.Label.Font = regular(13)
		a.Tick.Label.Color = valueColor
	}
	p.Add(scene{f, h, from, until})
	return p
}

func seconds(t time.Time) float64 { return float64(t.Unix()) }

// extent returns the range of the vertical axis. Values and bands before the
// close-up may leave it where they are rare: it is to show the fault.
func (h history) extent(closely time.Time) (lower, upper float64) {
	var all []float64
	lower, upper = math.Inf(1), math.Inf(-1)
	for _, j := range h.judged {
		if math.IsNaN(j.Value) {
			continue
		}
		all = append(all, j.Value)
		if !j.Time.Before(closely) {
			lower, upper = min(lower, j.Lower, j.Value), max(upper, j.Upper, j.Value)
		}
	}
	slices.Sort(all)
	rare := len(all) / 300
	lower, upper = min(lower, all[rare]), max(upper, all[len(all)-1-rare])
	room := 0.08 * (upper - lower)
	return math.Max(lower-room, math.Min(lower, 0)), upper + 3*room
}

// clock marks times of the day.
type clock struct{}

func (clock) Ticks(from, until float64) (out []plot.Tick) {
	every := 12 * time.Hour
	switch span := time.Duration(until-from) * time.Second; {
	case span < 6*time.Hour:
		every = time.Hour
	case span < 24*time.Hour:
		every = 3 * time.Hour
	}
	t := time.Unix(int64(from), 0).UTC().Add(every - time.Second).Truncate(every)
	for ; seconds(t) <= until; t = t.Add(every) {
		label := t.Format("15:04")
		if every == 12*time.Hour && t.Hour() == 0 {
			label = t.Format("Mon")
		}
		out = append(out, plot.Tick{Value: seconds(t), Label: label})
	}
	return out
}

// values marks values as the service writes them.
type values struct{ signal signal.Signal }

func (v values) Ticks(lower, upper float64) []plot.Tick {
	out := plot.DefaultTicks{}.Ticks(lower, upper)
	for i := range out {
		if !out[i].IsMinor() {
			out[i].Label = v.signal.Format(out[i].Value)
		}
	}
	return out
}

func regular(size float64) font.Font { return sans(size, stdfont.WeightNormal) }
func bold(size float64) font.Font    { return sans(size, stdfont.WeightBold) }

// sans returns a font of a size in pixels.
func sans(size float64, weight stdfont.Weight) font.Font {
	return font.Font{Typeface: "Liberation", Variant: "Sans", Weight: weight, Size: font.Length(size * px.Points())}
}

// write writes a line of text whose lower left corner is so many pixels from
// that of the picture.
func write(c draw.Canvas, x, y float64, f font.Font, line string) {
	c.FillText(textStyle(f), vg.Point{X: vg.Length(x) * px, Y: vg.Length(y) * px}, line)
}

func textStyle(f font.Font) draw.TextStyle {
	return draw.TextStyle{Color: valueColor, Font: f, Handler: plot.DefaultTextHandler}
}

// legend explains the lines and the colours of the events in one line.
func legend(c draw.Canvas, x, y float64, events []event) {
	type entry struct {
		name  string
		color color.RGBA
		thick float64
	}
	entries := []entry{{"value", valueColor, 2}, {"expected", expectedColor, 2}, {"band", bandColor, 12}, {"anomaly", anomalyColor, 4}}
	for _, named := range []entry{{"fault", faultColor, 12}, {"harmless", harmlessColor, 12}, {"learning", learningColor, 12}} {
		if slices.ContainsFunc(events, func(e event) bool { return e.color == named.color }) {
			entries = append(entries, named)
		}
	}
	for _, e := range entries {
		low := y + 5 - e.thick/2
		c.FillPolygon(e.color, rectangle(vg.Length(x)*px, vg.Length(x+22)*px, vg.Length(low)*px, vg.Length(low+e.thick)*px))
		write(c, x+28, y, regular(13), e.name)
		x += 46 + float64(textStyle(regular(13)).Width(e.name)/px)
	}
}

func rectangle(left, right, low, high vg.Length) []vg.Point {
	return []vg.Point{{X: left, Y: low}, {X: right, Y: low}, {X: right, Y: high}, {X: left, Y: high}}
}

func save(path string, picture *vgimg.Canvas) (err error) {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() {
		if closing := file.Close(); err == nil {
			err = closing
		}
	}()
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	out := bufio.NewWriter(file)
	if err := encoder.Encode(out, paletted(picture.Image())); err != nil {
		return err
	}
	return out.Flush()
}
