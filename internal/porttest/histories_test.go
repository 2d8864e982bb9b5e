package porttest_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/memory"
	"github.com/passare/qbo-sync/internal/passare"
	"github.com/passare/qbo-sync/internal/porttest"
)

// luck says now and then yes: at the n-th time on average.
type luck struct {
	mu   sync.Mutex
	rand *rand.Rand
}

func newLuck() *luck { return &luck{rand: rand.New(rand.NewPCG(1, 2))} }

func (l *luck) strikes(n int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.rand.IntN(n) == 0
}

// forgetful stores an entry whatever its revision is.
type forgetful struct{ *memory.Store }

func (s forgetful) Update(ctx context.Context, e intlog.Entry) (intlog.Entry, error) {
	for {
		stored, err := s.Entry(ctx, e.Key)
		if err != nil {
			return stored, err
		}
		e.Rev = stored.Rev
		if stored, err = s.Store.Update(ctx, e); !fault.Is(err, fault.Conflict) {
			return stored, err
		}
	}
}

// rash says now and then that it has stored what it has not.
type rash struct {
	*memory.Store
	*luck
}

func (s rash) Update(ctx context.Context, e intlog.Entry) (intlog.Entry, error) {
	if s.strikes(20) {
		e.Rev++
		return e, nil
	}
	return s.Store.Update(ctx, e)
}

// polite tells everybody who was slower that they have won.
type polite struct{ *memory.Store }

func (s polite) Update(ctx context.Context, e intlog.Entry) (intlog.Entry, error) {
	stored, err := s.Store.Update(ctx, e)
	if fault.Is(err, fault.Conflict) {
		e.Rev++
		return e, nil
	}
	return stored, err
}

// stale reads now and then what an entry was at its first read.
type stale struct {
	*memory.Store
	*luck
	seen sync.Map
}

func (s *stale) Entry(ctx context.Context, k intlog.Key) (intlog.Entry, error) {
	if old, ok := s.seen.Load(k); ok && s.strikes(5) {
		return old.(intlog.Entry), nil
	}
	e, err := s.Store.Entry(ctx, k)
	if err == nil {
		s.seen.LoadOrStore(k, e)
	}
	return e, err
}

// generous tells everybody that they have created it.
type generous struct{ *memory.Store }

func (s generous) Create(ctx context.Context, e intlog.Entry, mentions []passare.Ref) (intlog.Entry, bool, error) {
	stored, _, err := s.Store.Create(ctx, e, mentions)
	return stored, true, err
}

// repeated makes a write now and then once more, a moment later, on whatever is stored then: a repeat that is not known as such.
type repeated struct {
	*memory.Store
	*luck
}

func (s repeated) Update(ctx context.Context, e intlog.Entry) (intlog.Entry, error) {
	stored, err := s.Store.Update(ctx, e)
	if err == nil && s.strikes(5) {
		again := stored
		again.Why = "again"
		_, _ = s.Store.Update(ctx, again)
	}
	return stored, err
}

// careless moves a due time without looking.
type careless struct{ *memory.Store }

func (s careless) Postpone(ctx context.Context, k intlog.Key, _, to time.Time) error {
	e, err := s.Entry(ctx, k)
	if err != nil {
		return err
	}
	return s.Store.Postpone(ctx, k, e.DueAt, to)
}

// TestAStoreThatIsNoRegisterIsFound shows that the histories can fail: each of these stores breaks one promise, and most often keeps it.
func TestAStoreThatIsNoRegisterIsFound(t *testing.T) {
	t.Parallel()
	for name, broken := range map[string]func(*memory.Store) porttest.Entries{
		"it ignores the revision":                        func(s *memory.Store) porttest.Entries { return forgetful{s} },
		"it says of a lost write that it won":            func(s *memory.Store) porttest.Entries { return polite{s} },
		"it loses a write that it answered":              func(s *memory.Store) porttest.Entries { return rash{s, newLuck()} },
		"it makes a write twice":                         func(s *memory.Store) porttest.Entries { return repeated{s, newLuck()} },
		"it reads what was stored before":                func(s *memory.Store) porttest.Entries { return &stale{Store: s, luck: newLuck()} },
		"it lets everybody create":                       func(s *memory.Store) porttest.Entries { return generous{s} },
		"it moves a due time that is not as it was seen": func(s *memory.Store) porttest.Entries { return careless{s} },
	} {
		modes := []bool{false, true}
		if strings.Contains(name, "due time") {
			modes = modes[:1] // histories of a store that may be mistaken move no due times (Histories.Mistaken)
		}
		for _, mistaken := range modes {
			t.Run(map[bool]string{false: name, true: name + ", and may be mistaken"}[mistaken], func(t *testing.T) {
				t.Parallel()
				seed, wrong := porttest.Histories{Runs: 1000, Seed: 1, Clients: 5, Steps: 12, Mistaken: mistaken}.Find(t.Context(), broken(memory.NewStore()))
				if !errors.Is(wrong, porttest.ErrNoRegister) {
					t.Fatalf("1000 histories say nothing of it: %v", wrong)
				}
				t.Logf("found with seed %d", seed)
			})
		}
	}
}
