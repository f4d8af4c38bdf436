package engine

// ties is a partition of opinions (union–find).
type ties struct {
	opinions []*opinion
	parent   []int
}

func newTies(opinions []*opinion) *ties {
	t := &ties{opinions, make([]int, len(opinions))}
	for i := range t.parent {
		t.parent[i] = i
	}
	return t
}

func (t *ties) root(i int) int {
	for t.parent[i] != i {
		t.parent[i] = t.parent[t.parent[i]]
		i = t.parent[i]
	}
	return i
}

// tie makes one story of two opinions.
func (t *ties) tie(a, b int) { t.parent[t.root(b)] = t.root(a) }

// stories returns the parts, and within each the opinions, in the order of the
// opinions.
func (t *ties) stories() [][]*opinion {
	var out [][]*opinion
	index := map[int]int{}
	for i, o := range t.opinions {
		r := t.root(i)
		n, known := index[r]
		if !known {
			n = len(out)
			index[r] = n
			out = append(out, nil)
		}
		out[n] = append(out[n], o)
	}
	return out
}
