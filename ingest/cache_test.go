package ingest

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/prometheus/common/config"

	"tidemark/series"
	"tidemark/signal"
)

func openCache(t *testing.T, dir string, maxBytes int64) *Cache {
	t.Helper()
	c, err := OpenCache(dir, maxBytes)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// cached is a source of two signals, of which the first has support, with a
// cache in a directory. It notes which queries it sends.
func cached(t *testing.T, dir string, h history, seen *requests) fixture {
	t.Helper()
	signals := []signal.Signal{
		complete(t, signal.Signal{Name: "a", Query: "a", Support: "load"}),
		complete(t, signal.Signal{Name: "b", Query: "b"}),
	}
	s := newFixture(t, "http://prometheus.test", signals, func(c *Config) { c.Concurrency = 1 })
	fault := h.fault
	h.fault = func(w http.ResponseWriter, query string, slots int) bool {
		seen.add(fmt.Sprint(query, slots))
		return fault != nil && fault(w, query, slots)
	}
	s.via(h)
	s.cache = openCache(t, dir, 1<<30)
	return s
}

// backfilled returns all frames of a backfill over n slots from a slot on.
func backfilled(t *testing.T, s fixture, from, n int) [][]series.Frame {
	t.Helper()
	var all [][]series.Frame
	err := s.Backfill(t.Context(), epoch.Add(time.Duration(from)*step), epoch.Add(time.Duration(from+n-1)*step), step,
		func(_ series.Grid, frames []series.Frame) error {
			all = append(all, frames)
			return nil
		})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestBackfillRecalls(t *testing.T) {
	dir := t.TempDir()
	var seen requests
	first := backfilled(t, cached(t, dir, history{series: 2}, &seen), 0, 5000)
	// Chunks end at multiples of their size: epoch lies 420 slots before one of
	// 480, which is one of 3840, too.
	want := []string{"a420", "load420", "b420", "a3840", "load3840", "b3840", "a740", "load740", "b740"}
	if diff := cmp.Diff(want, seen.take()); diff != "" {
		t.Errorf("queries (-want +got):\n%s", diff)
	}

	s := cached(t, dir, history{series: 3}, &seen)
	again := backfilled(t, s, 0, 5000)
	if diff := cmp.Diff([]string(nil), seen.take()); diff != "" {
		t.Errorf("queries of the second time (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(first, again, cmpopts.EquateNaNs()); diff != "" {
		t.Errorf("frames (-first +second):\n%s", diff)
	}
	if sent, recalled := s.Queries(); sent != 0 || recalled != 9 {
		t.Errorf("got %d queries sent and %d recalled, want 0 and 9", sent, recalled)
	}

	// What begins elsewhere has most chunks in common.
	backfilled(t, cached(t, dir, history{series: 2}, &seen), 300, 5000)
	if diff := cmp.Diff([]string{"a120", "load120", "b120", "a1040", "load1040", "b1040"}, seen.take()); diff != "" {
		t.Errorf("queries over another range (-want +got):\n%s", diff)
	}
}

func TestBackfillGoesOnWhereItWas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(epoch.Add(30 * 24 * time.Hour)))
		dir := t.TempDir()
		var seen requests
		down := false
		s := cached(t, dir, history{series: 1, fault: func(w http.ResponseWriter, query string, slots int) bool {
			if down = down || slots == 3840 && query == "load"; down {
				w.WriteHeader(http.StatusBadGateway)
			}
			return down
		}}, &seen)
		s.probeFirst = true
		err := s.Backfill(t.Context(), epoch, epoch.Add(4999*step), step, (&filled{}).yield)
		if err == nil || !strings.Contains(err.Error(), "502 Bad Gateway") {
			t.Fatalf("got error %v, want that the source is down", err)
		}
		seen.take()
		backfilled(t, cached(t, dir, history{series: 1}, &seen), 0, 5000)
		// Of a signal either all is recalled or nothing.
		if diff := cmp.Diff([]string{"a3840", "load3840", "b3840", "a740", "load740", "b740"}, seen.take()); diff != "" {
			t.Errorf("queries (-want +got):\n%s", diff)
		}
	})
}

