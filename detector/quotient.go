package detector

// quotient is that of two exponentially weighted means: of products and squares,
// which makes it the slope of a line through zero, or of a variance and what it is
// relative to. The zero value knows nothing.
type quotient struct{ above, below float64 }

// learn takes in what stands above and below, with a weight between 0 and 1.
func (q *quotient) learn(above, below, weight float64) {
	q.above += (above - q.above) * weight
	q.below += (below - q.below) * weight
}

// upTo returns the quotient, held between 0 and most; 0 while nothing is known.
func (q *quotient) upTo(most float64) float64 {
	if !(q.below > 0) {
		return 0
	}
	return min(max(q.above/q.below, 0), most)
}
