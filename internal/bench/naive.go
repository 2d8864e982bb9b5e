package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/passare/qbo-sync/internal/lease"
)

// Payment is what a naive connector posts.
type Payment struct {
	Doc, Customer, Amount string
	Debit, Credit         string // ids of accounts
}

// Naive is the connector that most integrations are: for each payment it looks up the customer by name and creates it if it is missing, looks up the entry by its
// number, posts it, reads it back, and marks it. A call that fails is tried again with the whole payment, at most MaxTries times; after a 429 it
// waits the minute that Intuit asks for, alone, and in a pool with a back-off that grows.
type Naive struct {
	Web     *http.Client
	Base    string                                    // address, with the realm
	Token   func(ctx context.Context) (string, error) // of an hour; renewed in time
	Workers int                                       // 1: one payment after the other
	Random  *rand.Rand

	mu     sync.Mutex
	marked map[string]bool
}

// MaxTries is how often a payment is tried.
const MaxTries = 8

var errPace = errors.New("429")

// Post posts payments and answers how many it could not.
func (n *Naive) Post(ctx context.Context, payments []Payment) (given int) {
	n.marked = map[string]bool{}
	work := make(chan Payment)
	var done sync.WaitGroup
	var up sync.Mutex
	for range n.Workers {
		done.Go(func() {
			for p := range work {
				if !n.persist(ctx, p) {
					up.Lock()
					given++
					up.Unlock()
				}
			}
		})
	}
	for _, p := range payments {
		work <- p
	}
	close(work)
	done.Wait()
	return given
}

// persist tries a payment until it is marked.
func (n *Naive) persist(ctx context.Context, p Payment) bool {
	pause := time.Second
	for range MaxTries {
		err := n.post(ctx, p)
		if err == nil {
			return true
		}
		wait := pause
		if errors.Is(err, errPace) && n.Workers == 1 {
			wait = time.Minute
		}
		n.mu.Lock()
		wait += time.Duration(n.Random.Int64N(int64(time.Second)))
		n.mu.Unlock()
		if lease.Pause(ctx, wait) != nil {
			return false
		}
		pause = min(2*pause, time.Minute)
	}
	return false
}

func (n *Naive) post(ctx context.Context, p Payment) error {
	customer, err := n.find(ctx, "Customer", "DisplayName", p.Customer)
	if err == nil && customer == "" {
		customer, err = n.create(ctx, "customer", "Customer", map[string]any{"DisplayName": p.Customer})
	}
	if err != nil {
		return err
	}
	id, err := n.find(ctx, "JournalEntry", "DocNumber", p.Doc)
	if err == nil && id == "" {
		id, err = n.create(ctx, "journalentry", "JournalEntry", entry(p, customer))
	}
	if err != nil {
		return err
	}
	if _, err := n.call(ctx, http.MethodGet, "journalentry/"+id, "", nil); err != nil {
		return err
	}
	n.mu.Lock()
	n.marked[p.Doc] = true
	n.mu.Unlock()
	return nil
}

func entry(p Payment, customer string) map[string]any {
	line := func(side, account string) map[string]any {
		return map[string]any{"Amount": json.Number(p.Amount), "DetailType": "JournalEntryLineDetail", "JournalEntryLineDetail": map[string]any{
			"PostingType": side, "AccountRef": map[string]string{"value": account},
			"Entity": map[string]any{"Type": "Customer", "EntityRef": map[string]string{"value": customer}},
		}}
	}
	return map[string]any{"DocNumber": p.Doc, "TxnDate": "2026-03-04", "Line": []any{line("Debit", p.Debit), line("Credit", p.Credit)}}
}

// find asks for an object by a field and answers its id; empty if there is none.
func (n *Naive) find(ctx context.Context, entity, field, value string) (string, error) {
	raw, err := n.call(ctx, http.MethodPost, "query", "application/text", fmt.Appendf(nil, "select * from %s where %s = '%s'", entity, field, strings.ReplaceAll(value, "'", `\'`)))
	if err != nil {
		return "", err
	}
	var found struct{ QueryResponse map[string]json.RawMessage }
	var rows []struct{ ID string }
	if err := json.Unmarshal(raw, &found); err != nil {
		return "", err
	}
	if list, ok := found.QueryResponse[entity]; ok {
		if err := json.Unmarshal(list, &rows); err != nil {
			return "", err
		}
	}
	if len(rows) == 0 {
		return "", nil
	}
	return rows[0].ID, nil
}

func (n *Naive) create(ctx context.Context, path, entity string, body any) (string, error) {
	raw, err := json.Marshal(body)
	if err != nil {
		return "", err
	}
	answer, err := n.call(ctx, http.MethodPost, path, "application/json", raw)
	if err != nil {
		return "", err
	}
	var made map[string]json.RawMessage
	var object struct{ ID string }
	if err := json.Unmarshal(answer, &made); err != nil {
		return "", err
	}
	err = json.Unmarshal(made[entity], &object)
	return object.ID, err
}

func (n *Naive) call(ctx context.Context, method, path, contentType string, body []byte) ([]byte, error) {
	token, err := n.Token(ctx)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, method, n.Base+"/"+path+"?"+url.Values{"minorversion": {"75"}}.Encode(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Accept", "application/json")
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	res, err := n.Web.Do(r)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	switch {
	case err != nil:
		return nil, err
	case res.StatusCode == http.StatusTooManyRequests:
		return nil, errPace
	case res.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("%d %s", res.StatusCode, raw)
	}
	return raw, nil
}
