package shop_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"tidemark/demo/shop"
)

// TestRedisCache runs the cache and its faults against a real server.
func TestRedisCache(t *testing.T) {
	ctx := t.Context()
	cache := shop.NewRedisCache(startRedis(t))
	defer cache.Close()
	await(t, "Redis", func() error { _, err := cache.Stats(ctx); return err })

	set := func(key string, ttl time.Duration) {
		t.Helper()
		if err := cache.Set(ctx, key, strings.Repeat("x", 8000), ttl); err != nil {
			t.Fatal(err)
		}
	}
	found := func(key string) bool {
		t.Helper()
		_, ok, err := cache.Get(ctx, key)
		if err != nil {
			t.Fatal(err)
		}
		return ok
	}
	stats := func() shop.CacheStats {
		t.Helper()
		s, err := cache.Stats(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}

	if found("product:1") {
		t.Error("a key is found that was never stored")
	}
	set("product:1", time.Minute)
	if !found("product:1") {
		t.Error("a key is not found that was stored")
	}
	set("product:1", time.Millisecond)
	time.Sleep(5 * time.Millisecond)
	if found("product:1") {
		t.Error("a key is found that has expired")
	}
	if got := stats().Expirations; got != 1 {
		t.Errorf("%d expirations, want 1", got)
	}

	for i := range 500 {
		set(fmt.Sprintf("product:%d", i), time.Minute)
	}
	if s := stats(); s.Entries != 500 || s.Evictions != 0 || s.Limit != 64<<20 {
		t.Errorf("stats before shrinking %+v, want 500 entries, 0 evictions, limit 64 MiB", s)
	}
	if err := cache.Shrink(ctx, true); err != nil {
		t.Fatal(err)
	}
	for i := range 500 {
		set(fmt.Sprintf("product:%d", i), time.Minute)
	}
	if s := stats(); s.Entries < 10 || s.Entries > 100 || s.Evictions < 500 || s.Limit >= 64<<20 {
		t.Errorf("stats after shrinking %+v, want few entries, many evictions, a low limit", s)
	}
	if err := cache.Shrink(ctx, false); err != nil {
		t.Fatal(err)
	}
	if s := stats(); s.Limit != 64<<20 {
		t.Errorf("limit after the repair is %d, want 64 MiB", s.Limit)
	}

	if err := cache.Refuse(ctx, true); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		start := time.Now()
		if _, _, err := cache.Get(ctx, "product:499"); err == nil {
			t.Error("a cache that refuses answers")
		}
		if took := time.Since(start); took > time.Second {
			t.Errorf("a cache that refuses takes %v to do so", took)
		}
	}
	if err := cache.Refuse(ctx, false); err != nil {
		t.Fatal(err)
	}
	await(t, "the repaired Redis", func() error { _, _, err := cache.Get(ctx, "product:499"); return err })
}

// TestPostgresDatabase runs the database and its fault against a real server.
func TestPostgresDatabase(t *testing.T) {
	ctx := t.Context()
	url := startPostgres(t)
	m := shop.Default
	m.Query = shop.Duration{Mean: 20 * time.Millisecond}
	m.Connections = 2
	m.Contention = 0
	var database *shop.PostgresDatabase
	await(t, "PostgreSQL", func() (err error) {
		database, err = shop.OpenPostgres(ctx, url, m, 1)
		return err
	})
	defer database.Close()
	again, err := shop.OpenPostgres(ctx, url, m, 1)
	if err != nil {
		t.Fatalf("open a database that is already filled: %v", err)
	}
	again.Close()

	text, spent, err := database.Product(ctx, m.Products-1)
	if err != nil || !strings.HasPrefix(text, "product 499\n") || len(text) < 8000 {
		t.Errorf("last product is %.20q (%d bytes), %v, want 8 kB about product 499", text, len(text), err)
	}
	between(t, "time of a query", spent.Serving.Seconds(), 0.020, 0.500)

	database.Slow(50)
	_, spent, err = database.Product(ctx, 0)
	if err != nil {
		t.Error(err)
	}
	between(t, "time of a slow query", spent.Serving.Seconds(), 1, 3)

	// Two connections serve four queries of one second in two turns, and none of a
	// request that does not wait that long.
	type result struct {
		spent shop.Spent
		err   error
	}
	results := make(chan result)
	ask := func(ctx context.Context) {
		_, spent, err := database.Product(ctx, 0)
		results <- result{spent, err}
	}
	for range 4 {
		go ask(ctx)
	}
	await(t, "busy connections", func() error {
		if inUse, all := database.Pool(); inUse != 2 || all != 2 {
			return fmt.Errorf("%d of %d connections are in use, want 2 of 2", inUse, all)
		}
		return nil
	})
	short, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
	defer cancel()
	if _, _, err := database.Product(short, 0); err == nil {
		t.Error("a query got a connection that was not there")
	}
	var waits []float64
	for range 4 {
		r := <-results
		if r.err != nil {
			t.Error(r.err)
		}
		waits = append(waits, r.spent.Waiting.Seconds())
	}
	slices.Sort(waits)
	between(t, "wait of the second query", waits[1], 0, 0.5)
	between(t, "wait of the third query", waits[2], 0.7, 3)
}

// await tries until it works.
func await(t *testing.T, what string, try func() error) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for {
		err := try()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: %v", what, err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

// start runs a server until the test is over, and shows what it wrote if the
// test failed.
func start(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	var log strings.Builder
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGINT)
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%s wrote:\n%s", cmd.Path, log.String())
		}
	})
}

func startRedis(t *testing.T) (addr string) {
	t.Helper()
	port := freePort(t)
	start(t, exec.Command("redis-server", "--bind", "127.0.0.1", "--port", port, "--save", "",
		"--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lru", "--dir", t.TempDir()))
	return "127.0.0.1:" + port
}

// startPostgres starts a server as another user if the test runs as root, which
// PostgreSQL refuses.
func startPostgres(t *testing.T) (url string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "shop-postgres-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	attr := &syscall.SysProcAttr{}
	if os.Getuid() == 0 {
		owner, err := user.Lookup("postgres")
		if err != nil {
			t.Fatal(err)
		}
		uid, _ := strconv.Atoi(owner.Uid)
		gid, _ := strconv.Atoi(owner.Gid)
		attr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		if err := os.Chown(dir, uid, gid); err != nil {
			t.Fatal(err)
		}
	}
	command := func(name string, args ...string) *exec.Cmd {
		cmd := exec.Command(postgresBinary(t, name), args...)
		cmd.SysProcAttr = attr
		cmd.Dir = dir
		return cmd
	}
	data := filepath.Join(dir, "data")
	if out, err := command("initdb", "-D", data, "-U", "shop", "-A", "trust", "--no-sync").CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	port := freePort(t)
	start(t, command("postgres", "-D", data, "-h", "127.0.0.1", "-p", port, "-k", dir, "-F"))
	return "postgres://shop@127.0.0.1:" + port + "/postgres"
}

// postgresBinary finds a program of the server, which Debian keeps out of PATH.
func postgresBinary(t *testing.T, name string) string {
	t.Helper()
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	if len(found) == 0 {
		t.Fatalf("%s is not installed: apt-get install postgresql", name)
	}
	return found[len(found)-1]
}
