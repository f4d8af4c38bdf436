package incident

// Suppress lets by decide for every open incident whether it is kept from paging:
// by returns the name of what suppresses it, or "". One that has paged goes on to:
// nobody is told that it is over while it is not. A book that an incident was
// restored to decides anew.
func (b *Book) Suppress(by func(Incident) string) {
	for _, p := range b.scopes {
		in := p.open
		if in == nil || in.ID == p.paged {
			continue
		}
		in.SuppressedBy = by(*in)
		if in.State == Firing && in.SuppressedBy == "" {
			p.paged = in.ID
		}
	}
}

// Pages reports whether somebody is or was told of the incident.
func (i Incident) Pages() bool {
	return i.State != Pending && !i.FiredAt.IsZero() && i.SuppressedBy == ""
}
