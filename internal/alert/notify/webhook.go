package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/millrace/millrace/internal/kind/alerting"
	"github.com/millrace/millrace/internal/signature"
)

type webhookBody struct {
	Type      string      `json:"type"` // alert.changed, alert.repeated or alert.test
	Timestamp string      `json:"timestamp"`
	Data      webhookData `json:"data"`
}

type webhookData struct {
	Title     string          `json:"title"`
	Words     string          `json:"words"`
	Level     alerting.Level  `json:"level"`
	Before    alerting.Level  `json:"before"`
	Since     string          `json:"since"`
	Key       string          `json:"key"`
	Trigger   string          `json:"trigger"`
	Value     float64         `json:"value"`
	Threshold float64         `json:"threshold"`
	Unit      string          `json:"unit"`
	Run       int64           `json:"run,omitempty"`
	Document  webhookDocument `json:"document"`
	URL       string          `json:"url"`
}

type webhookDocument struct {
	Kind string `json:"kind"`
	Slug string `json:"slug"`
	Name string `json:"name"`
}

func (m message) webhook() webhookBody {
	kind := "alert.changed"
	switch {
	case m.Test:
		kind = "alert.test"
	case m.Repeat:
		kind = "alert.repeated"
	}
	return webhookBody{Type: kind, Timestamp: m.At.UTC().Format(time.RFC3339Nano), Data: webhookData{
		Title: m.Title(), Words: m.Words, Level: m.Level, Before: m.Before, Since: m.Since.UTC().Format(time.RFC3339Nano), Key: m.Key,
		Trigger: m.Trigger, Value: m.Value, Threshold: m.Threshold, Unit: m.Unit, Run: m.About,
		Document: webhookDocument{Kind: m.Kind, Slug: m.Slug, Name: m.Name}, URL: m.link,
	}}
}

// webhook posts the notice, signed where there is a secret. Its id is the same in every attempt, so that receivers
// can tell a second one.
func (s *Sender) webhook(ctx context.Context, m message) error {
	body, err := json.Marshal(m.webhook())
	if err != nil {
		return fmt.Errorf("encoding a notice: %w", err)
	}
	r := request{url: m.settings.Text("url"), header: http.Header{}, body: body}
	headers, _ := m.settings["headers"].([]any)
	for _, item := range headers {
		h, _ := item.(map[string]any)
		name, _ := h["name"].(string)
		v, _ := h["value"].(string)
		r.header.Add(name, v)
		if h["secret"] == true {
			r.secrets = append(r.secrets, v)
		}
	}
	id, at := "notice-"+strconv.FormatInt(m.ID, 10), strconv.FormatInt(s.Clock.Now().Unix(), 10)
	r.header.Set("Content-Type", "application/json; charset=utf-8")
	r.header.Set("webhook-id", id)
	r.header.Set("webhook-timestamp", at)
	if secret := m.settings.Text("secret"); secret != "" {
		r.header.Set("webhook-signature", signature.Webhook(secret, id, at, body))
		r.secrets = append(r.secrets, secret)
	}
	_, err = s.post(ctx, r)
	return err
}
