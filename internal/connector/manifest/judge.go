package manifest

import (
	"encoding/json"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/httpx"
)

// Judge says what the manifest's rules make of a part of an answer, such as what the vendor says of one record of many.
func (r *Run) Judge(status int, part any) error {
	text, err := json.Marshal(part)
	if err != nil {
		return fault.Wrap(err, fault.CodeInternal, "encoding a part of an answer")
	}
	resp := &httpx.Response{Status: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: text}
	s := r.session.scope()
	r.session.client.see(s, resp)
	if e := r.session.client.verdict(s, resp, nil, r.session.kind.Answers); e != nil {
		return e
	}
	return nil
}

// Reason is what an error says about a row, with the remedy where a rule of the manifest has one for it.
func Reason(err error) string {
	e := fault.As(err)
	text := strings.TrimSpace(e.Error())
	if e.Suggestion == "" {
		return text
	}
	if last, _ := utf8.DecodeLastRuneInString(text); !unicode.In(last, unicode.Po) {
		text += "."
	}
	return text + " " + e.Suggestion
}
