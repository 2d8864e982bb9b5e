package local

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/passare/qbo-sync/internal/dynamo"
	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/queue"
	"github.com/passare/qbo-sync/internal/secret"
)

// Deployed says where the product is, once it is deployed on what stands for AWS on this machine.
type Deployed struct {
	Account      aws.Config
	API          string // address of the HTTP API
	Table        string
	QueueURL     string
	SecretPrefix string
	Gateway      string // address that the functions call AWS at; Tap listens there
}

// DeployedSettings reads where the product is from the environment, as .ci/aws sets it. Errors: fault.Invalid, with every name that is missing.
func DeployedSettings(env func(string) string, account aws.Config) (Deployed, error) {
	d := Deployed{Account: account}
	var wrong []fault.Field
	for name, at := range map[string]*string{
		"API_URL": &d.API, "TABLE_NAME": &d.Table, "QUEUE_URL": &d.QueueURL, "SECRET_PREFIX": &d.SecretPrefix, "GATEWAY_LISTEN": &d.Gateway,
	} {
		if *at = env(name); *at == "" {
			wrong = append(wrong, fault.Field{Field: name, Problem: "is missing; .ci/aws sets it"})
		}
	}
	if wrong != nil {
		return d, fmt.Errorf("local.DeployedSettings: %w", &fault.Error{Code: fault.Invalid, Message: "Where the product is deployed is not said.", Fields: wrong})
	}
	return d, nil
}

// StartDeployed puts beside the deployed product what it needs: the simulator and the issuer at the addresses that it was deployed with (QBOListen,
// Listen), the secrets, the demo's organisations, and the tap. The functions do the work. Close ends what was started here.
func StartDeployed(ctx context.Context, o Options, d Deployed) (*System, error) {
	s, err := beside(o, d)
	if err != nil {
		return nil, fmt.Errorf("local.StartDeployed: %w", err)
	}
	ctx, s.stop = context.WithCancel(ctx)
	if err := errors.Join(s.putSecrets(ctx, d), s.seed(ctx)); err != nil {
		return nil, errors.Join(fmt.Errorf("local.StartDeployed: %w", err), s.Close())
	}
	return s, nil
}

func beside(o Options, d Deployed) (*System, error) {
	s, err := simulator(o)
	if err != nil {
		return nil, err
	}
	table := dynamo.New(dynamodb.NewFromConfig(d.Account), d.Table)
	s.URL, s.Store = d.API, table
	if s.Queue, err = queue.New(queue.Options{AWS: d.Account, URL: d.QueueURL}); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	secrets, err := secret.New(secret.Options{AWS: d.Account, Prefix: d.SecretPrefix})
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if err := s.wire(secrets, table); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	_, err = s.serve(o.Listen, func(url string) (http.Handler, error) {
		if err := s.issue(url); err != nil {
			return nil, err
		}
		mux := http.NewServeMux()
		s.issuer.register(mux)
		return mux, nil
	})
	if err == nil {
		s.Tap, err = newTap(aws.ToString(d.Account.BaseEndpoint), o.Log)
	}
	if err == nil {
		_, err = s.serve(d.Gateway, func(string) (http.Handler, error) { return s.Tap, nil })
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// putSecrets does what an operator does after the first deployment: the template makes the secrets without a value.
func (s *System) putSecrets(ctx context.Context, d Deployed) error {
	client := secretsmanager.NewFromConfig(d.Account)
	for name, value := range map[string]string{
		"app": `{"client_id":"` + clientID + `","client_secret":"` + clientSecret + `"}`, "webhook": s.options.WebhookSecret,
		"quickbooks-webhook": DemoVerifierToken,
	} {
		_, err := client.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{SecretId: aws.String(d.SecretPrefix + "/" + name), SecretString: aws.String(value)})
		if err != nil {
			return fault.Because(err, fault.Unavailable, "The secret %s cannot be stored.", name)
		}
	}
	return nil
}
