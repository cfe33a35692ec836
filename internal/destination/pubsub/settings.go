package pubsub

import (
	"net/url"
	"regexp"
	"strings"

	"github.com/millrace/millrace/internal/cloud"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/destination/trigger"
	"github.com/millrace/millrace/internal/fault"
)

// settings are the connection's own.
type settings struct {
	Credential cloud.GCP `json:"credential"`
	ProjectID  string    `json:"projectId"`
	Endpoint   string    `json:"endpoint"`
}

// globalEndpoint routes requests to the nearest region.
// https://cloud.google.com/pubsub/docs/reference/service_apis_overview#pubsub_endpoints
const globalEndpoint = "pubsub.googleapis.com:443"

func fields() []connector.Field {
	return []connector.Field{
		{Name: "credential", Label: "GCP credential", Type: connector.FieldCredential, Providers: []string{cloud.ProviderGCP}, Required: true, Help: "Its service account needs the roles Pub/Sub Publisher (roles/pubsub.publisher) and Pub/Sub Viewer (roles/pubsub.viewer)."},
		{Name: "projectId", Label: "Project ID", Type: connector.FieldString, Required: true, Target: true, Example: "acme-prod"},
		{Name: "endpoint", Label: "Regional API endpoint", Type: connector.FieldString, Target: true, Example: "europe-west1-pubsub.googleapis.com:443", Help: "Keeps messages in a region, and messages with one ordering key in their order. Empty means the nearest region. http:// before the address of an emulator leaves out TLS and the credential."},
	}
}

const configuration = "spec.configuration."

// https://cloud.google.com/resource-manager/docs/creating-managing-projects: 6 to 30 characters; older ones have a domain
// before a colon.
var projectID = regexp.MustCompile(`^([a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$`)

// check reports every setting that cannot work.
func (s settings) check() fault.Issues {
	var issues fault.Issues
	if !projectID.MatchString(s.ProjectID) {
		issues.Add(configuration+"projectId", fault.CodeInvalid, "%q is not the ID of a project, as in acme-prod", s.ProjectID)
	}
	_, secure, err := s.address()
	if err != nil {
		issues = append(issues, fault.As(err).WithPath(configuration+"endpoint"))
	}
	switch {
	case s.Credential.Auth == "" && secure:
		issues.Add(configuration+"credential", fault.CodeRequired, "a GCP credential is required")
	case s.Credential.Auth != "" && s.Credential.Auth != cloud.AuthServer:
		if _, err := cloud.ParseServiceAccount(s.Credential.ServiceAccountKey); err != nil {
			issues = append(issues, fault.As(err).WithPath(configuration+"credential"))
		}
	}
	return issues
}

// address reads the endpoint: host and port, and whether it speaks TLS.
func (s settings) address() (hostPort string, secure bool, err error) {
	text := strings.TrimSpace(s.Endpoint)
	if text == "" {
		return globalEndpoint, true, nil
	}
	if !strings.Contains(text, "://") {
		text = "https://" + text
	}
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.Scheme != "https" && u.Scheme != "http" {
		return "", false, fault.New(fault.CodeInvalid, "an endpoint such as europe-west1-pubsub.googleapis.com:443 is needed")
	}
	secure = u.Scheme == "https"
	switch {
	case u.Port() != "":
		return u.Host, secure, nil
	case secure:
		return u.Host + ":443", true, nil
	default:
		return u.Host + ":80", false, nil
	}
}

// listTopics is the pick-list of topics.
const listTopics = "topics"

// triggerSettings are those of one operation.
type triggerSettings struct {
	trigger.Message

	Enabled     bool           `json:"enabled"`
	Topic       string         `json:"topic"`
	TopicFrom   string         `json:"topicFrom"`
	TopicColumn string         `json:"topicColumn"`
	OrderingKey string         `json:"orderingKey"`
	Attributes  []trigger.Pair `json:"attributes"`
}

func syncFields() []connector.Field {
	return trigger.OperationFields(func(connector.Operation) []connector.Field { return triggerFields() })
}

func triggerFields() []connector.Field {
	list := []connector.Field{trigger.EnabledField("Send messages")}
	list = append(list, trigger.PlaceFields("topic", "Topic", listTopics, "The name of a topic that exists, or projects/…/topics/… for one of another project.")...)
	list = append(list, trigger.MessageFields()...)
	return append(list,
		connector.Field{Name: "orderingKey", Label: "Ordering key", Type: connector.FieldString, ShowIf: trigger.Enabled(), Example: "{{ row.order_id }}", Help: "A Liquid template. Subscriptions with ordering get messages with the same key in the order of the rows. A message for which it is null has none."},
		connector.Field{Name: "attributes", Label: "Attributes", Type: connector.FieldHeaders, ShowIf: trigger.Enabled(), Help: "Up to 100, with names of at most 256 bytes that do not begin with goog. Values are Liquid templates; bytes are written in Base64. An attribute whose value is null is left out."},
	)
}
