// Package httpapi serves what tidemark knows over HTTP: a JSON API for programs,
// pages for people, and the endpoints by which the process is managed.
//
// Vocabulary: the snapshot is what the engine knew after its last cycle, the
// history is what the store remembers; both are merged by ID, and the snapshot
// wins. A form is the JSON shape of a core type. A page is HTML; /incidents,
// /incidents/{id}, /anomalies and /config answer with a page if the client
// prefers text/html, as browsers do, and with data otherwise.
//
// In JSON, times are RFC 3339 in UTC, and a number or time that is not known
// (NaN, an infinity, the zero time) is null. Ratios are 0–1, durations seconds.
//
// The package changes nothing itself: a reload, an accepted level, an
// announced event, a dismissal and feedback are handed on, each only if it is
// switched on. A suppression is proposed as text, for a person to put into the
// configuration. It fetches no URL that a request names, and it runs without a script in any page, so that
// hostile label values stay text. It does not listen either: TLS, HTTP/2 and
// basic authentication belong to the exporter-toolkit, which is given Server.
package httpapi
