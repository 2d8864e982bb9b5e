package porttest

import (
	"crypto/sha256"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/reconcile"
)

// Papers runs the suite.
func Papers(t *testing.T, empty func(*testing.T) reconcile.Papers) {
	t.Helper()
	for name, f := range map[string]func(*testing.T, reconcile.Papers){
		"a paper is read as it was put, byte by byte":                              paperKept,
		"papers are read in the order in which they are asked for, each once":      papersInOrder,
		"a paper changes only from the revision that was read":                     paperByRevision,
		"of many who change a paper at once one wins, and it is open as they said": paperRace,
		"of many who make a paper at once one wins":                                newPaperRace,
		"papers are listed by their ids, after one, and not more than asked for":   papersListed,
		"ids are in the order of their bytes, whatever is in them":                 oddPapers,
		"a paper that is closed leaves the open ones, and comes back":              papersOpen,
		"a paper that is dropped is nowhere, and can be made again":                papersDropped,
		"a paper is of one kind, of one company, of one organisation":              paperOfOne,
		"many papers are listed page by page":                                      manyPapers,
		"a thousand papers are read at once":                                       thousandPapers,
		"a paper of 380 KB that no compression makes smaller is kept":              largePaper,
		"what goes in and comes out of a paper is copied":                          paperCopied,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f(t, empty(t))
		})
	}
}

// books is the company whose papers most of these tests make.
func books() org.Company { return org.Company{Org: "a", Realm: "1"} }

func paper(id string, open bool) reconcile.Paper {
	return reconcile.Paper{Kind: "difference", ID: id, Open: open, Body: []byte(`{"id":"` + id + `"}`)}
}

func putPaper(t *testing.T, s reconcile.Papers, p reconcile.Paper) reconcile.Paper {
	t.Helper()
	stored := ok(s.PutPaper(t.Context(), books(), p))(t)
	p.Rev++
	same(t, "the stored one", p, stored)
	return stored
}

// refused puts a paper that must be told of another.
func refused(t *testing.T, s reconcile.Papers, what string, p reconcile.Paper) {
	t.Helper()
	_, err := s.PutPaper(t.Context(), books(), p)
	conflicts(t, what, err)
}

func readPapers(t *testing.T, s reconcile.Papers, ids ...string) []reconcile.Paper {
	t.Helper()
	return ok(s.Papers(t.Context(), books(), "difference", ids))(t)
}

// listed is the ids of all papers, or of the open ones, read in pages of this size.
func listed(t *testing.T, s reconcile.Papers, page int, open bool) []string {
	t.Helper()
	all := []string{}
	for after := ""; ; {
		list := ok(s.ListPapers(t.Context(), books(), "difference", after, page, open))(t)
		if len(list) > page {
			t.Fatalf("%d papers on a page of %d", len(list), page)
		}
		for _, p := range list {
			all = append(all, p.ID)
			if open && !p.Open {
				t.Errorf("%q is closed", p.ID)
			}
		}
		if len(list) < page {
			return all
		}
		after = list[len(list)-1].ID
	}
}

// shelved checks what is listed: all papers, and the open ones.
func shelved(t *testing.T, s reconcile.Papers, what string, all, open []string) {
	t.Helper()
	same(t, what, all, listed(t, s, 100, false))
	same(t, what+": open", open, listed(t, s, 100, true))
}

func paperKept(t *testing.T, s reconcile.Papers) {
	for id, body := range map[string]string{"p1": `{"a":[1,2]}` + "\n", "p2": "", "p3": "\x00\xff", "p4": strings.Repeat("{}", 10_000)} {
		for _, open := range []bool{false, true} {
			p := reconcile.Paper{Kind: "difference", ID: fmt.Sprint(id, open), Open: open, Body: []byte(body)}
			stored := putPaper(t, s, p)
			list := readPapers(t, s, p.ID)
			if len(list) != 1 {
				t.Fatalf("%d papers", len(list))
			}
			if len(body) == 0 && len(list[0].Body) == 0 {
				list[0].Body = stored.Body // no body is no body
			}
			same(t, p.ID, stored, list[0])
			page := ok(s.ListPapers(t.Context(), books(), "difference", "", 100, open))(t)
			at := slices.IndexFunc(page, func(x reconcile.Paper) bool { return x.ID == p.ID })
			if at < 0 || string(page[at].Body) != body || page[at].Rev != 1 {
				t.Errorf("%s is number %d of the list: %+v", p.ID, at, page)
			}
		}
	}
}

