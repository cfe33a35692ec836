// Package rabbitmq is the destination "RabbitMQ": a message for each row that was added, changed or removed. README.md cites
// RabbitMQ's pages.
package rabbitmq

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/destination/trigger"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/httpx"
)

// Slug is the destination's slug.
const Slug = "rabbitmq"

// Info describes the destination.
func Info() connector.DestinationInfo {
	return connector.DestinationInfo{
		Slug:     Slug,
		Name:     "RabbitMQ",
		Category: "queue_stream",
		Summary:  "Sends a message to a queue when rows are added, changed or removed",
		Verified: true,
		Fields:   fields(),
		SyncTypes: []connector.SyncType{{
			Slug:    "message",
			Name:    "Messages",
			Summary: "A message for each row that was added, changed or removed",
			Modes:   []connector.Mode{connector.ModeTrigger},
			Fields:  syncFields(),
			Mapping: connector.MappingRule{Enabled: true, Advanced: true, Custom: true, AllByName: true},
			Compare: connector.CompareAll,
		}},
		Open: open,
	}
}

func open(o connector.DestinationOptions) (connector.Destination, error) {
	d := &destination{network: o.Network}
	if err := o.Settings.WithDefaults(fields()).Decode(&d.settings); err != nil {
		return nil, err
	}
	return d, nil
}

// destination is a virtual host of a server.
type destination struct {
	network  connector.Network
	settings settings
}

var (
	_ connector.Destination  = (*destination)(nil)
	_ connector.OptionLister = (*destination)(nil)
)

// Test connects, and asks the management portal where there is one.
func (d *destination) Test(ctx context.Context) error {
	if err := d.settings.check().Err(); err != nil {
		return fault.As(err)
	}
	c, err := d.connect(ctx)
	if err != nil {
		return err
	}
	c.close()
	if d.settings.Management == "" {
		return nil
	}
	_, err = d.queues(ctx, 1, 1)
	return err
}

// Check reports every error of the settings.
func (d *destination) Check(job connector.SyncJob) error {
	issues := d.settings.check()
	_, _, more := compile(job)
	return append(issues, more...).Err()
}

// ListOptions lists the virtual host's queues and the model's columns.
func (d *destination) ListOptions(ctx context.Context, list string, job connector.SyncJob) ([]connector.Option, error) {
	switch list {
	case trigger.ListColumns:
		return trigger.Columns(job), nil
	case listQueues:
		if d.settings.Management == "" {
			return nil, nil
		}
		names, err := d.queues(ctx, pageSize, maxPages)
		return trigger.Options(names...), err
	default:
		return nil, fault.New(fault.CodeInvalid, "there is no list %q", list)
	}
}

// How many queues are listed; the name of any other may be typed in. https://www.rabbitmq.com/docs/management#pagination
const (
	pageSize = 500
	maxPages = 10
)

// queues asks the management portal for the names of queues.
func (d *destination) queues(ctx context.Context, size, pages int) ([]string, error) {
	base, err := httpx.ParseBase(d.settings.Management)
	if err != nil {
		return nil, err
	}
	if base.Path == "" {
		base.Path = "/" // JoinPath keeps a path that begins without a slash
	}
	login := base64.StdEncoding.EncodeToString([]byte(d.settings.Username + ":" + d.settings.Password))
	client, err := httpx.New(httpx.Options{
		CA: []byte(d.settings.CA), Dial: d.network.Direct().Dial, Egress: d.network.Firewall(), Secrets: []string{d.settings.Password, login},
	})
	if err != nil {
		return nil, err
	}
	defer client.Close()
	var names []string
	for page := 1; page <= pages; page++ {
		address := base.JoinPath("api", "queues", url.PathEscape(d.settings.VHost))
		address.RawQuery = url.Values{"page": {strconv.Itoa(page)}, "page_size": {strconv.Itoa(size)}, "columns": {"name"}}.Encode()
		resp, _, err := client.Do(ctx, &httpx.Request{Method: http.MethodGet, URL: address, Header: http.Header{"Authorization": {"Basic " + login}}})
		if err != nil {
			return nil, err
		}
		if e := client.StatusFault(resp); e != nil {
			return nil, e.WithSuggestion("Check the management portal's URL, and whether the user has one of the tags management, monitoring and administrator.")
		}
		var answer struct {
			Items []struct {
				Name string `json:"name"`
			} `json:"items"`
			Pages int `json:"page_count"`
		}
		if err := json.Unmarshal(resp.Body, &answer); err != nil {
			return nil, fault.Wrap(err, fault.CodeDestinationAnswer, "reading the list of queues").WithSuggestion("Check the management portal's URL.")
		}
		for _, q := range answer.Items {
			names = append(names, q.Name)
		}
		if page >= answer.Pages {
			break
		}
	}
	return names, nil
}

// Begin compiles the sync's settings. Nothing is sent.
func (d *destination) Begin(_ context.Context, job connector.SyncJob) (connector.Session, error) {
	if err := d.Check(job); err != nil {
		return nil, fault.Reclass(err, fault.Fatal)
	}
	actions, feed, _ := compile(job) //nolint:errcheck // Check has just reported its issues
	return &session{Feed: feed, destination: d, actions: actions, scratches: trigger.NewPool(job)}, nil
}

// Close does nothing: connections belong to sessions.
func (d *destination) Close() error { return nil }

// place is the virtual host's address, for people.
func (d *destination) place() string {
	return d.settings.Protocol + "://" + d.settings.Host + ":" + strconv.Itoa(d.settings.port()) + "/" + strings.TrimPrefix(d.settings.VHost, "/")
}
