//go:build hurried && linux

package local_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/passare/qbo-sync/internal/cloud"
	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/lease"
	"github.com/passare/qbo-sync/internal/local"
	"github.com/passare/qbo-sync/internal/money"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/qbosim"
	"github.com/passare/qbo-sync/internal/webhook"
)

var seed = flag.Uint64("seed", 0, "of the events, and of whom is killed when; 0: another one each time")

// How much happens. Times are real ones; the functions' clock goes cloud.Hurry times faster.
const (
	organisations = 5
	eventsOfEach  = 100
	kills         = 200
	killWithin    = 200 * time.Millisecond // after the one before, also when the function is not at work
	atWork        = 150 * time.Millisecond // after a call of its for AWS
	answerAfter   = 100 * time.Millisecond // of QuickBooks
	visibility    = "4"                    // seconds until a message comes again whose worker was killed
	retryEach     = 2 * time.Second
	restWithin    = 5 * time.Minute
)

// storm is the deployed product while its processes are killed.
type storm struct {
	*onAWS
	random *rand.Rand
	killed atomic.Int64
	want   map[string]money.Cents // by organisation and record: what the family has paid in the end
	orgs   []org.Config
}

// TestNothingIsLostOrDoubledWhileProcessesAreKilled: T5. The built ingest, sync and retry are ended by SIGKILL at random moments while events pass.
func TestNothingIsLostOrDoubledWhileProcessesAreKilled(t *testing.T) {
	t.Parallel()
	began := time.Now()
	s := &storm{onAWS: deployed(t, cloud.Paced(time.Now)), want: map[string]money.Cents{}}
	if *seed == 0 {
		*seed = rand.Uint64()
	}
	t.Logf("-seed=%d makes the same events, and chooses alike whom to kill and when", *seed)
	s.random = rand.New(rand.NewPCG(*seed, 5))
	s.prepare()
	ctx, stop := context.WithCancel(t.Context())
	var retrying, posting sync.WaitGroup
	retrying.Go(func() { s.retry(ctx) })
	for _, c := range s.orgs {
		events := s.events(c.Org)
		posting.Go(func() { s.post(ctx, events) })
	}
	byFunction := s.kill(ctx)
	posting.Wait()
	s.rest(ctx)
	stop()
	retrying.Wait()
	s.proof()
	t.Logf("killed: %v; all at rest after %s", byFunction, time.Since(began).Round(time.Second))
	s.replaceSecret()
}

// prepare connects the organisations, and lets a message come again soon after its worker was killed.
func (s *storm) prepare() {
	s.t.Helper()
	for i := range organisations {
		c := org.Config{
			Org: fmt.Sprint("storm-", i), Name: "Storm Funeral Home " + strconv.Itoa(i), Realm: fmt.Sprint("93414537000", i),
			Settings: org.Settings{AutoSync: true, AutoAddToExports: true, ClosedPeriod: org.HoldClosed, TradeCustomer: org.ByDecedent},
		}
		if err := s.Connect(s.t.Context(), c); err != nil {
			s.t.Fatal(fault.Line(err))
		}
		for range eventsOfEach { // the work is done before the delay, or after it
			for _, kind := range []string{"commit_then_delay", "delay"} {
				slow := qbosim.Fault{Realm: c.Realm, Method: http.MethodPost, PathContains: "journalentry", Kind: kind, DelayMS: int(answerAfter.Milliseconds()), Times: 1}
				if err := s.Sim.Script(slow); err != nil {
					s.t.Fatal(err)
				}
			}
		}
		s.orgs = append(s.orgs, c)
		s.watch.Business(c.Name)
	}
	body := fmt.Sprintf(`{"QueueUrl":%q,"Attributes":{"VisibilityTimeout":%q}}`, os.Getenv("QUEUE_URL"), visibility)
	if res, answer := s.call("sqs", "/", "AmazonSQS.SetQueueAttributes", body); res.StatusCode != http.StatusOK {
		s.t.Fatalf("%d %s", res.StatusCode, answer)
	}
}

// events are those of one organisation, in the order in which Passare sends them: payments of ten cases, some of them corrected, some deleted.
func (s *storm) events(organisation string) []string {
	var list []string
	for record := 0; len(list) < eventsOfEach; record++ {
		id, caseID := fmt.Sprint("p", record), fmt.Sprint("c", record%10)
		versions := min(1+s.random.IntN(4), eventsOfEach-len(list))
		for version := 1; version <= versions; version++ {
			amount, verb := money.Cents(100+s.random.IntN(99_900)), "created"
			s.want[organisation+" payment/"+id] = amount
			switch {
			case version > 1 && version == versions && s.random.IntN(4) == 0:
				verb = "deleted"
				s.want[organisation+" payment/"+id] = 0
			case version > 1:
				verb = "updated"
			}
			list = append(list, event(organisation, "payment."+verb, id, version, caseID, fmt.Sprintf(`"method":"cash","date":"2026-03-04","amount":%q`, amount)))
		}
	}
	return list
}

