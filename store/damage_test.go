package store

import (
	"encoding/binary"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"tidemark/incident"
	"tidemark/rules"
)

// populated returns the bytes of a database with some rows of every kind.
func populated(t *testing.T) []byte {
	t.Helper()
	dir := t.TempDir()
	s := open(t, dir, Options{})
	in, an, change := full()
	for i := range 12 {
		in.ID, in.StartedAt = "in"+strconv.Itoa(i), at(i)
		an.ID, an.StartedAt = "an"+strconv.Itoa(i), at(i)
		change.At = at(i)
		save(t, s, []incident.Incident{in}, []incident.Anomaly{an}, []rules.Change{change})
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(dir, fileName))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestDamagedFile opens files that are cut, overwritten or no database at all.
// Each must open, and what is saved then must be readable.
func TestDamagedFile(t *testing.T) {
	whole := populated(t)
	page := os.Getpagesize()
	rnd := rand.New(rand.NewPCG(1, 2))
	type damage struct {
		name string
		data []byte
		lost bool // whether the file cannot be used any more
	}
	cases := []damage{
		{"whole", whole, false},
		{"empty", nil, false}, // as a crash leaves it right after it was created
		{"text", []byte("this is no database"), true},
		{"zeros", make([]byte, len(whole)), true},
		{"cut in the first page", whole[:100], true},
		{"cut after the first page", whole[:page], true},
		{"cut after the meta pages", whole[:2*page], true},
		{"cut in the middle", whole[:len(whole)/2], true},
		{"cut in the unused end", whole[:len(whole)-page], false},
	}
	overwrite := func(from, to int) []byte {
		data := slices.Clone(whole)
		for i := from; i < min(to, len(data)); i++ {
			data[i] = byte(rnd.Uint32())
		}
		return data
	}
	cases = append(cases, damage{"both meta pages", overwrite(0, 2*page), true})
	for p := 2; p < len(whole)/page; p++ {
		// The page may be a free one, so that nothing is lost.
		cases = append(cases, damage{name: "page " + strconv.Itoa(p), data: overwrite(p*page, (p+1)*page)})
		cases = append(cases, damage{name: "head of page " + strconv.Itoa(p), data: overwrite(p*page, p*page+16)})
	}
	for i := range 50 {
		from := rnd.IntN(len(whole))
		cases = append(cases, damage{name: "byte " + strconv.Itoa(i), data: overwrite(from, from+1)})
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, fileName)
			if err := os.WriteFile(path, tc.data, 0o600); err != nil {
				t.Fatal(err)
			}
			var log logBuffer
			s := open(t, dir, Options{Logger: log.logger()})
			in, an, change := full()
			in.ID = "new"
			save(t, s, []incident.Incident{in}, []incident.Anomaly{an}, []rules.Change{change})
			if _, ok, err := s.Incident("new"); !ok || err != nil {
				t.Errorf("got ok %t, err %v, want the incident that was saved", ok, err)
			}
			s = reopen(t, s, dir)
			if _, ok, err := s.Incident("new"); !ok || err != nil {
				t.Errorf("after a restart: got ok %t, err %v, want the incident that was saved", ok, err)
			}
			kept, err := os.ReadFile(path + ".corrupt-1")
			if tc.lost && (err != nil || !slices.Equal(kept, tc.data)) {
				t.Errorf("the damaged file was not kept: err %v", err)
			}
			if logged := strings.Contains(log.String(), "level=ERROR"); logged != (err == nil) && !strings.Contains(log.String(), "A record cannot be read") {
				t.Errorf("moved aside: %t, but error logged: %t:\n%s", err == nil, logged, log.String())
			}
		})
	}
}

