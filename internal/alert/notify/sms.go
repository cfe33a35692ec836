package notify

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
)

// smsText is the most that the body of a message holds at Twilio, and what is worth reading on a telephone.
const (
	smsText  = 1600
	smsWords = 300
)

// sms sends a text message to one telephone.
func (s *Sender) sms(ctx context.Context, m message) error {
	account, token := m.settings.Text("accountSid"), m.settings.Text("token")
	user := account
	if key := m.settings.Text("keySid"); key != "" {
		user = key
	}
	from := map[string]string{"From": m.settings.Text("from")}
	if strings.HasPrefix(m.settings.Text("from"), "MG") {
		from = map[string]string{"MessagingServiceSid": m.settings.Text("from")}
	}
	from["To"], from["Body"] = m.target, cut(m.Title()+". "+cut(m.Words, smsWords)+" "+m.link, smsText)
	basic := base64.StdEncoding.EncodeToString([]byte(user + ":" + token))
	_, err := s.post(ctx, request{
		url:     join(m.settings.Text("baseUrl"), "/2010-04-01/Accounts/"+url.PathEscape(account)+"/Messages.json"),
		header:  http.Header{"Authorization": {"Basic " + basic}, "Content-Type": {"application/x-www-form-urlencoded"}},
		body:    form(from),
		secrets: []string{token, basic},
	})
	return err
}
