package main

import (
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"tidemark/detector"
)

func TestEveryKindIsDrawn(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "images")
	if err := drawAll(dir, 3); err != nil {
		t.Fatal(err)
	}
	kinds := map[detector.Kind]bool{}
	for _, f := range figures() {
		kinds[f.signal.Kind] = true
		t.Run(f.name, func(t *testing.T) {
			count := colours(t, filepath.Join(dir, f.name+".png"))
			event := faultColor
			if f.event.harmless {
				event = harmlessColor
			}
			// The legend alone has fewer pixels of each than that.
			for _, tc := range []struct {
				name  string
				color color.RGBA
				least int
			}{
				{"band", bandColor, 20000}, {"value", valueColor, 2500}, {"expected", expectedColor, 200},
				{"event", event, 3000}, {"learning", learningColor, 400},
			} {
				if got := count[tc.color]; got < tc.least {
					t.Errorf("%d pixels are of the colour of the %s, want at least %d", got, tc.name, tc.least)
				}
			}
			h, err := f.watch(3)
			if err != nil {
				t.Fatal(err)
			}
			const legend = 22 * 6
			if got, want := count[anomalyColor] > legend, !h.called.IsZero(); got != want {
				t.Errorf("an anomaly is drawn: %t, was called: %t", got, want)
			}
		})
	}
	for _, kind := range []detector.Kind{detector.Gauge, detector.Rate, detector.Latency, detector.Ratio} {
		if !kinds[kind] {
			t.Errorf("no figure shows a %s", kind)
		}
	}
}

// colours decodes a picture, checks its size and counts its pixels by colour.
func colours(t *testing.T, path string) map[color.RGBA]int {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	picture, err := png.Decode(file)
	if err != nil {
		t.Fatal(err)
	}
	if size := picture.Bounds().Size(); size.X != width || size.Y != height {
		t.Errorf("the picture is %v, want %d×%d", size, width, height)
	}
	if info, err := file.Stat(); err != nil || info.Size() > 64<<10 {
		t.Errorf("the file has %d bytes (%v), want at most 64 KiB", info.Size(), err)
	}
	count := map[color.RGBA]int{}
	for y := range height {
		for x := range width {
			count[color.RGBAModel.Convert(picture.At(x, y)).(color.RGBA)]++
		}
	}
	return count
}

// TestScenes holds what docs/detection.md says about the pictures.
func TestScenes(t *testing.T) {
	for _, f := range figures() {
		t.Run(f.name, func(t *testing.T) {
			h, err := f.watch(3)
			if err != nil {
				t.Fatal(err)
			}
			silent := f.name == "few_requests" || f.name == "errors_slightly_up"
			if got := h.called.IsZero(); got != silent {
				t.Errorf("silent: %t, want %t (%s)", got, silent, h.summary(f.event))
			}
			if silent {
				return
			}
			if n := h.samples(f.event); n > 10 {
				t.Errorf("found with sample %.0f, want one of the first ten", n)
			}
			if off := h.onset.Sub(monday.Add(f.event.from)); off.Abs() > 3*step {
				t.Errorf("the onset is off by %s", off)
			}
			if h.over.IsZero() {
				t.Error("it does not end")
			}
		})
	}
}
