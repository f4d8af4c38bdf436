// Package audit checks how caches and databases are configured, by the metrics
// that their exporters give: a cache without a memory limit, a database whose
// connections run out, a setting that changed and nobody announced it.
//
// Vocabulary: a check is a PromQL query that returns what is wrong, with the
// words that say why it matters and what to do; a pack is a file of checks for
// one exporter; a finding is one series that a check returned; a dismissal is an
// operator's word that findings are all right until some day.
//
// A check whose metrics do not exist is not applicable, and one that could not
// be asked is an error: neither is ever taken for good news. The package finds
// what may become an incident, not what is one: no finding is critical, and none
// is evidence for a rule. It has no clock and starts no goroutine; it changes no
// setting.
package audit
