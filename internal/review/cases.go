package review

import (
	"context"
	"fmt"

	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/passare"
)

// CaseHistory is what became of a case's money in QuickBooks, page by page, as Passare's Detailed History pages show it.
type CaseHistory struct {
	Case, Number, Decedent string // number and decedent as the newest entry has them; empty when there is none
	Pages                  []PageHistory
}

// PageHistory is a page of a case.
type PageHistory struct {
	Page    passare.Page
	Button  bool           // Add to Accounting Export is shown: the organisation's automatic switch is off
	Flows   bool           // what the page has goes to QuickBooks by itself, or to Pending transactions: the switch is on, or the button was clicked
	Clicked *org.Flag      // who clicked it, and when
	Entries []intlog.Entry // newest first
}

// mostOfLog is how many entries of the organisation's log a case's entries are looked for in, by one call.
const mostOfLog = 10_000

// CaseHistory reads the history of a case: of its entries those that are among the organisation's newest mostOfLog after a mark (none: from the newest), and the
// mark after which older ones are, if there may be any. No index lists a case's entries, since that would cost every entry a write unit; the log is looked
// through by its keys, which are small: a call costs some 290 read units at its bound (0.00004 dollars), about 0.2 s, and little for a young log. What a check, a
// batch or an ACH settlement does to a case is on their own entries, which have no case. A case that nothing is known of has empty pages. Errors: fault.NotFound
// for an organisation that is not known; what the store answers.
func (r *Reader) CaseHistory(ctx context.Context, id, caseID string, after intlog.Mark) (CaseHistory, *intlog.Mark, error) {
	h, next, err := r.caseHistory(ctx, id, caseID, after)
	if err != nil {
		return h, nil, fmt.Errorf("review.CaseHistory: %w", err)
	}
	return h, next, nil
}

func (r *Reader) caseHistory(ctx context.Context, id, caseID string, after intlog.Mark) (CaseHistory, *intlog.Mark, error) {
	h := CaseHistory{Case: caseID}
	config, err := r.store.Config(ctx, id)
	if err != nil {
		return h, nil, err
	}
	for _, page := range []passare.Page{passare.GoodsPage, passare.PaymentsPage} {
		p := PageHistory{Page: page, Button: !config.Settings.AutoAddToExports, Flows: config.Settings.AutoAddToExports}
		flag, clicked, err := r.store.Flag(ctx, id, caseID, page)
		if err != nil {
			return h, nil, err
		}
		if clicked {
			p.Flows, p.Clicked = true, &flag
		}
		h.Pages = append(h.Pages, p)
	}
	entries, next, err := r.store.OfCase(ctx, id, caseID, after, mostOfLog)
	for _, e := range entries {
		if h.Number == "" {
			h.Number = e.CaseNo
		}
		if h.Decedent == "" {
			h.Decedent = e.Name
		}
		for i, p := range h.Pages {
			if p.Page == shownOn(e) {
				h.Pages[i].Entries = append(h.Pages[i].Entries, e)
			}
		}
	}
	return h, next, err
}

// shownOn is the page on which people look for an entry: its own, and payments for an ACH payment, which waits for no button. A click on a button is told by
// the page itself.
func shownOn(e intlog.Entry) passare.Page {
	switch {
	case e.Page != passare.NoPage:
		return e.Page
	case e.Record.Type == passare.AccountingExport:
		return passare.NoPage
	}
	return passare.PaymentsPage
}
