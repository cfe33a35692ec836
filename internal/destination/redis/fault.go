package redis

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"slices"
	"strings"

	goredis "github.com/redis/go-redis/v9"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
)

// The first words of a server's errors, which are their codes.
// https://redis.io/docs/latest/develop/reference/protocol-spec/#simple-errors; the words stand in the server's own source (server.c)
const (
	wordUnknown      = "ERR"
	wordWrongType    = "WRONGTYPE"
	wordNoAuth       = "NOAUTH"
	wordWrongPass    = "WRONGPASS"
	wordNoPermission = "NOPERM"
	wordReadOnly     = "READONLY"
	wordMemory       = "OOM"
	wordLoading      = "LOADING"
	wordBusy         = "BUSY"
	wordMasterDown   = "MASTERDOWN"
	wordClusterDown  = "CLUSTERDOWN"
	wordTryAgain     = "TRYAGAIN"
	wordPersistence  = "MISCONF"
	wordNoReplicas   = "NOREPLICAS"
	wordAborted      = "EXECABORT"
)

// temporary are the codes of refusals that another attempt may not meet.
var temporary = []string{wordMemory, wordLoading, wordBusy, wordMasterDown, wordClusterDown, wordTryAgain, wordPersistence, wordNoReplicas}

// wordOf returns the code of a server's error; empty for any other error.
func wordOf(err error) string {
	var answer goredis.Error
	if err == nil || errors.Is(err, goredis.Nil) || !errors.As(err, &answer) {
		return ""
	}
	word, _, _ := strings.Cut(answer.Error(), " ")
	return word
}

// judge reads the answers. Rows whose command the server refused are rejected; an error is about the batch.
func (s *session) judge(ctx context.Context, all []sent) ([]connector.Rejection, error) {
	v := verdict{}
	for _, c := range all {
		err := c.cmd.Err()
		switch word := wordOf(err); {
		case err == nil || errors.Is(err, goredis.Nil): // nil is SET's answer where the key does not exist
			v.taken = true
		case word == wordAborted:
			v.aborted = err
		case word == "":
			v.broke(err)
		case ofRow(err, word):
			v.refuse(c.row, err, false)
		case slices.Contains(temporary, word):
			v.passing = err
			v.refuse(c.row, err, true)
		default:
			return nil, s.d.translate(ctx, err, "writing to "+s.d.settings.address())
		}
	}
	return v.refused, s.whole(ctx, v)
}

// verdict is what the answers to a batch come to.
type verdict struct {
	refused []connector.Rejection
	taken   bool  // at least one command
	lasting bool  // at least one refusal that another attempt would meet again
	passing error // a refusal that another attempt may not meet
	aborted error // the transaction was not executed
	lost    error // a command may have been executed
	unsent  error // a command was not sent
}

func (v *verdict) broke(err error) {
	if _, dial := errors.AsType[*dialError](err); dial {
		v.unsent = err
	} else {
		v.lost = err
	}
}

// refuse rejects a row once: its commands follow each other.
func (v *verdict) refuse(row int, err error, again bool) {
	v.lasting = v.lasting || !again
	if n := len(v.refused); n == 0 || v.refused[n-1].Row != row {
		v.refused = append(v.refused, connector.Rejection{Row: row, Reason: err.Error(), Retry: again})
	}
}

// whole judges errors that are about more than single rows.
func (s *session) whole(ctx context.Context, v verdict) error {
	doing := "writing to " + s.d.settings.address()
	switch {
	case v.lost != nil || v.unsent != nil && v.taken:
		return fault.Reclass(s.d.translate(ctx, cmp.Or(v.lost, v.unsent), doing), fault.Unknown)
	case v.unsent != nil:
		return s.d.translate(ctx, v.unsent, doing)
	case v.passing != nil && !v.taken && !v.lasting:
		return s.d.translate(ctx, v.passing, doing)
	case v.aborted != nil && len(v.refused) > 0: // the engine halves the batch, until each row has its own answer
		return fault.New(fault.CodeDestinationRejected, "%s: the server gave the transaction up: %s", doing, v.refused[0].Reason)
	case v.aborted != nil:
		return s.d.translate(ctx, v.aborted, doing)
	}
	return nil
}

// ofRow reports whether an error is about one row's key or values: other rows may be taken.
func ofRow(err error, word string) bool {
	switch word {
	case wordWrongType, wordUnknown:
		return !strings.Contains(err.Error(), "unknown command")
	case wordNoPermission: // a user may be confined to keys, and lack a command
		return strings.Contains(err.Error(), "key")
	default:
		return false
	}
}

