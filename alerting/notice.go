package alerting

import (
	"time"

	"github.com/prometheus/common/model"
)

// Notice is something that a person should see to and that is no incident, such
// as a finding of an audit. It fires until it is no longer announced.
type Notice struct {
	ID          string // the same as long as the alert is
	Labels      model.LabelSet
	Annotations model.LabelSet
	Since       time.Time
	Page        string // path of this service that tells more
}

// link returns the URL of a path of this service, empty if that is not known.
func (b builder) link(path string) string {
	if b.external == nil {
		return ""
	}
	return b.absolute(path)
}

// notices returns the offer of each notice.
func (b builder) notices(notices []Notice, now time.Time) offers {
	out := offers{}
	for _, n := range notices {
		labels := valid(b.labels.Merge(n.Labels), maxLabelBytes)
		out.add(offer{
			id: n.ID, fingerprint: labels.Fingerprint(), since: n.Since,
			alert: Alert{
				Labels: labels, Annotations: valid(n.Annotations, maxAnnotationBytes),
				StartsAt: clamp(n.Since, now), GeneratorURL: b.link(n.Page),
			},
		})
	}
	return out
}
