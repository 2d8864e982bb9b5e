package reconcile

import (
	"context"
	"time"

	"github.com/passare/qbo-sync/internal/date"
	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/lease"
)

// Options are what a proof works with.
type Options struct {
	Store    Store
	Books    Books
	Planner  Planner
	Queue    Queue // brings an entry to the worker
	Requests Requests
	Leases   lease.Store // one run of an organisation at a time
	Now      func() time.Time
}

// Proof proves the books of organisations, one at a time.
type Proof struct{ o Options }

// New makes a proof.
func New(o Options) *Proof { return &Proof{o: o} }

var _ Reader = (*Proof)(nil)

// Run proves an organisation's books, or goes on where an earlier run was ended. It stops shortly before the context's deadline: the night is Running then, and
// whoever called asks for it again. Errors: fault.NotFound for an organisation that is not known; what the store answers.
func (p *Proof) Run(ctx context.Context, r Request) (Night, error) {
	return Night{}, notYet()
}

func notYet() error { return fault.New(fault.Internal, "Not yet.") }

// Hear keeps what the next proof has to look at.
func (p *Proof) Hear(ctx context.Context, hints []Hint) error { return notYet() }

// Ask asks for a proof of the organisation's books, which begins a moment later.
func (p *Proof) Ask(ctx context.Context, r Request) error { return notYet() }

// Nights lists nights, newest first, before one (none: from the newest).
func (p *Proof) Nights(ctx context.Context, org string, before date.Date, limit int) ([]Night, error) {
	return nil, notYet()
}

// Night reads one night. Errors: fault.NotFound.
func (p *Proof) Night(ctx context.Context, org string, on date.Date) (Night, error) {
	return Night{}, notYet()
}

// Differences lists what is open, oldest first.
func (p *Proof) Differences(ctx context.Context, org, after string, limit int) ([]Difference, string, error) {
	return nil, "", notYet()
}

// Difference reads one, open or settled, with its remedies as they would go now. Errors: fault.NotFound.
func (p *Proof) Difference(ctx context.Context, org, id string) (Difference, error) {
	return Difference{}, notYet()
}

// Act does what a person chose. Errors: fault.NotFound; fault.Invalid, with the fields that are wrong; fault.Conflict when it cannot be done any more.
func (p *Proof) Act(ctx context.Context, org, id string, a Act) (Difference, error) {
	return Difference{}, notYet()
}

// Case proves a case now, from our books and what QuickBooks had when it was read last. Errors: fault.NotFound for a case that no proof has seen.
func (p *Proof) Case(ctx context.Context, org, caseID string) (CaseProof, error) {
	return CaseProof{}, notYet()
}

// Clearing is what stands on the clearing accounts.
func (p *Proof) Clearing(ctx context.Context, org string) (Clearing, error) {
	return Clearing{}, notYet()
}

// CashAdvances is what was collected for others and not paid, or the other way round.
func (p *Proof) CashAdvances(ctx context.Context, org string) (CashAdvances, error) {
	return CashAdvances{}, notYet()
}

// Packet is a month ("2026-03") for the accountant. Errors: fault.Invalid for what is no month, or one that has not begun.
func (p *Proof) Packet(ctx context.Context, org, month string) (Packet, error) {
	return Packet{}, notYet()
}

// PacketRows are the journal lines of a month, in pages.
func (p *Proof) PacketRows(ctx context.Context, org, month, after string, limit int) ([]PacketRow, string, error) {
	return nil, "", notYet()
}

// CloseMonth marks a month as closed by a person, or opens it again; what comes into it later is shown as such.
func (p *Proof) CloseMonth(ctx context.Context, org, month, who string, closed bool) (Packet, error) {
	return Packet{}, notYet()
}
