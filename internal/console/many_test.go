package console_test

import (
	"context"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/passare/qbo-sync/internal/console"
	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/review"
)

// formOf is the form of a page that leads to an address, as a browser sends it: its hidden fields.
func formOf(t *testing.T, body, action string) url.Values {
	t.Helper()
	_, form, found := strings.Cut(body, `action="`+action+`"`)
	if !found {
		t.Fatalf("no form leads to %s: %s", action, body)
	}
	form, _, _ = strings.Cut(form, "</form>")
	values := url.Values{}
	for _, m := range regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`).FindAllStringSubmatch(form, -1) {
		values.Add(m[1], html.UnescapeString(m[2]))
	}
	return values
}

const (
	actions   = "/console/actions"
	confirmed = "/console/actions/confirmed"
)

// sends sends a form, and answers its page.
func (h *house) sends(path string, form url.Values) string {
	h.t.Helper()
	return h.body(h.call(http.MethodPost, path, "ana", form, nil), http.StatusOK)
}

// states counts entries by their states.
func (h *house) states() map[intlog.State]int {
	h.t.Helper()
	count := map[intlog.State]int{}
	entries, err := h.store.Store.List(h.t.Context(), "a", "all", intlog.Mark{}, 20_000)
	if err != nil {
		h.t.Fatal(err)
	}
	for _, e := range entries {
		count[e.State]++
	}
	return count
}

func TestBeforeItIsDoneTheFirstFiftyAreNamed(t *testing.T) {
	t.Parallel()
	h := open(t)
	for i := range 214 {
		h.has(i, intlog.Pending, func(e *intlog.Entry) { e.Name = fmt.Sprintf("Person %03d", i) })
	}
	h.has(300, intlog.Held, func(e *intlog.Entry) { e.Name = "Held Back" })
	for name, x := range map[string]struct {
		form url.Values
		has  []string
	}{
		"all that fit": {url.Values{"action": {"sync"}, "all": {"1"}, "back": {"/console?tab=pending"}}, []string{"Payment created for Person 213, 26-001", "Payment created for Person 164, 26-001", "and 164 more", "$214,000.00"}},
		"those ticked": {url.Values{"action": {"sync"}, "id": {"payment.p007.1", "payment.p300.1"}}, []string{"Payment created for Person 007, 26-001</a>", "Payment created for Held Back, 26-001</a> $1,000.00", "Not possible", "$1,000.00"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := h.sends(actions, x.form)
			for _, part := range x.has {
				if !strings.Contains(body, part) {
					t.Errorf("no %q in %s", part, body)
				}
			}
			if strings.Contains(body, "Person 163") || strings.Contains(body, ">payment.p") {
				t.Errorf("%s", body)
			}
		})
	}
}

func TestOneRequestDoesAPortionAndContinueDoesTheNext(t *testing.T) {
	t.Parallel()
	h := open(t)
	for i := range 450 {
		h.has(i, intlog.Pending, nil)
	}
	form := formOf(t, h.sends(actions, url.Values{"action": {"delete"}, "all": {"1"}, "back": {"/console?tab=pending"}}), confirmed)
	form.Set("reason", "Entered <twice>")
	for _, done := range []int{200, 400} {
		body := h.sends(confirmed, form)
		if want := fmt.Sprintf("Delete: %d of 450 done", done); !strings.Contains(body, want) || !strings.Contains(body, " data-continue>") || !strings.Contains(body, "<button>Continue</button>") || h.states()[intlog.Deleted] != done {
			t.Fatalf("not %s: %v %s", want, h.states(), body)
		}
		form = formOf(t, body, confirmed)
	}
	body := h.sends(confirmed, form)
	for _, part := range []string{"450 done (450,000.00).", "Payment created for John Smith, 26-001", "and 350 more, which are counted above"} {
		if !strings.Contains(body, part) {
			t.Errorf("no %q in %s", part, body)
		}
	}
	if strings.Contains(body, ">Undo<") || strings.Contains(body, `value="restore"`) {
		t.Errorf("so many are restored by one click: %s", body)
	}
	again := h.sends(confirmed, form)
	if !strings.Contains(again, "400 done (400,000.00), 50 so already (50,000.00).") || h.states()[intlog.Deleted] != 450 {
		t.Errorf("pressed again: %v %s", h.states(), again)
	}
	if e, err := h.store.Entry(t.Context(), intlog.Key{Org: "a", Record: h.has(449, intlog.Pending, nil).Record, Version: 1}); err != nil || e.Why != "Entered <twice>" || len(e.History) != 2 {
		t.Errorf("%q %d %v", e.Why, len(e.History), err)
	}
}

// weary is a desk that fails once, and has no time left once.
type weary struct {
	console.Desk
	answers []string
}

func (d *weary) DoAll(ctx context.Context, org string, m review.Many) (review.Report, error) {
	if m.DryRun || len(d.answers) == 0 {
		return d.Desk.DoAll(ctx, org, m)
	}
	answer := d.answers[0]
	d.answers = d.answers[1:]
	if answer == "fails" {
		return review.Report{}, fault.New(fault.Unavailable, "The store is busy.")
	}
	late, cancel := context.WithDeadline(ctx, time.Unix(0, 0))
	defer cancel()
	return d.Desk.DoAll(late, org, m)
}

func TestWhatWasNotBegunOrFailedIsLeftForContinue(t *testing.T) {
	t.Parallel()
	h := open(t, func(_ *house, o *console.Options) { o.Desk = &weary{o.Desk, []string{"fails", "late"}} })
	for i := range 3 {
		h.has(i, intlog.Pending, nil)
	}
	form := formOf(t, h.sends(actions, url.Values{"action": {"sync"}, "all": {"1"}, "back": {"/console"}}), confirmed)
	busy := h.body(h.call(http.MethodPost, confirmed, "ana", form, nil), http.StatusServiceUnavailable)
	if !strings.Contains(busy, "The store is busy.") || !strings.Contains(busy, "Nothing was done yet") || strings.Contains(busy, "data-continue") {
		t.Errorf("%s", busy)
	}
	late := h.sends(confirmed, formOf(t, busy, confirmed))
	if !strings.Contains(late, "0 of 3 done") {
		t.Errorf("%s", late)
	}
	if body := h.sends(confirmed, formOf(t, late, confirmed)); !strings.Contains(body, "3 done (3,000.00).") || h.states()[intlog.Queued] != 3 {
		t.Errorf("%v %s", h.states(), body)
	}
}

func TestADeletionIsTakenBackFromItsMessage(t *testing.T) {
	t.Parallel()
	t.Run("of one", func(t *testing.T) {
		t.Parallel()
		h := open(t)
		e := h.has(1, intlog.Pending, nil)
		w := h.call(http.MethodPost, "/console/entries/"+e.ID()+"/delete", "ana", url.Values{"rev": {"1"}, "reason": {"Twice"}, "back": {"/console?tab=all"}}, nil)
		h.body(w, http.StatusSeeOther)
		next := h.call(http.MethodGet, "/console?tab=all", "", nil, http.Header{"Cookie": {session + "=ana; " + cookieOf(w, "__Host-passare-flash")}})
		form := formOf(t, h.body(next, http.StatusOK), "/console/act")
		if h.states()[intlog.Deleted] != 1 || form.Get("back") != "/console?tab=all" || !strings.Contains(next.Body.String(), `name="do" value="restore 2 payment.p001.1">Undo<`) {
			t.Fatalf("%v %v", h.states(), form)
		}
		form.Set("do", "restore 2 payment.p001.1")
		h.body(h.call(http.MethodPost, "/console/act", "ana", form, nil), http.StatusSeeOther)
		if h.states()[intlog.Pending] != 1 {
			t.Errorf("%v", h.states())
		}
	})
	for n, offered := range map[int]bool{2: true, 100: true, 101: false} {
		t.Run("of "+strconv.Itoa(n), func(t *testing.T) {
			t.Parallel()
			h := open(t)
			ids := []string{h.has(500, intlog.Synced, nil).ID(), h.has(501, intlog.Deleted, nil).ID()}
			for i := range n {
				ids = append(ids, h.has(i, intlog.Pending, nil).ID())
			}
			body := h.sends(confirmed, url.Values{"action": {"delete"}, "reason": {"Twice"}, "id": ids, "back": {"/console?tab=all"}})
			if strings.Contains(body, `value="restore"`) != offered || h.states()[intlog.Deleted] != n+1 {
				t.Fatalf("%v %s", h.states(), body)
			}
			if !offered {
				return
			}
			body = h.sends(confirmed, formOf(t, body, confirmed))
			if got := h.states(); got[intlog.Pending] != n || got[intlog.Deleted] != 1 || !strings.Contains(body, fmt.Sprintf("%d done", n)) {
				t.Errorf("exactly those are restored: %v %s", got, body)
			}
		})
	}
}

func TestOfManyWhatPeopleTypeIsShownAsText(t *testing.T) {
	t.Parallel()
	h := open(t)
	var ids []string
	for i, s := range intlog.States() {
		ids = append(ids, h.has(i+1, s, spiteful).ID())
	}
	for _, action := range []string{"sync", "retry", "delete", "restore", "undo"} {
		look(t, action, h.call(http.MethodPost, actions, "ana", url.Values{"action": {action}, "id": append(ids, evil), "back": {evil}}, nil))
		form := url.Values{"action": {action}, "id": append(ids, evil), "back": {evil}, "so_far": {`{"Tallies":{"<script>":{"Count":1}},"Done":[{"ID":"<script>","Title":"<script>","Outcome":"<script>"}]}`}}
		if action == "delete" || action == "undo" {
			form.Set("reason", evil)
		}
		look(t, action, h.call(http.MethodPost, confirmed, "ana", form, nil))
	}
	look(t, "portions", h.call(http.MethodPost, confirmed, "ana", url.Values{"action": {"sync"}, "id": many(evil, 201), "so_far": {evil}}, nil))
}

// many are ids that begin with a text.
func many(text string, n int) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = text + strconv.Itoa(i)
	}
	return ids
}

func TestTheFirstPageOfTenThousandAsksTheStoreAsOftenAsOneOfFifty(t *testing.T) {
	t.Parallel()
	cost := func(entries int) (asked, lists, read int64, rows int) {
		h := open(t)
		for i := range entries {
			h.has(i, intlog.Pending, nil)
		}
		body := h.body(h.call(http.MethodGet, "/console?tab=pending", "ana", nil, nil), http.StatusOK)
		return h.store.asked.Load(), h.store.entries.Load(), h.store.read.Load(), strings.Count(body, `name="id"`)
	}
	asked, lists, read, rows := cost(50)
	thousands, lists10k, read10k, rows10k := cost(10_000)
	if asked != thousands || lists != 1 || lists10k != 1 || rows != 50 || rows10k != 50 {
		t.Errorf("asked %d and %d times, %d and %d for the list of %d and %d rows", asked, thousands, lists, lists10k, rows, rows10k)
	}
	const list, counted = 51, review.MostCounted + 1 // a page and whether there is another; what a tab's count looks at
	if read != 50+50 || read10k != list+counted {
		t.Errorf("%d and %d entries read", read, read10k)
	}
}

func TestAPageAsksTheBellOnce(t *testing.T) {
	t.Parallel()
	h := open(t)
	id := h.has(1, intlog.Failed, nil).ID()
	for path, lists := range map[string]int64{
		"/console":                           1 + 3 + 1, // the list, the counts of three tabs, the bell
		"/console/notices":                   1,
		"/console/entries/" + id:             1,
		"/console/entries/" + id + "/delete": 1,
	} {
		h.store.listed.Store(0)
		h.body(h.call(http.MethodGet, path, "ana", nil, nil), http.StatusOK)
		if got := h.store.listed.Load(); got != lists {
			t.Errorf("%s asks for %d lists, not %d", path, got, lists)
		}
	}
}

func TestHowLongAgoSomethingWasIsSaid(t *testing.T) {
	t.Parallel()
	for d, says := range map[time.Duration]string{
		0: "just now", 59 * time.Second: "just now", time.Minute: "1 min ago", 59 * time.Minute: "59 min ago", 3 * time.Hour: "3 h ago", 24 * time.Hour: "1 day ago", 47 * time.Hour: "1 day ago",
		6 * 24 * time.Hour: "6 days ago", 7 * 24 * time.Hour: "2/25/2026", -30 * time.Second: "in a moment", -5 * time.Minute: "in 5 min", -26 * time.Hour: "in 1 day",
	} {
		h := open(t)
		at := now().Add(-d)
		h.has(1, intlog.Pending, func(e *intlog.Entry) { e.History = []intlog.Step{{At: at, Who: "Passare", To: intlog.Pending}} })
		exact := `<time datetime="` + at.Format(time.RFC3339) + `" title="` + at.Format("1/2/2006 3:04 PM") + ` UTC">` + says + `</time>`
		if body := h.body(h.call(http.MethodGet, "/console", "ana", nil, nil), http.StatusOK); !strings.Contains(body, exact) {
			t.Errorf("no %s in %s", exact, body)
		}
	}
}

func TestAWholeErrorIsOnItsRowOnce(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.has(1, intlog.Failed, func(e *intlog.Entry) { e.Why = strings.Repeat("Something long. ", 20) })
	h.has(2, intlog.Failed, func(e *intlog.Entry) { e.Why = "Something short." })
	body := h.body(h.call(http.MethodGet, "/console?tab=errors", "ana", nil, nil), http.StatusOK)
	if strings.Count(body, `<details class="why">`) != 1 || !strings.Contains(body, `<span class="why">Something short.</span>`) || strings.Count(body, "Something long.") != 40 {
		t.Errorf("%s", body)
	}
}
