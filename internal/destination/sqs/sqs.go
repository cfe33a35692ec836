// Package sqs is the destination "Amazon SQS": a message for each row that was added, changed or removed. README.md cites
// Amazon's pages.
package sqs

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/destination/aws"
	"github.com/millrace/millrace/internal/destination/trigger"
	"github.com/millrace/millrace/internal/fault"
)

// Slug is the destination's slug.
const Slug = "amazon-sqs"

// Info describes the destination.
func Info() connector.DestinationInfo {
	return connector.DestinationInfo{
		Slug:     Slug,
		Name:     "Amazon SQS",
		Category: "queue_stream",
		Summary:  "Sends a message to a queue when rows are added, changed or removed",
		Fields:   fields(),
		SyncTypes: []connector.SyncType{{
			Slug:    "message",
			Name:    "Messages",
			Summary: "A message for each row that was added, changed or removed, to a standard or FIFO queue",
			Modes:   []connector.Mode{connector.ModeTrigger},
			Fields:  syncFields(),
			Mapping: connector.MappingRule{Enabled: true, Advanced: true, Custom: true, AllByName: true},
			Compare: connector.CompareAll,
		}},
		Open: open,
	}
}

func open(o connector.DestinationOptions) (connector.Destination, error) {
	d := &destination{network: o.Network, clock: o.Clock}
	if err := o.Settings.WithDefaults(fields()).Decode(&d.settings); err != nil {
		return nil, err
	}
	return d, nil
}

// destination is an account's queues in one region.
type destination struct {
	network  connector.Network
	clock    clock.Clock
	settings aws.Settings
}

var (
	_ connector.Destination  = (*destination)(nil)
	_ connector.OptionLister = (*destination)(nil)
)

func (d *destination) check() fault.Issues {
	issues := d.settings.Check()
	d.settings.CheckRegion(&issues)
	return issues
}

// client returns a client for so many requests at once.
func (d *destination) client(ctx context.Context, concurrency int) (*client, error) {
	if err := d.check().Err(); err != nil {
		return nil, fault.As(err)
	}
	c, err := d.settings.Open(ctx, aws.Options{Service: "sqs", Region: d.settings.Region, Network: d.network, Clock: d.clock, Concurrency: concurrency})
	if err != nil {
		return nil, err
	}
	return &client{Client: c, urls: map[string]string{}}, nil
}

// Test lists one queue.
func (d *destination) Test(ctx context.Context) error {
	c, err := d.client(ctx, 1)
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = c.list(ctx, listRequest{MaxResults: 1})
	return err
}

// Check reports every error of the settings.
func (d *destination) Check(job connector.SyncJob) error {
	issues := d.check()
	_, _, more := compile(job)
	return append(issues, more...).Err()
}

// ListOptions lists the region's queues and the model's columns.
func (d *destination) ListOptions(ctx context.Context, list string, job connector.SyncJob) ([]connector.Option, error) {
	switch list {
	case trigger.ListColumns:
		return trigger.Columns(job), nil
	case listQueues:
		return d.queues(ctx)
	default:
		return nil, fault.New(fault.CodeInvalid, "there is no list %q", list)
	}
}

// maxListed is how many queues are listed; the name of any other may be typed in.
const maxListed = 5000

func (d *destination) queues(ctx context.Context) ([]connector.Option, error) {
	c, err := d.client(ctx, 1)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	var options []connector.Option
	for r := (listRequest{MaxResults: 1000}); ; {
		page, err := c.list(ctx, r)
		if err != nil {
			return nil, err
		}
		for _, address := range page.QueueURLs {
			options = append(options, connector.Option{Value: address, Label: nameOf(address)})
		}
		if r.NextToken = page.NextToken; r.NextToken == "" || len(options) >= maxListed {
			break
		}
	}
	slices.SortFunc(options, func(a, b connector.Option) int { return strings.Compare(a.Label, b.Label) })
	return options, nil
}

// nameOf is the queue's name in its URL: its last part.
func nameOf(queue string) string { return queue[strings.LastIndexByte(queue, '/')+1:] }

// fifo tells a FIFO queue by the end of its name, which all of them have.
func fifo(queue string) bool { return strings.HasSuffix(queue, ".fifo") }

