package local_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/local"
	"github.com/passare/qbo-sync/internal/passare"
	"github.com/passare/qbo-sync/internal/webhook"
)

// The contract of these tests is ../passare/events.md, Answers.

// good is an event that is taken; each bad input is one change of it.
const good = `{"specversion":"1.0","id":"evt-1","source":"/organizations/maple-hill","type":"com.passare.goods_and_services.signed","subject":"goods_and_services/g1",
"time":"2026-03-02T15:04:05Z","data":{"record":{"type":"goods_and_services","id":"g1","version":1},
"case":{"id":"c1","number":"24-0001","decedent":{"first":"John","last":"Smith"}},"branch":{"id":"main","name":"Main"},"actor":{"id":"u1","name":"Ana"},
"signed_on":"2026-03-02","items":[{"id":"i1","kind":"service","gl_account":"4000","description":"Services","amount":"100.00"}],
"discounts":[{"id":"d1","description":"Package","amount":"10.00"}],"taxes":[{"id":"t1","jurisdiction":"TX","amount":"5.00"}],"total":"95.00"}}`

const payment = `{"specversion":"1.0","id":"evt-2","source":"/organizations/maple-hill","type":"com.passare.payment.created","time":"2026-03-02T15:04:05Z",
"data":{"record":{"type":"payment","id":"p1","version":1},"case":{"id":"c1","number":"24-0001","decedent":{"first":"John","last":"Smith"}},
"branch":{"id":"main","name":"Main"},"actor":{"id":"u1","name":"Ana"},"method":"check","amount":"10.00","date":"2026-03-04"}}`

func swap(event, old, with string) string {
	if !strings.Contains(event, old) {
		return "the test has no " + old
	}
	return strings.Replace(event, old, with, 1)
}

type badInput struct {
	name   string
	body   string
	fields []string // the fields that the answer names, in this order
}

