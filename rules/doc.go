// Package rules names failure modes by the anomalies, and the absences, that
// they leave in a scope, and gives a verdict with the evidence for it and
// against its rivals.
//
// Vocabulary: a rule describes one failure mode; a condition is one thing that
// it expects to see, or not to see; the suspect is the component to look at
// first; victims suffer from it; a component is ruled out by a fact; a signal
// that could not be read makes the verdict blind there, and is never good news.
package rules
