package sqs

import (
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/destination/aws"
	"github.com/millrace/millrace/internal/destination/trigger"
)

func fields() []connector.Field {
	return aws.Fields("sqs:SendMessage on the queues and sqs:ListQueues", true)
}

// listQueues is the pick-list of queues.
const listQueues = "queues"

// triggerSettings are those of one operation.
type triggerSettings struct {
	trigger.Message

	Enabled         bool           `json:"enabled"`
	Queue           string         `json:"queue"`
	QueueFrom       string         `json:"queueFrom"`
	QueueColumn     string         `json:"queueColumn"`
	MessageID       string         `json:"messageId"`
	GroupID         string         `json:"messageGroupId"`
	DeduplicationID string         `json:"messageDeduplicationId"`
	Delay           string         `json:"delaySeconds"`
	Attributes      []trigger.Pair `json:"messageAttributes"`
}

func syncFields() []connector.Field {
	return trigger.OperationFields(func(connector.Operation) []connector.Field { return triggerFields() })
}

func triggerFields() []connector.Field {
	enabled := trigger.Enabled()
	list := []connector.Field{trigger.EnabledField("Send messages")}
	list = append(list, trigger.PlaceFields("queue", "Queue", listQueues, "The name or URL of a queue that exists, standard or FIFO.")...)
	list = append(list, trigger.MessageFields()...)
	return append(list,
		connector.Field{Name: "messageId", Label: "Message ID", Type: connector.FieldSelect, OptionsFrom: trigger.ListColumns, ShowIf: enabled, Help: "A column that identifies the row in requests and in their answers, up to 80 letters, digits, hyphens and underscores. Empty means the row's place in the request."},
		connector.Field{Name: "messageGroupId", Label: "Message group ID", Type: connector.FieldString, ShowIf: enabled, Example: "{{ row.customer_id }}", Help: "A Liquid template, or the same text for all rows. A FIFO queue needs it: it keeps the order of messages within a group."},
		connector.Field{Name: "messageDeduplicationId", Label: "Message deduplication ID", Type: connector.FieldString, ShowIf: enabled, Example: "{{ row.id }}-{{ row.updated_at }}", Help: "A Liquid template, for FIFO queues. For five minutes, SQS drops further messages with the same ID. Needed unless the queue deduplicates by content."},
		connector.Field{Name: "delaySeconds", Label: "Delay in seconds", Type: connector.FieldString, ShowIf: enabled, Example: "60", Help: "A number up to 900, or a Liquid template of one, for standard queues: consumers see the message so much later. Empty means the queue's own delay."},
		connector.Field{Name: "messageAttributes", Label: "Message attributes", Type: connector.FieldHeaders, ShowIf: enabled, Help: "Up to 10. Values are Liquid templates; binary columns are sent as bytes, everything else as text. An attribute whose value is null or empty is left out."},
	)
}