func papersInOrder(t *testing.T, s reconcile.Papers) {
	var want []reconcile.Paper
	for _, id := range []string{"b", "c", "a"} {
		want = append(want, putPaper(t, s, paper(id, id == "c")))
	}
	same(t, "as asked for", want, readPapers(t, s, "b", "none", "c", "b", "a", strings.Repeat("x", 3000)))
	for name, ids := range map[string][]string{"none that is there": {"none"}, "none": {}} {
		if list := readPapers(t, s, ids...); len(list) > 0 {
			t.Errorf("%s: %+v", name, list)
		}
	}
}

func paperByRevision(t *testing.T, s reconcile.Papers) {
	for _, open := range []bool{false, true} {
		p := paper(fmt.Sprint("p", open), open)
		p.Rev = 1
		refused(t, s, "a revision of what is not there", p)
		if list := readPapers(t, s, p.ID); len(list) > 0 {
			t.Errorf("refused, and stored: %+v", list)
		}
		p.Rev = 0
		first := putPaper(t, s, p)
		p.Body = []byte("other")
		refused(t, s, "a second first", p)
		second := first
		second.Body = []byte("second")
		second = putPaper(t, s, second)
		for _, older := range []bool{open, !open} { // whether it would open it, close it, or neither
			p := first
			p.Open, p.Body = older, []byte("lost")
			refused(t, s, "an older revision", p)
			p.Rev = 0
			refused(t, s, "none", p)
			p.Rev = 9
			refused(t, s, "a later one", p)
		}
		same(t, "nothing is lost", []reconcile.Paper{second}, readPapers(t, s, p.ID))
	}
	shelved(t, s, "listed", []string{"pfalse", "ptrue"}, []string{"ptrue"})
}

func paperRace(t *testing.T, s reconcile.Papers) {
	for _, was := range []bool{false, true} {
		p := putPaper(t, s, paper(fmt.Sprint("p", was), was))
		next := make(chan reconcile.Paper, 50)
		for i := range 50 {
			x := p
			x.Open, x.Body = i%2 == 0, []byte(fmt.Sprint(i))
			next <- x
		}
		winners := make(chan reconcile.Paper, 50)
		wins := race(50, func() bool {
			stored, err := s.PutPaper(t.Context(), books(), <-next)
			if err == nil {
				winners <- stored
			}
			return err == nil
		})
		if wins != 1 {
			t.Fatalf("%d won", wins)
		}
		won := <-winners
		same(t, "the winner's", []reconcile.Paper{won}, readPapers(t, s, p.ID))
		if open := slices.Contains(listed(t, s, 100, true), p.ID); open != won.Open {
			t.Errorf("listed as open: %t, want %t", open, won.Open)
		}
	}
}

func newPaperRace(t *testing.T, s reconcile.Papers) {
	open := make(chan bool, 50)
	for i := range 50 {
		open <- i%2 == 0
	}
	wins := race(50, func() bool {
		_, err := s.PutPaper(t.Context(), books(), paper("p", <-open))
		return err == nil
	})
	list := readPapers(t, s, "p")
	if wins != 1 || len(list) != 1 || list[0].Rev != 1 {
		t.Fatalf("%d won: %+v", wins, list)
	}
	same(t, "listed as open", list[0].Open, len(listed(t, s, 100, true)) == 1)
}

func papersListed(t *testing.T, s reconcile.Papers) {
	shelved(t, s, "none", []string{}, []string{})
	for _, id := range []string{"d", "b", "e", "a", "c"} {
		putPaper(t, s, paper(id, id > "b"))
	}
	for _, x := range []struct {
		after string
		limit int
		open  bool
		want  string
	}{
		{"", 2, false, "ab"},
		{"b", 2, false, "cd"},
		{"d", 2, false, "e"},
		{"e", 2, false, ""},
		{"", 100, false, "abcde"},
		{"bb", 1, false, "c"},
		{"", 0, false, ""},
		{"", 2, true, "cd"},
		{"a", 2, true, "cd"},
		{"d", 2, true, "e"},
		{"e", 2, true, ""},
		{"", 100, true, "cde"},
		{"cc", 1, true, "d"},
		{"", 0, true, ""},
	} {
		got := ""
		for _, p := range ok(s.ListPapers(t.Context(), books(), "difference", x.after, x.limit, x.open))(t) {
			got += p.ID
			same(t, "whole", `{"id":"`+p.ID+`"}`, string(p.Body))
		}
		same(t, fmt.Sprintf("%d after %q, open %t", x.limit, x.after, x.open), x.want, got)
	}
}

