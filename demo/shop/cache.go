package shop

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
)

// Cache is what product pages are read through. Calls may overlap.
type Cache interface {
	// Get returns what is stored under the key. That nothing is stored there is
	// not an error.
	Get(ctx context.Context, key string) (value string, found bool, err error)

	// Set stores the value for as long as ttl. It may be gone at once if ttl is 0.
	Set(ctx context.Context, key, value string, ttl time.Duration) error

	// Stats returns how the cache is doing, or the error with which it refuses
	// to tell.
	Stats(ctx context.Context) (CacheStats, error)
}

// CacheStats is how a cache is doing. Counts grow from its start.
type CacheStats struct {
	Entries     int64
	Evictions   int64 // entries removed because the cache was full
	Expirations int64 // entries removed because their time was over
	Limit       int64 // the size from which it evicts, in its own unit; 0 is none
}

// CacheFaults breaks a cache, and repairs it. Each call leaves the cache in the
// state that it names, whatever its state was.
type CacheFaults interface {
	// Shrink makes the cache so small that it holds only a fraction of the
	// products, or gives it back its size.
	Shrink(ctx context.Context, small bool) error

	// Refuse makes every further command fail, or answers again.
	Refuse(ctx context.Context, refuse bool) error
}

var errCacheRefused = errors.New("cache: connection refused")

// MemoryCache is the embedded cache: least recently used entries are evicted
// when it is full, and entries expire when they are next asked for.
type MemoryCache struct {
	model   Model
	rand    *rand.Rand
	entries *lru.Cache[string, memoryEntry]

	limit, evictions, expirations atomic.Int64
	refuse                        atomic.Bool
}

type memoryEntry struct {
	value   string
	expires time.Time
}

// smallCache is the share of the catalogue that the cache still holds when it
// has been made too small.
const smallCache = 0.04

// NewMemoryCache returns an empty cache of the model's size and speed.
func NewMemoryCache(m Model, seed uint64) *MemoryCache {
	entries, err := lru.New[string, memoryEntry](m.CacheEntries)
	if err != nil {
		panic(err) // the model's size is not positive
	}
	c := &MemoryCache{model: m, rand: newRand(seed), entries: entries}
	c.limit.Store(int64(m.CacheEntries))
	return c
}

// Get implements Cache.
func (c *MemoryCache) Get(ctx context.Context, key string) (string, bool, error) {
	if err := c.command(ctx); err != nil {
		return "", false, err
	}
	e, ok := c.entries.Get(key)
	if !ok {
		return "", false, nil
	}
	if !time.Now().Before(e.expires) {
		if c.entries.Remove(key) {
			c.expirations.Add(1)
		}
		return "", false, nil
	}
	return e.value, true, nil
}

// Set implements Cache.
func (c *MemoryCache) Set(ctx context.Context, key, value string, ttl time.Duration) error {
	if err := c.command(ctx); err != nil {
		return err
	}
	if c.entries.Add(key, memoryEntry{value, time.Now().Add(ttl)}) {
		c.evictions.Add(1)
	}
	return nil
}

// command takes the time of a command.
func (c *MemoryCache) command(ctx context.Context) error {
	if c.refuse.Load() {
		return errCacheRefused
	}
	return sleep(ctx, c.model.CacheCommand.Draw(c.rand, 1))
}

// Stats implements Cache. The limit is in entries.
func (c *MemoryCache) Stats(context.Context) (CacheStats, error) {
	if c.refuse.Load() {
		return CacheStats{}, errCacheRefused
	}
	return CacheStats{
		Entries:     int64(c.entries.Len()),
		Evictions:   c.evictions.Load(),
		Expirations: c.expirations.Load(),
		Limit:       c.limit.Load(),
	}, nil
}

// Shrink implements CacheFaults.
func (c *MemoryCache) Shrink(_ context.Context, small bool) error {
	limit := c.model.CacheEntries
	if small {
		limit = int(smallCache * float64(c.model.Products))
	}
	c.limit.Store(int64(limit))
	c.evictions.Add(int64(c.entries.Resize(limit)))
	return nil
}

// Refuse implements CacheFaults.
func (c *MemoryCache) Refuse(_ context.Context, refuse bool) error {
	c.refuse.Store(refuse)
	return nil
}

// sleep waits for d, or until the context is done.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
