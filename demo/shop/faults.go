package shop

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Fault describes something that can be broken.
type Fault struct {
	Name  string    `json:"name"`
	About string    `json:"about"`
	On    bool      `json:"on"`
	Since time.Time `json:"since,omitzero"` // when it was switched on
}

// Faults switches faults on and off. Its methods may be called concurrently.
type Faults struct {
	mu   sync.Mutex
	list []fault
}

type fault struct {
	Fault
	set func(ctx context.Context, on bool) error
}

func newFaults(s *Shop, cache CacheFaults, database DatabaseFaults) *Faults {
	f := &Faults{}
	add := func(name, about string, set func(ctx context.Context, on bool) error) {
		f.list = append(f.list, fault{Fault{Name: name, About: about}, set})
	}
	release := func(name, about string, r Release) {
		add(name, about, func(_ context.Context, on bool) error {
			s.deploy(pick(on, r, Stable))
			return nil
		})
	}
	add("cache_bypass", "requests do not ask the cache", func(_ context.Context, on bool) error {
		s.bypass.Store(on)
		return nil
	})
	add("ttl_zero", "keys expire as soon as they are stored", func(_ context.Context, on bool) error {
		s.ttl.Store(int64(pick(on, time.Millisecond, s.model.TTL)))
		return nil
	})
	add("small_cache", "the cache holds only a few of the products", cache.Shrink)
	add("cache_down", "the cache refuses connections", cache.Refuse)
	add("slow_database", "each query takes four times as long", func(_ context.Context, on bool) error {
		database.Slow(pick(on, 4.0, 1))
		return nil
	})
	add("traffic_x3", "three times as many customers as in the busiest hour", func(_ context.Context, on bool) error {
		traffic := s.model.Traffic
		s.setLoad(pick(on, 3*traffic.Peak()/traffic.Rate(time.Now()), 1))
		return nil
	})
	release("bad_deploy", "a new version is half as slow again and has errors", Bad)
	release("n_plus_one", "a new version asks the database five times where once was enough", PlusOne)
	release("good_deploy", "a new version, with nothing wrong", Good)
	return f
}

func pick[T any](on bool, broken, normal T) T {
	if on {
		return broken
	}
	return normal
}

// List returns all faults.
func (f *Faults) List() []Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := make([]Fault, len(f.list))
	for i := range f.list {
		all[i] = f.list[i].Fault
	}
	return all
}

// Set switches a fault on or off, and returns it. The error is an
// *UnknownFaultError if there is no such fault.
func (f *Faults) Set(ctx context.Context, name string, on bool) (Fault, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := slices.IndexFunc(f.list, func(ft fault) bool { return ft.Name == name })
	if i < 0 {
		return Fault{}, &UnknownFaultError{name}
	}
	ft := &f.list[i]
	if ft.On == on {
		return ft.Fault, nil
	}
	if err := ft.set(ctx, on); err != nil {
		return ft.Fault, fmt.Errorf("switch fault %s: %w", name, err)
	}
	ft.On = on
	ft.Since = pick(on, time.Now().UTC(), time.Time{})
	return ft.Fault, nil
}

// UnknownFaultError says that there is no fault of this name.
type UnknownFaultError struct{ Name string }

func (e *UnknownFaultError) Error() string {
	return fmt.Sprintf("there is no fault %q: GET /faults lists them", e.Name)
}

// Handler serves GET /faults, and POST and DELETE /faults/{name} to break and
// to repair.
func (f *Faults) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /faults", func(w http.ResponseWriter, _ *http.Request) {
		respond(w, http.StatusOK, f.List())
	})
	mux.HandleFunc("POST /faults/{name}", f.serveSet(true))
	mux.HandleFunc("DELETE /faults/{name}", f.serveSet(false))
	return mux
}

func (f *Faults) serveSet(on bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		set, err := f.Set(r.Context(), r.PathValue("name"), on)
		unknown := (*UnknownFaultError)(nil)
		switch {
		case err == nil:
			respond(w, http.StatusOK, set)
		case errors.As(err, &unknown):
			respond(w, http.StatusNotFound, map[string]string{"error": err.Error()})
		default:
			respond(w, http.StatusInternalServerError, map[string]string{"error": err.Error()})
		}
	}
}

func respond(w http.ResponseWriter, code int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(body) // a caller who hung up needs no answer
}
