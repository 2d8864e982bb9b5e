package httpapi

import (
	"time"

	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/journal"
)

// The examples of the description.

func exampleAt() *time.Time {
	at := time.Date(2026, 3, 4, 15, 4, 5, 0, time.UTC)
	return &at
}

func exampleRow() row {
	return row{
		ID: "payment.p1.1", Type: "payment.created", Case: &caseRow{ID: "c1", Number: "24-0113", Decedent: "John Smith"}, Date: "2026-03-04", Amount: "1000.00",
		State: "queued", Sentence: "Payment of 1,000.00 by check received.", NextAttempt: exampleAt(), Next: "It is on its way. If its turn does not come, it is sent again by itself.",
		QuickBooks: []quickBooksID{},
	}
}

func exampleList() listBody { return listBody{Entries: []row{exampleRow()}} }

func exampleDetail() detail {
	return detail{
		Row: exampleRow(), Problems: []troubleRow{}, Warnings: []string{}, Attempts: []intlog.Attempt{}, Refused: []twin{}, Others: []otherRow{},
		Journal: []journalRow{{DocNumber: "24-0113-X5SVZ5YKYV", Date: "2026-03-04", Lines: exampleLines()}},
		History: []intlog.Step{{At: *exampleAt(), Who: "Ana Diaz", To: intlog.Queued}}, Versions: []row{exampleRow()},
	}
}

func exampleLines() []lineRow {
	return []lineRow{
		{Side: journal.Debit, Amount: "1000.00", Debit: "1000.00", Role: "deposits_clearing", Account: "91", Name: "John Smith", NameKind: "Customer", Description: "Payment by check"},
		{Side: journal.Credit, Amount: "1000.00", Credit: "1000.00", Role: "accounts_receivable", Account: "84", Name: "John Smith", NameKind: "Customer", Description: "Payment by check"},
	}
}

func exampleLink() linkRow {
	return linkRow{ID: "case:c1", Name: "John Smith", QuickBooks: "67", Since: *exampleAt(), By: intlog.Machine, Before: []linkedRow{}, ETag: `"1"`}
}

func exampleConnection() connectionRow {
	left := 96
	ends := exampleAt().AddDate(0, 0, left)
	return connectionRow{
		State: "connected", Company: "Willow Creek Funeral Home", Realm: "4620816365000000001", ConnectedBy: "Ana Diaz", ConnectedAt: exampleAt(), RefreshedAt: exampleAt(),
		EndsAt: &ends, DaysLeft: &left, Notices: []intlog.Notice{}, Reads: readsRow{Month: "2026-03", Spent: 12},
	}
}
