package shop

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"
)

// RedisCache keeps products in a Redis server.
type RedisCache struct {
	client *redis.Client
	line   line

	mu     sync.Mutex // serialises Shrink
	before *redisSize // what to restore; nil unless shrunk
}

type redisSize struct{ policy, limit string }

// NewRedisCache returns a cache in the server at addr. It does not wait for the
// server: commands fail until it is there.
func NewRedisCache(addr string) *RedisCache {
	c := &RedisCache{}
	c.client = redis.NewClient(&redis.Options{
		Addr:         addr,
		Dialer:       c.line.dial,
		DialTimeout:  time.Second,
		ReadTimeout:  time.Second,
		WriteTimeout: time.Second,

		// A retry would hide a fault, or be counted as one slow command.
		MaxRetries:    -1,
		DialerRetries: 1,
	})
	return c
}

// Close ends all connections.
func (c *RedisCache) Close() error { return c.client.Close() }

// Get implements Cache.
func (c *RedisCache) Get(ctx context.Context, key string) (string, bool, error) {
	value, err := c.client.Get(ctx, key).Result()
	if errors.Is(err, redis.Nil) {
		return "", false, nil
	}
	return value, err == nil, err
}

// Set implements Cache.
func (c *RedisCache) Set(ctx context.Context, key, value string, ttl time.Duration) error {
	return c.client.Set(ctx, key, value, max(ttl, time.Millisecond)).Err()
}

// Stats implements Cache. The limit is in bytes.
func (c *RedisCache) Stats(ctx context.Context) (CacheStats, error) {
	info, err := c.info(ctx)
	if err != nil {
		return CacheStats{}, err
	}
	entries, err := c.client.DBSize(ctx).Result()
	if err != nil {
		return CacheStats{}, fmt.Errorf("count keys of Redis: %w", err)
	}
	return CacheStats{
		Entries:     entries,
		Evictions:   info["evicted_keys"],
		Expirations: info["expired_keys"],
		Limit:       info["maxmemory"],
	}, nil
}

// info returns the numbers of the INFO command.
func (c *RedisCache) info(ctx context.Context) (map[string]int64, error) {
	text, err := c.client.Info(ctx).Result()
	if err != nil {
		return nil, fmt.Errorf("ask Redis for its state: %w", err)
	}
	info := map[string]int64{}
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		if n, err := strconv.ParseInt(value, 10, 64); err == nil {
			info[name] = n
		}
	}
	return info, nil
}

// smallRedis is the share of what is stored that still fits when Redis has been
// made too small. It is larger than smallCache since the buffers of clients
// count, too, and grow later.
const smallRedis = 0.15

// Shrink implements CacheFaults: it lowers maxmemory until only a part of what
// is stored now fits.
func (c *RedisCache) Shrink(ctx context.Context, small bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !small {
		if c.before != nil {
			if err := c.resize(ctx, *c.before); err != nil {
				return err
			}
		}
		c.before = nil
		return nil
	}
	if c.before == nil {
		settings, err := c.client.ConfigGet(ctx, "maxmemory*").Result()
		if err != nil {
			return fmt.Errorf("read the size of Redis: %w", err)
		}
		c.before = &redisSize{policy: settings["maxmemory-policy"], limit: settings["maxmemory"]}
	}
	info, err := c.info(ctx)
	if err != nil {
		return err
	}
	limit := info["used_memory"] - int64((1-smallRedis)*float64(info["used_memory_dataset"]))
	return c.resize(ctx, redisSize{policy: "allkeys-lru", limit: strconv.FormatInt(limit, 10)})
}

// resize sets the policy first, so that there is something to evict.
func (c *RedisCache) resize(ctx context.Context, to redisSize) error {
	if err := c.client.ConfigSet(ctx, "maxmemory-policy", to.policy).Err(); err != nil {
		return fmt.Errorf("set maxmemory-policy of Redis to %s: %w", to.policy, err)
	}
	if err := c.client.ConfigSet(ctx, "maxmemory", to.limit).Err(); err != nil {
		return fmt.Errorf("set maxmemory of Redis to %s: %w", to.limit, err)
	}
	return nil
}

// Refuse implements CacheFaults: it cuts the line to the server.
func (c *RedisCache) Refuse(_ context.Context, refuse bool) error {
	c.line.cut.Store(refuse)
	return nil
}

// line is the network between the shop and Redis. While it is cut, new
// connections are refused and those that exist are reset.
type line struct{ cut atomic.Bool }

func (l *line) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	if l.cut.Load() {
		return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
	}
	conn, err := new(net.Dialer).DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	return &lineConn{Conn: conn, line: l}, nil
}

type lineConn struct {
	net.Conn
	line *line
}

func (c *lineConn) Read(b []byte) (int, error) {
	if c.line.cut.Load() {
		return 0, syscall.ECONNRESET
	}
	return c.Conn.Read(b)
}

func (c *lineConn) Write(b []byte) (int, error) {
	if c.line.cut.Load() {
		return 0, syscall.ECONNRESET
	}
	return c.Conn.Write(b)
}