// badFields are answered 422, naming every wrong field, and kept in quarantine.
func badFields() []badInput {
	change := func(name, old, with string, fields ...string) badInput {
		return badInput{name, swap(good, old, with), fields}
	}
	pay := func(name, old, with string, fields ...string) badInput {
		return badInput{name, swap(payment, old, with), fields}
	}
	long := strings.Repeat("x", 101)
	return []badInput{
		change("unknown type", "goods_and_services.signed", "goods_and_services.sold", "type"),
		change("type of somebody else", "com.passare.goods", "com.other.goods", "type"),
		change("specversion 0.3", `"1.0"`, `"0.3"`, "specversion"),
		change("no id", `"id":"evt-1",`, "", "id"),
		change("empty id", `"evt-1"`, `" "`, "id"),
		change("source without organisation", "/organizations/maple-hill", "/organizations/", "source"),
		change("source with a path", "/organizations/maple-hill", "/organizations/maple-hill/x", "source"),
		change("unknown organisation", "/organizations/maple-hill", "/organizations/nobody", "source"),
		change("subject of another record", "goods_and_services/g1", "goods_and_services/g2", "subject"),
		change("time that is none", "2026-03-02T15:04:05Z", "yesterday", "time"),
		change("content type of the data", `"time":`, `"datacontenttype":"text/xml","time":`, "datacontenttype"),
		change("unknown envelope attribute", `"time":`, `"Time_Zone":"x","time":`, "Time_Zone"),
		{"no data", `{"specversion":"1.0","id":"e","source":"/organizations/maple-hill","type":"com.passare.payment.created","time":"2026-03-02T15:04:05Z"}`, []string{"data"}},
		{"data is a list", `{"specversion":"1.0","id":"e","source":"/organizations/maple-hill","type":"com.passare.payment.created","time":"2026-03-02T15:04:05Z","data":[]}`, []string{"data"}},
		change("record of another type", `"record":{"type":"goods_and_services"`, `"record":{"type":"payment"`, "data.record.type"),
		change("record id with a slash", `"id":"g1"`, `"id":"g/1"`, "data.record.id"),
		change("version zero", `"version":1`, `"version":0`, "data.record.version"),
		change("negative version", `"version":1`, `"version":-1`, "data.record.version"),
		change("version as text", `"version":1`, `"version":"1"`, "data.record.version"),
		change("version with a fraction", `"version":1`, `"version":1.5`, "data.record.version"),
		change("version with an exponent", `"version":1`, `"version":1e3`, "data.record.version"),
		change("version too large", `"version":1`, `"version":1000000000`, "data.record.version"),
		change("no case", `"case":{"id":"c1","number":"24-0001","decedent":{"first":"John","last":"Smith"}},`, "", "data.case"),
		change("null case", `"case":{"id":"c1","number":"24-0001","decedent":{"first":"John","last":"Smith"}}`, `"case":null`, "data.case"),
		change("first name of 101 characters", `"John"`, `"`+long+`"`, "data.case.decedent.first"),
		change("control character in a name", `"John"`, `"Jo\u0007hn"`, "data.case.decedent.first"),
		change("NUL in a name", `"John"`, `"Jo\u0000hn"`, "data.case.decedent.first"),
		change("decedent is a text", `{"first":"John","last":"Smith"}`, `"John Smith"`, "data.case.decedent"),
		change("unknown field of the case", `"number":"24-0001"`, `"number":"24-0001","colour":"blue"`, "data.case.colour"),
		change("no branch", `"branch":{"id":"main","name":"Main"},`, "", "data.branch"),
		change("no actor's name", `"actor":{"id":"u1","name":"Ana"}`, `"actor":{"id":"u1"}`, "data.actor.name"),
		change("unknown field of the data", `"signed_on"`, `"signed_at":"x","signed_on"`, "data.signed_at"),
		change("baseline as text", `"signed_on"`, `"baseline":"yes","signed_on"`, "data.baseline"),
		change("date that does not exist", `"signed_on":"2026-03-02"`, `"signed_on":"2026-02-30"`, "data.signed_on"),
		change("date in the American way", `"signed_on":"2026-03-02"`, `"signed_on":"03/02/2026"`, "data.signed_on"),
		change("date of the year 1", `"signed_on":"2026-03-02"`, `"signed_on":"0001-01-01"`, "data.signed_on"),
		change("date as a number", `"signed_on":"2026-03-02"`, `"signed_on":20260302`, "data.signed_on"),
		change("no sign date", `"signed_on":"2026-03-02",`, "", "data.signed_on"),
		change("items is an object", `"items":[{"id":"i1","kind":"service","gl_account":"4000","description":"Services","amount":"100.00"}]`, `"items":{}`, "data.items"),
		change("an item is a text", `"items":[{`, `"items":["x",{`, "data.items[0]"),
		change("unknown kind of item", `"kind":"service"`, `"kind":"flowers"`, "data.items[0].kind"),
		change("money as a number", `"amount":"100.00"`, `"amount":100.00`, "data.items[0].amount"),
		change("money with three decimals", `"100.00"`, `"100.000"`, "data.items[0].amount"),
		change("money without decimals", `"100.00"`, `"100"`, "data.items[0].amount"),
		change("money with an exponent", `"100.00"`, `"1e2"`, "data.items[0].amount"),
		change("money with a comma", `"100.00"`, `"1,00.00"`, "data.items[0].amount"),
		change("money with a plus", `"100.00"`, `"+100.00"`, "data.items[0].amount"),
		change("money with a dollar", `"100.00"`, `"$100.00"`, "data.items[0].amount"),
		change("money in fullwidth digits", `"100.00"`, `"１００.００"`, "data.items[0].amount"),
		change("minus zero", `"100.00"`, `"-0.00"`, "data.items[0].amount"),
		change("money above the limit", `"100.00"`, `"9999999999.00"`, "data.items[0].amount"),
		change("empty money", `"100.00"`, `""`, "data.items[0].amount"),
		change("negative discount", `"amount":"10.00"`, `"amount":"-10.00"`, "data.discounts[0].amount"),
		change("negative tax", `"amount":"5.00"`, `"amount":"-5.00"`, "data.taxes[0].amount"),
		change("total that does not add up", `"total":"95.00"`, `"total":"95.01"`, "data.total"),
		change("negative total", `"total":"95.00"`, `"total":"-95.00"`, "data.total"),
		change("no total", `,"total":"95.00"`, "", "data.total"),
		change("an item twice", `"items":[`, `"items":[{"id":"i1","kind":"service","gl_account":"4000","description":"Services","amount":"0.00"},`, "data.items[1].id"),
		change("description of 1001 characters", `"Services"`, `"`+strings.Repeat("x", 1001)+`"`, "data.items[0].description"),
		{"1001 items", swap(good, `"items":[`, `"items":[`+strings.Repeat(`{"id":"a","kind":"fee","description":"x","amount":"0.00"},`, 1000)), []string{"data.items"}},
		pay("payment of nothing", `"10.00"`, `"0.00"`, "data.amount"),
		pay("negative payment", `"10.00"`, `"-10.00"`, "data.amount"),
		pay("method of another verb", `"check"`, `"credit_card"`, "data.method"),
		pay("field of a card on a check", `"method"`, `"voided_on":"2026-03-05","method"`, "data.voided_on"),
		pay("returned without its date", `payment.created`, `payment.returned`, "data.returned"),
		pay("returned before it was paid", `"date":"2026-03-04"`, `"date":"2026-03-04","returned":{"date":"2026-03-03","bank":"b"}`, "data.returned.date"),
		pay("refunds above the payment", `payment.created","time":"2026-03-02T15:04:05Z",
"data":{`, `payment.refunded","time":"2026-03-02T15:04:05Z",
"data":{"refunds":[{"id":"f","amount":"11.00","date":"2026-03-05"}],`, "data.method", "data.refunds"),
		pay("an adjustment typed with a minus", `"com.passare.payment.created"`, `"com.passare.adjustment.created"`, "data.record.type", "data.direction", "data.reason", "data.method"),
		{
			"six wrong fields are six answers", strings.NewReplacer(`"1.0"`, `"2"`, `"version":1`, `"version":0`, `"24-0001"`, `""`, `"2026-03-02",`, `"x",`, `"100.00"`, `1`, `"TX"`, `7`).Replace(good),
			[]string{"specversion", "data.record.version", "data.case.number", "data.signed_on", "data.items[0].amount", "data.taxes[0].jurisdiction"},
		},
	}
}