// post sends an organisation's events, spread over the kills, as Passare does: one that was not taken is sent again until it is.
func (s *storm) post(ctx context.Context, events []string) {
	for i, body := range events {
		for s.killed.Load() < int64(i*kills/len(events)) {
			if lease.Pause(ctx, 5*time.Millisecond) != nil {
				return
			}
		}
		for {
			status, answer, err := s.Deliver(ctx, one, []byte(body))
			if err == nil && status < 300 {
				break
			}
			if err == nil && status < 500 || lease.Pause(ctx, 50*time.Millisecond) != nil {
				s.t.Errorf("%d %s %v", status, answer, err)
				return
			}
		}
	}
}

// retry runs the function retry as its schedule does. A run that is killed is followed by the next.
func (s *storm) retry(ctx context.Context) {
	for lease.Pause(ctx, retryEach) == nil {
		s.call("lambda", "/2015-03-31/functions/"+s.stack+"-retry/invocations", "", `{"source":"aws.scheduler"}`)
	}
}

// kill ends processes of the functions, and answers how many of each: one of a function that has just called AWS, so that most are at work, a moment later.
func (s *storm) kill(ctx context.Context) map[string]int {
	byFunction := map[string]int{}
	for s.killed.Load() < kills {
		function := []string{"sync", "sync", "sync", "ingest", "ingest", "retry"}[s.random.IntN(6)]
		running := s.processes(function)
		s.called(ctx, function)
		if err := lease.Pause(ctx, time.Duration(s.random.Int64N(int64(atWork)))); err != nil {
			s.t.Fatal(err)
		}
		if len(running) > 0 && syscall.Kill(running[s.random.IntN(len(running))], syscall.SIGKILL) == nil {
			byFunction[function]++
			s.killed.Add(1)
		}
	}
	return byFunction
}

// called waits until a function calls AWS, but not for ever.
func (s *storm) called(ctx context.Context, function string) {
	calls := func() (n int) {
		for c, times := range s.Tap.Calls() {
			if c.Function == function {
				n += times
			}
		}
		return n
	}
	ctx, cancel := context.WithTimeout(ctx, killWithin)
	defer cancel()
	for before := calls(); calls() == before; {
		if lease.Pause(ctx, time.Millisecond) != nil {
			return
		}
	}
}

// processes are those of a function that run now: of this deployment alone, which its environment tells.
func (s *storm) processes(function string) []int {
	var running []int
	files, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, file := range files {
		raw, err := os.ReadFile(file) // one that has ended meanwhile is none
		if err == nil && bytes.Contains(raw, []byte("AWS_ENDPOINT_URL=http://"+os.Getenv("GATEWAY_LISTEN")+"\x00")) &&
			bytes.Contains(raw, []byte("AWS_LAMBDA_FUNCTION_NAME="+s.stack+"-"+function+"\x00")) {
			pid, _ := strconv.Atoi(strings.Split(file, "/")[2])
			running = append(running, pid)
		}
	}
	slices.Sort(running)
	return running
}

// entries are all of an organisation.
func (s *storm) entries(organisation string) []intlog.Entry {
	s.t.Helper()
	var list []intlog.Entry
	for mark := (intlog.Mark{}); ; {
		page, err := s.Store.List(s.t.Context(), organisation, "all", mark, 200)
		if err != nil {
			s.t.Fatal(fault.Line(err))
		}
		if len(page) == 0 {
			return list
		}
		list, mark = append(list, page...), intlog.MarkOf(page[len(page)-1])
	}
}

// rest waits until no entry is the machine's any more. The deadline ends only a test that has failed.
func (s *storm) rest(ctx context.Context) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(ctx, restWithin)
	defer cancel()
	for {
		var moving []string
		for _, c := range s.orgs {
			for _, e := range s.entries(c.Org) {
				if e.State.Owned() {
					moving = append(moving, fmt.Sprintf("%s %s is %s (%s), due %s, lease %s", c.Org, e.ID(), e.State, e.Why, e.DueAt, e.Lease))
				}
			}
		}
		if len(moving) == 0 {
			return
		}
		if lease.Pause(ctx, time.Second) != nil {
			s.t.Fatalf("%d entries have not come to rest:\n%s", len(moving), strings.Join(moving, "\n"))
		}
	}
}