func TestCacheKeepsWhatIsSettled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := epoch.Add(500 * step)
		time.Sleep(time.Until(now))
		dir := t.TempDir()
		var seen requests
		backfilled(t, cached(t, dir, history{series: 1}, &seen), 0, 500)
		seen.take()
		backfilled(t, cached(t, dir, history{series: 1}, &seen), 0, 500)
		// The newest 240 slots are an hour.
		want := []string{"a60", "load60", "b60", "a60", "load60", "b60", "a60", "load60", "b60", "a60", "load60", "b60", "a20", "load20", "b20"}
		if diff := cmp.Diff(want, seen.take()); diff != "" {
			t.Errorf("queries (-want +got):\n%s", diff)
		}
	})
}

func TestCacheKeepsNoAbsence(t *testing.T) {
	dir := t.TempDir()
	var seen requests
	backfilled(t, cached(t, dir, history{}, &seen), 0, 60)
	seen.take()
	got := backfilled(t, cached(t, dir, history{series: 1}, &seen), 0, 60)
	if diff := cmp.Diff([]string{"a60", "load60", "b60"}, seen.take()); diff != "" {
		t.Errorf("queries (-want +got):\n%s", diff)
	}
	if n := len(got[0][1].Series); n != 1 {
		t.Errorf("got %d series, want the one that is there now", n)
	}
}

func TestCacheIgnoresWhatIsBroken(t *testing.T) {
	for _, tc := range []struct {
		name string
		do   func(path string, text []byte) []byte
	}{
		{"cut", func(_ string, text []byte) []byte { return text[:len(text)/2] }},
		{"empty", func(string, []byte) []byte { return nil }},
		{"other text", func(string, []byte) []byte { return []byte("hello") }},
		{"one bit", func(_ string, text []byte) []byte { text[len(text)-20] ^= 4; return text }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			var seen requests
			want := backfilled(t, cached(t, dir, history{series: 1}, &seen), 0, 60)
			files, err := filepath.Glob(filepath.Join(dir, "*"))
			if err != nil || len(files) != 3 {
				t.Fatalf("got files %v and error %v, want three", files, err)
			}
			for _, path := range files {
				text, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, tc.do(path, text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			seen.take()
			for _, queries := range []int{3, 0} { // it is asked again, and kept again
				got := backfilled(t, cached(t, dir, history{series: 1}, &seen), 0, 60)
				if diff := cmp.Diff(want, got, cmpopts.EquateNaNs()); diff != "" {
					t.Errorf("frames (-want +got):\n%s", diff)
				}
				if n := len(seen.take()); n != queries {
					t.Errorf("got %d queries, want %d", n, queries)
				}
			}
		})
	}
}

func TestCacheIsBounded(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "mine.txt"), make([]byte, 4096), 0o600); err != nil {
		t.Fatal(err)
	}
	c := openCache(t, dir, 1000)
	for i := range 50 {
		c.keep(fmt.Sprintf("%03d", i), []int{i})
		old := time.Now().Add(time.Duration(i-100) * time.Minute)
		if err := os.Chtimes(c.path(fmt.Sprintf("%03d", i)), old, old); err != nil {
			t.Fatal(err)
		}
		var first []int
		if c.load("000", &first); len(first) != 1 { // used all the time
			t.Fatalf("what is in use is gone after %d", i)
		}
	}
	if err := c.Err(); err != nil {
		t.Fatal(err)
	}
	files, err := c.files()
	if err != nil {
		t.Fatal(err)
	}
	size := int64(0)
	for _, f := range files {
		size += f.Size()
	}
	if size != c.size || size > 1000 || size < 500 {
		t.Errorf("got %d bytes in %d files and %d by its own account, want somewhat less than 1000", size, len(files), c.size)
	}
	var got []int
	if c.load("001", &got) || !c.load("049", &got) || got[0] != 49 {
		t.Errorf("got %v, want the newest and not the oldest", got)
	}
	if _, err := os.Stat(filepath.Join(dir, "mine.txt")); err != nil {
		t.Errorf("a file of somebody else: %v", err)
	}
	if c := openCache(t, dir, 1000); c.size != size {
		t.Errorf("opened again: got %d bytes, want %d", c.size, size)
	}
}

