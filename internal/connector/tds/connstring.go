package tds

import (
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/millrace/millrace/internal/fault"
)

// keywords are the words of a connection string that are understood, by their meaning:
// https://learn.microsoft.com/en-us/dotnet/api/microsoft.data.sqlclient.sqlconnection.connectionstring
// Words that name files of this machine, or hosts besides the server, are not among them.
var keywords = map[string]string{
	"server": "server", "data source": "server", "address": "server", "addr": "server", "network address": "server",
	"database": "database", "initial catalog": "database",
	"user id": "user", "uid": "user", "user": "user",
	"password": "password", "pwd": "password",
	"encrypt": "encrypt", "trustservercertificate": "trust", "trust server certificate": "trust",
	"applicationintent": "intent", "application intent": "intent",
	"port": "port",

	"connect timeout": "", "connection timeout": "", "timeout": "", "command timeout": "", "application name": "", "app": "", "workstation id": "", "wsid": "",
	"persist security info": "", "persistsecurityinfo": "", "multipleactiveresultsets": "", "multiple active result sets": "", "pooling": "",
	"min pool size": "", "max pool size": "", "packet size": "", "multisubnetfailover": "", "multi subnet failover": "",
	"connectretrycount": "", "connect retry count": "", "connectretryinterval": "", "connect retry interval": "", "load balance timeout": "",
}

// refused are words that may be named in an error. Others may be a piece of a password.
var refused = []string{
	"authentication", "integrated security", "trusted_connection", "certificate", "servercertificate", "server certificate", "hostnameincertificate",
	"host name in certificate", "failover partner", "failoverpartner", "attachdbfilename", "network library", "user instance", "column encryption setting", "protocol", "log",
}

// FromString reads a connection string (S-68), and says nothing of what may be its password.
func FromString(text string) (Settings, error) {
	pairs, err := splitString(text)
	if err != nil {
		return Settings{}, err
	}
	out := Settings{Port: DefaultPort, Encryption: EncryptRequired}
	for _, p := range pairs {
		meaning, known := keywords[p.key]
		switch {
		case slices.Contains(refused, p.key):
			return Settings{}, stringError("%s is not understood here", strconv.Quote(p.key))
		case !known:
			return Settings{}, stringError("a word of it is not known; a value with a semicolon stands in quotes")
		}
		if err := out.set(meaning, p); err != nil {
			return Settings{}, err
		}
	}
	if out.Host == "" {
		return Settings{}, stringError("it does not say which Server")
	}
	return out, nil
}

func (s *Settings) set(meaning string, p pair) (err error) {
	switch meaning {
	case "server":
		return s.setServer(p.value)
	case "port":
		return s.setPort(p.value)
	case "database":
		s.Database = p.value
	case "user":
		s.User = p.value
	case "password":
		s.Password = p.value
	case "trust":
		s.Trust, err = truth(p)
	case "intent":
		s.ReadOnlyIntent = strings.EqualFold(p.value, "ReadOnly")
	case "encrypt":
		s.Encryption, err = encryptWord(p)
	}
	return err
}

// setServer reads tcp:host,port.
func (s *Settings) setServer(text string) error {
	if len(text) > 4 && strings.EqualFold(text[:4], "tcp:") {
		text = text[4:]
	}
	host, port, found := strings.Cut(text, ",")
	s.Host = strings.TrimSpace(host)
	if bracketed, ok := strings.CutPrefix(s.Host, "["); ok {
		s.Host = strings.TrimSuffix(bracketed, "]")
	}
	if net.ParseIP(s.Host) == nil && strings.Contains(s.Host, ":") && !strings.Contains(s.Host, "://") {
		return stringError("a port stands behind a comma: Server=host,1433")
	}
	if !found {
		return nil
	}
	return s.setPort(port)
}

func (s *Settings) setPort(text string) error {
	port, err := strconv.ParseUint(strings.TrimSpace(text), 10, 16)
	if err != nil || port == 0 {
		return stringError("the port is no number from 1 to 65535")
	}
	s.Port = uint16(port)
	return nil
}

func truth(p pair) (bool, error) {
	switch strings.ToLower(p.value) {
	case "true", "yes", "1":
		return true, nil
	case "false", "no", "0":
		return false, nil
	default:
		return false, stringError("%s must be true or false", p.key)
	}
}

func encryptWord(p pair) (string, error) {
	switch strings.ToLower(p.value) {
	case "strict":
		return EncryptStrict, nil
	case "mandatory":
		return EncryptRequired, nil
	case "optional":
		return EncryptLogin, nil
	case "disable":
		return EncryptNone, nil
	}
	on, err := truth(p)
	if on {
		return EncryptRequired, err
	}
	return EncryptLogin, err
}

// stringError never holds a value of the string: it may be the password.
func stringError(format string, args ...any) error {
	return fault.New(fault.CodeInvalid, "the connection string: "+format, args...).WithPath("connectionString").
		WithSuggestion("Write it as Server=host,1433;Database=database;User Id=user;Password=password;Encrypt=true, or fill in the fields instead.")
}

// pair is a word of a connection string, in small letters, and its value.
type pair struct{ key, value string }

// splitString reads key=value;key=value. A value may stand in ' or ", doubled inside; == in a key is not known here.
func splitString(text string) ([]pair, error) {
	var pairs []pair
	for {
		text = strings.TrimLeft(text, "; \t\r\n")
		if text == "" {
			return pairs, nil
		}
		key, rest, found := strings.Cut(text, "=")
		if !found || strings.Contains(key, ";") {
			return nil, stringError("a part of it is not of the form word=value")
		}
		value, rest, err := takeValue(strings.TrimLeft(rest, " \t\r\n"))
		if err != nil {
			return nil, err
		}
		pairs, text = append(pairs, pair{strings.Join(strings.Fields(strings.ToLower(key)), " "), value}), rest
	}
}

func takeValue(text string) (value, rest string, err error) {
	if text == "" || text[0] != '\'' && text[0] != '"' {
		value, rest, _ = strings.Cut(text, ";")
		return strings.TrimSpace(value), rest, nil
	}
	quote, b := text[0], strings.Builder{}
	for i := 1; i < len(text); i++ {
		switch {
		case text[i] != quote:
			b.WriteByte(text[i])
		case i+1 < len(text) && text[i+1] == quote:
			b.WriteByte(quote)
			i++
		default:
			rest = strings.TrimLeft(text[i+1:], " \t\r\n")
			if rest != "" && rest[0] != ';' {
				return "", "", stringError("something stands behind a quoted value")
			}
			return b.String(), rest, nil
		}
	}
	return "", "", stringError("a quoted value does not end")
}
