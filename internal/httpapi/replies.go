package httpapi

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/org"
)

// Replies keeps what calls with an Idempotency-Key were answered, for a day.
type Replies interface {
	// Reply reads what a person's call was answered under a key.
	Reply(ctx context.Context, who org.Person, key string) (r org.Reply, found bool, err error)
	// PutReply keeps an answer; the first one under a key stands until it ends.
	PutReply(ctx context.Context, who org.Person, key string, r org.Reply) error
}

// longestKey is the longest Idempotency-Key.
const longestKey = 200

// once answers a repeat of a POST under the same Idempotency-Key as the first time. One that never ended, failed for a reason of ours, or
// asked for the same again (Retry-After) acts again: each call bears that.
func (a *API) once(ctx huma.Context, next func(huma.Context)) {
	key := ctx.Header("Idempotency-Key")
	if key == "" || ctx.Method() != http.MethodPost || a.Replies == nil {
		next(ctx)
		return
	}
	hash, body, err := hashed(ctx, key)
	if err != nil {
		a.refuse(ctx, err)
		return
	}
	who := personOf(ctx.Context())
	stored, found, err := a.Replies.Reply(ctx.Context(), who, key)
	switch {
	case err != nil:
		a.refuse(ctx, err)
		return
	case found && stored.Ended(a.Now()):
	case found && stored.Hash != hash:
		a.refuse(ctx, wrongKey("was used before for another call"))
		return
	case found:
		replay(ctx, stored)
		return
	}
	kept := &captured{humaContext: ctx, in: bytes.NewReader(body), header: map[string]string{}}
	next(kept)
	reply := org.Reply{Hash: hash, At: a.Now(), Status: kept.Status(), Header: kept.header, Body: kept.out.Bytes()}
	if reply.Status < http.StatusInternalServerError && kept.header["Retry-After"] == "" {
		_ = a.Replies.PutReply(ctx.Context(), who, key, reply) // a repeat then acts again
	}
	_, _ = ctx.BodyWriter().Write(reply.Body)
}

// hashed reads the body and says what the call is.
func hashed(ctx huma.Context, key string) (hash string, body []byte, err error) {
	if len(key) > longestKey {
		return "", nil, wrongKey(fmt.Sprintf("may have at most %d characters", longestKey))
	}
	if body, err = readAll(ctx); err != nil {
		return "", nil, err
	}
	url := ctx.URL()
	sum := sha256.Sum256(append([]byte(ctx.Method()+" "+url.RequestURI()+"\n"), body...))
	return hex.EncodeToString(sum[:]), body, nil
}

func wrongKey(problem string) error {
	return &fault.Error{Code: fault.Invalid, Message: "This call was not made.", Fields: []fault.Field{{Field: "Idempotency-Key", Problem: problem}}}
}

func replay(ctx huma.Context, r org.Reply) {
	for name, value := range r.Header {
		ctx.SetHeader(name, value)
	}
	ctx.SetStatus(r.Status)
	_, _ = ctx.BodyWriter().Write(r.Body)
}

type humaContext huma.Context

// captured keeps what is answered. The status and headers are set at once, the body is only kept.
type captured struct {
	humaContext
	in     io.Reader
	out    bytes.Buffer
	header map[string]string
}

func (c *captured) BodyReader() io.Reader { return c.in }
func (c *captured) BodyWriter() io.Writer { return &c.out }

func (c *captured) SetHeader(name, value string) {
	c.header[name] = value
	c.humaContext.SetHeader(name, value)
}

func (c *captured) AppendHeader(name, value string) { c.SetHeader(name, value) }
func (c *captured) Unwrap() huma.Context            { return c.humaContext }
