package porttest

import (
	"context"
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/passare/qbo-sync/internal/org"
)

// PeoplePort keeps what is a person's own: what their calls were answered, and what they have read of the bell.
type PeoplePort interface {
	// Reply reads what a person's call was answered under a key; one that has ended (org.Reply.Ended) may be found or not.
	Reply(ctx context.Context, who org.Person, key string) (r org.Reply, found bool, err error)
	// PutReply keeps an answer; the first one under a key stands until it ends.
	PutReply(ctx context.Context, who org.Person, key string, r org.Reply) error
	// Seen reads what a person has read of the bell; the zero value if nothing.
	Seen(ctx context.Context, who org.Person) (org.Seen, error)
	// PutSeen stores it if the stored one has the revision ifRev, and gives it the next. Errors: fault.Conflict.
	PutSeen(ctx context.Context, who org.Person, seen org.Seen, ifRev int64) error
}

// People runs the suite.
func People(t *testing.T, empty func(*testing.T) PeoplePort) {
	t.Helper()
	for name, f := range map[string]func(*testing.T, PeoplePort){
		"a reply is read as it was kept, byte by byte":                   replyKept,
		"the first reply under a key stands until it ends":               firstReplyStands,
		"of many replies at once one stands":                             replyRace,
		"a reply is one person's, in one organisation, under one key":    replyOfOne,
		"a reply of 380 KB that no compression makes smaller is kept":    largeReply,
		"what is kept of a reply is a copy":                              replyCopied,
		"what was read of the bell changes only from the revision read":  seenByRevision,
		"what was read of the bell is one person's, in one organisation": seenOfOne,
		"as many marks as there may be are kept":                         manySeen,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f(t, empty(t))
		})
	}
}

func person(organisation, subject string) org.Person {
	return org.Person{Subject: subject, Org: organisation}
}

func answered(body string, at time.Time) org.Reply {
	return org.Reply{Hash: "hash", At: at, Status: 202, Header: map[string]string{"Content-Type": "application/json", "ETag": `"2"`}, Body: []byte(body)}
}

func putReply(t *testing.T, s PeoplePort, who org.Person, key string, r org.Reply) {
	t.Helper()
	if err := s.PutReply(t.Context(), who, key, r); err != nil {
		t.Fatal(err)
	}
}

// bodyOf is the body of what is kept under a key; "(none)" when nothing is.
func bodyOf(t *testing.T, s PeoplePort, who org.Person, key string) string {
	t.Helper()
	r, found, err := s.Reply(t.Context(), who, key)
	if err != nil {
		t.Fatal(err)
	}
	if !found {
		return "(none)"
	}
	return string(r.Body)
}

func replyKept(t *testing.T, s PeoplePort) {
	for key, body := range map[string]string{"k1": `{"id":"p1"}` + "\n", "k2": "", "#%/ é": "\x00\xff", strings.Repeat("k", 200): "long"} {
		kept := answered(body, began())
		putReply(t, s, person("a", "ana"), key, kept)
		got, found, err := s.Reply(t.Context(), person("a", "ana"), key)
		if err != nil || !found {
			t.Fatalf("found %t: %v", found, err)
		}
		if len(kept.Body) == 0 && len(got.Body) == 0 {
			got.Body = kept.Body // no body is no body
		}
		same(t, key, kept, got)
	}
}

func firstReplyStands(t *testing.T, s PeoplePort) {
	ana := person("a", "ana")
	putReply(t, s, ana, "k", answered("first", began()))
	putReply(t, s, ana, "k", answered("second", began().Add(org.ReplyLife-time.Second)))
	same(t, "within its life", "first", bodyOf(t, s, ana, "k"))
	putReply(t, s, ana, "k", answered("third", began().Add(org.ReplyLife)))
	same(t, "when it has ended", "third", bodyOf(t, s, ana, "k"))
}

