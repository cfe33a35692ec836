package kafka

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/aws"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// How long things may take.
const (
	dialTimeout     = 10 * time.Second
	requestRetries  = 2
	recordRetries   = 10
	patience        = 20 * time.Second // with a cluster that does not answer; within it nothing is sent twice
	deliveryTimeout = 60 * time.Second
)

// client is a connection to a cluster.
type client struct {
	*kgo.Client

	place   string
	network connector.Network
	sent    atomic.Int64 // requests with messages of which a byte may have left
	asked   atomic.Bool  // credentials were shown last, and not accepted yet
}

// connect returns a client, which connects when it is used.
func (d *destination) connect() (*client, error) {
	brokers, err := d.settings.brokers()
	if err != nil {
		return nil, err
	}
	c := &client{place: "kafka://" + strings.Join(brokers, ","), network: d.network}
	options := []kgo.Opt{
		kgo.SeedBrokers(brokers...), kgo.ClientID(d.settings.ClientID), kgo.DisableClientMetrics(), kgo.WithHooks(c),
		kgo.RequestRetries(requestRetries), kgo.RetryTimeout(d.patience), kgo.RequestTimeoutOverhead(d.patience / 2), kgo.ProduceRequestTimeout(d.patience / 2),
		kgo.RecordPartitioner(partitioner{}), kgo.RecordRetries(recordRetries), kgo.MetadataMinAge(d.patience / recordRetries), kgo.RecordDeliveryTimeout(deliveryTimeout), kgo.AllowIdempotentProduceCancellation(),
		kgo.ProducerBatchMaxBytes(int32(min(d.settings.BatchBytes, maxBatchBytes))), kgo.ProducerLinger(0),
	}
	dial, err := d.dial()
	if err != nil {
		return nil, err
	}
	mechanism, err := d.mechanism()
	if err != nil {
		return nil, err
	}
	if mechanism != nil {
		options = append(options, kgo.SASL(watched{mechanism, c}))
	}
	if c.Client, err = kgo.NewClient(append(options, dial)...); err != nil {
		return nil, fault.Wrap(err, fault.CodeInvalid, "the settings cannot be used")
	}
	return c, nil
}

// dial opens connections, with TLS for the broker's own name.
func (d *destination) dial() (kgo.Opt, error) {
	if !d.settings.TLS {
		return kgo.Dialer(d.network.DialContext), nil
	}
	pool, err := d.settings.pool()
	if err != nil {
		return nil, err
	}
	return kgo.Dialer(func(ctx context.Context, network, address string) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, dialTimeout)
		defer cancel()
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		plain, err := d.network.DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		secured := tls.Client(plain, &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: pool, ServerName: host})
		if err := secured.HandshakeContext(ctx); err != nil {
			plain.Close() //nolint:errcheck // the first error matters
			return nil, err
		}
		return secured, nil
	}), nil
}

// mechanism is how the client authenticates; nil means not at all.
func (d *destination) mechanism() (sasl.Mechanism, error) {
	s := d.settings
	switch s.Auth {
	case authPlain:
		return plain.Auth{User: s.Username, Pass: s.Password}.AsMechanism(), nil
	case authSCRAM256:
		return scram.Auth{User: s.Username, Pass: s.Password}.AsSha256Mechanism(), nil
	case authSCRAM512:
		return scram.Auth{User: s.Username, Pass: s.Password}.AsSha512Mechanism(), nil
	case authIAM:
		return stack{strings.Join([]string{s.Identity, s.AccessKeyID, s.SecretAccessKey, s.SessionToken}, "\x00")}, nil
	case authMSK:
		return d.msk()
	default:
		return nil, nil //nolint:nilnil // no authentication
	}
}

// msk signs in at Amazon MSK, with keys that are renewed as they expire.
func (d *destination) msk() (sasl.Mechanism, error) {
	client := d.network.Direct().Transport()
	config, err := d.settings.Credential.Config(context.Background(), d.settings.Region, &http.Client{Transport: client})
	if err != nil {
		return nil, fault.Wrap(err, fault.CodeInvalid, "the credential cannot be used").WithPath("credential")
	}
	return aws.ManagedStreamingIAM(func(ctx context.Context) (aws.Auth, error) {
		keys, err := config.Credentials.Retrieve(ctx)
		if err != nil {
			return aws.Auth{}, fault.Wrap(err, fault.CodeDestinationAuth, "getting keys of AWS")
		}
		return aws.Auth{AccessKey: keys.AccessKeyID, SecretKey: keys.SecretAccessKey, SessionToken: keys.SessionToken}, nil
	}), nil
}

