package bell

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/grant"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/money"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/rules"
)

// Store has what notices are worked out from, and what each person has read.
type Store interface {
	// List lists entries of a tab, newest first, after a mark (none: from the newest).
	List(ctx context.Context, org, tab string, after intlog.Mark, limit int) ([]intlog.Entry, error)
	// Config reads an organisation's configuration. Errors: fault.NotFound.
	Config(ctx context.Context, org string) (org.Config, error)
	// Connection reads what people may know of an organisation's grant; the zero value if it was never connected.
	Connection(ctx context.Context, org string) (org.Connection, error)
	// Seen reads what a person has read; the zero value if nothing.
	Seen(ctx context.Context, who org.Person) (org.Seen, error)
	// PutSeen stores it if the stored one has the revision ifRev. Errors: fault.Conflict.
	PutSeen(ctx context.Context, who org.Person, seen org.Seen, ifRev int64) error
}

// Proofs have what the nightly proof found (package reconcile).
type Proofs interface {
	// Digest is what there is to say of the newest proof: at most one notice. news says that somebody should look; all else counts as read.
	Digest(ctx context.Context, org string) (notice intlog.Notice, news, found bool, err error)
}

// Proof is the kind of the notice of the nightly proof.
const Proof rules.Kind = "proof"

// Bell tells people what they are needed for.
type Bell struct {
	store  Store
	now    func() time.Time
	proofs Proofs
}

// Digests has the bell tell what the nightly proof found, too.
func (b *Bell) Digests(p Proofs) *Bell {
	b.proofs = p
	return b
}

// New makes a bell.
func New(store Store, now func() time.Time) *Bell { return &Bell{store: store, now: now} }

// Bounds of what is shown.
const (
	MaxEntries = 500 // of the tab Sync errors that are looked at: the newest
	MaxNamed   = 10  // entries that a notice names: the oldest
)

// Notice is one cause: why something waits, for whom, and how much.
type Notice struct {
	ID      string // names the cause
	Kind    rules.Kind
	Text    string // for a bookkeeper
	Who     string // who is needed
	Where   string // the place where it is put right, in words
	Began   time.Time
	Entries int         // that wait for it
	Amount  money.Cents // the sum of their amounts, without signs
	First   []string    // ids of the oldest of them, at most MaxNamed
	Read    bool
}

// Board is the notices of an organisation as one person sees them, newest first.
type Board struct {
	Notices []Notice
	Unread  int
	More    bool // Sync errors has more than MaxEntries: counts and sums are "at least"
}

// List shows the notices. Errors: what the store answers.
func (b *Bell) List(ctx context.Context, p org.Person) (Board, error) {
	seen, err := b.store.Seen(ctx, p)
	if err != nil {
		return Board{}, fmt.Errorf("bell.List: %w", err)
	}
	board, err := b.board(ctx, p.Org)
	if err != nil {
		return Board{}, fmt.Errorf("bell.List: %w", err)
	}
	return board.as(seen), nil
}

// Read marks a notice as read by the person, and answers the notices as they are then. Errors: fault.NotFound for an id of no present notice of the
// person's organisation.
func (b *Bell) Read(ctx context.Context, p org.Person, id string) (Board, error) {
	board, err := b.board(ctx, p.Org)
	if err != nil {
		return Board{}, fmt.Errorf("bell.Read: %w", err)
	}
	at := slices.IndexFunc(board.Notices, func(n Notice) bool { return n.ID == id })
	if at < 0 {
		return Board{}, fmt.Errorf("bell.Read: %w", fault.New(fault.NotFound, "There is no notice of that id; what it told of may be put right by now."))
	}
	seen, err := b.mark(ctx, p, func(s org.Seen) org.Seen { return s.With(id, latest(b.now(), board.Notices[at:at+1])) })
	if err != nil {
		return Board{}, fmt.Errorf("bell.Read: %w", err)
	}
	return board.as(seen), nil
}

// ReadAll marks every notice as read by the person, and answers them.
func (b *Bell) ReadAll(ctx context.Context, p org.Person) (Board, error) {
	board, err := b.board(ctx, p.Org)
	if err != nil {
		return Board{}, fmt.Errorf("bell.ReadAll: %w", err)
	}
	seen, err := b.mark(ctx, p, func(s org.Seen) org.Seen { return s.WithAll(latest(b.now(), board.Notices)) })
	if err != nil {
		return Board{}, fmt.Errorf("bell.ReadAll: %w", err)
	}
	return board.as(seen), nil
}

// latest is now, or when the last of notices began: the clock of who wrote that may be ahead of ours.
func latest(now time.Time, notices []Notice) time.Time {
	for _, n := range notices {
		if n.Began.After(now) {
			now = n.Began
		}
	}
	return now
}

// maxTries is how often a mark is written that the same person was faster with elsewhere.
const maxTries = 10

func (b *Bell) mark(ctx context.Context, p org.Person, change func(org.Seen) org.Seen) (org.Seen, error) {
	for range maxTries {
		stored, err := b.store.Seen(ctx, p)
		if err != nil {
			return stored, err
		}
		seen := change(stored)
		if err := b.store.PutSeen(ctx, p, seen, stored.Rev); !fault.Is(err, fault.Conflict) {
			return seen, err
		}
	}
	return org.Seen{}, fault.New(fault.Unavailable, "This was changed elsewhere at the same time. Please try again.")
}

// board works out an organisation's notices; only what nobody has to look at is read.
func (b *Bell) board(ctx context.Context, id string) (Board, error) {
	entries, err := b.store.List(ctx, id, intlog.Failed.Tab(), intlog.Mark{}, MaxEntries+1)
	if err != nil {
		return Board{}, err
	}
	config, err := b.store.Config(ctx, id)
	if err != nil && !fault.Is(err, fault.NotFound) { // an organisation that nobody has connected yet has none
		return Board{}, err
	}
	connection, err := b.store.Connection(ctx, id)
	if err != nil {
		return Board{}, err
	}
	more := len(entries) > MaxEntries
	if more {
		entries = entries[:MaxEntries]
	}
	notices := gathered(id, entries, config, grant.Notices(connection, config, b.now()))
	if config.Connected() && b.proofs != nil {
		digest, news, found, err := b.proofs.Digest(ctx, id)
		if err != nil {
			return Board{}, err
		}
		if found {
			notices = append(notices, Notice{
				ID: hashed(id, digest.Key), Kind: Proof, Text: digest.Text, Who: digest.Who, Where: "Reconciliation", Began: digest.At, First: []string{}, Read: !news,
			})
		}
	}
	slices.SortFunc(notices, func(a, b Notice) int { return cmp.Or(b.Began.Compare(a.Began), cmp.Compare(a.ID, b.ID)) })
	return Board{Notices: notices, More: more}, nil
}

// as is the board as somebody sees it who has read something.
func (b Board) as(seen org.Seen) Board {
	b.Notices, b.Unread = slices.Clone(b.Notices), 0
	for i, n := range b.Notices {
		b.Notices[i].Read = n.Read || seen.Has(n.ID, n.Began)
		if !b.Notices[i].Read {
			b.Unread++
		}
	}
	return b
}
