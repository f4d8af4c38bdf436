package detector

import (
	"math"
	"time"
)

// The windows over which evidence is summed up. In time they are 15 and 60
// minutes: what they add to the run of four samples is that small deviations
// lasting longer are found, and how long is a matter of people's time. A window
// must also hold clearly more samples than the run, or it adds nothing: at steps
// above two and a half minutes the short one is 6 samples and the long one 12.
const (
	shortWindow = 15 * time.Minute
	longWindow  = 60 * time.Minute
	shortMin    = 6
	longMin     = 12
	maxBlocks   = 60
	recentSize  = 16

	runLength  = 4 // blocks in the run
	fastLength = 4 // samples in the fast run
	fastBlocks = 2 // the same, where a sample is a whole block
)

// tally is three numbers of one sample or their sums over several; the head
// decides what they are.
type tally [3]float64

func (t *tally) add(v [3]float32) {
	t[0] += float64(v[0])
	t[1] += float64(v[1])
	t[2] += float64(v[2])
}

// entry is a sample, or a block of several.
type entry struct {
	v    [3]float32
	at   uint32 // unix seconds of the first sample
	size uint16 // samples
}

// evidence keeps the newest samples one by one, and one hour of them in blocks
// of a minute or one sample, whichever is longer.
type evidence struct {
	recent [recentSize]entry
	blocks [maxBlocks]entry
	last   int // index of the newest of recent
	open   int // index of the newest block
	n      int // samples since the last reset, at most the long window

	perBlock    int // samples in a full block
	short, long int // blocks in the windows
}

func newEvidence(p pace) evidence {
	perBlock := p.between(time.Minute, 1, math.MaxUint16)
	block := newPace(time.Duration(perBlock) * p.step)
	return evidence{
		perBlock: perBlock,
		short:    block.between(shortWindow, shortMin, maxBlocks),
		long:     block.between(longWindow, longMin, maxBlocks),
	}
}

// reset forgets all evidence.
func (e *evidence) reset() {
	e.recent = [recentSize]entry{}
	e.blocks = [maxBlocks]entry{}
	e.n = 0
}

func (e *evidence) push(unix int64, v [3]float32) {
	at := uint32(max(unix, 0))
	e.last = (e.last + 1) % recentSize
	e.recent[e.last] = entry{v: v, at: at, size: 1}
	b := &e.blocks[e.open]
	if int(b.size) >= e.perBlock {
		e.open = (e.open + 1) % maxBlocks
		b = &e.blocks[e.open]
		*b = entry{at: at}
	}
	if b.size == 0 {
		b.at = at
	}
	for i := range v {
		b.v[i] += v[i]
	}
	b.size++
	e.n = min(e.n+1, e.long*e.perBlock)
}

// newest returns the i-th newest sample; size is 0 if there is none.
func (e *evidence) newest(i int) *entry { return &e.recent[(e.last-i+recentSize)%recentSize] }

// block returns the i-th newest block.
func (e *evidence) block(i int) *entry { return &e.blocks[(e.open-i+maxBlocks)%maxBlocks] }

// lastSamples sums the newest n ≤ 16 samples, fewer if there are not so many.
func (e *evidence) lastSamples(n int) (sum tally, size int) {
	for i := range min(n, e.n, recentSize) {
		sum.add(e.newest(i).v)
		size++
	}
	return sum, size
}

// total is the sum of a window of the newest blocks. It is full if they are all there.
type total struct {
	sum  tally
	size int
	full bool
}

// windows sums three windows of so many blocks, which do not get shorter.
func (e *evidence) windows(first, second, third int) (out [3]total) {
	var w total
	i, n := e.open, 0
	for k, want := range [...]int{first, second, third} {
		for ; n < want; n++ {
			b := &e.blocks[i]
			w.sum.add(b.v)
			w.size += int(b.size)
			if i--; i < 0 {
				i = maxBlocks - 1
			}
		}
		w.full = want > 0 && e.n > (want-1)*e.perBlock
		out[k] = w
	}
	return out
}

// onset estimates when a deviation began that goes on now: the start of the
// samples up to now that deviate the most significantly together. It compares
// the newest samples one by one and older ones by blocks, and returns the sum of the
// samples since then, too. The score of a sum is signed and grows with √n for a
// lasting deviation.
func (e *evidence) onset(sign float64, score func(sum tally, size int) float64) (since time.Time, total tally, n int) {
	best, at := math.Inf(-1), e.newest(0).at
	try := func(sum tally, size int, from uint32) {
		if s := sign * score(sum, size); s > best {
			best, at, total, n = s, from, sum, size
		}
	}
	var sum tally
	size := 0
	for i := range min(e.n, recentSize) {
		sum.add(e.newest(i).v)
		size++
		try(sum, size, e.newest(i).at)
	}
	oldest := e.newest(min(e.n, recentSize) - 1).at
	sum, size = tally{}, 0
	for i := range e.long {
		b := e.block(i)
		if b.size == 0 {
			break
		}
		sum.add(b.v)
		size += int(b.size)
		if b.at < oldest {
			try(sum, size, b.at)
		}
	}
	return time.Unix(int64(at), 0).UTC(), total, n
}
