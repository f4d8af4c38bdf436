package store

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
	bbolterrors "go.etcd.io/bbolt/errors"
)

// schema is the version of the layout. It rises when older versions could no
// longer read the file; new fields of a record do not need that.
const schema = 1

var (
	metaBucket = []byte("meta")
	schemaKey  = []byte("schema")
	savedAtKey = []byte("saved_at")
)

// lockWait is how long to wait for a process that is about to end.
const lockWait = 2 * time.Second

func (s *Store) openDir(dir string) error {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return fmt.Errorf("create storage directory: %w: choose another --storage.path", err)
	}
	path := filepath.Join(dir, fileName)
	err := s.openFile(path)
	if !damaged(err) {
		return err
	}
	aside, moveErr := moveAside(path)
	if moveErr != nil {
		return fmt.Errorf("%s: %w, and cannot be moved aside: %w", path, err, moveErr)
	}
	s.metrics.movedAside.Inc()
	s.logger.Error("The database was damaged and is moved aside, the history starts anew", "err", err, "kept_as", aside)
	return s.openFile(path)
}

// openFile opens the file, proves that it can be read to the end, and loads
// what has to be known while writing.
func (s *Store) openFile(path string) error {
	db, err := openDB(path)
	switch {
	case errors.Is(err, bbolterrors.ErrTimeout):
		return fmt.Errorf("%s is in use by another tidemark: stop it or choose another --storage.path", path)
	case err != nil:
		return fmt.Errorf("open %s: %w", path, err)
	}
	s.db = db
	s.damage.Store(nil) // that of the file that was moved aside
	err = s.view(verify)
	if err == nil {
		err = s.prepare()
	}
	if err != nil {
		_ = guard(db.Close) // why it cannot be used matters more
		return fmt.Errorf("open %s: %w", path, err)
	}
	s.metrics.size(db)
	return nil
}

// openDB opens the file; a damageError says that its content is not a database.
// Should bbolt panic about it, the file is closed here, which releases its lock.
func openDB(path string) (db *bbolt.DB, err error) {
	var file *os.File
	err = guard(func() (err error) {
		db, err = bbolt.Open(path, 0o600, &bbolt.Options{
			Timeout:      lockWait,
			FreelistType: bbolt.FreelistMapType,
			OpenFile: func(name string, flag int, mode os.FileMode) (*os.File, error) {
				var err error
				file, err = os.OpenFile(name, flag, mode)
				return file, err
			},
		})
		return err
	})
	if err == nil {
		return db, nil
	}
	if file != nil {
		_ = file.Close() // closed already unless bbolt panicked
	}
	var (
		refused *fs.PathError
		errno   syscall.Errno
	)
	if errors.Is(err, bbolterrors.ErrTimeout) || errors.As(err, &refused) || errors.As(err, &errno) {
		return nil, err
	}
	return nil, &damageError{err.Error()}
}

// damaged reports whether the error is about the file's content, as opposed to
// the system's refusal to open it or another process that has it.
func damaged(err error) bool {
	var d *damageError
	return errors.As(err, &d)
}

// verify reads everything once. The walk comes first because bbolt's own check
// runs in a goroutine of its own, where a fault of memory cannot be caught.
func verify(tx *bbolt.Tx) error {
	info, err := os.Stat(tx.DB().Path())
	if err != nil {
		return err
	}
	if tx.Size() > info.Size() {
		return &damageError{fmt.Sprintf("it has %d of %d bytes", info.Size(), tx.Size())}
	}
	touch := crc32.NewIEEE()
	if err := tx.ForEach(func(_ []byte, b *bbolt.Bucket) error {
		return b.ForEach(func(k, v []byte) error {
			touch.Write(k)
			touch.Write(v)
			return nil
		})
	}); err != nil {
		return &damageError{err.Error()}
	}
	var first error
	for err := range tx.Check() {
		if first == nil {
			first = &damageError{err.Error()}
		}
	}
	return first
}

// prepare creates the buckets of a new file, checks the schema of an old one,
// and loads which rows are open.
func (s *Store) prepare() error {
	return s.update(func(tx *bbolt.Tx) error {
		meta, err := tx.CreateBucketIfNotExists(metaBucket)
		if err != nil {
			return err
		}
		if v := meta.Get(schemaKey); v == nil {
			if err := meta.Put(schemaKey, []byte(strconv.Itoa(schema))); err != nil {
				return err
			}
		} else if err := checkSchema(string(v)); err != nil {
			return err
		}
		for _, t := range tables {
			if err := t.create(tx); err != nil {
				return err
			}
		}
		if _, err := tx.CreateBucketIfNotExists(deliveriesBucket); err != nil {
			return err
		}
		s.open = loadOpenRows(tx)
		return nil
	})
}

func checkSchema(text string) error {
	n, err := strconv.Atoi(text)
	switch {
	case err != nil || n < 1:
		return &damageError{fmt.Sprintf("its schema is %q", text)}
	case n > schema:
		return fmt.Errorf("it was written by a newer tidemark (schema %d, this one knows %d): upgrade, or choose another --storage.path", n, schema)
	}
	return nil
}

// moveAside renames the file to path.corrupt-N, N being the first free number.
func moveAside(path string) (string, error) {
	for n := 1; ; n++ {
		aside := path + ".corrupt-" + strconv.Itoa(n)
		_, err := os.Lstat(aside)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return aside, os.Rename(path, aside)
		case err != nil:
			return "", err
		}
	}
}
