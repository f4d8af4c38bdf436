package topology

import (
	"cmp"
	"math"
	"slices"
)

// Service is how a service stands at one time.
type Service struct {
	Name     string
	Rate     float64 // requests per second, usually; NaN if that is not known
	Symptoms []Symptom
}

// Symptom is one measure of what a service shows of its trouble.
type Symptom struct {
	Class string // what can be compared: "latency"

	// Rise is by how much it is above what is expected, in the unit of the class.
	Rise float64

	// Surprise is how unusual that is (see package detector); 0 if it is not. A
	// rise that is usual explains one of a caller, and makes nobody suspect.
	Surprise float64

	// Local is set if no callee can be the reason for it: the use of a processor.
	Local bool

	// Follows is another class that explains it in a callee, too, or empty: calls
	// that take too long fail.
	Follows string
}

// Rank returns the services that have a surprising symptom, the most suspect
// first. The others given may explain what these show; services that are not
// given explain nothing.
//
// What speaks against a service is, summed over the classes c,
//
//	surprise(s, c) · u(s, c) / max over s of u(s, c)
//	u(s, c) = (rise of s − largest rise of a callee of s, not below 0) · requests per second of s
//
// The share makes seconds comparable with errors, the surprise keeps what may be
// chance from having a say. Of a class that follows another one, a
// callee's surprise in that one takes away as large a share as it is of the
// service's own. Without the rates of all that are ranked, rates are left out. A
// local symptom is its own u by its surprise. Where all rises are explained, as
// in a cycle, u is the rise itself.
func (g *Graph) Rank(services []Service) []string {
	byName := map[string]*Service{}
	var ranked []*Service
	for i := range services {
		s := &services[i]
		byName[s.Name] = s
		if slices.ContainsFunc(s.Symptoms, func(p Symptom) bool { return p.Surprise > 0 }) {
			ranked = append(ranked, s)
		}
	}
	rated := !slices.ContainsFunc(ranked, func(s *Service) bool { return !(s.Rate > 0) })
	against := make(map[string]float64, len(ranked))
	for _, class := range classes(ranked) {
		alone := make([]float64, len(ranked)) // u
		whole := make([]float64, len(ranked)) // the same without what explains it
		sure := make([]float64, len(ranked))  // surprise
		left := make([]float64, len(ranked))  // that the other class does not explain
		for i, s := range ranked {
			own := s.class(class)
			if own.Surprise == 0 {
				continue
			}
			sure[i] = own.Surprise
			if own.Local {
				alone[i], left[i] = own.Surprise, 1
				continue
			}
			per := 1.0
			if rated {
				per = s.Rate
			}
			explained, share := 0.0, 0.0
			for _, callee := range g.Callees(s.Name) {
				if c := byName[callee]; c != nil {
					explained = math.Max(explained, c.class(class).Rise)
					share = math.Max(share, math.Min(c.class(own.Follows).Surprise/own.Surprise, 1))
				}
			}
			alone[i] = math.Max(own.Rise-explained, 0) * per
			whole[i] = math.Max(own.Rise, 0) * per
			left[i] = 1 - share
		}
		most := slices.Max(alone)
		if most == 0 {
			alone, most = whole, slices.Max(whole)
		}
		for i, s := range ranked {
			if most > 0 {
				against[s.Name] += sure[i] * left[i] * alone[i] / most
			}
		}
	}
	slices.SortFunc(ranked, func(a, b *Service) int {
		return cmp.Or(-cmp.Compare(against[a.Name], against[b.Name]), cmp.Compare(a.Name, b.Name))
	})
	names := make([]string, len(ranked))
	for i, s := range ranked {
		names[i] = s.Name
	}
	return names
}

// class returns the largest rise of a service in a class, and the largest
// surprise; 0 if it has no such symptom.
func (s *Service) class(name string) Symptom {
	var out Symptom
	for _, p := range s.Symptoms {
		if p.Class != name || math.IsNaN(p.Rise) {
			continue
		}
		p.Rise = math.Max(p.Rise, out.Rise)
		p.Surprise = math.Max(p.Surprise, out.Surprise)
		out = p
	}
	return out
}

// classes returns the classes of the services' surprising symptoms, sorted, so
// that sums do not depend on the order of a map.
func classes(services []*Service) []string {
	var out []string
	for _, s := range services {
		for _, p := range s.Symptoms {
			if p.Surprise > 0 && !slices.Contains(out, p.Class) {
				out = append(out, p.Class)
			}
		}
	}
	slices.Sort(out)
	return out
}
