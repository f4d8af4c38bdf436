package signal

import (
	"math"
	"strconv"
	"strings"

	"tidemark/detector"
)

// Format writes a value of the signal for a person: 0.41 of a ratio is "41 %",
// 0.0312 of a latency is "31.2 ms", 102.4 of a rate is "102/s", 67108864
// with the unit bytes is "64 MiB", 0.9 with the unit % is "90 %". NaN is "no value".
func (s Signal) Format(v float64) string {
	switch {
	case math.IsNaN(v):
		return "no value"
	case math.IsInf(v, 0):
		return "infinite"
	case s.Kind == detector.Ratio || s.Unit == "%":
		return percent(v)
	case s.Unit == "bytes":
		return size(v)
	case s.Unit != "":
		return digits(v) + " " + s.Unit
	case s.Kind == detector.Latency:
		return duration(v)
	case s.Kind == detector.Rate:
		return digits(v) + "/s"
	default:
		return digits(v)
	}
}

// Range writes two values with their unit once where they have the same:
// "80–120/s", "900 ms to 1.2 s".
func (s Signal) Range(lower, upper float64) string {
	from, to := s.Format(lower), s.Format(upper)
	if unit := strings.TrimLeft(to, "-0123456789."); strings.HasSuffix(from, unit) && lower >= 0 {
		return strings.TrimSuffix(from, unit) + "–" + to
	}
	return from + " to " + to
}

func size(v float64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	i := 0
	for math.Abs(v) >= 1024 && i < len(units)-1 {
		v /= 1024
		i++
	}
	return digits(v) + " " + units[i]
}

func percent(v float64) string {
	p := 100 * v
	if a := math.Abs(p); a > 0 && a < 1 || a > 99 && a < 100 {
		return strconv.FormatFloat(p, 'f', 2, 64) + " %"
	}
	return digits(p) + " %"
}

func duration(v float64) string {
	switch a := math.Abs(v); {
	case a >= 1:
		return digits(v) + " s"
	case a >= 1e-3:
		return digits(v*1e3) + " ms"
	default:
		return digits(v*1e6) + " µs"
	}
}

// digits writes three significant digits without an exponent.
func digits(v float64) string {
	if v == 0 {
		return "0"
	}
	decimals := 2 - int(math.Floor(math.Log10(math.Abs(v))))
	if decimals <= 0 {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	text := strconv.FormatFloat(v, 'f', min(decimals, 9), 64)
	return strings.TrimRight(strings.TrimRight(text, "0"), ".")
}