// oddIDs are ids that a key might be made of wrongly, in the order of their bytes.
func oddIDs() []string {
	ids := []string{
		" ", "#", "##", "%", "%23", "%25", "a", "a ", "a#", "a#b", "a$", "a%", "a%23", "a%23b", "a&", "a/b", "ab", "a\x00", "difference", "difference#a", "open", "open#difference#a",
		"payment/p1/2", "~", "\u007f", "é", "e\u0301", "語", "日本", "\ue000", "\uffff", "😀", "\U0010fffd", strings.Repeat("long", 225), strings.Repeat("é", 450),
	}
	slices.Sort(ids)
	return ids
}

func oddPapers(t *testing.T, s reconcile.Papers) {
	all, open := oddIDs(), []string{}
	for i, id := range slices.Backward(all) {
		putPaper(t, s, paper(id, i%2 == 0))
	}
	for i, id := range all {
		if i%2 == 0 {
			open = append(open, id)
		}
	}
	for _, page := range []int{1, 7, 100} {
		same(t, fmt.Sprint("pages of ", page), all, listed(t, s, page, false))
		same(t, fmt.Sprint("open, pages of ", page), open, listed(t, s, page, true))
	}
	var read []string
	for _, p := range readPapers(t, s, all...) {
		read = append(read, p.ID)
		same(t, "its own", `{"id":"`+p.ID+`"}`, string(p.Body))
	}
	same(t, "read", all, read)
}

func papersOpen(t *testing.T, s reconcile.Papers) {
	a, b := putPaper(t, s, paper("a", true)), putPaper(t, s, paper("b", false))
	both := []string{"a", "b"}
	shelved(t, s, "as made", both, []string{"a"})
	a.Body = []byte("{}")
	a = putPaper(t, s, a)
	shelved(t, s, "changed", both, []string{"a"})
	a.Open = false
	a = putPaper(t, s, a)
	shelved(t, s, "closed", both, []string{})
	a.Body = []byte(`{"x":1}`)
	a = putPaper(t, s, a)
	shelved(t, s, "changed when it is closed", both, []string{})
	a.Open, b.Open = true, true
	a, b = putPaper(t, s, a), putPaper(t, s, b)
	shelved(t, s, "opened", both, both)
	same(t, "read", []reconcile.Paper{a, b}, readPapers(t, s, both...))
	same(t, "listed", []reconcile.Paper{a, b}, ok(s.ListPapers(t.Context(), books(), "difference", "", 100, true))(t))
}

func papersDropped(t *testing.T, s reconcile.Papers) {
	drop := func(id string) {
		t.Helper()
		if err := s.DropPaper(t.Context(), books(), "difference", id); err != nil {
			t.Fatal(err)
		}
	}
	was := map[string]reconcile.Paper{}
	for _, id := range []string{"a", "b", "c", "d"} {
		was[id] = putPaper(t, s, paper(id, id < "c"))
	}
	for _, id := range []string{"a", "c", "c", "none", strings.Repeat("x", 3000)} {
		drop(id)
	}
	shelved(t, s, "left", []string{"b", "d"}, []string{"b"})
	same(t, "read", []reconcile.Paper{was["b"], was["d"]}, readPapers(t, s, "a", "b", "c", "d"))
	for _, id := range []string{"a", "c"} {
		refused(t, s, "a revision of what was dropped", was[id])
	}
	putPaper(t, s, paper("a", false))
	putPaper(t, s, paper("c", true))
	shelved(t, s, "made again", []string{"a", "b", "c", "d"}, []string{"b", "c"})
}