// malformed are answered 400.
func malformed() []badInput {
	return []badInput{
		{name: "empty body", body: ""},
		{name: "no JSON", body: "hello"},
		{name: "cut off", body: good[:len(good)-20]},
		{name: "two values", body: good + good},
		{name: "byte order mark", body: "\xef\xbb\xbf" + good},
		{name: "not UTF-8", body: swap(good, "John", "Jo\xffhn")},
		{name: "a key twice", body: swap(good, `"total":"95.00"`, `"total":"95.00","total":"95.00"`)},
		{name: "a key twice, far inside", body: swap(good, `"first":"John"`, `"first":"John","first":"Jim"`)},
		{name: "nested 17 deep", body: swap(good, `"total":"95.00"`, `"total":`+strings.Repeat("[", 17)+strings.Repeat("]", 17))},
		{name: "nested 100,000 deep", body: strings.Repeat("[", 100000)},
		{name: "a list of events as one event", body: "[" + good + "]"},
		{name: "a number", body: "1"},
		{name: "null", body: "null"},
	}
}

type answered struct {
	Type, Title, Detail, Trace string
	Status                     int
	Errors                     []fault.Field
}

func deliver(t *testing.T, s *local.System, contentType, body string) (int, answered) {
	t.Helper()
	status, answer, err := s.Deliver(t.Context(), contentType, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return status, problemIn(t, answer)
}

func problemIn(t *testing.T, answer []byte) answered {
	t.Helper()
	var a answered
	if err := json.Unmarshal(answer, &a); err != nil {
		t.Fatalf("%v: %s", err, answer)
	}
	return a
}

const one = "application/cloudevents+json"

// storeIsEmpty: whatever came, nothing was stored but the quarantine.
func storeIsEmpty(t *testing.T, s *local.System) {
	t.Helper()
	for _, org := range []string{local.WillowCreek, local.MapleHill} {
		entries, err := s.Store.List(t.Context(), org, "all", intlog.Mark{}, 10)
		if err != nil || len(entries) > 0 {
			t.Errorf("%s: %d entries were stored (%v)", org, len(entries), err)
		}
	}
	if journal := s.Sim.Journal(local.MapleHillRealm); len(journal) > 0 {
		t.Errorf("%d entries reached QuickBooks", len(journal))
	}
}

func TestEveryWrongFieldIsNamed(t *testing.T) {
	t.Parallel()
	s := start(t)
	for _, bad := range badFields() {
		t.Run(bad.name, func(t *testing.T) {
			status, a := deliver(t, s, one, bad.body)
			var fields []string
			for _, f := range a.Errors {
				fields = append(fields, f.Field)
				if f.Problem == "" || len(f.Value) > 300 {
					t.Errorf("%+v", f)
				}
			}
			if status != http.StatusUnprocessableEntity || a.Status != status || a.Type != "/problems/invalid" || a.Detail == "" || a.Trace == "" {
				t.Errorf("status %d, %+v", status, a)
			}
			if diff := cmp.Diff(bad.fields, fields); diff != "" {
				t.Errorf("fields (-want +got):\n%s%v", diff, a.Errors)
			}
			quarantined(t, s, bad.body)
		})
	}
	storeIsEmpty(t, s)
}

// quarantined: the delivery is kept, wherever its organisation could be read.
func quarantined(t *testing.T, s *local.System, body string) {
	t.Helper()
	for _, org := range []string{local.MapleHill, "nobody", ""} {
		kept, err := s.Store.Quarantined(t.Context(), org)
		if err != nil {
			t.Fatal(err)
		}
		for _, q := range kept {
			if string(q.Body) == body {
				return
			}
		}
	}
	t.Error("the delivery is not in quarantine")
}

func TestABodyThatIsNoJSONIsAnswered400(t *testing.T) {
	t.Parallel()
	s := start(t)
	for _, bad := range malformed() {
		t.Run(bad.name, func(t *testing.T) {
			status, a := deliver(t, s, one, bad.body)
			if status != http.StatusBadRequest || a.Type != "/problems/malformed" || a.Detail == "" {
				t.Errorf("status %d, %+v", status, a)
			}
			quarantined(t, s, bad.body)
		})
	}
	storeIsEmpty(t, s)
}

func TestOnlyPassareCanDeliver(t *testing.T) {
	t.Parallel()
	s := start(t)
	otherSecret := "whsec_b3RoZXIgc2VjcmV0IG9mIHNvbWVib2R5IGVsc2U="
	now := time.Now()
	signed := func(secret, id string, at time.Time, body string) http.Header {
		signature, err := webhook.Sign(secret, id, at, []byte(body))
		if err != nil {
			t.Fatal(err)
		}
		return http.Header{"Webhook-Id": {id}, "Webhook-Timestamp": {strconv.FormatInt(at.Unix(), 10)}, "Webhook-Signature": {signature}, "Content-Type": {one}}
	}
	but := func(key, value string) http.Header {
		h := signed(local.DemoWebhookSecret, "m1", now, good)
		h.Set(key, value)
		return h
	}
	cases := []struct {
		name   string
		header http.Header
		body   string
		status int
	}{
		{"unsigned", http.Header{"Content-Type": {one}}, good, 401},
		{"wrong secret", signed(otherSecret, "m1", now, good), good, 401},
		{"another body", signed(local.DemoWebhookSecret, "m1", now, good), payment, 401},
		{"another id", but("Webhook-Id", "m2"), good, 401},
		{"no id", but("Webhook-Id", ""), good, 401},
		{"stale", signed(local.DemoWebhookSecret, "m1", now.Add(-6*time.Minute), good), good, 401},
		{"from the future", signed(local.DemoWebhookSecret, "m1", now.Add(6*time.Minute), good), good, 401},
		{"timestamp that is none", but("Webhook-Timestamp", "now"), good, 401},
		{"signature of an unknown version", but("Webhook-Signature", "v2,abc"), good, 401},
		{"signature that is no base64", but("Webhook-Signature", "v1,###"), good, 401},
		{"plain JSON", but("Content-Type", "application/json"), good, 415},
		{"no content type", but("Content-Type", ""), good, 415},
		{"form", but("Content-Type", "application/x-www-form-urlencoded"), good, 415},
		{"one byte over 1 MiB", http.Header{"Content-Type": {one}}, strings.Repeat("x", passare.MaxDelivery+1), 413},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			status, answer, err := s.Call(t.Context(), http.MethodPost, "/v1/events", c.header, []byte(c.body))
			if err != nil {
				t.Fatal(err)
			}
			if a := problemIn(t, answer); status != c.status || a.Status != status || a.Detail == "" {
				t.Errorf("status %d, %s", status, answer)
			}
		})
	}
	storeIsEmpty(t, s)
	for _, org := range []string{local.MapleHill, ""} {
		if kept, _ := s.Store.Quarantined(t.Context(), org); len(kept) > 0 {
			t.Errorf("%d deliveries of strangers are kept", len(kept))
		}
	}
}