// translate says a driver's or server's error in our vocabulary. Its class supposes that nothing was taken.
func (d *destination) translate(ctx context.Context, err error, doing string) *fault.Error {
	if ours, ok := errors.AsType[*fault.Error](err); ok {
		return ours
	}
	if ctx.Err() != nil {
		return fault.Wrap(context.Cause(ctx), fault.CodeRunCancelled, "%s", doing)
	}
	as := func(code fault.Code) *fault.Error { return fault.Wrap(err, code, "%s", doing) }
	switch wordOf(err) {
	case "":
		return d.ofNetwork(err, doing)
	case wordNoAuth:
		return as(fault.CodeDestinationAuth).WithSuggestion("The server asks for a password: enter it, and the user where the server has several.")
	case wordWrongPass:
		return as(fault.CodeDestinationAuth).WithSuggestion("Check user and password; ACL LIST shows the server's users.")
	case wordNoPermission:
		return as(fault.CodeDestinationDenied).WithSuggestion("Let the user %q run the sync's commands, such as: ACL SETUSER %s +ping +info +set +hset +sadd +srem +zadd +zrem +geoadd +expire +del +eval", d.user(), d.user())
	case wordReadOnly:
		return as(fault.CodeDestinationDenied).WithSuggestion("Connect to the primary server: this one is a replica, which only reads.")
	case wordMemory:
		return fault.Reclass(as(fault.CodeDestinationRejected), fault.Retryable).WithSuggestion("The server's memory is full: raise maxmemory, or choose a maxmemory-policy that removes old keys.")
	case wordPersistence:
		return fault.Reclass(as(fault.CodeDestinationRejected), fault.Retryable).WithSuggestion("The server cannot save to its disk and takes no writes meanwhile: look at its log.")
	case wordLoading, wordBusy, wordMasterDown, wordClusterDown, wordTryAgain, wordNoReplicas:
		return as(fault.CodeDestinationUnreachable).WithSuggestion("The server is not ready now; the batch is sent again.")
	}
	return d.ofAnswer(err, as)
}

// ofAnswer judges the errors that have no code of their own.
func (d *destination) ofAnswer(err error, as func(fault.Code) *fault.Error) *fault.Error {
	text := err.Error()
	switch {
	case strings.Contains(text, "max number of clients"):
		return as(fault.CodeDestinationThrottled).WithSuggestion("Lower the sync's batches at a time, or raise the server's maxclients.")
	case strings.Contains(text, "cluster support disabled"):
		return as(fault.CodeDestinationSchema).WithPath("spec.configuration.deployment").WithSuggestion("This is no cluster: choose the deployment “One server”.")
	case strings.Contains(text, "DB index is out of range"):
		return as(fault.CodeDestinationSchema).WithPath("spec.configuration.database").WithSuggestion("Choose a smaller number, or raise the server's setting databases.")
	case strings.Contains(text, "without any password configured") || strings.Contains(text, "AUTH"):
		return as(fault.CodeDestinationAuth).WithSuggestion("The server has no such user or asks for no password: leave user and password empty, or set them at the server.")
	case strings.Contains(text, "unknown command"):
		return as(fault.CodeDestinationSchema).WithSuggestion("The server lacks the command: use Redis 4.0 or later, or another command.")
	}
	return as(fault.CodeDestinationRejected)
}

func (d *destination) user() string {
	if d.settings.Username == "" {
		return "default"
	}
	return d.settings.Username
}

// ofNetwork judges an error that is not the server's answer.
func (d *destination) ofNetwork(err error, doing string) *fault.Error {
	e := fault.Wrap(err, fault.CodeDestinationUnreachable, "%s", doing)
	var certificate *tls.CertificateVerificationError
	var handshake *handshakeError
	switch {
	case errors.As(err, &certificate):
		return fault.Reclass(e.WithSuggestion("Check the encryption %s and the CA certificate against what the server shows.", d.settings.SSLMode), fault.Fatal)
	case errors.As(err, &handshake):
		return e.WithSuggestion("Use the server's TLS port. If it has none, choose no encryption, but only where nobody can listen. A server may also ask for a client certificate.")
	case d.settings.Deployment == deployCluster:
		return e.WithSuggestion("Check that every address of CLUSTER NODES can be reached from here, or map those that cannot to addresses that can.%s", d.network.Firewall())
	}
	return e.WithSuggestion("Check that a Redis server listens at %s, that its encryption is as configured here (%s), and that the firewall lets this machine in.%s", d.settings.address(), d.settings.SSLMode, d.network.Firewall())
}
