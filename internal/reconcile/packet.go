package reconcile

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/passare/qbo-sync/internal/date"
	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/journal"
)

// Packet is a month ("2026-03") for the accountant. Errors: fault.Invalid for what is no month, or one that has not begun.
func (p *Proof) Packet(ctx context.Context, id, month string) (Packet, error) {
	packet, err := p.packet(ctx, id, month)
	if err != nil {
		return Packet{}, fmt.Errorf("reconcile.Packet: %w", err)
	}
	return packet, nil
}

func (p *Proof) packet(ctx context.Context, id, month string) (Packet, error) {
	if err := p.isMonth(month); err != nil {
		return Packet{}, err
	}
	d, err := p.desk(ctx, id)
	if err != nil {
		return Packet{}, err
	}
	c, err := one[closed](ctx, d, closePaper, month)
	if err != nil {
		return Packet{}, err
	}
	out := Packet{Month: month, Kinds: []PacketKind{}, Open: []Told{}, Changes: []Late{}, Proofs: []PacketSum{}}
	if out.Closed = c.By != ""; out.Closed {
		out.ClosedBy, out.ClosedAt = c.By, c.At
	}
	kinds := map[string]*PacketKind{}
	days, err := monthOf(ctx, d, month)
	if err != nil {
		return Packet{}, err
	}
	for _, of := range days {
		for _, row := range of.rows {
			out.Entries++
			out.Debits += row.Debits
			k := kinds[row.Kind]
			if k == nil {
				k = &PacketKind{What: row.Kind}
				kinds[row.Kind] = k
			}
			k.Entries++
			k.Debits += row.Debits
			if out.Closed && row.Posted.After(c.At) {
				out.Changes = append(out.Changes, Late{Entry: row.Entry, Doc: row.Doc, Date: of.on, Debits: row.Debits, Posted: row.Posted})
			}
		}
	}
	for _, what := range slices.Sorted(maps.Keys(kinds)) {
		out.Kinds = append(out.Kinds, *kinds[what])
	}
	if err := p.standOpen(ctx, id, &out); err != nil {
		return Packet{}, err
	}
	var open []Difference
	err = each(ctx, d.store, d.at, differencePaper, "", true, func(_ string, k kept) bool {
		if k.Date.Month() == month && k.Class != Timing {
			open = append(open, k.Difference)
		}
		return false
	})
	if err != nil {
		return Packet{}, err
	}
	slices.SortFunc(open, byAgeAndSize)
	for _, d := range open[:min(len(open), MaxShown)] {
		out.Open = append(out.Open, Told{ID: d.ID, Class: d.Class, Sentence: d.Sentence, Amount: d.Amount, Found: d.Found})
	}
	out.Says = out.says(len(open))
	return out, nil
}

// standOpen adds what stands open now, and what the newest proof said.
func (p *Proof) standOpen(ctx context.Context, id string, out *Packet) error {
	clearing, err := p.Clearing(ctx, id)
	if err != nil {
		return err
	}
	advances, err := p.CashAdvances(ctx, id)
	if err != nil {
		return err
	}
	nights, err := p.Nights(ctx, id, "", 1)
	if err != nil {
		return err
	}
	for _, a := range clearing.Accounts {
		out.Proofs = append(out.Proofs, PacketSum{a.Name, a.Open})
	}
	out.Proofs = append(out.Proofs, PacketSum{"Cash advances not paid on", advances.Open}, PacketSum{"Paid by families beyond what they owe", clearing.Credited})
	if len(nights) > 0 {
		out.Night = "Proof of " + nights[0].Date.Short() + ". " + nights[0].Says
	}
	return nil
}

func (p Packet) says(open int) string {
	text := count(p.Entries, "journal entry", "journal entries") + ", $" + p.Debits.Grouped() + ". "
	switch {
	case open > 0:
		text += count(open, "difference is", "differences are") + " open."
	case p.Entries == 0:
		text = "Nothing was posted in this month."
	default:
		text += "Both books agree."
	}
	if n := len(p.Changes); n > 0 {
		text += " " + count(n, "entry has", "entries have") + " come into it since it was closed."
	}
	return text
}

// isMonth says what is wrong with a month, or nothing.
func (p *Proof) isMonth(month string) error {
	_, err := time.Parse("2006-01", month)
	problem := ""
	switch {
	case err != nil || len(month) != len("2006-01"):
		problem = "must be a month such as 2026-03"
	case month > p.o.Now().UTC().Format("2006-01"):
		problem = "has not begun"
	default:
		return nil
	}
	return &fault.Error{Code: fault.Invalid, Message: "There is no close packet for that month.", Fields: []fault.Field{{Field: "month", Problem: problem}}}
}

