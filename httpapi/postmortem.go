package httpapi

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"text/template"
	"time"

	"github.com/go-chi/chi/v5"
)

// markdownEscapes are the characters that begin markup within a line.
var markdownEscapes = strings.NewReplacer(
	`\`, `\\`, "`", "\\`", "*", `\*`, "[", `\[`, "]", `\]`, "<", `\<`, ">", `\>`, "|", `\|`, "\r", " ", "\n", " ",
)

var postmortemTemplate = template.Must(template.New("postmortem.md").Funcs(template.FuncMap{
	"md":    func(v any) string { return markdownEscapes.Replace(fmt.Sprint(v)) },
	"stamp": stamp,
	"after": func(from, to time.Time) string { return span(to.Sub(from)) },
	"pairs": pairs,
}).ParseFS(assets, "assets/postmortem.md"))

// postmortem answers with what is known of an incident as Markdown, for people
// to go on from.
func (a *API) postmortem(w http.ResponseWriter, r *http.Request) {
	in, err := a.findIncident(chi.URLParam(r, "id"))
	if err != nil {
		writeError(w, asAPIError(err))
		return
	}
	var body bytes.Buffer
	if err := postmortemTemplate.Execute(&body, struct {
		incidentView
		URL string
	}{a.viewOf(in), a.absolute("/incidents/" + in.ID)}); err != nil {
		writeError(w, asAPIError(fmt.Errorf("write the postmortem of incident %s: %w", in.ID, err)))
		return
	}
	w.Header().Set("Content-Type", "text/markdown; charset=utf-8")
	_, _ = w.Write(body.Bytes()) // the client is gone if this fails
}
