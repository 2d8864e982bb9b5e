package local_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/goldenfile"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/local"
	"github.com/passare/qbo-sync/internal/logwatch"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/passare"
	"github.com/passare/qbo-sync/internal/porttest"
	"github.com/passare/qbo-sync/internal/qbosim"
	"github.com/passare/qbo-sync/internal/rules"
)

// onAWS is the product deployed to what stands for AWS on this machine, with everything beside it that it needs. Each line that a function logs is read
// at the end, as those of a system in one process are.
type onAWS struct {
	*local.System
	t     *testing.T
	aws   string // the address that stands for AWS
	stack string
	watch *logwatch.Watch
}

func deployed(t *testing.T, now func() time.Time) *onAWS {
	t.Helper()
	if os.Getenv("API_URL") == "" {
		t.Skip("the product is not deployed: `make test-aws` deploys it to ministack and runs this test")
	}
	where, err := local.DeployedSettings(os.Getenv, porttest.Emulator(t))
	if err != nil {
		t.Fatal(err)
	}
	watch := logwatch.New(t)
	s, err := local.StartDeployed(t.Context(), local.Options{
		Listen: os.Getenv("LISTEN"), QBOListen: os.Getenv("QBO_LISTEN"), WebhookSecret: local.DemoWebhookSecret, Now: now, Log: watch.Logger(),
		Carry: watch.Carry(&http.Transport{MaxIdleConnsPerHost: 32}),
	}, where)
	if err != nil {
		t.Fatal(fault.Line(err))
	}
	c := &onAWS{System: s, t: t, aws: *where.Account.BaseEndpoint, stack: os.Getenv("STACK_NAME"), watch: watch}
	t.Cleanup(func() {
		c.readLogs()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// call calls a service of what stands for AWS.
func (c *onAWS) call(service, path, target, body string) (*http.Response, []byte) {
	c.t.Helper()
	r, err := http.NewRequest(http.MethodPost, c.aws+path, strings.NewReader(body)) // without the test's context, which ends before its clean-up
	if err != nil {
		c.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	if target != "" {
		r.Header.Set("X-Amz-Target", target)
	}
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/"+service+"/aws4_request, SignedHeaders=host, Signature=0")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return res, answer
}

// invoke runs a function as its schedule does.
func (c *onAWS) invoke(function string) {
	c.t.Helper()
	c.invokeWith(function, `{"source":"aws.scheduler"}`)
}

// invokeWith runs a function with an event.
func (c *onAWS) invokeWith(function, event string) {
	c.t.Helper()
	res, answer := c.call("lambda", "/2015-03-31/functions/"+c.stack+"-"+function+"/invocations", "", event)
	if failed := res.Header.Get("X-Amz-Function-Error"); res.StatusCode >= 300 || failed != "" {
		c.t.Fatalf("%s: %d %s %s", function, res.StatusCode, failed, answer)
	}
}

// lines are what a function has logged.
func (c *onAWS) lines(function string) []string {
	c.t.Helper()
	_, answer := c.call("logs", "/", "Logs_20140328.FilterLogEvents", fmt.Sprintf(`{"logGroupName":"/aws/lambda/%s-%s"}`, c.stack, function))
	var found struct{ Events []struct{ Message string } }
	if err := json.Unmarshal(answer, &found); err != nil {
		c.t.Fatalf("%v: %s", err, answer)
	}
	var lines []string
	for _, e := range found.Events {
		for line := range strings.Lines(e.Message) {
			if line = strings.TrimSpace(line); strings.HasPrefix(line, "{") {
				lines = append(lines, line)
			}
		}
	}
	return lines
}

// readLogs hands what the functions have logged to the watch.
func (c *onAWS) readLogs() {
	for _, function := range []string{"ingest", "admin", "connect", "sync", "retry", "reconcile"} {
		for _, line := range c.lines(function) {
			_, _ = c.watch.Write([]byte(line + "\n"))
		}
	}
}

// as calls the API as one of the demo's people, and wants a status and a text in the answer.
func (c *onAWS) as(user, method, path, body string, status int, says string) reply {
	c.t.Helper()
	r := ask(c.t, c.System, user, method, path, body, http.Header{"Accept": {"application/json"}})
	if r.status != status || !strings.Contains(r.body, says) {
		c.t.Errorf("%s %s as %q: %d %s, want %d with %s", method, path, user, r.status, r.body, status, says)
	}
	return r
}

// consents gives consent as an administrator does, and answers the callback's address and the browser's cookie.
func (c *onAWS) consents(user, realm string) (back string, cookie http.Header) {
	c.t.Helper()
	r := c.as(user, http.MethodPost, "/v1/connection/start", "", http.StatusOK, "authorize_url")
	var started struct {
		Address string `json:"authorize_url"`
	}
	r.into(c.t, &started)
	value, _, _ := strings.Cut(r.header.Get("Set-Cookie"), ";")
	r = ask(c.t, c.System, "", http.MethodGet, started.Address+"&realm="+realm, "", nil)
	to, err := url.Parse(r.header.Get("Location"))
	if err != nil {
		c.t.Fatal(err)
	}
	if to.Scheme != "https" || !strings.Contains(to.Host, ".execute-api.") || to.Path != "/oauth/callback" {
		c.t.Errorf("the browser is sent to %s", to)
	}
	return to.Path + "?" + to.RawQuery, http.Header{"Cookie": {value}, "Accept": {"application/json"}}
}

// unauthorized makes QuickBooks refuse the token of the next call, so that whoever makes it renews the grant.
func (c *onAWS) unauthorized(realm, path string) {
	c.t.Helper()
	if err := c.Sim.Script(qbosim.Fault{Realm: realm, PathContains: path, Kind: "catalogue", Code: "3200", Times: 1}); err != nil {
		c.t.Fatal(err)
	}
}

// TestTheDeployedProduct drives the deployed binaries through everything that they do. Its parts build on each other; the last compares what each function
// has called with the list that the template's roles are held to (../archtest).
func TestTheDeployedProduct(t *testing.T) {
	t.Parallel()
	c := deployed(t, time.Now)
	for _, part := range []struct {
		name string
		run  func(*onAWS)
	}{
		{"the golden case comes out to the cent", (*onAWS).golden},
		{"a token of the issuer, and the permission, are needed", (*onAWS).admission},
		{"a bookkeeper sees the log and releases what waits for review", (*onAWS).reviews},
		{"an administrator disconnects and connects; what waited goes by itself, in one batch", (*onAWS).connects},
		{"the same in the console, which begins in one function what another ends", (*onAWS).connectsInTheConsole},
		{"a delivery that cannot be taken is kept", (*onAWS).quarantines},
		{"the button releases what was held", (*onAWS).button},
		{"a name in use is looked up, and a person relinks", (*onAWS).names},
		{"people make every other call", (*onAWS).people},
		{"what is due is sent again, and sweeps release what they find", (*onAWS).retries},
		{"what the worker never acknowledged is drained into the log, and tried again alone", (*onAWS).deadLetters},
		{"the night keeps grants alive", (*onAWS).night},
		{"both books are proved, and a difference is put right", (*onAWS).proves},
		{"the metrics are told", (*onAWS).metrics},
		{"each function has called what the list has", (*onAWS).calledAsListed},
	} {
		t.Run(part.name, func(t *testing.T) {
			c := *c
			c.t = t
			part.run(&c)
		})
	}
}

func (c *onAWS) golden() {
	var out bytes.Buffer
	if err := c.Demo(c.t.Context(), &out, c.Golden.Expected); err != nil {
		c.t.Fatalf("%s\n%s", fault.Line(err), out.String())
	}
	for line := range strings.Lines(out.String()) {
		if strings.Contains(line, "→") || strings.HasPrefix(line, "All agrees") {
			c.t.Log(strings.TrimSpace(line))
		}
	}
}

func (c *onAWS) admission() {
	c.as("", http.MethodGet, "/v1/entries", "", http.StatusUnauthorized, "")
	c.as("cleo", http.MethodGet, "/v1/entries", "", http.StatusForbidden, "integration_log")
	c.as("ben", http.MethodGet, "/v1/connection", "", http.StatusForbidden, "integrations_admin")
	c.as("", http.MethodGet, "/healthz", "", http.StatusOK, "ok")
	c.as("", http.MethodGet, "/problems/conflict", "", http.StatusOK, "/problems/conflict")
	c.as("ana", http.MethodGet, "/nothing", "", http.StatusNotFound, "")
}

func (c *onAWS) reviews() {
	id := send(c.t, c.System, event(local.MapleHill, "payment.created", "reviewed", 1, "c1", cash))
	c.as("dan", http.MethodGet, "/v1/entries?tab=pending", "", http.StatusOK, id)
	c.as("dan", http.MethodGet, "/v1/entries?tab=all", "", http.StatusOK, id)
	c.as("ana", http.MethodGet, "/v1/entries/"+id, "", http.StatusNotFound, "")
	c.as("dan", http.MethodGet, "/v1/entries/"+id, "", http.StatusOK, id)
	c.as("dan", http.MethodPost, "/v1/entries/"+id+"/sync", "", http.StatusAccepted, "")
	wait(c.t, c.System, local.MapleHill, id, intlog.Synced)
}

func (c *onAWS) connects() {
	c.as("dan", http.MethodDelete, "/v1/connection", "", http.StatusOK, `"state":"disconnected"`)
	var waiting []string
	for _, record := range []string{"disconnected", "disconnected-too", "disconnected-as-well"} {
		id := send(c.t, c.System, event(local.MapleHill, "payment.created", record, 1, "c1", cash))
		c.as("dan", http.MethodPost, "/v1/entries/"+id+"/sync", "", http.StatusAccepted, "")
		wait(c.t, c.System, local.MapleHill, id, intlog.Failed)
		waiting = append(waiting, id)
	}
	before := c.Sim.Counted(local.MapleHillRealm).Requests
	back, cookie := c.consents("dan", local.MapleHillRealm)
	if r := ask(c.t, c.System, "", http.MethodGet, back, "", cookie); r.status != http.StatusOK || !strings.Contains(r.body, local.MapleHillRealm) {
		c.t.Errorf("%d %s", r.status, r.body)
	}
	if r := ask(c.t, c.System, "", http.MethodGet, back, "", cookie); r.status != http.StatusUnprocessableEntity || !strings.Contains(r.body, "used already") {
		c.t.Errorf("the address again: %d %s", r.status, r.body)
	}
	c.postedInOneBatch(waiting, before)
	c.as("dan", http.MethodGet, "/v1/connection", "", http.StatusOK, `"state":"connected"`)
	taken := c.as("dan", http.MethodPost, "/v1/connection/start", "", http.StatusOK, "authorize_url")
	if taken.header.Get("Set-Cookie") == "" {
		c.t.Error("no cookie")
	}
}

// connectsInTheConsole shows the rights of admin that the pages of the connection need.
func (c *onAWS) connectsInTheConsole() {
	token, err := c.Token("dan")
	if err != nil {
		c.t.Fatal(err)
	}
	session := "__Host-passare-session=" + token
	visit := func(method, path, form string, status int) reply {
		c.t.Helper()
		r := ask(c.t, c.System, "", method, path, form, http.Header{"Cookie": {session}, "Content-Type": {"application/x-www-form-urlencoded"}, "Sec-Fetch-Site": {"same-origin"}})
		if r.status != status {
			c.t.Fatalf("%s %s: %d %s, want %d", method, path, r.status, r.body, status)
		}
		return r
	}
	visit(http.MethodGet, "/console/connection", "", http.StatusOK)
	rev := regexp.MustCompile(`name="rev" value="([0-9]+)"`).FindStringSubmatch(visit(http.MethodGet, "/console/connection/disconnect", "", http.StatusOK).body)
	if rev == nil {
		c.t.Fatal("the page does not say which connection it is about")
	}
	visit(http.MethodPost, "/console/connection/disconnect", "rev="+rev[1], http.StatusSeeOther)
	c.as("dan", http.MethodGet, "/v1/connection", "", http.StatusOK, `"state":"disconnected"`)
	started := visit(http.MethodPost, "/console/connection/start", "", http.StatusSeeOther)
	browser, _, _ := strings.Cut(started.header.Get("Set-Cookie"), ";")
	consented := ask(c.t, c.System, "", http.MethodGet, started.header.Get("Location")+"&realm="+local.MapleHillRealm, "", nil)
	back, err := url.Parse(consented.header.Get("Location"))
	if err != nil || back.Path != "/oauth/callback" {
		c.t.Fatalf("the browser is sent to %s: %v", back, err)
	}
	done := ask(c.t, c.System, "", http.MethodGet, back.Path+"?"+back.RawQuery, "", http.Header{"Cookie": {browser}})
	if done.status != http.StatusOK || !strings.Contains(done.body, `href="/console/connection"`) {
		c.t.Errorf("%d %s", done.status, done.body)
	}
	visit(http.MethodGet, "/console/settings", "", http.StatusOK)
	visit(http.MethodGet, "/console/start", "", http.StatusOK)
}

// postedInOneBatch waits until entries of maple-hill are synced, and wants each to be one journal entry of its own. One batch must have carried them since
// the requests that were counted before, and none may have gone alone.
func (c *onAWS) postedInOneBatch(ids []string, before map[string]int) {
	c.t.Helper()
	posted := map[string]string{} // ids in QuickBooks, by number
	for _, id := range ids {
		e := wait(c.t, c.System, local.MapleHill, id, intlog.Synced)
		if len(e.Postings) != 1 {
			c.t.Fatalf("%s is synced with %+v", id, e.Postings)
		}
		posted[e.Postings[0].Doc] = e.Postings[0].QuickBooksID
	}
	if len(posted) != len(ids) {
		c.t.Errorf("%d entries have the numbers %v", len(ids), posted)
	}
	stand := map[string][]string{}
	for _, e := range c.Sim.Journal(local.MapleHillRealm) {
		stand[e.DocNumber] = append(stand[e.DocNumber], e.ID)
	}
	for number, id := range posted {
		if !slices.Equal(stand[number], []string{id}) {
			c.t.Errorf("%s was posted as %q, and in QuickBooks are %q", number, id, stand[number])
		}
	}
	after := c.Sim.Counted(local.MapleHillRealm).Requests
	for request, want := range map[string]int{"POST batch": 1, "POST journalentry": 0} {
		if n := after[request] - before[request]; n != want {
			c.t.Errorf("%d × %s for %d entries that were released together, want %d", n, request, len(ids), want)
		}
	}
}

func (c *onAWS) quarantines() {
	status, answer, err := c.Deliver(c.t.Context(), one, []byte(strings.Replace(event(local.WillowCreek, "payment.created", "bad", 1, "c1", cash), `"10.00"`, `"ten"`, 1)))
	if err != nil || status != http.StatusUnprocessableEntity || !strings.Contains(string(answer), "amount") {
		c.t.Errorf("%d %s %v", status, answer, err)
	}
	if kept, err := c.Store.Quarantined(c.t.Context(), local.WillowCreek); err != nil || len(kept) != 1 {
		c.t.Errorf("%d kept, %v", len(kept), err)
	}
}

func (c *onAWS) button() {
	set(c.t, c.System, local.WillowCreek, func(s *org.Settings) { s.AutoAddToExports = false })
	id := send(c.t, c.System, event(local.WillowCreek, "payment.created", "held", 1, "c9", cash))
	if s := state(c.t, c.System, local.WillowCreek, id); s != intlog.Held {
		c.t.Fatalf("%s is %s", id, s)
	}
	send(c.t, c.System, event(local.WillowCreek, "accounting_export.added", "c9-payments", 1, "c9", `"page":"payments_and_adjustments"`))
	wait(c.t, c.System, local.WillowCreek, id, intlog.Synced)
	set(c.t, c.System, local.WillowCreek, func(s *org.Settings) { s.AutoAddToExports = true })
}

func (c *onAWS) names() {
	ctx, at := c.t.Context(), org.Company{Org: local.WillowCreek, Realm: local.WillowCreekRealm}
	if _, err := c.Client.CreateVendor(ctx, at, journal.NewName{Display: "Vera Quill-c10"}, "vendor"); err != nil {
		c.t.Fatal(err)
	}
	c.unauthorized(local.WillowCreekRealm, "journalentry")
	id := send(c.t, c.System, event(local.WillowCreek, "payment.created", "taken", 1, "c10", cash))
	wait(c.t, c.System, local.WillowCreek, id, intlog.Synced)
	other, err := c.Client.CreateCustomer(ctx, at, journal.NewName{Display: "Family Quill"}, "customer")
	if err != nil {
		c.t.Fatal(err)
	}
	c.as("ana", http.MethodGet, "/v1/links/customers", "", http.StatusOK, "case:c10")
	c.unauthorized(local.WillowCreekRealm, "")
	c.as("ana", http.MethodPut, "/v1/links/customers/case:c10", fmt.Sprintf(`{"quickbooks_id":%q}`, other), http.StatusOK, "Family Quill")
}

// people reads and changes what the parts before have not: dan reviews, ana sets up.
func (c *onAWS) people() {
	for path, says := range map[string]string{
		"/v1/summary": `"at_risk"`, "/v1/notifications": `"unread"`, "/v1/entries.csv?tab=all": "entry id,", "/v1/cases/c1/history": `"pages"`,
		"/v1/prior-period-changes": `"changes"`, "/v1/settings": `"auto_sync"`, "/v1/mapping": `"gl_accounts"`, "/v1/mapping/problems": `"missing"`,
		"/v1/quickbooks/accounts?refresh=true": `"as_of"`, "/v1/quickbooks/classes": `"as_of"`, "/v1/quickbooks/departments": `"as_of"`,
		"/v1/links/vendors": `"links"`, "/openapi.json": `"3.1.0"`, "/docs": "<h1>",
	} {
		c.as("ana", http.MethodGet, path, "", http.StatusOK, says)
	}
	id := send(c.t, c.System, event(local.MapleHill, "payment.created", "acted-on", 1, "c1", cash))
	c.as("dan", http.MethodDelete, "/v1/entries/"+id+"?reason=why", "", http.StatusAccepted, `"deleted"`)
	c.as("dan", http.MethodPost, "/v1/entries/"+id+"/restore", "", http.StatusAccepted, `"pending"`)
	many := fmt.Sprintf(`{"action":"sync","ids":[%q],"dry_run":%%t}`, id)
	c.as("dan", http.MethodPost, "/v1/entries/actions", fmt.Sprintf(many, true), http.StatusOK, `"would"`)
	c.as("dan", http.MethodPost, "/v1/entries/actions", fmt.Sprintf(many, false), http.StatusOK, `"done"`)
	wait(c.t, c.System, local.MapleHill, id, intlog.Synced)
	c.as("dan", http.MethodPost, "/v1/entries/"+id+"/retry", "", http.StatusOK, `"synced"`)
	undo := ask(c.t, c.System, "dan", http.MethodPost, "/v1/entries/"+id+"/undo", `{"reason":"entered twice"}`, http.Header{"Idempotency-Key": {"once"}})
	if again := ask(c.t, c.System, "dan", http.MethodPost, "/v1/entries/"+id+"/undo", `{"reason":"entered twice"}`, http.Header{"Idempotency-Key": {"once"}}); undo.status != http.StatusAccepted || again.body != undo.body {
		c.t.Errorf("%d %s, then %d %s", undo.status, undo.body, again.status, again.body)
	}
	wait(c.t, c.System, local.MapleHill, id+"~1", intlog.Synced)
	c.as("dan", http.MethodPost, "/v1/notifications/read-all", "", http.StatusOK, `"unread"`)
	c.as("dan", http.MethodPost, "/v1/cases/c1/pages/payments_and_adjustments/add-to-accounting-export", "", http.StatusConflict, "automatic")
	previewed := ask(c.t, c.System, "dan", http.MethodPost, "/v1/entries/preview", event(local.MapleHill, "payment.created", "previewed", 1, "c1", cash), http.Header{"Content-Type": {one}})
	if previewed.status != http.StatusOK || !strings.Contains(previewed.body, `"lines"`) {
		c.t.Errorf("%d %s", previewed.status, previewed.body)
	}
	saved, etag := mapping(c.t, c.System, "ana")
	saved.GL["4001"] = saved.GL["7000"]
	if r := ask(c.t, c.System, "ana", http.MethodPut, "/v1/mapping", saved.json(c.t), http.Header{"If-Match": {etag}}); r.status != http.StatusOK {
		c.t.Errorf("%d %s", r.status, r.body)
	}
	c.as("ana", http.MethodGet, "/v1/mapping/versions", "", http.StatusOK, "gl_accounts.4001")
	c.as("ana", http.MethodPatch, "/v1/settings", `{"reprint_posts_pair":true}`, http.StatusOK, "reprint_posts_pair")
}

func (c *onAWS) retries() {
	ctx := c.t.Context()
	in := func(id string, s intlog.State) intlog.Entry {
		raw := []byte(event(local.WillowCreek, "payment.created", id, 1, "c11", cash))
		e, err := passare.Decode(raw)
		if err != nil {
			c.t.Fatal(err)
		}
		entry := intlog.New(e, s, "", time.Now().Add(-time.Hour)) // an hour ago, by a process that then died
		if _, _, err := c.Store.Create(ctx, entry, nil); err != nil {
			c.t.Fatal(err)
		}
		return entry
	}
	lost, held, failed := in("lost", intlog.Queued), in("swept", intlog.Held), in("unconnected", intlog.Failed)
	failed.Cause = []rules.Problem{{Kind: rules.Connection, Subject: "connection", Text: "QuickBooks is not connected.", Who: "administrator", Where: "Connection"}}
	_, err := c.Store.Update(ctx, failed)
	past := []time.Time{time.Now().Add(-time.Minute)}
	if err == nil {
		err = c.Store.PutFlag(ctx, org.Flag{Org: local.WillowCreek, Case: "c11", Page: passare.PaymentsPage, By: "Ana Diaz", Sweeps: past})
	}
	if err == nil {
		err = c.Store.Mended(ctx, local.WillowCreek, past)
	}
	if err != nil {
		c.t.Fatal(err)
	}
	c.invoke("retry")
	for _, e := range []intlog.Entry{lost, held, failed} {
		wait(c.t, c.System, local.WillowCreek, e.ID(), intlog.Synced)
	}
}

// deadLetters puts into the dead-letter queue what the queue's redrive policy does, and what nobody can read.
func (c *onAWS) deadLetters() {
	e, err := passare.Decode([]byte(event(local.WillowCreek, "payment.created", "dead", 1, "c11", cash)))
	if err != nil {
		c.t.Fatal(err)
	}
	entry := intlog.New(e, intlog.Queued, "", time.Now()) // not due yet
	if _, _, err := c.Store.Create(c.t.Context(), entry, nil); err != nil {
		c.t.Fatal(err)
	}
	for group, body := range map[string]string{local.WillowCreek: fmt.Sprintf(`{"org":%q,"entries":[%q]}`, local.WillowCreek, entry.ID()), "nobody": "hello"} {
		request, err := json.Marshal(map[string]string{
			"QueueUrl": os.Getenv("DEAD_LETTERS_URL"), "MessageBody": body, "MessageGroupId": group, "MessageDeduplicationId": group,
		})
		if err != nil {
			c.t.Fatal(err)
		}
		if res, answer := c.call("sqs", "/", "AmazonSQS.SendMessage", string(request)); res.StatusCode != http.StatusOK {
			c.t.Fatalf("%d %s", res.StatusCode, answer)
		}
	}
	c.invoke("retry")
	wait(c.t, c.System, local.WillowCreek, entry.ID(), intlog.Synced)
	c.as("ana", http.MethodGet, "/v1/entries/"+entry.ID(), "", http.StatusOK, "It is tried again alone.")
	for _, line := range []string{"dead letter drained", "dead letter not read"} {
		if !slices.ContainsFunc(c.lines("retry"), func(l string) bool { return strings.Contains(l, line) }) {
			c.t.Errorf("retry does not tell: %s", line)
		}
	}
	counts := `"AttributeNames":["ApproximateNumberOfMessages","ApproximateNumberOfMessagesNotVisible"]`
	_, answer := c.call("sqs", "/", "AmazonSQS.GetQueueAttributes", fmt.Sprintf(`{"QueueUrl":%q,%s}`, os.Getenv("DEAD_LETTERS_URL"), counts))
	var left struct{ Attributes map[string]string }
	if err := json.Unmarshal(answer, &left); err != nil {
		c.t.Fatalf("%v: %s", err, answer)
	}
	for name, n := range left.Attributes {
		if n != "0" {
			c.t.Errorf("%s: %s", name, n)
		}
	}
}

func (c *onAWS) night() {
	config, err := c.Store.Config(c.t.Context(), local.WillowCreek)
	if err == nil {
		err = c.Store.Broken(c.t.Context(), local.WillowCreek, config.Grants, time.Now())
	}
	if err != nil {
		c.t.Fatal(err)
	}
	c.invoke("connect")
	if config, err = c.Store.Config(c.t.Context(), local.WillowCreek); err != nil || !config.BrokenSince.IsZero() {
		c.t.Errorf("a grant that QuickBooks accepts is noted as dead: %v", err)
	}
}

func (c *onAWS) metrics() {
	for function, metric := range map[string]string{"ingest": "EntriesTaken", "sync": "EntriesSynced", "retry": "OldestDue", "connect": "GoodNight"} {
		if !slices.ContainsFunc(c.lines(function), func(line string) bool {
			return strings.Contains(line, `"Namespace":"PassareQBO"`) && strings.Contains(line, `"Name":"`+metric+`"`)
		}) {
			c.t.Errorf("%s tells no %s", function, metric)
		}
	}
}

// calledAsListed: the names of this deployment are those of the template's resources in the list.
func (c *onAWS) calledAsListed() {
	named := strings.NewReplacer(os.Getenv("TABLE_NAME"), "Table", c.stack+"-work.fifo", "WorkQueue", c.stack+"-work-dead.fifo", "WorkDeadLetters", c.stack+"/app", "AppSecret", c.stack+"/webhook", "WebhookSecret",
		c.stack+"/quickbooks-webhook", "QuickBooksWebhookSecret", c.stack+"-reconcile-dead", "ReconcileDeadLetters", c.stack+"-reconcile", "ReconcileQueue")
	var list []string
	for call := range c.Tap.Calls() {
		resource := named.Replace(call.Resource)
		if organisation, ok := strings.CutPrefix(resource, c.stack+"/grant/"); ok && organisation != "" {
			resource = "grant/*"
		}
		list = append(list, fmt.Sprintf("%-9s %-40s %s", call.Function, call.Action, resource))
	}
	slices.Sort(list)
	goldenfile.Check(c.t, "calls", strings.Join(slices.Compact(list), "\n")+"\n")
}
