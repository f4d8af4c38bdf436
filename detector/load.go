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
	origin float64   // ln load at the centre of the middle bin
	bins   []loadBin // from the lowest to the highest load seen
	first  int       // place of the first of them among all
}

// loadBin is what is known of the loads of a bin.
type loadBin struct {
	level float32
	mins  float32 // seen
}

func newLoadProfile(p pace) *loadProfile { return &loadProfile{pace: p} }

// position returns where a load lies, in bins.
func (l *loadProfile) position(load float64) float64 {
	x := math.Log(load + 1/l.pace.seconds)
	if len(l.bins) == 0 {
		l.origin = x
	}
	return min(max((x-l.origin)/loadWidth+loadBins/2, 0), loadBins-1)
}

// expect returns the level at a load, and how far it may be off. Before any load
// was seen both are 0.
func (l *loadProfile) expect(load float64) (level, doubt float64) {
	if len(l.bins) == 0 {
		return 0, 0
	}
	pos := l.position(load)
	left, right := l.neighbours(pos, 0)
	switch {
	case left < 0:
		level = l.level(right)
	case right < 0 || left == right:
		level = l.level(left)
	default:
		part := (pos - float64(left)) / float64(right-left)
		level = l.level(left)*(1-part) + l.level(right)*part
	}
	left, right = l.neighbours(pos, loadKnown)
	away := math.Inf(1)
	if left >= 0 {
		away = pos - float64(left)
	}
	if right >= 0 {
		away = min(away, float64(right)-pos)
	}
	if math.IsInf(away, 1) {
		return level, 0 // still learning
	}
	return level, loadDoubt * loadWidth * max(0, away-1)
}

func (l *loadProfile) level(bin int) float64 { return float64(l.bins[bin-l.first].level) }

// neighbours returns the nearest bins at or below and above a position that were
// seen for more than the given minutes, −1 for none.
func (l *loadProfile) neighbours(pos, mins float64) (left, right int) {
	end := l.first + len(l.bins)
	seen := func(bin int) bool { return float64(l.bins[bin-l.first].mins) > mins }
	left = min(int(pos), end-1)
	for left >= l.first && !seen(left) {
		left--
	}
	if left < l.first {
		left = -1
	}
	right = max(int(math.Ceil(pos)), l.first)
	for right < end && !seen(right) {
		right++
	}
	if right >= end {
		right = -1
	}
	return left, right
}

// learn moves the level at a load towards y.
func (l *loadProfile) learn(load, y float64) {
	b := l.bin(int(math.Round(l.position(load))))
	perSample := l.pace.seconds / 60
	n := min(float64(b.mins)+perSample, loadMemory)
	b.mins = float32(n)
	b.level += float32((y - float64(b.level)) * min(1, perSample/n))
}

// bin returns a bin, which is kept from now on.
func (l *loadProfile) bin(i int) *loadBin {
	first, end := i, i+1
	if len(l.bins) > 0 {
		first, end = min(i, l.first), max(i+1, l.first+len(l.bins))
	}
	if end-first != len(l.bins) {
		bins := make([]loadBin, end-first)
		if len(l.bins) > 0 {
			copy(bins[l.first-first:], l.bins)
		}
		l.bins, l.first = bins, first
	}
	return &l.bins[i-l.first]
}

// shift moves the level at every load that was seen.
func (l *loadProfile) shift(r float64) {
	for i := range l.bins {
		if b := &l.bins[i]; b.mins > 0 {
			b.level += float32(r)
		}
	}
}