// TestDamagedFreeList declares a page that is in use to be free. Every row can
// still be read, but the next writes would overwrite some.
func TestDamagedFreeList(t *testing.T) {
	data, size := populated(t), os.Getpagesize()
	word := func(offset int) uint64 { return binary.NativeEndian.Uint64(data[offset:]) }
	// Each page begins with a header of 16 bytes. The newer one of the two meta
	// pages names the root page and the page of the free list.
	const header, root, freeList, txid = 16, 16 + 16, 16 + 32, 16 + 48
	meta := 0
	if word(size+txid) > word(txid) {
		meta = size
	}
	list := int(word(meta+freeList)) * size
	if n := binary.NativeEndian.Uint16(data[list+10:]); n == 0 {
		t.Fatal("no page is free: the test proves nothing")
	}
	binary.NativeEndian.PutUint64(data[list+header:], word(meta+root))
	dir := t.TempDir()
	path := filepath.Join(dir, fileName)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	open(t, dir, Options{})
	if _, err := os.Stat(path + ".corrupt-1"); err != nil {
		t.Errorf("the damaged file was not moved aside: %v", err)
	}
}

func TestDamagedFilesAreNumbered(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, fileName)
	for n := 1; n <= 3; n++ {
		if err := os.WriteFile(path, []byte("damage "+strconv.Itoa(n)), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := open(t, dir, Options{}).Close(); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(path + ".corrupt-" + strconv.Itoa(n))
		if want := "damage " + strconv.Itoa(n); err != nil || string(got) != want {
			t.Errorf("got %q, err %v, want %q", got, err, want)
		}
	}
}

// TestDamageWhileOpen cuts the file under an open store: the calls must return
// errors, and none may hang or crash.
func TestDamageWhileOpen(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, fileName)
	if err := os.WriteFile(path, populated(t), 0o600); err != nil {
		t.Fatal(err)
	}
	s := open(t, dir, Options{})
	if err := os.Truncate(path, 0); err != nil {
		t.Fatal(err)
	}
	in, _, _ := full()
	done := make(chan error)
	go func() {
		_, _, readErr := s.Incidents(Query{})
		if readErr == nil {
			t.Error("reading: got no error")
		}
		_ = s.Save([]incident.Incident{in}, nil, nil)
		done <- s.Save([]incident.Incident{in}, nil, nil)
	}()
	select {
	case err := <-done:
		if err == nil || !strings.Contains(err.Error(), "the file is damaged") {
			t.Errorf("got error %v, want one that says that the file is damaged", err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the store hangs")
	}
}

func edit(t *testing.T, dir string, f func(tx *bbolt.Tx) error) {
	t.Helper()
	db, err := bbolt.Open(filepath.Join(dir, fileName), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Update(f); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestUnreadableRecord checks that one bad record does not hide the others.
func TestUnreadableRecord(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	save(t, s, []incident.Incident{
		{ID: "good", State: incident.Firing, StartedAt: at(1)},
		{ID: "bad", State: incident.Firing, StartedAt: at(2)},
	}, nil, nil)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	edit(t, dir, func(tx *bbolt.Tx) error {
		return incidentTable.put(tx, row{id: "bad", start: at(2), record: []byte(`{"id":`)})
	})
	var log logBuffer
	s = open(t, dir, Options{Logger: log.logger()})
	incidents, err := s.Current()
	if got := ids(t, incidents, "", err); !slices.Equal(got, []string{"good"}) {
		t.Errorf("got %v, want [good]", got)
	}
	if !strings.Contains(log.String(), "level=ERROR") || !strings.Contains(log.String(), "id=bad") {
		t.Errorf("got log %q, want an error about the record", log.String())
	}
	save(t, s, nil, nil, nil) // goes on although it cannot tell what the bad one is
}

func TestNewerSchema(t *testing.T) {
	dir := t.TempDir()
	if err := open(t, dir, Options{}).Close(); err != nil {
		t.Fatal(err)
	}
	edit(t, dir, func(tx *bbolt.Tx) error { return tx.Bucket(metaBucket).Put(schemaKey, []byte("2")) })
	var log logBuffer
	_, err := Open(dir, Options{Logger: log.logger()})
	want := "written by a newer tidemark (schema 2, this one knows 1): upgrade, or choose another --storage.path"
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got error %v, want %q in it", err, want)
	}
	if _, err := os.Stat(filepath.Join(dir, fileName)); err != nil {
		t.Errorf("the newer file was moved: %v", err)
	}
}
