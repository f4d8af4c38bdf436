package main

import (
	"cmp"
	"image"
	"image/color"
	"slices"
)

// paletted reduces a picture to the named colours and its 128 most frequent
// ones; the others, edges of lines, become the nearest of them. The file is a
// third as large.
func paletted(picture image.Image) *image.Paletted {
	const most = 128
	bounds := picture.Bounds()
	count := map[color.RGBA]int{}
	rgba := func(x, y int) color.RGBA { return color.RGBAModel.Convert(picture.At(x, y)).(color.RGBA) }
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			count[rgba(x, y)]++
		}
	}
	colours := make([]color.RGBA, 0, len(count))
	for c := range count {
		colours = append(colours, c)
	}
	slices.SortFunc(colours, func(a, b color.RGBA) int {
		return cmp.Or(count[b]-count[a], int(a.R)-int(b.R), int(a.G)-int(b.G), int(a.B)-int(b.B))
	})
	palette := color.Palette{bandColor, expectedColor, valueColor, anomalyColor, faultColor, harmlessColor, learningColor}
	for _, c := range colours[:min(most, len(colours))] {
		palette = append(palette, c)
	}
	index := make(map[color.RGBA]uint8, len(colours))
	for _, c := range colours {
		index[c] = uint8(palette.Index(c))
	}
	out := image.NewPaletted(bounds, palette)
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			out.SetColorIndex(x, y, index[rgba(x, y)])
		}
	}
	return out
}
