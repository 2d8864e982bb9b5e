package intake

import (
	"context"
	"fmt"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/passare"
)

// Clicked is what a click on Add to Accounting Export did.
type Clicked struct {
	Flag     org.Flag // who clicked first, and when: that click stands
	Released int      // entries that waited for the button and go now
}

// AddToExports is the button Add to Accounting Export of a case's page: what waits there goes, in version order, and from then on the page flows
// (../rules/accounting.md §6). Another click changes nothing, and answers who clicked first. A case that is not known here can be clicked, too, since the
// button may come before the first event. Errors: fault.Invalid for a page that has no button; fault.Conflict while the organisation adds to exports
// automatically, since the button is there only when that is off; fault.NotFound for an organisation that is not known.
func (in *Intake) AddToExports(ctx context.Context, id, caseID string, page passare.Page, who string) (Clicked, error) {
	clicked, err := in.addToExports(ctx, id, caseID, page, who)
	if err != nil {
		return clicked, fmt.Errorf("intake.AddToExports: %w", err)
	}
	return clicked, nil
}

func (in *Intake) addToExports(ctx context.Context, id, caseID string, page passare.Page, who string) (c Clicked, err error) {
	if page != passare.GoodsPage && page != passare.PaymentsPage {
		return c, &fault.Error{Code: fault.Invalid, Message: "This page has no button Add to Accounting Export.", Fields: []fault.Field{
			{Field: "page", Value: string(page), Problem: "must be " + string(passare.GoodsPage) + " or " + string(passare.PaymentsPage)},
		}}
	}
	config, err := in.store.Config(ctx, id)
	if err != nil {
		return c, err
	}
	if config.Settings.AutoAddToExports {
		return c, fault.New(fault.Conflict, "Your organisation adds to accounting exports automatically, so this page flows by itself and needs no click.")
	}
	if err := in.raiseFlag(ctx, id, caseID, page, who); err != nil {
		return c, err
	}
	if c.Flag, err = in.raised(ctx, id, caseID, page, who); err != nil {
		return c, err
	}
	c.Released, err = Release(ctx, in.store, in.queue, config, caseID, page, who, in.now())
	return c, err
}

// raised reads the click that stands. One of this moment may not be shown yet: then it is this person's, now.
func (in *Intake) raised(ctx context.Context, id, caseID string, page passare.Page, who string) (org.Flag, error) {
	flag, found, err := in.store.Flag(ctx, id, caseID, page)
	if err == nil && !found {
		flag = org.Flag{Org: id, Case: caseID, Page: page, By: who, At: in.now()}
	}
	return flag, err
}