// Begin compiles the sync's settings. Nothing is sent.
func (d *destination) Begin(ctx context.Context, job connector.SyncJob) (connector.Session, error) {
	if err := d.Check(job); err != nil {
		return nil, fault.Reclass(err, fault.Fatal)
	}
	actions, feed, _ := compile(job) //nolint:errcheck // Check has just reported its issues
	c, err := d.client(ctx, feed.Concurrency())
	if err != nil {
		return nil, fault.Reclass(err, fault.Fatal)
	}
	return &session{Feed: feed, actions: actions, client: c, scratches: trigger.NewPool(job)}, nil
}

// Close does nothing: connections belong to sessions.
func (d *destination) Close() error { return nil }

// client asks SQS.
type client struct {
	*aws.Client

	mu   sync.Mutex
	urls map[string]string // of queues, by name
}

type listRequest struct {
	QueueNamePrefix string `json:",omitempty"`
	NextToken       string `json:",omitempty"`
	MaxResults      int
}

type listAnswer struct {
	QueueURLs []string `json:"QueueUrls"`
	NextToken string
}

func (c *client) list(ctx context.Context, r listRequest) (listAnswer, error) {
	var answer listAnswer
	_, err := c.ask(ctx, "ListQueues", r, &answer)
	return answer, err
}

// ask makes a request of an operation and reads its answer. An error about an answer that cannot be read leaves it open
// what became of the request.
func (c *client) ask(ctx context.Context, operation string, request, answer any) (connector.Exchange, error) {
	body, err := json.Marshal(request)
	if err != nil {
		return connector.Exchange{}, fault.Wrap(err, fault.CodeInternal, "encoding the request")
	}
	resp, x, err := c.Post(ctx, aws.Request{Body: body, Header: http.Header{
		"Content-Type": {"application/x-amz-json-1.0"}, "X-Amz-Target": {"AmazonSQS." + operation},
	}})
	if err != nil {
		return x, err
	}
	if e, name := c.Fault(resp); e != nil {
		return x, sqsFault(e, name)
	}
	if err := json.Unmarshal(resp.Body, answer); err != nil {
		return x, fault.Reclass(fault.Wrap(err, fault.CodeDestinationAnswer, "reading the answer"), fault.Unknown)
	}
	return x, nil
}

// sqsFault adds what the names of SQS's own errors mean.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html#API_SendMessageBatch_Errors
func sqsFault(e *fault.Error, name string) error {
	switch name {
	case "QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue", "InvalidAddress":
		e.Code = fault.CodeDestinationSchema
		return e.WithSuggestion("Check the queue's name and the region, or create the queue.")
	case "KmsThrottled":
		e.Code, e.Class = fault.CodeDestinationThrottled, fault.Throttled
	case "KmsAccessDenied", "KmsDisabled", "KmsInvalidKeyUsage", "KmsInvalidState", "KmsNotFound", "KmsOptInRequired":
		e.Code = fault.CodeDestinationDenied
	}
	if e.Code == fault.CodeDestinationDenied {
		return e.WithSuggestion("Allow sqs:SendMessage on the queue and sqs:ListQueues, and kms:GenerateDataKey where the queue is encrypted with a key of your own.")
	}
	return e
}

// resolve returns the URL of a queue that is given by its name or URL.
func (c *client) resolve(ctx context.Context, queue string) (string, error) {
	if strings.Contains(queue, "://") {
		return queue, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if address, known := c.urls[queue]; known {
		return address, nil
	}
	for r := (listRequest{QueueNamePrefix: queue, MaxResults: 1000}); ; {
		page, err := c.list(ctx, r)
		if err != nil {
			return "", unsent(err)
		}
		for _, address := range page.QueueURLs {
			c.urls[nameOf(address)] = address
		}
		if address, known := c.urls[queue]; known {
			return address, nil
		}
		if r.NextToken = page.NextToken; r.NextToken == "" {
			return "", fault.New(fault.CodeDestinationSchema, "there is no queue %q in this region", queue).WithSuggestion("Check the queue's name and the region, or create the queue.")
		}
	}
}

// unsent says of an error of a question that no message was sent.
func unsent(err error) error {
	if fault.ClassOf(err) == fault.Unknown {
		return fault.Reclass(err, fault.Retryable)
	}
	return err
}
