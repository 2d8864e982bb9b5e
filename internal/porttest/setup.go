package porttest

import (
	"fmt"
	"testing"
	"time"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/org"
)

// version is a mapping of roles and branches, as somebody saved it.
func version(n int64, account string) org.MappingVersion {
	return org.MappingVersion{
		Mapping: org.Mapping{
			Version: n, Roles: map[org.Role]string{org.AccountsReceivable: account}, GL: map[string]string{"4000": "50"},
			Branches: map[string]org.BranchPlace{"main": {Class: "2", Location: "1"}},
		},
		At: began().Add(time.Duration(n) * time.Minute), Who: "Ana", Changes: []org.Changed{{Field: "roles.accounts_receivable", To: account, ToName: "A/R"}},
	}
}

func settingsChange(v int64) org.SettingsChange {
	return org.SettingsChange{Version: v, At: began().Add(time.Duration(v) * time.Minute), Who: "Ana", Fields: []org.Changed{{Field: "auto_sync", From: "false", To: "true"}}}
}

func reconfigured(t *testing.T, s StorePort) {
	ctx := t.Context()
	one := org.Company{Org: "a", Realm: "1"}
	c := ok(s.Reconfigure(ctx, org.Config{Org: "a", Realm: "1", Mapping: version(1, "84").Mapping}, 0, org.Kept{Mappings: []org.MappingVersion{version(1, "84")}}))(t)
	same(t, "stored", c, ok(s.Config(ctx, "a"))(t))
	if err := s.Broken(ctx, "a", 0, began()); err != nil {
		t.Fatal(err)
	}
	c.Sweeps = []time.Time{began()}
	next := ok(s.Reconfigure(ctx, c, c.Version, org.Kept{Settings: []org.SettingsChange{settingsChange(c.Version + 1)}}))(t)
	if next.Version != c.Version+1 || !next.BrokenSince.Equal(began()) {
		t.Errorf("version %d after %d; what the machine noted is %s", next.Version, c.Version, next.BrokenSince)
	}
	becomes(t, "its sweeps", []string{"a"}, func() []string { return ok(s.ConfigSweeps(ctx, began(), 10))(t) })
	stored, err := s.Reconfigure(ctx, c, c.Version, org.Kept{Settings: []org.SettingsChange{settingsChange(9)}, Mappings: []org.MappingVersion{version(9, "1")}})
	conflicts(t, "an older version", err)
	same(t, "the stored one", next.Version, stored.Version)
	if _, found, err := s.MappingVersion(ctx, one, 9); found || err != nil {
		t.Errorf("a change that was refused is kept: %v", err)
	}
	becomes(t, "what is kept of the changes", []org.SettingsChange{settingsChange(2)}, func() []org.SettingsChange { return ok(s.SettingsChanges(ctx, "a", 10))(t) })
	same(t, "read back", next, ok(s.Config(ctx, "a"))(t))
}

func reconfigureRace(t *testing.T, s StorePort) {
	c := ok(s.PutConfig(t.Context(), org.Config{Org: "a", Realm: "1"}, 0))(t)
	wins := race(20, func() bool {
		_, err := s.Reconfigure(t.Context(), c, c.Version, org.Kept{Settings: []org.SettingsChange{settingsChange(2)}})
		return err == nil
	})
	if wins != 1 {
		t.Errorf("%d won", wins)
	}
	becomes(t, "kept once", 1, func() int { return len(ok(s.SettingsChanges(t.Context(), "a", 10))(t)) })
}

func settingsChanges(t *testing.T, s StorePort) {
	ctx := t.Context()
	for v := range int64(12) {
		_ = ok(s.Reconfigure(ctx, org.Config{Org: "a", Realm: "1"}, v, org.Kept{Settings: []org.SettingsChange{settingsChange(v + 1)}}))(t)
	}
	read := func(id string, limit int) func() []int64 {
		return func() []int64 {
			versions := []int64{}
			for _, x := range ok(s.SettingsChanges(ctx, id, limit))(t) {
				versions = append(versions, x.Version)
			}
			return versions
		}
	}
	becomes(t, "newest first", []int64{12, 11, 10}, read("a", 3))
	becomes(t, "all", []int64{12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1}, read("a", 100))
	becomes(t, "another organisation's", []int64{}, read("b", 10))
}

