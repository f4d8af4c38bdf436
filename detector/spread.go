package detector

import "math"

const (
	// sigmaPerMAD is the standard deviation of a normal variable in mean
	// absolute deviations, √(π/2).
	sigmaPerMAD = 1.2533141373155001

	spreadClip = 5.0   // spreads at which one residual's influence ends
	hourTrust  = 120.0 // minutes after which an hour's own spread counts half
	hourMemory = 420.0 // minutes that an hour of the day remembers: a week of it
)

// spread is the usual size of a residual: 1.2533 times its exponentially
// weighted mean magnitude over a day, which equals the standard deviation for
// normal residuals, shrunk from each hour of the day's own to the day's by the
// minutes n that the hour has been seen, n/(n+120).
type spread struct {
	pace  pace
	all   float64
	seen  float64
	hours [24]float32
	count [24]uint16 // samples of an hour, until they are what it remembers
}

// at returns the spread in an hour of the day, at least floor.
func (s *spread) at(hour int, floor float64) float64 {
	n := s.minutes(hour)
	w := n / (n + hourTrust)
	return max(floor, sigmaPerMAD*(w*float64(s.hours[hour])+(1-w)*s.all))
}

// minutes returns for how long an hour of the day has been seen, as far as it
// remembers.
func (s *spread) minutes(hour int) float64 {
	return min(float64(s.count[hour])*s.pace.seconds/60, hourMemory)
}

// learn takes in a residual that was judged by the given spread, which clips it.
func (s *spread) learn(hour int, r, by float64) {
	r = min(math.Abs(r), spreadClip*by)
	s.seen++
	s.all += (r - s.all) * max(1/s.seen, s.pace.rate(rememberSpread))
	if s.minutes(hour) < hourMemory && s.count[hour] < math.MaxUint16 {
		s.count[hour]++
	}
	perSample := s.pace.seconds / 60
	s.hours[hour] += float32((r - float64(s.hours[hour])) * min(1, perSample/s.minutes(hour)))
}