func paperOfOne(t *testing.T, s reconcile.Papers) {
	ctx := t.Context()
	mine := putPaper(t, s, paper("x", true))
	type place struct {
		at   org.Company
		kind string
	}
	places := []place{
		{books(), "Difference"},
		{books(), "differ"},
		{books(), "difference#x"},
		{books(), "difference#"},
		{books(), "difference$"},
		{books(), "open"},
		{books(), ""},
		{org.Company{Org: "a", Realm: "11"}, "difference"},
		{org.Company{Org: "a", Realm: "1#open"}, "difference"},
		{org.Company{Org: "a"}, "difference"},
		{org.Company{Org: "b", Realm: "1"}, "difference"},
		{org.Company{Org: "a#proof#1"}, "difference"},
		{org.Company{Org: "a%23proof", Realm: "1"}, "difference"},
	}
	list := func(p place, open bool) []reconcile.Paper {
		return ok(s.ListPapers(ctx, p.at, p.kind, "", 100, open))(t)
	}
	for _, p := range places {
		if n := len(ok(s.Papers(ctx, p.at, p.kind, []string{"x"}))(t)) + len(list(p, false)) + len(list(p, true)); n > 0 {
			t.Errorf("%+v has it: %d", p, n)
		}
	}
	for i, p := range places {
		_ = ok(s.PutPaper(ctx, p.at, reconcile.Paper{Kind: p.kind, ID: "x", Open: true, Body: []byte(fmt.Sprint(i))}))(t)
	}
	for i, p := range places {
		want := []reconcile.Paper{{Kind: p.kind, ID: "x", Rev: 1, Open: true, Body: []byte(fmt.Sprint(i))}}
		what := fmt.Sprintf("%+v", p)
		same(t, what, want, ok(s.Papers(ctx, p.at, p.kind, []string{"x"}))(t))
		same(t, what, want, list(p, false))
		same(t, what, want, list(p, true))
		if err := s.DropPaper(ctx, p.at, p.kind, "x"); err != nil {
			t.Fatal(err)
		}
	}
	same(t, "the first", []reconcile.Paper{mine}, readPapers(t, s, "x"))
	shelved(t, s, "the first", []string{"x"}, []string{"x"})
}

// fill makes papers, of which every tenth is open, some at once.
func fill(t *testing.T, s reconcile.Papers, n int) (all, open []string) {
	t.Helper()
	ids := make(chan string, n)
	for i := range n {
		id := fmt.Sprintf("p%05d", i)
		all = append(all, id)
		if strings.HasSuffix(id, "0") {
			open = append(open, id)
		}
		ids <- id
	}
	close(ids)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for id := range ids {
				if _, err := s.PutPaper(t.Context(), books(), paper(id, strings.HasSuffix(id, "0"))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	return all, open
}

func manyPapers(t *testing.T, s reconcile.Papers) {
	all, open := fill(t, s, 2500)
	for _, page := range []int{100, 1000, math.MaxInt32} {
		same(t, fmt.Sprint("pages of ", page), all, listed(t, s, page, false))
		same(t, fmt.Sprint("open, pages of ", page), open, listed(t, s, page, true))
	}
}

func thousandPapers(t *testing.T, s reconcile.Papers) {
	ids, _ := fill(t, s, 1000)
	slices.Reverse(ids)
	var read []string
	for _, p := range readPapers(t, s, ids...) {
		read = append(read, p.ID)
	}
	same(t, "read", ids, read)
}

func largePaper(t *testing.T, s reconcile.Papers) {
	p := paper("p", true)
	p.Body = nil
	for block := sha256.Sum256(nil); len(p.Body) < 380<<10; block = sha256.Sum256(block[:]) {
		p.Body = append(p.Body, block[:]...)
	}
	stored := ok(s.PutPaper(t.Context(), books(), p))(t)
	list := readPapers(t, s, "p")
	if len(list) != 1 || string(list[0].Body) != string(p.Body) || string(stored.Body) != string(p.Body) {
		t.Errorf("%d bytes came back otherwise", len(p.Body))
	}
}

func paperCopied(t *testing.T, s reconcile.Papers) {
	p := paper("p", true)
	stored := ok(s.PutPaper(t.Context(), books(), p))(t)
	p.Body[0], stored.Body[1] = 'X', 'X'
	want := paper("p", true)
	want.Rev = 1
	got := readPapers(t, s, "p")
	same(t, "kept", []reconcile.Paper{want}, got)
	got[0].Body[0] = 'X'
	list := ok(s.ListPapers(t.Context(), books(), "difference", "", 1, true))(t)
	same(t, "listed", []reconcile.Paper{want}, list)
	list[0].Body[0] = 'X'
	same(t, "kept", []reconcile.Paper{want}, readPapers(t, s, "p"))
}
