package qbo_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/journal"
)

func TestAListIsReadWholeInactiveOnesIncluded(t *testing.T) {
	t.Parallel()
	for list, entity := range map[journal.List]string{journal.AccountList: "Account", journal.ClassList: "Class", journal.DepartmentList: "Department"} {
		t.Run(string(list), func(t *testing.T) {
			t.Parallel()
			var statements []string
			c, _ := client(t, func(w http.ResponseWriter, r *http.Request) {
				raw, _ := io.ReadAll(r.Body)
				statements = append(statements, string(raw))
				row := `{"Id":"7","Name":"N","FullyQualifiedName":"P:N","AccountType":"Bank","AccountSubType":"Checking","AcctNum":"1010","Active":false}`
				rows := row
				if strings.Contains(string(raw), "startposition 1 ") {
					rows = strings.Repeat(row+",", 999) + row
				}
				_, _ = fmt.Fprintf(w, `{"QueryResponse":{%q:[%s]}}`, entity, rows)
			})
			l, err := c.Listing(t.Context(), at("o"), list)
			if err != nil || l.List != list || l.ReadAt.IsZero() {
				t.Fatalf("%+v, %v", l, err)
			}
			want := []string{
				"select * from " + entity + " where Active in (true, false) startposition 1 maxresults 1000",
				"select * from " + entity + " where Active in (true, false) startposition 1001 maxresults 1000",
			}
			if diff := cmp.Diff(want, statements); diff != "" {
				t.Error(diff)
			}
			if list == journal.AccountList {
				want := journal.Account{ID: "7", Name: "N", FullyQualifiedName: "P:N", Type: "Bank", SubType: "Checking", Number: "1010"}
				if len(l.Accounts) != 1001 || l.Accounts[1000] != want || l.Segments != nil {
					t.Errorf("%d accounts, %d others", len(l.Accounts), len(l.Segments))
				}
			} else if len(l.Segments) != 1001 || l.Segments[1000] != (journal.Segment{ID: "7", Name: "N", FullyQualifiedName: "P:N"}) || l.Accounts != nil {
				t.Errorf("%d accounts, %d others", len(l.Accounts), len(l.Segments))
			}
		})
	}
	c, _ := client(t, func(http.ResponseWriter, *http.Request) { t.Error("it was asked for") })
	if _, err := c.Listing(t.Context(), at("o"), "items"); !fault.Is(err, fault.Invalid) {
		t.Errorf("a list that there is not: %v", err)
	}
}

func TestAListCanWaitWhenTheMonthsReadsAreNearlyUsedUp(t *testing.T) {
	t.Parallel()
	for _, list := range []journal.List{journal.AccountList, journal.ClassList, journal.DepartmentList} {
		m := meter(t, 100, nil)
		m.spend(t, 90)
		if _, err := m.client.Listing(t.Context(), at("willow"), list); !fault.Is(err, fault.Throttled) || m.sent != 0 {
			t.Errorf("%s: %d requests, %v", list, m.sent, err)
		}
	}
}