// watched notes whether credentials that were shown are accepted: many brokers say no by ending the connection.
type watched struct {
	sasl.Mechanism

	client *client
}

// Authenticate begins an exchange.
func (w watched) Authenticate(ctx context.Context, host string) (sasl.Session, []byte, error) {
	session, first, err := w.Mechanism.Authenticate(ctx, host)
	w.client.asked.Store(true)
	return watchedSession{session, w.client}, first, err
}

type watchedSession struct {
	sasl.Session

	client *client
}

// Challenge goes on with an exchange.
func (w watchedSession) Challenge(answer []byte) (bool, []byte, error) {
	done, next, err := w.Session.Challenge(answer)
	if err != nil {
		return done, next, fault.Wrap(err, fault.CodeDestinationAuth, "authenticating")
	}
	if done {
		w.client.asked.Store(false)
	}
	return done, next, nil
}

// stack is the mechanism of STACK's login module: the identity and its keys in one message, separated by zero bytes.
type stack struct{ message string }

var _ sasl.Mechanism = stack{}

// Name is the mechanism's name.
func (stack) Name() string { return "AWS" }

// Authenticate sends the message; whatever the broker answers ends the exchange.
func (s stack) Authenticate(context.Context, string) (sasl.Session, []byte, error) {
	return stackSession{}, []byte(s.message), nil
}

type stackSession struct{}

// Challenge is the end of the exchange.
func (stackSession) Challenge([]byte) (bool, []byte, error) { return true, nil, nil }

// keyProduce is the number of the protocol's request with messages: https://kafka.apache.org/protocol.html#protocol_api_keys
const keyProduce = 0

var _ kgo.HookBrokerWrite = (*client)(nil)

// OnBrokerWrite counts what of messages may have left.
func (c *client) OnBrokerWrite(_ kgo.BrokerMetadata, key int16, written int, _, _ time.Duration, _ error) {
	if key == keyProduce && written > 0 {
		c.sent.Add(1)
	}
}

// topic is what is known of a topic.
type topic struct {
	partitions int32
	internal   bool
	problem    string // why nothing can be sent to it
}

// describe asks the cluster about topics; nil means all of them. No topic is created by asking.
func (c *client) describe(ctx context.Context, names []string) (map[string]topic, error) {
	r := kmsg.NewPtrMetadataRequest()
	if names != nil {
		r.Topics = []kmsg.MetadataRequestTopic{}
	}
	for _, name := range names {
		t := kmsg.NewMetadataRequestTopic()
		t.Topic = new(name)
		r.Topics = append(r.Topics, t)
	}
	answer, err := r.RequestWith(ctx, c.Client)
	if err != nil {
		return nil, c.fault(err, false)
	}
	found := map[string]topic{}
	for _, t := range answer.Topics {
		if t.Topic == nil {
			continue
		}
		problem := kerr.ErrorForCode(t.ErrorCode)
		if problem != nil && kerr.IsRetriable(problem) && t.ErrorCode != kerr.UnknownTopicOrPartition.Code {
			return nil, c.fault(problem, false)
		}
		described := topic{partitions: int32(len(t.Partitions)), internal: t.IsInternal}
		if problem != nil {
			described.problem = problem.Error()
		}
		found[*t.Topic] = described
	}
	return found, nil
}

// partitioner follows the rules of the settings: the row's own partition, else the key's, else each in turn.
type partitioner struct{}

var _ kgo.Partitioner = partitioner{}

// ForTopic returns the partitioner of a topic.
func (partitioner) ForTopic(name string) kgo.TopicPartitioner {
	return topicPartitioner{keyed: kgo.StickyKeyPartitioner(nil).ForTopic(name), turns: kgo.RoundRobinPartitioner().ForTopic(name)}
}

type topicPartitioner struct{ keyed, turns kgo.TopicPartitioner }

// free is the partition of a record whose row names none.
const free = -1

// RequiresConsistency says that a partition of the row's own, or of its key, does not depend on which are reachable.
func (p topicPartitioner) RequiresConsistency(r *kgo.Record) bool {
	return r.Partition != free || r.Key != nil
}

// Partition chooses the partition of a record.
func (p topicPartitioner) Partition(r *kgo.Record, n int) int {
	switch {
	case r.Partition != free:
		return int(r.Partition)
	case r.Key != nil:
		return p.keyed.Partition(r, n)
	default:
		return p.turns.Partition(r, n)
	}
}
