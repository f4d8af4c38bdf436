package main

import "math"

const classes = 24 // of keys, by popularity

// cache is a fluid model of a cache whose keys expire after a fixed time, and
// which evicts when it is full. Keys come in classes of equal popularity, a Zipf
// distribution cut into pieces; of each class the share that is held is known.
// A miss fills a key.
type cache struct {
	keys     [classes]float64 // how many
	weight   [classes]float64 // share of lookups that go to the class
	held     [classes]float64 // share of the keys that is in the cache
	capacity float64          // keys
}

// newCache returns an empty cache for so many keys. Popularity falls with the
// rank to the power of −skew.
func newCache(keys, skew float64) cache {
	c := cache{capacity: math.Inf(1)}
	mass := func(rank float64) float64 { // of all ranks up to this one
		if skew == 1 {
			return math.Log(rank)
		}
		return (math.Pow(rank, 1-skew) - 1) / (1 - skew)
	}
	step := math.Pow(keys+1, 1/float64(classes))
	low := 1.0
	for i := range c.keys {
		high := low * step
		c.keys[i] = high - low
		c.weight[i] = (mass(high) - mass(low)) / mass(keys+1)
		low = high
	}
	return c
}

// served is what a cache does in one step; all but hit are per second.
type served struct {
	hit, expired, evicted float64
}

// step lets so many lookups per second act on the cache for so many seconds.
func (c *cache) step(lookups, seconds, ttl, capacity float64) served {
	next, out := c.evolve(lookups, seconds, ttl, 0)
	if full := sizeOf(&c.keys, &next); full > capacity {
		// The pressure that leaves the cache exactly full.
		low, high := 1e-9, 10.0
		for range 30 {
			mid := math.Sqrt(low * high)
			if next, _ = c.evolve(lookups, seconds, ttl, mid); sizeOf(&c.keys, &next) > capacity {
				low = mid
			} else {
				high = mid
			}
		}
		next, out = c.evolve(lookups, seconds, ttl, high)
	}
	c.held = next
	return out
}

// sizeOf returns how many keys are held.
func sizeOf(keys, held *[classes]float64) float64 {
	n := 0.0
	for i, h := range held {
		n += h * keys[i]
	}
	return n
}

// evolve solves held' = λ(1−held) − held/ttl − pressure·held for a step, exactly,
// in each class. What is looked up often is evicted less: eviction is by age.
func (c *cache) evolve(lookups, seconds, ttl, pressure float64) (next [classes]float64, out served) {
	for i := range c.held {
		rate := lookups * c.weight[i] / c.keys[i]
		evict := pressure / (1 + 60*rate)
		r := rate + 1/ttl + evict
		level := rate / r
		decay := math.Exp(-r * seconds)
		next[i] = level + (c.held[i]-level)*decay
		mean := level + (c.held[i]-level)*(1-decay)/(r*seconds)
		out.hit += c.weight[i] * mean
		out.expired += c.keys[i] * mean / ttl
		out.evicted += c.keys[i] * mean * evict
	}
	return next, out
}

// flush empties the cache to the given share.
func (c *cache) flush(keep float64) {
	for i := range c.held {
		c.held[i] *= keep
	}
}
