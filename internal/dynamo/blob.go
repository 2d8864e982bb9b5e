package dynamo

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"

	"github.com/passare/qbo-sync/internal/fault"
)

// A blob is one byte that names its dictionary, then deflated: the length of the raw bytes (uvarint), the raw bytes, and JSON.
const (
	firstDictionary = 1
	maxBlob         = 390 << 10 // bytes; an item of 400 KB has room for its keys beside
	maxInflated     = 32 << 20  // bytes; no more than this is read out of a blob
)

// dictionary1 is what the usual blob is full of, the most frequent last. It must never change: blobs that were written with it
// are read with it. A better one gets the next number.
const dictionary1 = `"mapping":{"version":,"roles":{"gl_accounts":{"settings":{"auto_sync":true,"auto_add_to_exports":false,"exclude_checks":false,` +
	`"exclude_ledger":false,"reprint_posts_pair":false}"realm":"close_date":"closed_period":"hold"` +
	`"kind":"mapping","subject":"account gl:"kind":"period","subject":"text":"who":"administrator","where":"Mapping"bookkeeper` +
	`com.passare.ledger.check.printed.adjustment.voided.batch.closed.refund.insurance_assignment.accounting_export.returned.deposit_account` +
	`"carrier":"policy_last4":"bank":"merchant_account":"paid_by":"check""payee":{"rolodex_id":"rol-"merchandise""service""cash_advance"` +
	`"discounts":[],"taxes":[{"id":"t1","name":"Sales tax","rate":"tax_total":"discount_total":"total_price":"signed_on":"` +
	`"vendor":{"rolodex_id":"name":"items":[{"id":"i1","kind":"service","gl_account":"4000","description":"","amount":"` +
	`accounts_receivablecash_advancesdeposits_clearingcard_clearing"place":{"account":"84","name":{"kind":"customer","key":"case:","id":"","display":"` +
	`"movements":[{"key":{"leg":"receipt","account":"gl:4000","case":"case-","branch":"main"},"fact":"2026-01-","amount":"-"description":"` +
	`"postings":[{"n":1,"doc":"","date":"2026-","realm":"4620816365","request":"qid":"attempts":[{"at":"2026-","outcome":"trace":"1-"` +
	`Auto-sync is off: waits for review.Waits for Add to Accounting Export on the case's page.Passare sync` +
	`{"specversion":"1.0","id":"evt-","source":"/organizations/","type":"com.passare.goods_and_services.signed","subject":"goods_and_services/` +
	`"type":"com.passare.payment.created","subject":"payment/","time":"2026-","datacontenttype":"application/json",` +
	`"data":{"record":{"type":"payment","id":"pay-","version":1},"case":{"id":"case-24-0","number":"24-0","decedent":{"first":"","last":""}},` +
	`"branch":{"id":"main","name":""},"actor":{"id":"user-","name":""},"method":"check","amount":"00","date":"2026-0` +
	`"hash":"","why":"","sentence":"","config":1,"created":"2026-0","kind":"payment.created","reference":"24-0","case":"case-24-0","caseNo":"24-0","name":"","date":"2026-0","amount":"` +
	`.00","page":"payments_and_adjustments","history":[{"at":"2026-0","who":"","to":"queued"},{"at":"2026-0","who":"Passare sync","from":"queued","to":"posting"},{"at":"2026-0","who":"Passare sync","from":"posting","to":"synced"}]}`

// pack makes a blob of raw bytes and a value. Errors: fault.TooLarge.
func (s *Store) pack(raw []byte, v any) ([]byte, error) {
	doc, err := json.Marshal(v)
	if err != nil {
		return nil, fault.Because(err, fault.Internal, "It cannot be stored.")
	}
	b := bytes.NewBuffer([]byte{firstDictionary})
	w, ok := s.deflaters.Get().(*flate.Writer)
	if !ok {
		if w, err = flate.NewWriterDict(b, flate.BestCompression, []byte(dictionary1)); err != nil {
			return nil, fault.Because(err, fault.Internal, "It cannot be stored.")
		}
	}
	defer s.deflaters.Put(w)
	w.Reset(b)
	for _, part := range [][]byte{binary.AppendUvarint(nil, uint64(len(raw))), raw, doc} {
		_, _ = w.Write(part) // a buffer takes everything
	}
	_ = w.Close()
	if b.Len() > maxBlob {
		return nil, fault.New(fault.TooLarge, "This is larger than what can be stored.")
	}
	return b.Bytes(), nil
}

// unpack reads an item's blob into a value and answers the raw bytes; none when there were none.
func unpack(it item, v any) ([]byte, error) {
	raw, doc, err := inflate(octetsOf(it, attrBlob))
	if err == nil {
		err = json.Unmarshal(doc, v)
	}
	if err != nil {
		return nil, fault.Because(err, fault.Internal, "What is stored cannot be read.")
	}
	return raw, nil
}

func inflate(blob []byte) (raw, doc []byte, err error) {
	if len(blob) == 0 || blob[0] != firstDictionary {
		return nil, nil, errors.New("a blob with a dictionary that is not known here")
	}
	all, err := io.ReadAll(io.LimitReader(flate.NewReaderDict(bytes.NewReader(blob[1:]), []byte(dictionary1)), maxInflated))
	if err != nil {
		return nil, nil, err
	}
	n, size := binary.Uvarint(all)
	if size <= 0 || n > uint64(len(all)-size) {
		return nil, nil, io.ErrUnexpectedEOF
	}
	all = all[size:]
	if n > 0 {
		raw = all[:n:n]
	}
	return raw, all[n:], nil
}