// proof: every event has its entry; each posting that the log calls posted is in QuickBooks once, and nothing else is; and what each record comes to is what
// its last version says. (The simulator refuses what does not balance.)
func (s *storm) proof() {
	s.t.Helper()
	entries, again, found := 0, 0, 0
	got := map[string]money.Cents{}
	for _, c := range s.orgs {
		ours, theirs := map[string]int{}, map[string]int{}
		for _, e := range s.entries(c.Org) {
			entries++
			if e.State == intlog.Failed {
				s.t.Errorf("%s %s failed: %s", c.Org, e.ID(), e.Why)
			}
			for _, p := range e.Postings {
				if p.QuickBooksID != "" {
					ours[p.QuickBooksID+" "+p.Doc]++
				}
			}
			for _, h := range e.History {
				if h.From == intlog.Claimed && h.To == intlog.Claimed {
					again++
				}
			}
			for _, a := range e.Attempts {
				if strings.HasPrefix(a.Outcome, "Found in QuickBooks") {
					found++
				}
			}
		}
		for _, j := range s.Sim.Journal(c.Realm) {
			theirs[j.ID+" "+j.DocNumber]++
			record, paid := s.paid(j)
			got[record] += paid
		}
		if diff := cmp.Diff(ours, theirs); diff != "" {
			s.t.Errorf("%s: our log (-) and QuickBooks (+):\n%s", c.Org, diff)
		}
	}
	maps.DeleteFunc(s.want, func(record string, _ money.Cents) bool {
		_, posted := got[record]
		return s.want[record] == 0 && !posted
	}) // deleted before it was posted
	if diff := cmp.Diff(s.want, got); diff != "" {
		s.t.Errorf("what each record comes to (-want +got):\n%s", diff)
	}
	if entries != organisations*eventsOfEach {
		s.t.Errorf("%d entries of %d events", entries, organisations*eventsOfEach)
	}
	s.t.Logf("%d events of %d organisations; %d entries were taken over from a killed worker, of which QuickBooks had %d postings", entries, organisations, again, found)
}

// paid reads from an entry of QuickBooks whose record it is, by our mark in its note, and what the family owes less by it.
func (s *storm) paid(j qbosim.JournalEntry) (record string, paid money.Cents) {
	s.t.Helper()
	_, mark, _ := strings.Cut(j.Note, "[passare ")
	words := strings.Fields(mark)
	if len(words) < 2 {
		s.t.Fatalf("an entry without our mark: %+v", j)
	}
	for _, l := range j.Lines {
		if l.Account != s.Golden.Company.Mapping.Roles["accounts_receivable"] {
			continue
		}
		amount, err := money.Parse(l.Amount)
		if err != nil {
			s.t.Fatal(err)
		}
		if l.Side == "Debit" {
			amount = -amount
		}
		paid += amount
	}
	return words[0] + " " + words[1], paid
}

// replaceSecret replaces the secret of Passare's signatures without a gap: both count while both are there, and the function sees that by itself, also
// after a secret that it could not read.
func (s *storm) replaceSecret() {
	s.t.Helper()
	const before, after = local.DemoWebhookSecret, "whsec_dGhlIHNlY3JldCB0aGF0IGNvbWVzIGFmdGVy"
	s.watch.Secret("webhook secret", after)
	put := func(value string) {
		body := fmt.Sprintf(`{"SecretId":%q,"SecretString":%q}`, os.Getenv("SECRET_PREFIX")+"/webhook", value)
		if res, answer := s.call("secretsmanager", "/", "secretsmanager.PutSecretValue", body); res.StatusCode != http.StatusOK {
			s.t.Fatalf("%d %s", res.StatusCode, answer)
		}
	}
	signed := func(secret string) int {
		body, at := []byte(event(s.orgs[0].Org, "payment.created", "signed", 1, "c0", cash)), cloud.Paced(time.Now)()
		signature, err := webhook.Sign(secret, "msg", at, body)
		if err != nil {
			s.t.Fatal(err)
		}
		status, _, err := s.Call(s.t.Context(), http.MethodPost, "/v1/events", http.Header{
			"Content-Type": {one}, "Webhook-Id": {"msg"}, "Webhook-Timestamp": {strconv.FormatInt(at.Unix(), 10)}, "Webhook-Signature": {signature},
		}, body)
		if err != nil {
			s.t.Fatal(err)
		}
		return status
	}
	becomes := func(secret string, taken bool) {
		ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
		defer cancel()
		for (signed(secret) < 300) != taken {
			if lease.Pause(ctx, 100*time.Millisecond) != nil {
				s.t.Fatalf("a delivery that is signed with a secret which is %t", taken)
			}
		}
	}
	put(before + " " + after)
	becomes(after, true)
	if status := signed(before); status >= 300 {
		s.t.Errorf("the one before is refused at once: %d", status)
	}
	put("mistyped") // stops nothing, and is told
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	defer cancel()
	for !slices.ContainsFunc(s.lines("ingest"), func(l string) bool { return strings.Contains(l, "the secret of signatures cannot be read") }) {
		if status := signed(after); status >= 300 || lease.Pause(ctx, 100*time.Millisecond) != nil {
			s.t.Fatalf("while the secret cannot be read: %d", status)
		}
	}
	put(after)
	becomes(before, false)
}
