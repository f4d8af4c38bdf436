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
	shortMax    = 15
	longMin     = 12
	longMax     = 60
	recentSize  = 16 // samples, and blocks: those of the short window and one that leaves it
	maxSpans    = 10 // those of what the long window has beside the short one, and one more

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

// entry is a sample, or several in a row.
type entry struct {
	v    [3]float32
	at   uint32 // unix seconds of the first sample
	size uint32 // samples
}

// add takes in what comes next.
func (x *entry) add(next entry) {
	if x.size == 0 {
		x.at = next.at
	}
	for i := range x.v {
		x.v[i] += next.v[i]
	}
	x.size += next.size
}

// evidence keeps an hour of samples, the finer the newer they are: the newest one
// by one, a quarter of an hour of them in blocks of a minute or one sample,
// whichever is longer, and what is older in spans of several blocks, at a minute
// five.
type evidence struct {
	recent *[recentSize]entry // nil if a block is one sample
	blocks [recentSize]entry
	spans  [maxSpans]entry // of blocks that have left the short window
	last   uint8           // index of the newest of recent
	open   uint8           // index of the newest block
	span   uint8           // index of the newest span

	short, long uint8  // blocks in the windows
	perBlock    uint16 // samples in a full block
	perSpan     uint32 // and in a full span

	n int32 // samples since the last reset, at most the long window
}

func newEvidence(p pace) evidence {
	perBlock := p.between(time.Minute, 1, math.MaxUint16)
	block := newPace(time.Duration(perBlock) * p.step())
	short := block.between(shortWindow, shortMin, shortMax)
	long := block.between(longWindow, longMin, longMax)
	e := evidence{
		perBlock: uint16(perBlock),
		perSpan:  uint32(perBlock * ((long - short + maxSpans - 2) / (maxSpans - 1))),
		short:    uint8(short),
		long:     uint8(long),
	}
	if perBlock > 1 {
		e.recent = &[recentSize]entry{}
	}
	return e
}

// length returns how many samples a statistic other than the fast one looks at.
func (e *evidence) length(i int) int {
	switch i {
	case run:
		return runLength * int(e.perBlock)
	case short:
		return int(e.short) * int(e.perBlock)
	default:
		return int(e.long) * int(e.perBlock)
	}
}

// reset forgets all evidence.
func (e *evidence) reset() {
	if e.recent != nil {
		*e.recent = [recentSize]entry{}
	}
	e.clearBlocks()
	e.n = 0
}

func (e *evidence) clearBlocks() {
	e.blocks = [recentSize]entry{}
	e.spans = [maxSpans]entry{}
}

func (e *evidence) push(unix int64, v [3]float32) {
	s := entry{v: v, at: uint32(max(unix, 0)), size: 1}
	if e.recent != nil {
		e.last = (e.last + 1) % recentSize
		e.recent[e.last] = s
	}
	if e.blocks[e.open].size >= uint32(e.perBlock) {
		e.age(e.block(int(e.short) - 1))
		e.open = (e.open + 1) % recentSize
		e.blocks[e.open] = entry{}
	}
	e.blocks[e.open].add(s)
	e.n = min(e.n+1, int32(e.length(long)))
}

// age takes in a block that leaves the short window.
func (e *evidence) age(b *entry) {
	if b.size == 0 {
		return
	}
	if e.spans[e.span].size >= e.perSpan {
		e.span = (e.span + 1) % maxSpans
		e.spans[e.span] = entry{}
	}
	e.spans[e.span].add(*b)
}

// begins reports whether the newest sample began a block.
func (e *evidence) begins() bool { return e.block(0).size == 1 }

// newest returns the i-th newest sample; size is 0 if there is none.
func (e *evidence) newest(i int) *entry {
	if e.recent == nil {
		return e.block(i)
	}
	return &e.recent[(int(e.last)-i+recentSize)%recentSize]
}

// block returns the i-th newest block.
func (e *evidence) block(i int) *entry { return &e.blocks[(int(e.open)-i+recentSize)%recentSize] }

// older returns the i-th newest span.
func (e *evidence) older(i int) *entry { return &e.spans[(int(e.span)-i+maxSpans)%maxSpans] }

// lastSamples sums the newest n ≤ 16 samples, fewer if there are not so many.
func (e *evidence) lastSamples(n int) (sum tally, size int) {
	for i := range min(n, int(e.n), recentSize) {
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

// windows sums the newest blocks, so many of them, those of the short window, which
// are no fewer, and those of the long one. The span in which the long window ends
// counts in proportion.
func (e *evidence) windows(first int) (out [3]total) {
	var w total
	n := 0
	for k, want := range [...]int{first, int(e.short)} {
		for ; n < want; n++ {
			w.add(e.block(n))
		}
		w.full = e.holds(want)
		out[k] = w
	}
	rest := e.length(long) - e.length(short)
	for i := 0; i < maxSpans && rest > 0; i++ {
		s := e.older(i)
		size := int(s.size)
		if size <= rest {
			w.add(s)
		} else {
			part := float64(rest) / float64(size)
			for i := range w.sum {
				w.sum[i] += part * float64(s.v[i])
			}
			w.size += rest
		}
		rest -= size
	}
	w.full = e.holds(int(e.long))
	out[2] = w
	return out
}

// holds reports whether there are so many blocks, of which the newest may have only
// begun.
func (e *evidence) holds(blocks int) bool { return blocks > 0 && int(e.n) > (blocks-1)*int(e.perBlock) }

func (w *total) add(x *entry) {
	w.sum.add(x.v)
	w.size += int(x.size)
}

// onset estimates when a deviation began that goes on now: the start of the
// samples up to now that deviate the most significantly together. It compares
// the newest samples one by one and older ones by blocks and spans, and returns the
// sum of the samples since then, too. The score of a sum is signed and grows with √n
// for a lasting deviation.
func (e *evidence) onset(sign float64, score func(sum tally, size int) float64) (since time.Time, total tally, n int) {
	best, at := math.Inf(-1), e.newest(0).at
	try := func(sum tally, size int, from uint32) {
		if s := sign * score(sum, size); s > best {
			best, at, total, n = s, from, sum, size
		}
	}
	var sum tally
	size := 0
	for i := range min(int(e.n), recentSize) {
		sum.add(e.newest(i).v)
		size++
		try(sum, size, e.newest(i).at)
	}
	oldest := e.newest(min(int(e.n), recentSize) - 1).at
	sum, size = tally{}, 0
	for x := range e.coarse {
		sum.add(x.v)
		size += int(x.size)
		if x.at < oldest {
			try(sum, size, x.at)
		}
	}
	return time.Unix(int64(at), 0).UTC(), total, n
}

// coarse yields the blocks of the short window, and then the spans, from the newest
// one on. None is empty.
func (e *evidence) coarse(yield func(*entry) bool) {
	for i := range int(e.short) {
		if b := e.block(i); b.size == 0 || !yield(b) {
			return
		}
	}
	for i := range maxSpans {
		if s := e.older(i); s.size == 0 || !yield(s) {
			return
		}
	}
}