func TestInABatchEachEventStandsAlone(t *testing.T) {
	t.Parallel()
	s := start(t)
	const many = "application/cloudevents-batch+json"
	type results struct {
		Results []struct {
			Event, Entry, State string
			Problem             *answered
		}
	}
	send := func(body string) (int, results) {
		status, answer, err := s.Deliver(t.Context(), many, []byte(body))
		if err != nil {
			t.Fatal(err)
		}
		var r results
		if err := json.Unmarshal(answer, &r); err != nil {
			t.Fatalf("%v: %s", err, answer)
		}
		return status, r
	}
	body := "[" + good + "," + swap(payment, `"10.00"`, `10`) + "," + payment + "]"
	status, r := send(body)
	if status != http.StatusAccepted || len(r.Results) != 3 || r.Results[0].State != "pending" || r.Results[2].Entry != "payment.p1.1" {
		t.Errorf("status %d, %+v", status, r)
	}
	if p := r.Results[1].Problem; p == nil || p.Status != 422 || p.Errors[0].Field != "data.amount" {
		t.Errorf("the bad one: %+v", r.Results[1])
	}
	if status, _ := send(body); status != http.StatusOK {
		t.Errorf("a repeat is answered %d", status)
	}
	if status, _ := send("[" + swap(payment, `"10.00"`, `10`) + "]"); status != http.StatusUnprocessableEntity {
		t.Errorf("nothing taken is answered %d", status)
	}
	for name, body := range map[string]string{
		"no list": good, "empty list": "[]", "null": "null", "101 events": "[" + strings.Repeat(payment+",", 100) + payment + "]", "cut off": "[" + good, "byte order mark": "\xef\xbb\xbf[]",
	} {
		if status, a := deliver(t, s, many, body); status != http.StatusBadRequest {
			t.Errorf("%s: %d %+v", name, status, a)
		}
	}
}

