package backtest

import (
	"bytes"
	"fmt"
	"io"
	"text/tabwriter"
)

// WriteText writes what the proposal is based on, for a person.
func (t *Tuning) WriteText(w io.Writer) error {
	var b bytes.Buffer
	s := t.Report.Stats
	fmt.Fprintf(&b, "%s to %s: %s, %d services, %d series\n", s.Start.UTC().Format(day), s.End.UTC().Format(day), inDays(s.length()), s.Services, s.Series)
	counted := "pages"
	if t.Report.Truth != nil {
		counted = "false pages"
	}
	fmt.Fprintf(&b, "target: at most %.3g %s per week\n", t.Target, counted)
	tw := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintf(tw, "\n%s\tper week", counted)
	if t.Report.Truth != nil {
		fmt.Fprint(tw, "\tfaults missed")
	}
	fmt.Fprintln(tw, "\tsensitivity")
	for i, tried := range t.Tried {
		fmt.Fprintf(tw, "%d\t%.2g", tried.pages(), tried.Rate())
		if truth := tried.Report.Truth; truth != nil {
			recall := truth.recall()
			fmt.Fprintf(tw, "\t%d of %d", recall.of-recall.n, recall.of)
		}
		name := listed(tried.Sensitivities)
		if i == 0 {
			name = "as configured"
		}
		if i == t.Chosen {
			name += "  <- chosen"
		}
		fmt.Fprintf(tw, "\t%s\n", name)
	}
	_ = tw.Flush() // a buffer takes everything
	switch {
	case t.Chosen < 0:
		fmt.Fprintf(&b, "\nNone of them meets the target. What pages is more than noise, or not what its signal is declared as: look at it with tidemark backtest --output=html.\n")
	case t.Chosen == 0:
		fmt.Fprintf(&b, "\nThe configuration meets the target: nothing is to be changed.\n")
	case t.Report.Truth == nil:
		fmt.Fprintf(&b, "\nWithout a list of faults (--truth), a page that was right counts against the target like one that was wrong, and what would be missed is not known.\n")
	}
	_, err := w.Write(b.Bytes())
	return err
}