// filedDay is a day of a month with its journal entries, in order.
type filedDay struct {
	on   date.Date
	rows []filed
}

// monthOf reads a month's days.
func monthOf(ctx context.Context, d *desk, month string) ([]filedDay, error) {
	var days []filedDay
	var ids []string
	for on := date.Date(month + "-01"); on.Month() == month; on = on.AddDays(1) {
		days = append(days, filedDay{on: on})
		ids = append(ids, dayIDs(on)...)
	}
	papers, err := take[day](ctx, d, dayPaper, ids...)
	if err != nil {
		return nil, err
	}
	for i, p := range papers {
		of := &days[i*len(days)/len(papers)]
		for id, row := range p.Rows {
			of.rows = append(of.rows, filed{row, id})
		}
	}
	for _, of := range days {
		slices.SortFunc(of.rows, func(a, b filed) int { return cmp.Or(cmp.Compare(a.Entry, b.Entry), cmp.Compare(a.N, b.N)) })
	}
	return days, nil
}

type filed struct {
	dayRow
	quickBooksID string
}

// PacketRows are the journal lines of a month, entry by entry, after a place in it (none: from its first), at most about limit lines; next is the place from which to go on.
func (p *Proof) PacketRows(ctx context.Context, id, month, after string, limit int) ([]PacketRow, string, error) {
	rows, next, err := p.packetRows(ctx, id, month, after, limit)
	if err != nil {
		return nil, "", fmt.Errorf("reconcile.PacketRows: %w", err)
	}
	return rows, next, nil
}

func (p *Proof) packetRows(ctx context.Context, id, month, after string, limit int) (rows []PacketRow, next string, err error) {
	if err := p.isMonth(month); err != nil {
		return nil, "", err
	}
	config, err := p.o.Store.Config(ctx, id)
	if err != nil {
		return nil, "", err
	}
	x := p.newRun(config, p.o.Now())
	days, err := monthOf(ctx, x.desk, month)
	if err != nil {
		return nil, "", err
	}
	for _, of := range days {
		for _, f := range of.rows {
			place := string(of.on) + " " + f.Entry + "/" + pageName(f.N)
			if place <= after {
				continue
			}
			if len(rows) >= limit {
				return rows, next, nil
			}
			if err := x.packetEntry(ctx, f, of.on, &rows); err != nil {
				return nil, "", err
			}
			next = place
		}
	}
	return rows, "", nil
}

// packetEntry adds the lines of one posting.
func (x *run) packetEntry(ctx context.Context, f filed, on date.Date, rows *[]PacketRow) error {
	s, found, err := x.posting(ctx, f.Entry, f.N)
	if err != nil || !found {
		return err
	}
	k, err := one[kept](ctx, x.desk, differencePaper, short(s.subject()))
	if err != nil {
		return err
	}
	state := "agrees"
	if k.isOpen() {
		state = string(k.Class)
	}
	for _, line := range lines(s) {
		*rows = append(*rows, PacketRow{
			Entry: f.Entry, Doc: f.Doc, QuickBooksID: f.quickBooksID, What: f.Kind, Date: on, CaseNo: f.CaseNo, Name: f.Name, Line: line, InQuickBooks: state,
		})
	}
	return nil
}

// CloseMonth marks a month as closed by a person, or opens it again; what comes into it later is shown as such. Errors: fault.Invalid as Packet.
func (p *Proof) CloseMonth(ctx context.Context, id, month, who string, isClosed bool) (Packet, error) {
	packet, err := p.closeMonth(ctx, id, month, who, isClosed)
	if err != nil {
		return Packet{}, fmt.Errorf("reconcile.CloseMonth: %w", err)
	}
	return packet, nil
}

func (p *Proof) closeMonth(ctx context.Context, id, month, who string, isClosed bool) (Packet, error) {
	packet, err := p.packet(ctx, id, month)
	if err != nil {
		return Packet{}, err
	}
	d, err := p.desk(ctx, id)
	if err != nil {
		return Packet{}, err
	}
	c, err := one[closed](ctx, d, closePaper, month)
	switch {
	case err != nil:
		return Packet{}, err
	case isClosed == packet.Closed:
		return packet, nil
	case isClosed:
		*c = closed{By: strings.TrimSpace(who), At: p.o.Now()}
	default:
		*c = closed{}
	}
	d.put(closePaper, month, false)
	if err := d.flush(ctx); err != nil {
		return Packet{}, err
	}
	return p.packet(ctx, id, month)
}

// lines are a posting's, as QuickBooks was sent them.
func lines(s stands) []journal.Line { return journal.Net(receivable, s.posting.Movements) }