func TestTheSameVersionWithOtherDataIsRefusedAndShown(t *testing.T) {
	t.Parallel()
	s := start(t)
	if status, a := deliver(t, s, one, payment); status != http.StatusAccepted {
		t.Fatalf("%d %+v", status, a)
	}
	spaced := bytes.ReplaceAll([]byte(swap(payment, "evt-2", "evt-3")), []byte(":"), []byte(": "))
	spaced = bytes.ReplaceAll(spaced, []byte("T15: 04: 05"), []byte("T15:04:05"))
	if status, a := deliver(t, s, one, string(spaced)); status != http.StatusOK {
		t.Errorf("a repeat with other white space and id is answered %d %+v", status, a)
	}
	if status, a := deliver(t, s, one, swap(payment, `"10.00"`, `"11.00"`)); status != http.StatusConflict || a.Type != "/problems/conflict" {
		t.Errorf("an edited twin is answered %d %+v", status, a)
	}
	_, detail := get(t, s, "dan", "/v1/entries/payment.p1.1")
	var d struct {
		Amount  string
		Refused []struct{ Reason string } `json:"refused_deliveries"`
	}
	if err := json.Unmarshal(detail, &d); err != nil || d.Amount != "10.00" || len(d.Refused) != 1 {
		t.Errorf("%v %s", err, detail)
	}
}

func TestAMebibyteIsStillRead(t *testing.T) {
	t.Parallel()
	s := start(t)
	padded := good + strings.Repeat(" ", passare.MaxDelivery-len(good))
	if status, a := deliver(t, s, one, padded); status != http.StatusAccepted {
		t.Errorf("%d %+v", status, a)
	}
}

func TestThereAreEnoughBadInputs(t *testing.T) {
	t.Parallel()
	names := []string{}
	for _, b := range slices.Concat(badFields(), malformed()) {
		if slices.Contains(names, b.name) {
			t.Errorf("%s is there twice", b.name)
		}
		names = append(names, b.name)
	}
	if len(names) < 60 {
		t.Errorf("%d bad inputs", len(names))
	}
}
