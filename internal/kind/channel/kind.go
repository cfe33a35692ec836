package channel

import (
	"net/mail"
	"regexp"
	"strings"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/httpx"
	"github.com/millrace/millrace/internal/kind/alerting"
	"github.com/millrace/millrace/internal/resource"
)

// Kind returns the descriptor of alert channels.
func Kind() resource.Kind {
	return resource.Define(alerting.ChannelKind, alerting.ChannelKind+"s",
		func(s *Spec, stored func(string) bool) fault.Issues { return s.validate(stored) },
		func(*Spec) []resource.Ref { return nil },
		func(s *Spec, visit func(resource.Place)) {
			if info, ok := TypeOf(s.Type); ok {
				resource.VisitSecrets("spec.configuration", s.Configuration, info.Fields, visit)
			}
		})
}

// How often a notice may be repeated: alerts are looked at every five minutes, and one that is repeated less
// often than weekly is better turned off.
const (
	minRepeat = 5
	maxRepeat = 7 * 24 * 60
)

func (s *Spec) validate(stored func(string) bool) fault.Issues {
	var issues fault.Issues
	info, ok := TypeOf(s.Type)
	if !ok {
		issues.Add("spec.type", fault.CodeInvalid, "there is no type of alert channel %q", s.Type)
		return issues
	}
	settings := connector.Settings(resource.WithoutSecrets(s.Configuration))
	issues = settings.Check("spec.configuration", info.Fields, func(name string) bool { return stored("spec.configuration." + name) })
	s.validateAddresses(&issues)
	alerting.ValidateLevels("spec.levels", s.Levels, &issues)
	if s.RepeatMinutes != 0 && (s.RepeatMinutes < minRepeat || s.RepeatMinutes > maxRepeat) {
		issues.Add("spec.repeatMinutes", fault.CodeInvalid, "a notice is repeated every %d minutes to %d (a week), or never (0)", minRepeat, maxRepeat)
	}
	return issues
}

// telephone is a number as E.164 has it.
var telephone = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)

// validateAddresses checks what no list of fields can say.
func (s *Spec) validateAddresses(issues *fault.Issues) {
	to := connector.Settings(s.Configuration).List("to")
	if len(to) == 0 && s.Configuration["to"] != nil {
		issues.Add("spec.configuration.to", fault.CodeRequired, "somebody must be told")
	}
	for _, to := range to {
		switch s.Type {
		case Email:
			if a, err := mail.ParseAddress(to); err != nil || strings.ContainsAny(a.Address, "\r\n") {
				issues.Add("spec.configuration.to", fault.CodeInvalid, "%q is not an email address", to)
			}
		case SMS:
			if !telephone.MatchString(to) {
				issues.Add("spec.configuration.to", fault.CodeInvalid, "%q is not a telephone number such as +4915112345678", to)
			}
		}
	}
	for _, name := range []string{"baseUrl", "url", "webhookUrl"} {
		text, ok := s.Configuration[name].(string)
		if !ok || text == "" {
			continue
		}
		if _, err := httpx.ParseBase(text); err != nil {
			*issues = append(*issues, fault.As(err).WithPath("spec.configuration."+name))
		}
	}
}
