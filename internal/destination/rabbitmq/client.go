package rabbitmq

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/millrace/millrace/internal/fault"
)

// How long things may take.
const (
	dialTimeout  = 30 * time.Second
	replyTimeout = 60 * time.Second // for the broker's word on a batch
	heartbeat    = 10 * time.Second
)

// channel is a connection with one channel, on which the broker confirms messages.
type channel struct {
	*amqp.Channel

	conn    *amqp.Connection
	returns chan amqp.Return // messages that had nowhere to go
	closes  chan *amqp.Error // why the channel ended
}

// connect opens a connection.
func (d *destination) connect(ctx context.Context) (*channel, error) {
	if err := ctx.Err(); err != nil {
		return nil, d.fault(err)
	}
	s := d.settings
	address := amqp.URI{Scheme: s.Protocol, Host: s.Host, Port: s.port(), Username: s.Username, Password: s.Password, Vhost: s.VHost}
	config := amqp.Config{
		Vhost: s.VHost, Heartbeat: heartbeat, Locale: "en_US", Properties: amqp.Table{"connection_name": "millrace", "product": "millrace"},
		SASL: []amqp.Authentication{&amqp.PlainAuth{Username: s.Username, Password: s.Password}},
		Dial: func(network, address string) (net.Conn, error) { return d.dial(ctx, network, address) },
	}
	if s.Protocol == secured {
		pool, err := x509.SystemCertPool()
		if err != nil {
			pool = x509.NewCertPool()
		}
		pool.AppendCertsFromPEM([]byte(s.CA)) // checked with the settings
		config.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: pool, ServerName: s.Host}
	}
	conn, err := amqp.DialConfig(address.String(), config)
	if err != nil {
		return nil, d.fault(err)
	}
	c := &channel{conn: conn, returns: make(chan amqp.Return, batchRows), closes: make(chan *amqp.Error, 1)}
	if c.Channel, err = conn.Channel(); err == nil {
		err = c.Confirm(false)
	}
	if err != nil {
		c.close()
		return nil, d.fault(err)
	}
	c.NotifyReturn(c.returns)
	c.NotifyClose(c.closes)
	return c, nil
}

// dial opens a connection and bounds how long the handshake may take; the library takes the bound away afterwards.
func (d *destination) dial(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	conn, err := d.network.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return conn, conn.SetDeadline(time.Now().Add(dialTimeout))
}

func (c *channel) close() { _ = c.conn.Close() } //nolint:errcheck // nothing depends on it

// reason is why the channel ended.
func (c *channel) reason() error {
	select {
	case e := <-c.closes:
		if e != nil {
			return e
		}
	default:
	}
	return amqp.ErrClosed
}

// fault says an error in our vocabulary: nothing was sent when it came.
// https://www.rabbitmq.com/amqp-0-9-1-reference#constants
func (d *destination) fault(err error) *fault.Error {
	e := fault.Wrap(err, fault.CodeDestinationUnreachable, "%s", d.place())
	var broker *amqp.Error
	var timeout net.Error
	switch {
	case errors.Is(err, context.Canceled):
		e.Code, e.Class = fault.CodeRunCancelled, fault.Retryable
	case errors.As(err, &broker):
		return d.brokerFault(e, broker)
	case errors.As(err, &timeout) && timeout.Timeout(), errors.Is(err, context.DeadlineExceeded):
		e.Code, e.Class = fault.CodeDestinationTimeout, fault.Retryable
	default:
		return e.WithSuggestion("Check the host, the port and the protocol.%s", d.network.Firewall())
	}
	return e
}

func (d *destination) brokerFault(e *fault.Error, broker *amqp.Error) *fault.Error {
	switch broker.Code {
	case amqp.AccessRefused:
		if broker == amqp.ErrCredentials || broker == amqp.ErrSASL {
			e.Code, e.Class = fault.CodeDestinationAuth, fault.Fatal
			return e
		}
		e.Code, e.Class = fault.CodeDestinationDenied, fault.Fatal
		return e.WithSuggestion("Give the user access to the virtual host, and the permission to write to the exchange (amq.default for queues).")
	case amqp.NotFound, amqp.NotAllowed, amqp.InvalidPath:
		e.Code, e.Class = fault.CodeDestinationSchema, fault.Fatal
		return e.WithSuggestion("Check the virtual host and the exchange.")
	case amqp.ContentTooLarge, amqp.PreconditionFailed:
		e.Code, e.Class = fault.CodeDestinationRejected, fault.Permanent
	}
	return e
}
