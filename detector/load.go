package detector

import "math"

const (
	loadBins  = 64
	loadWidth = 0.1823 // of a bin in ln load: factors of 1.2, 64 of which span 1:117000

	// loadKnown is after how many minutes the level at a load is known.
	loadKnown = 15.0

	// loadMemory is how many minutes at a load its level remembers.
	loadMemory = 1440.0

	// loadDoubt is how much the level may change, as a power of the load, for
	// loads beyond those that are known: a latency that grows with the square
	// of the load is not a surprise.
	loadDoubt = 2.0
)

// loadProfile is how the level of a series depends on its load: the mean level
// in bins of the load's logarithm, linear between them. It is learned next to
// the season, each from what the other does not explain.
//
// Beyond the known loads the level is taken to stay where it was, with a doubt
// that grows with the distance: an unknown load explains a deviation.
type loadProfile struct {
	pace   pace
	origin float64 // ln load at the centre of the middle bin
	level  [loadBins]float32
	mins   [loadBins]float32
	any    bool
}

func newLoadProfile(p pace) *loadProfile { return &loadProfile{pace: p} }

// position returns where a load lies, in bins.
func (l *loadProfile) position(load float64) float64 {
	x := math.Log(load + 1/l.pace.seconds)
	if !l.any {
		l.origin = x
	}
	return math.Min(math.Max((x-l.origin)/loadWidth+loadBins/2, 0), loadBins-1)
}

// expect returns the level at a load, and how far it may be off. Before any load
// was seen both are 0.
func (l *loadProfile) expect(load float64) (level, doubt float64) {
	if !l.any {
		return 0, 0
	}
	pos := l.position(load)
	left, right := l.neighbours(pos, 0)
	switch {
	case left < 0:
		level = float64(l.level[right])
	case right < 0 || left == right:
		level = float64(l.level[left])
	default:
		part := (pos - float64(left)) / float64(right-left)
		level = float64(l.level[left])*(1-part) + float64(l.level[right])*part
	}
	left, right = l.neighbours(pos, loadKnown)
	away := math.Inf(1)
	if left >= 0 {
		away = pos - float64(left)
	}
	if right >= 0 {
		away = math.Min(away, float64(right)-pos)
	}
	if math.IsInf(away, 1) {
		return level, 0 // still learning
	}
	return level, loadDoubt * loadWidth * math.Max(0, away-1)
}

// neighbours returns the nearest bins at or below and above a position that were
// seen for more than the given minutes, −1 for none.
func (l *loadProfile) neighbours(pos, mins float64) (left, right int) {
	left = int(pos)
	for left >= 0 && !(float64(l.mins[left]) > mins) {
		left--
	}
	right = int(math.Ceil(pos))
	for right < loadBins && !(float64(l.mins[right]) > mins) {
		right++
	}
	if right == loadBins {
		right = -1
	}
	return left, right
}

// learn moves the level at a load towards y.
func (l *loadProfile) learn(load, y float64) {
	bin := int(math.Round(l.position(load)))
	l.any = true
	perSample := l.pace.seconds / 60
	n := math.Min(float64(l.mins[bin])+perSample, loadMemory)
	l.mins[bin] = float32(n)
	l.level[bin] += float32((y - float64(l.level[bin])) * math.Min(1, perSample/n))
}

// shift moves the level at every load that was seen.
func (l *loadProfile) shift(r float64) {
	for i := range l.level {
		if l.mins[i] > 0 {
			l.level[i] += float32(r)
		}
	}
}
