package store

import (
	"bytes"
	"encoding/binary"
	"time"

	"go.etcd.io/bbolt"
)

// table holds rows of one kind in two buckets:
//
//	<name>      start | id → end | record
//	<name>_ids  id         → start | id
//
// where start and end are instants as of stamp. An open row has no end, which
// is written as zeros.
type table struct{ name string }

var (
	incidentTable   = table{"incidents"}
	anomalyTable    = table{"anomalies"}
	changeTable     = table{"changes"}
	acceptanceTable = table{"acceptances"}
	eventTable      = table{"events"}
	dismissalTable  = table{"dismissals"}
	feedbackTable   = table{"feedback"}

	tables = []table{incidentTable, anomalyTable, changeTable, acceptanceTable, eventTable, dismissalTable, feedbackTable}
)

// row is one row of a table. Its record is only valid within the transaction.
type row struct {
	id         string
	start, end time.Time // a zero end is an open row
	record     []byte
}

const stampLen = 12

// stamp writes an instant so that bytes sort as instants do: seconds since the
// epoch with their sign flipped, then nanoseconds.
func stamp(t time.Time) []byte {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, stampLen), uint64(t.Unix())^1<<63)
	return binary.BigEndian.AppendUint32(b, uint32(t.Nanosecond()))
}

func unstamp(b []byte) time.Time {
	return time.Unix(int64(binary.BigEndian.Uint64(b)^1<<63), int64(binary.BigEndian.Uint32(b[8:]))).UTC()
}

var noEnd = make([]byte, stampLen)

func (t table) rows(tx *bbolt.Tx) *bbolt.Bucket { return tx.Bucket([]byte(t.name)) }
func (t table) ids(tx *bbolt.Tx) *bbolt.Bucket  { return tx.Bucket([]byte(t.name + "_ids")) }

func (t table) create(tx *bbolt.Tx) error {
	for _, name := range []string{t.name, t.name + "_ids"} {
		if _, err := tx.CreateBucketIfNotExists([]byte(name)); err != nil {
			return err
		}
	}
	return nil
}

// put inserts the row, or replaces the one of the same ID.
func (t table) put(tx *bbolt.Tx, r row) error {
	key := append(stamp(r.start), r.id...)
	if old := t.ids(tx).Get([]byte(r.id)); old != nil && !bytes.Equal(old, key) {
		if err := t.rows(tx).Delete(bytes.Clone(old)); err != nil {
			return err
		}
	}
	end := noEnd
	if !r.end.IsZero() {
		end = stamp(r.end)
	}
	if err := t.rows(tx).Put(key, append(bytes.Clone(end), r.record...)); err != nil {
		return err
	}
	return t.ids(tx).Put([]byte(r.id), key)
}

func (t table) delete(tx *bbolt.Tx, id string) error {
	key := bytes.Clone(t.ids(tx).Get([]byte(id)))
	if key == nil {
		return nil
	}
	if err := t.rows(tx).Delete(key); err != nil {
		return err
	}
	return t.ids(tx).Delete([]byte(id))
}

func (t table) has(tx *bbolt.Tx, id string) bool { return t.ids(tx).Get([]byte(id)) != nil }

// find returns the row of that ID, and false if there is none.
func (t table) find(tx *bbolt.Tx, id string) (row, bool) {
	key := t.ids(tx).Get([]byte(id))
	if key == nil {
		return row{}, false
	}
	return parseRow(key, t.rows(tx).Get(key))
}

// parseRow reads a row, and returns false if it is too short to be one.
func parseRow(key, value []byte) (row, bool) {
	if len(key) < stampLen || len(value) < stampLen {
		return row{}, false
	}
	r := row{id: string(key[stampLen:]), start: unstamp(key), record: value[stampLen:]}
	if !bytes.Equal(value[:stampLen], noEnd) {
		r.end = unstamp(value)
	}
	return r, true
}

// descend calls f for the rows whose keys lie below the bound, newest first,
// until f returns false. A nil bound is above all rows.
func (t table) descend(tx *bbolt.Tx, below []byte, f func(key []byte, r row) bool) {
	c := t.rows(tx).Cursor()
	key, value := c.Last()
	if below != nil {
		if k, _ := c.Seek(below); k != nil {
			key, value = c.Prev()
		} else {
			key, value = c.Last()
		}
	}
	for ; key != nil; key, value = c.Prev() {
		if r, ok := parseRow(key, value); ok && !f(key, r) {
			return
		}
	}
}

// prune deletes the rows that ended before the time and returns their number.
func (t table) prune(tx *bbolt.Tx, before time.Time) (int, error) {
	var ids []string
	bound := stamp(before)
	c := t.rows(tx).Cursor()
	for key, value := c.First(); key != nil && bytes.Compare(key, bound) < 0; key, value = c.Next() {
		if r, ok := parseRow(key, value); ok && !r.end.IsZero() && r.end.Before(before) {
			ids = append(ids, r.id)
		}
	}
	for _, id := range ids {
		if err := t.delete(tx, id); err != nil {
			return 0, err
		}
	}
	return len(ids), nil
}