func mappingVersions(t *testing.T, s StorePort) {
	ctx := t.Context()
	at := func(id, realm string) org.Company { return org.Company{Org: id, Realm: realm} }
	for v := range int64(11) {
		_ = ok(s.Reconfigure(ctx, org.Config{Org: "a", Realm: "1"}, v, org.Kept{Mappings: []org.MappingVersion{version(v+1, fmt.Sprint(v))}}))(t)
	}
	_ = ok(s.Reconfigure(ctx, org.Config{Org: "a", Realm: "11"}, 11, org.Kept{Mappings: []org.MappingVersion{version(12, "x"), version(13, "y")}}))(t)
	read := func(company org.Company, before int64, limit int) func() []int64 {
		return func() []int64 {
			versions := []int64{}
			for _, x := range ok(s.MappingVersions(ctx, company, before, limit))(t) {
				versions = append(versions, x.Mapping.Version)
			}
			return versions
		}
	}
	becomes(t, "newest first", []int64{11, 10, 9}, read(at("a", "1"), 0, 3))
	becomes(t, "the next page", []int64{8, 7, 6}, read(at("a", "1"), 9, 3))
	becomes(t, "the last page", []int64{1}, read(at("a", "1"), 2, 3))
	becomes(t, "another company's", []int64{13, 12}, read(at("a", "11"), 0, 10))
	becomes(t, "another organisation's", []int64{}, read(at("b", "1"), 0, 10))
	m, found, err := s.MappingVersion(ctx, at("a", "1"), 10)
	if !found || err != nil {
		t.Fatalf("found %t, %v", found, err)
	}
	same(t, "whole", version(10, "9"), m)
	for _, other := range []org.Company{at("a", "11"), at("b", "1")} {
		if _, found, err := s.MappingVersion(ctx, other, 10); found || err != nil {
			t.Errorf("%+v has it: %v", other, err)
		}
	}
	again := version(11, "other")
	_ = ok(s.Reconfigure(ctx, org.Config{Org: "a", Realm: "1"}, 12, org.Kept{Mappings: []org.MappingVersion{again}}))(t)
	becomes(t, "one that is kept again is kept once", []int64{11, 10}, read(at("a", "1"), 0, 2))
}

func listings(t *testing.T, s StorePort) {
	ctx := t.Context()
	at := org.Company{Org: "a", Realm: "1"}
	if _, found, err := s.Listing(ctx, at, journal.AccountList); found || err != nil {
		t.Errorf("one that was never read: %t %v", found, err)
	}
	accounts := journal.Listing{
		List: journal.AccountList, ReadAt: began(),
		Accounts: []journal.Account{{ID: "84", Name: "A/R", FullyQualifiedName: "A/R", Type: "Accounts Receivable", SubType: "AccountsReceivable", Number: "1200", Active: true}},
	}
	classes := journal.Listing{List: journal.ClassList, ReadAt: began(), Segments: []journal.Segment{{ID: "2", Name: "Main", FullyQualifiedName: "Main"}}}
	put := func(at org.Company, l journal.Listing) {
		t.Helper()
		if err := s.PutListing(ctx, at, l); err != nil {
			t.Fatal(err)
		}
	}
	read := func(at org.Company, list journal.List) func() journal.Listing {
		return func() journal.Listing {
			l, _, err := s.Listing(ctx, at, list)
			return ok(l, err)(t)
		}
	}
	put(at, accounts)
	put(at, classes)
	becomes(t, "accounts", accounts, read(at, journal.AccountList))
	becomes(t, "classes", classes, read(at, journal.ClassList))
	newer := accounts
	newer.ReadAt, newer.Accounts = began().Add(time.Minute), []journal.Account{{ID: "85"}}
	put(at, newer)
	put(at, accounts)
	becomes(t, "an older reading does not replace a newer one", newer, read(at, journal.AccountList))
	for _, other := range []org.Company{{Org: "a", Realm: "2"}, {Org: "b", Realm: "1"}} {
		if _, found, err := s.Listing(ctx, other, journal.AccountList); found || err != nil {
			t.Errorf("%+v has it: %v", other, err)
		}
	}
	for _, none := range []org.Company{{Org: "a"}, {Realm: "1"}} {
		if err := s.PutListing(ctx, none, accounts); !fault.Is(err, fault.Invalid) {
			t.Errorf("a list of no company: %v", err)
		}
	}
}

func freeings(t *testing.T, s StorePort) {
	ctx := t.Context()
	asked := org.Freeing{Pending: true, Before: began(), By: "Ana"}
	c := org.Config{Org: "a", Realm: "1", Freeing: &asked, Sweeps: []time.Time{began().Add(time.Minute), began().Add(time.Hour)}}
	_ = ok(s.Reconfigure(ctx, c, 0, org.Kept{}))(t)
	asked.By = "changed by its caller"
	want := org.Freeing{Pending: true, Before: began(), By: "Ana"}
	freeing := func() *org.Freeing { return ok(s.Config(ctx, "a"))(t).Freeing }
	same(t, "stored", &want, freeing())
	if err := s.ConfigSwept(ctx, "a", began().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	same(t, "after the first sweep", &want, freeing())
	if err := s.ConfigSwept(ctx, "a", began().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if left := freeing(); left != nil {
		t.Errorf("after the last sweep: %+v", left)
	}
}
