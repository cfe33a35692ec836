package identifier

import (
	"bytes"
	"unicode"
)

var noEmail = because("is not an email address", "Correct the row in the source, or leave such rows out in the model's query.")

// email checks what every address has: one @, something before it, a domain with a dot after it. Whether the mailbox
// exists only its server knows.
func email(text []byte, _ options) ([]byte, *problem) {
	name, domain, ok := bytes.Cut(text, []byte{'@'})
	if !ok || len(name) == 0 || !isDomain(domain) || bytes.IndexFunc(name, unprintable) >= 0 {
		return nil, noEmail
	}
	return text, nil
}

func isDomain(domain []byte) bool {
	return bytes.IndexByte(domain, '.') > 0 && domain[len(domain)-1] != '.' &&
		!bytes.Contains(domain, []byte("..")) && bytes.IndexByte(domain, '@') < 0 && bytes.IndexFunc(domain, unprintable) < 0
}

func unprintable(r rune) bool { return invisible(r) || unicode.IsControl(r) }

func gmail(text []byte, o options) ([]byte, *problem) {
	if !atDomain(text, "gmail.com") && !atDomain(text, "googlemail.com") {
		return text, nil
	}
	text, _ = untag(text, o)
	return undot(text, o)
}

func gmailOnly(text []byte, o options) ([]byte, *problem) {
	if !atDomain(text, "gmail.com") {
		return text, nil
	}
	return gmail(text, o)
}

func atDomain(text []byte, domain string) bool {
	at := len(text) - len(domain) - 1
	return at >= 0 && text[at] == '@' && bytes.EqualFold(text[at+1:], []byte(domain))
}

func undot(text []byte, _ options) ([]byte, *problem) {
	at := bytes.LastIndexByte(text, '@')
	if at < 0 {
		return text, nil
	}
	out := text[:0]
	for i, c := range text {
		if c != '.' || i > at {
			out = append(out, c)
		}
	}
	return out, nil
}

func untag(text []byte, _ options) ([]byte, *problem) {
	at := bytes.LastIndexByte(text, '@')
	if at < 0 {
		return text, nil
	}
	plus := bytes.IndexByte(text[:at], '+')
	if plus < 0 {
		return text, nil
	}
	return append(text[:plus], text[at:]...), nil
}

func emailCharacters(text []byte, _ options) ([]byte, *problem) {
	return keep(text, func(r rune) bool {
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || isDigit(r) || r == '.' || r == '@' || r == '-'
	}), nil
}
