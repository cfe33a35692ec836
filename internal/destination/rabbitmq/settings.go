package rabbitmq

import (
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/destination/trigger"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/httpx"
)

// The protocols. https://www.rabbitmq.com/docs/uri-spec
const (
	plain   = "amqp"
	secured = "amqps"
)

// The protocols' ports.
const (
	plainPort   = 5672
	securedPort = 5671
)

// settings are the connection's own.
type settings struct {
	Protocol   string `json:"protocol"`
	Host       string `json:"host"`
	Port       int    `json:"port"`
	VHost      string `json:"vhost"`
	Username   string `json:"username"`
	Password   string `json:"password"`
	Management string `json:"managementUrl"`
	CA         string `json:"caCertificate"`
}

func fields() []connector.Field {
	return []connector.Field{
		{Name: "protocol", Label: "Protocol", Type: connector.FieldSelect, Default: secured, Options: []connector.Option{{Value: secured, Label: "amqps (TLS)"}, {Value: plain, Label: "amqp"}}},
		{Name: "host", Label: "Host", Type: connector.FieldString, Required: true, Target: true, Example: "rabbitmq.example.com"},
		{Name: "port", Label: "Port", Type: connector.FieldNumber, Min: new(1.0), Max: new(65535.0), Target: true, Help: "Empty means 5671 for amqps and 5672 for amqp."},
		{Name: "vhost", Label: "Virtual host", Type: connector.FieldString, Default: "/", Target: true},
		{Name: "username", Label: "User", Type: connector.FieldString, Required: true},
		{Name: "password", Label: "Password", Type: connector.FieldSecret, Secret: true, Required: true},
		{Name: "managementUrl", Label: "Management portal URL", Type: connector.FieldString, Example: "https://rabbitmq.example.com:15671", Help: "Where the list of queues comes from. Without it, their names are typed in."},
		{Name: "caCertificate", Label: "CA certificate", Type: connector.FieldText, Advanced: true, Help: "PEM of the authorities that the server's certificates are checked with, besides those that this server trusts already."},
	}
}

const configuration = "spec.configuration."

// check reports every setting that cannot work.
func (s settings) check() fault.Issues {
	var issues fault.Issues
	for _, f := range []struct{ name, label, value string }{{"host", "a host", s.Host}, {"username", "a user", s.Username}, {"password", "a password", s.Password}} {
		if f.value == "" {
			issues.Add(configuration+f.name, fault.CodeRequired, "%s is required", f.label)
		}
	}
	if s.Protocol != plain && s.Protocol != secured {
		issues.Add(configuration+"protocol", fault.CodeInvalid, "there are %s and %s", plain, secured)
	}
	if s.Management != "" {
		if _, err := httpx.ParseBase(s.Management); err != nil {
			issues = append(issues, fault.As(err).WithPath(configuration+"managementUrl"))
		}
	}
	if _, err := httpx.New(httpx.Options{CA: []byte(s.CA)}); err != nil {
		issues = append(issues, fault.As(err).WithPath(configuration+"caCertificate"))
	}
	return issues
}

// port returns the port that is meant.
func (s settings) port() int {
	switch {
	case s.Port != 0:
		return s.Port
	case s.Protocol == plain:
		return plainPort
	default:
		return securedPort
	}
}

// listQueues is the pick-list of queues.
const listQueues = "queues"

// triggerSettings are those of one operation.
type triggerSettings struct {
	trigger.Message

	Enabled     bool   `json:"enabled"`
	Queue       string `json:"queue"`
	QueueFrom   string `json:"queueFrom"`
	QueueColumn string `json:"queueColumn"`
	Exchange    string `json:"exchange"`
}

func syncFields() []connector.Field {
	return trigger.OperationFields(func(connector.Operation) []connector.Field { return triggerFields() })
}

func triggerFields() []connector.Field {
	list := []connector.Field{trigger.EnabledField("Send messages")}
	list = append(list, trigger.PlaceFields("queue", "Queue", listQueues, "A queue that exists: a row whose queue does not is refused. With an exchange, the routing key.")...)
	list = append(list, trigger.MessageFields()...)
	return append(list, connector.Field{Name: "exchange", Label: "Exchange", Type: connector.FieldString, Advanced: true, ShowIf: trigger.Enabled(), Help: "One that exists: it routes messages by the key that is said as their queue, and those that it routes to no queue are refused. Empty means straight to the queue."})
}
