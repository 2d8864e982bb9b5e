package webhook_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/webhook"
)

const (
	current  = "whsec_Y3VycmVudCBzZWNyZXQgb2YgMTYrIGJ5dGVz"
	previous = "whsec_cHJldmlvdXMgc2VjcmV0IG9mIDE2KyBieXRlcw=="
)

func at() time.Time { return time.Unix(1_772_636_400, 0) }

func sign(t testing.TB, secret, body string) string {
	t.Helper()
	s, err := webhook.Sign(secret, "msg_1", at(), []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func verifier(t testing.TB, secrets ...string) *webhook.Verifier {
	t.Helper()
	v, err := webhook.New(secrets...)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestTheExampleOfTheStandard(t *testing.T) {
	t.Parallel()
	// From the Standard Webhooks specification's reference implementations.
	v := verifier(t, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	body := []byte(`{"test": 2432232314}`)
	err := v.Verify("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", body, time.Unix(1614265330, 0))
	if err != nil {
		t.Error(err)
	}
}

func TestSignatures(t *testing.T) {
	t.Parallel()
	stamp := strconv.FormatInt(at().Unix(), 10)
	good := sign(t, current, "body")
	for name, c := range map[string]struct {
		secrets             []string
		id, time, signature string
		now                 time.Time
		ok                  bool
	}{
		"good":                                 {[]string{current}, "msg_1", stamp, good, at(), true},
		"good at the edge of the tolerance":    {[]string{current}, "msg_1", stamp, good, at().Add(webhook.Tolerance), true},
		"one of several":                       {[]string{current}, "msg_1", stamp, "v1,AAAA v2,xxxx " + good, at(), true},
		"the secret before, while both live":   {[]string{current, previous}, "msg_1", stamp, sign(t, previous, "body"), at(), true},
		"the secret before, when it has ended": {[]string{current}, "msg_1", stamp, sign(t, previous, "body"), at(), false},
		"another body's":                       {[]string{current}, "msg_1", stamp, sign(t, current, "other"), at(), false},
		"another id":                           {[]string{current}, "msg_2", stamp, good, at(), false},
		"another time":                         {[]string{current}, "msg_1", "1772636401", good, at(), false},
		"late":                                 {[]string{current}, "msg_1", stamp, good, at().Add(webhook.Tolerance + time.Second), false},
		"early":                                {[]string{current}, "msg_1", stamp, good, at().Add(-webhook.Tolerance - time.Second), false},
		"empty":                                {[]string{current}, "msg_1", stamp, "", at(), false},
		"unknown version":                      {[]string{current}, "msg_1", stamp, strings.Replace(good, "v1", "v9", 1), at(), false},
		"no base64":                            {[]string{current}, "msg_1", stamp, "v1,*", at(), false},
		"half":                                 {[]string{current}, "msg_1", stamp, good[:20], at(), false},
		"a dot in the id that moves the boundary": {[]string{current}, "msg_1." + stamp, "", good, at(), false},
		"behind ten others":                       {[]string{current}, "msg_1", stamp, strings.Repeat("v1,AAAA ", 10) + good, at(), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := verifier(t, c.secrets...).Verify(c.id, c.time, c.signature, []byte("body"), c.now)
			if (err == nil) != c.ok || (err != nil && !fault.Is(err, fault.Unauthenticated)) {
				t.Error(err)
			}
			if err != nil && strings.Contains(err.Error(), "secret of") {
				t.Errorf("the error tells the secret: %v", err)
			}
		})
	}
}

func TestSecretsThatAreNone(t *testing.T) {
	t.Parallel()
	for _, secrets := range [][]string{{}, {""}, {"whsec_"}, {"whsec_###"}, {"whsec_c2hvcnQ="}, {current, current, current}} {
		if _, err := webhook.New(secrets...); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %v", secrets, err)
		}
	}
	if _, err := webhook.Sign("whsec_###", "m", at(), nil); !fault.Is(err, fault.Invalid) {
		t.Error(err)
	}
}

// FuzzVerify: whatever stands in the headers, nothing but our own signature is good.
func FuzzVerify(f *testing.F) {
	for _, s := range []string{"", "v1,", "v1,AAAA", "v1,AAAA v1,BBBB", ",,,", "v1 v1", "v2,x"} {
		f.Add("msg_1", "1772636400", s)
	}
	v := verifier(f, current)
	f.Fuzz(func(t *testing.T, id, stamp, signature string) {
		if err := v.Verify(id, stamp, signature, []byte("body"), at()); err == nil && !strings.Contains(signature, sign(t, current, "body")) {
			t.Errorf("%q %q %q was taken", id, stamp, signature)
		}
	})
}
