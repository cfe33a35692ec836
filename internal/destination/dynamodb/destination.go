package dynamodb

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
)

const (
	headerTimeout = 30 * time.Second
	maxListed     = 5_000 // tables in the pick-list
	listPage      = 100   // tables in an answer, at most
)

// destination is the tables of one account in one region.
type destination struct {
	settings settings
	clock    clock.Clock
	log      *slog.Logger
	network  connector.Network

	mu        sync.Mutex
	transport *http.Transport
	open      *dynamodb.Client
}

var (
	_ connector.Destination  = (*destination)(nil)
	_ connector.FieldLister  = (*destination)(nil)
	_ connector.OptionLister = (*destination)(nil)
)

// client returns Amazon's client, which sends each request once: the engine repeats.
func (d *destination) client(ctx context.Context) (*dynamodb.Client, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.open != nil {
		return d.open, nil
	}
	if err := d.settings.check().Err(); err != nil {
		return nil, fault.As(err)
	}
	d.transport = d.network.Transport()
	d.transport.ResponseHeaderTimeout = headerTimeout
	d.transport.MaxIdleConnsPerHost = maxParallel * updatesAtATime
	config, err := d.settings.Credential.Config(context.WithoutCancel(ctx), d.settings.Region, &http.Client{Transport: &recorder{next: d.transport, clock: d.clock}})
	if err != nil {
		return nil, fault.Wrap(err, fault.CodeInvalid, "the credential cannot be used").WithPath("spec.configuration.credential")
	}
	d.open = dynamodb.NewFromConfig(config, func(o *dynamodb.Options) {
		o.Retryer = aws.NopRetryer{}
		o.DisableValidateResponseChecksum = false
		if d.settings.Endpoint != "" {
			o.BaseEndpoint = aws.String(d.settings.Endpoint)
		}
	})
	return d.open, nil
}

// Test asks for a table's name. A credential that may not list tables is good for all that.
func (d *destination) Test(ctx context.Context) error {
	c, err := d.client(ctx)
	if err != nil {
		return err
	}
	_, err = c.ListTables(ctx, &dynamodb.ListTablesInput{Limit: aws.Int32(1)})
	if e := d.fault(ctx, err, "connecting to "+d.settings.where()); e != nil && codeOf(err) != codeDenied {
		return e
	}
	return nil
}

// ListOptions lists the tables.
func (d *destination) ListOptions(ctx context.Context, list string, _ connector.SyncJob) ([]connector.Option, error) {
	if list != listTables {
		return nil, fault.New(fault.CodeNotFound, "there is no list %q", list)
	}
	c, err := d.client(ctx)
	if err != nil {
		return nil, err
	}
	options := []connector.Option{}
	pages := dynamodb.NewListTablesPaginator(c, &dynamodb.ListTablesInput{Limit: aws.Int32(listPage)})
	for pages.HasMorePages() && len(options) < maxListed {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, d.fault(ctx, err, "listing the tables of "+d.settings.where())
		}
		for _, name := range page.TableNames {
			options = append(options, connector.Option{Value: name, Label: name})
		}
	}
	return options, nil
}

// table is what is known of a table.
type table struct {
	name string
	keys []string // the partition key, and the sort key where there is one
	kind map[string]types.ScalarAttributeType
}

// find looks at a table.
func (d *destination) find(ctx context.Context, name string) (*table, error) {
	c, err := d.client(ctx)
	if err != nil {
		return nil, err
	}
	out, err := c.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: aws.String(name)})
	if err != nil {
		return nil, d.fault(ctx, err, "looking at the table "+name)
	}
	t := &table{name: name, kind: map[string]types.ScalarAttributeType{}}
	for _, k := range out.Table.KeySchema {
		t.keys = append(t.keys, aws.ToString(k.AttributeName))
	}
	for _, a := range out.Table.AttributeDefinitions {
		t.kind[aws.ToString(a.AttributeName)] = a.AttributeType
	}
	switch out.Table.TableStatus { //nolint:exhaustive // in every other state the table takes writes
	case types.TableStatusCreating, types.TableStatusDeleting, types.TableStatusArchived, types.TableStatusInaccessibleEncryptionCredentials:
		return nil, fault.New(fault.CodeDestinationSchema, "the table %s is in the state %s", name, out.Table.TableStatus).
			WithPath("spec.settings.table").WithSuggestion("Wait until the table is ACTIVE, or choose another one.")
	}
	return t, nil
}

// TargetFields lists the attributes that the table has for all items: those of its keys and indexes. It knows no others.
func (d *destination) TargetFields(ctx context.Context, job connector.SyncJob) ([]connector.TargetField, error) {
	s, err := decode(job)
	if err != nil {
		return nil, err
	}
	t, err := d.find(ctx, s.Table)
	if err != nil {
		return nil, err
	}
	var fields []connector.TargetField
	for i, name := range t.keys {
		help := "The partition key"
		if i > 0 {
			help = "The sort key"
		}
		fields = append(fields, t.field(name, true, help))
	}
	for name := range t.kind {
		if !slices.Contains(t.keys, name) {
			fields = append(fields, t.field(name, false, "The key of an index"))
		}
	}
	slices.SortStableFunc(fields[len(t.keys):], func(a, b connector.TargetField) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
	return fields, nil
}

func (t *table) field(name string, key bool, help string) connector.TargetField {
	f := connector.TargetField{Name: name, Native: string(t.kind[name]), Type: "string", Match: key, ReadOnly: key, Help: help}
	if t.kind[name] == types.ScalarAttributeTypeN {
		f.Type = "number"
	}
	return f
}

// Close ends idle connections.
func (d *destination) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.open != nil {
		d.transport.CloseIdleConnections()
		d.open = nil
	}
	return nil
}