func TestCacheThatCannotBeWritten(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache")
	var seen requests
	s := cached(t, dir, history{series: 1}, &seen)
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	if got := backfilled(t, s, 0, 60); len(got) != 1 || got[0][0].Err != nil {
		t.Errorf("got %v, want the answer all the same", got)
	}
	if err := s.cache.Err(); err == nil || !strings.Contains(err.Error(), "cache: open "+dir) {
		t.Errorf("got error %v, want that the directory is missing", err)
	}
	if _, err := OpenCache("/dev/null/x", 1); err == nil {
		t.Error("got no error of a directory that cannot be made")
	}
}

func TestKey(t *testing.T) {
	at := func(address, query string, change func(*Config)) string {
		s := newFixture(t, address, nil, change)
		return s.key(query, grid(60), grid(60))
	}
	header := func(tenant string) func(*Config) {
		return func(c *Config) {
			c.HTTPClientConfig.HTTPHeaders = &config.Headers{Headers: map[string]config.Header{"X-Scope-OrgID": {Values: []string{tenant}}}}
		}
	}
	user := func(name, password string) func(*Config) {
		return func(c *Config) {
			c.HTTPClientConfig.BasicAuth = &config.BasicAuth{Username: name, Password: config.Secret(password)}
		}
	}
	const address = "http://prometheus.test"
	base := at(address, "up", nil)
	for name, other := range map[string]string{
		"another address": at("http://other.test", "up", nil),
		"a parameter":     at(address+"?dedup=true", "up", nil),
		"another query":   at(address, "up2", nil),
		"a tenant":        at(address, "up", header("shop")),
		"another tenant":  at(address, "up", header("blog")),
		"a user":          at(address, "up", user("anna", "x")),
	} {
		if other == base {
			t.Errorf("%s has the key of the one without", name)
		}
	}
	if at(address, "up", header("shop")) == at(address, "up", header("blog")) {
		t.Error("two tenants have one key")
	}
	if at(address, "up", user("anna", "x")) != at(address, "up", user("anna", "y")) {
		t.Error("the key depends on the password")
	}
	s := newFixture(t, address, nil, func(c *Config) { c.URL.User = url.UserPassword("anna", "x") })
	longer, shifted := grid(60), grid(60)
	longer.Step, shifted.Start = 2*step, epoch.Add(step)
	keys := map[string]bool{s.key("up", grid(60), grid(60)): true}
	for _, g := range []series.Grid{grid(61), longer, shifted} {
		keys[s.key("up", grid(60), g)] = true
		keys[s.key("up", g, grid(60))] = true
	}
	if len(keys) != 7 {
		t.Errorf("got %d keys of seven grids", len(keys))
	}
}

// TestRecallKeepsTheLimit lowers max_series_per_signal between two times.
func TestRecallKeepsTheLimit(t *testing.T) {
	dir := t.TempDir()
	var seen requests
	backfilled(t, cached(t, dir, history{series: 3}, &seen), 0, 60)
	s := cached(t, dir, history{series: 3}, &seen)
	s.config.MaxSeriesPerSignal = 2
	err := s.Backfill(t.Context(), epoch, epoch.Add(59*step), step, (&filled{}).yield)
	if reasonOf(err) != tooManySeries {
		t.Errorf("got error %v, want that there are too many series", err)
	}
}
