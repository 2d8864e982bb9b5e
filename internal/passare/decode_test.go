package passare_test

import (
	"encoding/json"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/passare"
)

func goldenEvents(t testing.TB) []json.RawMessage {
	t.Helper()
	raw, err := os.ReadFile("../golden/events.json")
	if err != nil {
		t.Fatal(err)
	}
	events, err := passare.Split(raw)
	if err != nil {
		t.Fatal(err)
	}
	return events
}

func TestDecodeReadsEveryGoldenEvent(t *testing.T) {
	t.Parallel()
	for _, raw := range goldenEvents(t) {
		if _, err := passare.Decode(raw); err != nil {
			t.Errorf("%v", err)
		}
	}
}

// rewritten is the same JSON value with its keys in another order and other white space.
func rewritten(v any, r *rand.Rand) string {
	blank := strings.Repeat(" ", r.IntN(3)) + strings.Repeat("\n", r.IntN(2))
	switch v := v.(type) {
	case map[string]any:
		var parts []string
		for _, k := range slices.Sorted(maps.Keys(v)) {
			key, _ := json.Marshal(k)
			parts = append(parts, string(key)+blank+":"+blank+rewritten(v[k], r))
		}
		r.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
		return "{" + blank + strings.Join(parts, blank+",") + blank + "}"
	case []any:
		parts := make([]string, len(v))
		for i, x := range v {
			parts[i] = rewritten(x, r)
		}
		return "[" + strings.Join(parts, ","+blank) + "]"
	default:
		b, _ := json.Marshal(v)
		return string(b)
	}
}

// leaves lists the paths to every text below v, as functions that change it.
func leaves(v any) []func(string) {
	var changes []func(string)
	switch v := v.(type) {
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			if _, isText := v[k].(string); isText {
				changes = append(changes, func(s string) { v[k] = s })
			}
			changes = append(changes, leaves(v[k])...)
		}
	case []any:
		for _, x := range v {
			changes = append(changes, leaves(x)...)
		}
	}
	return changes
}

func TestTheHashTellsARepeatFromAnEditedTwin(t *testing.T) {
	t.Parallel()
	events := goldenEvents(t)
	rapid.Check(t, func(t *rapid.T) {
		raw := rapid.SampledFrom(events).Draw(t, "event")
		seed := rapid.Uint64().Draw(t, "seed")
		var v map[string]any
		if err := json.Unmarshal(raw, &v); err != nil {
			t.Fatal(err)
		}
		first, err := passare.Decode(raw)
		if err != nil {
			t.Fatal(err)
		}
		v["id"], v["time"] = "another-id", "2026-12-31T00:00:00Z"
		repeat, err := passare.Decode([]byte(rewritten(v, rand.New(rand.NewPCG(seed, 1)))))
		if err != nil || repeat.Hash != first.Hash {
			t.Fatalf("a repeat under another id, with other key order and white space, has another hash (%v)", err)
		}
		changes := leaves(v["data"])
		rapid.SampledFrom(changes).Draw(t, "field")("something else")
		if twin, _ := passare.Decode([]byte(rewritten(v, rand.New(rand.NewPCG(seed, 2))))); twin.Hash == first.Hash {
			t.Fatal("other data has the same hash")
		}
	})
}

func TestTheVerbBelongsToTheState(t *testing.T) {
	t.Parallel()
	raw := string(goldenEvents(t)[2])
	updated := strings.Replace(raw, "payment.created", "payment.updated", 1)
	a, errA := passare.Decode([]byte(raw))
	b, errB := passare.Decode([]byte(updated))
	if errA != nil || errB != nil || a.Hash == b.Hash {
		t.Errorf("created and updated with the same data have the hashes %s and %s (%v, %v)", a.Hash, b.Hash, errA, errB)
	}
}

func TestADecedentsName(t *testing.T) {
	t.Parallel()
	for want, d := range map[string]passare.Decedent{
		"John Quincy Smith Jr.": {First: "John", Middle: "Quincy", Last: "Smith", Suffix: "Jr."},
		"John Smith":            {First: " John ", Last: "Smith "},
		"Anna Maria Smith":      {First: "Anna  Maria", Last: "Smith"},
		"Smith":                 {Last: "Smith"},
		"":                      {Middle: "Q", Suffix: "Jr."},
	} {
		if got := d.Name(); got != want {
			t.Errorf("%+v is %q, want %q", d, got, want)
		}
	}
}

// FuzzDecode: whatever comes in, it is an event with an identity, or a fault that names what is wrong.
func FuzzDecode(f *testing.F) {
	for _, raw := range goldenEvents(f) {
		f.Add([]byte(raw))
	}
	for _, s := range []string{"", "{}", "[]", "null", `{"data":{"record":{}}}`, "\xef\xbb\xbf{}", `{"type":"com.passare.check.printed","data":{}}`, strings.Repeat("[", 40)} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		e, err := passare.Decode(raw)
		if err == nil {
			if e.Org == "" || e.Record.ID == "" || e.Version < 1 || e.Body == nil || e.Hash == "" || !json.Valid(e.Raw) {
				t.Errorf("taken without an identity: %+v", e)
			}
			if _, again := passare.Decode(e.Raw); again != nil {
				t.Errorf("what is stored cannot be read again: %v", again)
			}
			return
		}
		if x := fault.As(err); x.Code != fault.Invalid || len(x.Fields) == 0 {
			t.Errorf("%q is refused as %s without a field: %v", raw, x.Code, err)
		}
	})
}

// FuzzSplit: a batch that is taken has 1 to 100 events.
func FuzzSplit(f *testing.F) {
	for _, s := range []string{"[]", "[{}]", "{}", "[{},{}", "null", "[1,null]", "\xef\xbb\xbf[{}]"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		events, err := passare.Split(raw)
		if err == nil && (len(events) < 1 || len(events) > passare.MaxBatch) {
			t.Errorf("%d events", len(events))
		}
		if err != nil && len(fault.As(err).Fields) != 1 {
			t.Errorf("refused without a field: %v", err)
		}
	})
}