func replyRace(t *testing.T, s PeoplePort) {
	ana := person("a", "ana")
	bodies := make(chan string, 50)
	for i := range 50 {
		bodies <- fmt.Sprint("body ", i)
	}
	race(50, func() bool { return s.PutReply(t.Context(), ana, "k", answered(<-bodies, began())) == nil })
	first := bodyOf(t, s, ana, "k")
	putReply(t, s, ana, "k", answered("late", began()))
	if again := bodyOf(t, s, ana, "k"); again != first || first == "(none)" {
		t.Errorf("%q stands, then %q", first, again)
	}
}

func replyOfOne(t *testing.T, s PeoplePort) {
	putReply(t, s, person("a", "ana"), "k", answered("hers", began()))
	for _, x := range [][3]string{{"b", "ana", "k"}, {"a", "ben", "k"}, {"a", "ana", "K"}, {"a#P", "ana", "k"}, {"a", "ana#reply", "k"}} {
		same(t, fmt.Sprint(x), "(none)", bodyOf(t, s, person(x[0], x[1]), x[2]))
	}
}

func largeReply(t *testing.T, s PeoplePort) {
	var body []byte
	for block := sha256.Sum256(nil); len(body) < 380<<10; block = sha256.Sum256(block[:]) {
		body = append(body, block[:]...)
	}
	putReply(t, s, person("a", "ana"), "k", answered(string(body), began()))
	if got := bodyOf(t, s, person("a", "ana"), "k"); got != string(body) {
		t.Errorf("%d bytes came back as %d", len(body), len(got))
	}
}

func replyCopied(t *testing.T, s PeoplePort) {
	ana := person("a", "ana")
	r := answered("body", began())
	putReply(t, s, ana, "k", r)
	r.Body[0], r.Header["ETag"] = 'B', "changed"
	got, _, err := s.Reply(t.Context(), ana, "k")
	if err != nil {
		t.Fatal(err)
	}
	got.Body[1], got.Header["Content-Type"] = 'O', "changed"
	again, _, err := s.Reply(t.Context(), ana, "k")
	same(t, "kept", answered("body", began()), again)
	same(t, "error", nil, err)
}

func seenByRevision(t *testing.T, s PeoplePort) {
	ana := person("a", "ana")
	none := ok(s.Seen(t.Context(), ana))(t)
	same(t, "nothing", int64(0), none.Rev)
	first := org.Seen{}.With("n1", began()).WithAll(began().Add(-time.Hour))
	if err := s.PutSeen(t.Context(), ana, first, 0); err != nil {
		t.Fatal(err)
	}
	conflicts(t, "a second first", s.PutSeen(t.Context(), ana, first, 0))
	stored := ok(s.Seen(t.Context(), ana))(t)
	first.Rev = stored.Rev
	same(t, "read back", first, stored)
	wins := race(50, func() bool { return s.PutSeen(t.Context(), ana, stored.With("n2", began()), stored.Rev) == nil })
	if wins != 1 {
		t.Errorf("%d of 50 won", wins)
	}
	after := ok(s.Seen(t.Context(), ana))(t)
	if after.Rev != stored.Rev+1 || !after.Has("n2", began()) || !after.Has("n1", began()) {
		t.Errorf("%+v", after)
	}
	conflicts(t, "an older revision", s.PutSeen(t.Context(), ana, first, stored.Rev))
}

func seenOfOne(t *testing.T, s PeoplePort) {
	if err := s.PutSeen(t.Context(), person("a", "ana"), org.Seen{All: began()}, 0); err != nil {
		t.Fatal(err)
	}
	for _, who := range []org.Person{person("b", "ana"), person("a", "ben"), person("a#P", "ana")} {
		same(t, who.Org+" "+who.Subject, org.Seen{}, ok(s.Seen(t.Context(), who))(t))
	}
}

func manySeen(t *testing.T, s PeoplePort) {
	seen := org.Seen{}
	for i := range org.MaxSeen {
		sum := sha256.Sum256([]byte{byte(i), byte(i >> 8)})
		seen = seen.With(fmt.Sprintf("%x", sum[:16]), began().Add(time.Duration(i)*time.Second))
	}
	if err := s.PutSeen(t.Context(), person("a", "ana"), seen, 0); err != nil {
		t.Fatal(err)
	}
	seen.Rev = 1
	same(t, "kept", seen, ok(s.Seen(t.Context(), person("a", "ana")))(t))
}
