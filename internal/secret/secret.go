// Package secret keeps secret values in AWS Secrets Manager, with versions (grant.Secrets).
//
// Secrets Manager has no conditional put. It has a label, AWSCURRENT, which one version of a secret carries, and which is moved only by whoever
// names the version that carries it:
//
//	Put, if a is the version that is stored
//
//	  PutSecretValue ─▶ version b, labelled "next", which nobody reads
//	        │
//	        ▼
//	  UpdateSecretVersionStage: AWSCURRENT from a to b ──▶ stored
//	        │ refused, or no answer
//	        ▼
//	  who is current?   b ─▶ stored: only the answer was lost
//	                    a ─▶ nothing happened; the trouble is said
//	                    another, or none ─▶ fault.Conflict
//
//	Put, if none is stored: CreateSecret, which one of many can do; then the same question.
//
// Guarantees: of any number of writers that have read one version, exactly one wins; the version of another never becomes current. A conflict is
// said only when another version is seen as current. A value is never in an error: AWS quotes what it refuses, so an error keeps the code of its
// answer and the number of the request, and nothing of its text.
//
// Failure handling: a call that is repeated makes no second version (the SDK gives each a token of its own). A Put without an answer may have been
// stored: then the next Put from the same version is a conflict, and Get gives the value. The version of a writer that lost or died keeps at most the
// label "next", which the next writer takes, so that labels never add up; Secrets Manager removes versions without a label by itself.
//
// Not promised: Get sees the last Put at once. Secrets Manager is eventually consistent; a Put from an older version that Get gave is refused. More
// than about a hundred Puts of one secret in a day are refused, too: versions younger than a day are not removed. A secret that somebody has
// marked for deletion is an error until it is restored.
package secret

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"github.com/passare/qbo-sync/internal/awsfault"
	"github.com/passare/qbo-sync/internal/fault"
)

// MaxValue is the largest value that Secrets Manager takes, in bytes.
const MaxValue = 65536

// The labels of versions.
const (
	current = "AWSCURRENT" // the one that is stored
	next    = "next"       // one that was put last, and is not current yet
)

// Options say where the secrets are.
type Options struct {
	AWS    aws.Config
	Prefix string // of every name, which is "<prefix>/<name>": one for each stage in an account
}

// Secrets keeps secret values.
type Secrets struct {
	client *secretsmanager.Client
	prefix string
}

// New makes a store of secrets. Errors: fault.Invalid.
func New(o Options) (*Secrets, error) {
	if o.Prefix == "" {
		return nil, fmt.Errorf("secret.New: %w", fault.New(fault.Invalid, "Secrets need a prefix for their names."))
	}
	return &Secrets{client: secretsmanager.NewFromConfig(o.AWS), prefix: o.Prefix}, nil
}

func (s *Secrets) id(name string) *string { return aws.String(s.prefix + "/" + name) }

// Get reads a secret and its version. Errors: fault.NotFound; fault.Unavailable; fault.Internal when AWS refuses, such as for a permission that is
// missing.
func (s *Secrets) Get(ctx context.Context, name string) (value []byte, version string, err error) {
	out, err := s.client.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: s.id(name), VersionStage: aws.String(current)})
	if err != nil {
		return nil, "", fmt.Errorf("secret.Get: %w", trouble(err))
	}
	if out.SecretString != nil { // written by a person in the console
		return []byte(*out.SecretString), aws.ToString(out.VersionId), nil
	}
	return out.SecretBinary, aws.ToString(out.VersionId), nil
}

// Put stores a secret if the stored one has ifVersion (empty: if there is none), and answers its new version. A value has 1 to MaxValue bytes.
// Errors: fault.Conflict; fault.Unavailable, when it may have been stored all the same; fault.Invalid and fault.TooLarge for the value;
// fault.Internal when AWS refuses, such as for a permission that is missing.
func (s *Secrets) Put(ctx context.Context, name string, value []byte, ifVersion string) (version string, err error) {
	if err := check(value); err != nil {
		return "", fmt.Errorf("secret.Put: %w", err)
	}
	if ifVersion == "" {
		version, err = s.create(ctx, name, value)
	} else {
		version, err = s.replace(ctx, name, value, ifVersion)
	}
	if err != nil {
		err = s.settle(ctx, name, version, ifVersion, err)
	}
	if err != nil {
		return "", fmt.Errorf("secret.Put: %w", err)
	}
	return version, nil
}

// check: emulators take what Secrets Manager refuses.
func check(value []byte) error {
	switch {
	case len(value) == 0:
		return fault.New(fault.Invalid, "A secret without a value cannot be stored.")
	case len(value) > MaxValue:
		return fault.New(fault.TooLarge, "A secret has at most %d bytes.", MaxValue)
	}
	return nil
}

func (s *Secrets) create(ctx context.Context, name string, value []byte) (version string, err error) {
	out, err := s.client.CreateSecret(ctx, &secretsmanager.CreateSecretInput{Name: s.id(name), SecretBinary: value})
	if err != nil {
		return "", err
	}
	return aws.ToString(out.VersionId), nil
}

// replace makes a version, and then makes it current if ifVersion is current. It answers the version that it made also with an error.
func (s *Secrets) replace(ctx context.Context, name string, value []byte, ifVersion string) (version string, err error) {
	put, err := s.client.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{SecretId: s.id(name), SecretBinary: value, VersionStages: []string{next}})
	if err != nil {
		return "", err
	}
	_, err = s.client.UpdateSecretVersionStage(ctx, &secretsmanager.UpdateSecretVersionStageInput{
		SecretId: s.id(name), VersionStage: aws.String(current), MoveToVersionId: put.VersionId, RemoveFromVersionId: aws.String(ifVersion),
	})
	return aws.ToString(put.VersionId), err
}

// settle asks who is current after a Put that failed: Secrets Manager has no error of its own for "somebody was faster", and refuses also a move that
// was made already, when its answer was lost and the call repeated.
func (s *Secrets) settle(ctx context.Context, name, mine, ifVersion string, failed error) error {
	_, stored, err := s.Get(ctx, name)
	switch {
	case err != nil && !fault.Is(err, fault.NotFound), stored == ifVersion:
		if disagrees(failed) {
			cause, _ := awsfault.Read(service, failed)
			return fault.Because(cause, fault.Unavailable, "The secrets disagree for a moment.")
		}
		return trouble(failed)
	case mine != "" && stored == mine:
		return nil
	}
	return fault.New(fault.Conflict, "Somebody changed this secret at the same time.")
}

// disagrees says whether AWS refused a write for what is stored. A read that shows nothing of that was behind, or the write was: a moment later both agree.
func disagrees(err error) bool {
	_, exists := errors.AsType[*types.ResourceExistsException](err)
	_, label := errors.AsType[*types.InvalidParameterException](err)
	return exists || label || missing(err)
}

func missing(err error) bool {
	_, ok := errors.AsType[*types.ResourceNotFoundException](err)
	return ok
}

// trouble says what an error of the SDK means.
func trouble(err error) error {
	if missing(err) {
		return fault.New(fault.NotFound, "There is no secret of that name.")
	}
	cause, passes := awsfault.Read(service, err)
	if passes {
		return fault.Because(cause, fault.Unavailable, "The secrets cannot be reached.")
	}
	return fault.Because(cause, fault.Internal, "The secrets refuse this.")
}

const service = "Secrets Manager"
