package ingest

import (
	"bytes"
	"compress/gzip"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// settled is how old a slot must be before what was read of it is kept: by then
// late samples have arrived, and rules have been evaluated.
const settled = time.Hour

// Cache keeps answers to queries over the past on disk, so that they need not be
// asked for again: a backfill that was interrupted goes on where it was, and the
// next one over the same time asks nothing.
//
// Only what lies wholly in the past is kept, and no answer without data: that
// may be loaded later. What is kept is not asked for again even if the source
// has changed it since. Several processes may use one directory. A file that
// cannot be read, for whatever reason, is as good as none.
type Cache struct {
	dir string
	max int64

	mu   sync.Mutex
	size int64
	err  error // of the first write that failed; there are no more after it
}

// OpenCache returns the cache in a directory, which it makes, of at most so many
// bytes: what was used least recently gives way.
func OpenCache(dir string, maxBytes int64) (*Cache, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("cache: %w", err)
	}
	c := &Cache{dir: dir, max: maxBytes}
	files, err := c.files()
	if err != nil {
		return nil, fmt.Errorf("cache: %w", err)
	}
	for _, f := range files {
		c.size += f.Size()
	}
	return c, nil
}

// Err returns why the cache keeps nothing any more, or nil.
func (c *Cache) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// suffix is that of the cache's files; others in the directory are left alone.
const suffix = ".answer"

func (c *Cache) path(key string) string { return filepath.Join(c.dir, key+suffix) }

// load decodes what is kept under a key.
func (c *Cache) load(key string, into any) bool {
	packed, err := os.ReadFile(c.path(key))
	if err != nil {
		return false
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return false
	}
	// The reader knows at the end only whether the checksum is right.
	text, err := io.ReadAll(z)
	if err != nil || gob.NewDecoder(bytes.NewReader(text)).Decode(into) != nil {
		return false
	}
	now := time.Now()
	_ = os.Chtimes(c.path(key), now, now) // it is only the order of removal that would suffer
	return true
}

// keep writes something under a key.
func (c *Cache) keep(key string, what any) {
	if c.Err() != nil {
		return
	}
	n, err := c.write(c.path(key), what)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.size += n; err == nil && c.size > c.max {
		err = c.shrink()
	}
	if err != nil {
		c.err = fmt.Errorf("cache: %w", err)
	}
}

// write replaces a file, and returns by how much the directory has grown.
func (c *Cache) write(path string, what any) (int64, error) {
	f, err := os.CreateTemp(c.dir, "tmp-*"+suffix)
	if err != nil {
		return 0, err
	}
	z, err := gzip.NewWriterLevel(f, gzip.BestSpeed)
	if err != nil {
		return 0, errors.Join(err, f.Close())
	}
	err = errors.Join(gob.NewEncoder(z).Encode(what), z.Close())
	info, statErr := f.Stat()
	if err = errors.Join(err, statErr, f.Close()); err != nil {
		return 0, errors.Join(err, os.Remove(f.Name()))
	}
	grown := info.Size()
	if old, err := os.Stat(path); err == nil {
		grown -= old.Size()
	}
	return grown, os.Rename(f.Name(), path)
}

// shrink removes what was used least recently, until a tenth is free.
func (c *Cache) shrink() error {
	files, err := c.files()
	if err != nil {
		return err
	}
	slices.SortFunc(files, func(a, b fs.FileInfo) int { return a.ModTime().Compare(b.ModTime()) })
	c.size = 0
	for _, f := range files {
		c.size += f.Size()
	}
	for _, f := range files {
		if c.size <= c.max-c.max/10 {
			return nil
		}
		if err := os.Remove(filepath.Join(c.dir, f.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		c.size -= f.Size()
	}
	return nil
}

// files returns the cache's files.
func (c *Cache) files() ([]fs.FileInfo, error) {
	entries, err := os.ReadDir(c.dir)
	if err != nil {
		return nil, err
	}
	var out []fs.FileInfo
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), suffix) {
			continue
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // another process has removed it
		}
		if err != nil {
			return nil, err
		}
		out = append(out, info)
	}
	return out, nil
}
