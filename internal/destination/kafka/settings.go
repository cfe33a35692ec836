package kafka

import (
	"crypto/x509"
	"net"
	"strconv"
	"strings"

	"github.com/millrace/millrace/internal/cloud"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/destination/trigger"
	"github.com/millrace/millrace/internal/fault"
)

// The ways to authenticate.
const (
	authNone     = "none"
	authPlain    = "sasl_plain"
	authSCRAM256 = "sasl_scram_sha256"
	authSCRAM512 = "sasl_scram_sha512"
	authIAM      = "aws_iam"
	authMSK      = "aws_msk_iam"
)

// settings are the connection's own.
type settings struct {
	Brokers         string    `json:"brokers"`
	ClientID        string    `json:"clientId"`
	TLS             bool      `json:"tls"`
	CA              string    `json:"caCertificate"`
	Auth            string    `json:"auth"`
	Username        string    `json:"username"`
	Password        string    `json:"password"`
	Identity        string    `json:"authorizationIdentity"`
	AccessKeyID     string    `json:"accessKeyId"`
	SecretAccessKey string    `json:"secretAccessKey"`
	SessionToken    string    `json:"sessionToken"`
	Credential      cloud.AWS `json:"credential"`
	Region          string    `json:"region"`
	BatchBytes      int       `json:"batchBytes"`
}

// The largest request for a partition. The default of brokers is 1,048,588 bytes: message.max.bytes at
// https://kafka.apache.org/documentation/#brokerconfigs.
const (
	defaultBatchBytes = 1_000_000
	maxBatchBytes     = 100 << 20
)

func fields() []connector.Field {
	password := []string{authPlain, authSCRAM256, authSCRAM512}
	return []connector.Field{
		{Name: "brokers", Label: "Brokers", Type: connector.FieldString, Required: true, Target: true, Example: "kafka1.example.com:9092,kafka2.example.com:9092", Help: "Host and port of one or more brokers, separated by commas. The cluster names its others."},
		{Name: "clientId", Label: "Client ID", Type: connector.FieldString, Default: "millrace", Help: "The name under which the cluster counts quotas and writes its logs."},
		{
			Name: "auth", Label: "Authentication", Type: connector.FieldSelect, Default: authPlain,
			Options: []connector.Option{
				{Value: authPlain, Label: "SASL PLAIN"}, {Value: authSCRAM256, Label: "SASL SCRAM-SHA-256"}, {Value: authSCRAM512, Label: "SASL SCRAM-SHA-512"},
				{Value: authIAM, Label: "AWS IAM: STACK's login module", Help: "The brokers have kafka-auth-aws-iam or something compatible."},
				{Value: authMSK, Label: "AWS IAM: Amazon MSK"},
				{Value: authNone, Label: "None", Help: "For tests."},
			},
		},
		{Name: "username", Label: "User", Type: connector.FieldString, Required: true, ShowIf: trigger.When("auth", password...)},
		{Name: "password", Label: "Password", Type: connector.FieldSecret, Secret: true, Required: true, ShowIf: trigger.When("auth", password...)},
		{Name: "authorizationIdentity", Label: "Authorization identity", Type: connector.FieldString, Required: true, ShowIf: trigger.When("auth", authIAM), Example: "AIDAIOSFODNN7EXAMPLE", Help: "The aws:userid of the identity: UserId in the answer of `aws iam get-user`, RoleId in that of `aws iam get-role`."},
		{Name: "accessKeyId", Label: "Access key ID", Type: connector.FieldString, Required: true, ShowIf: trigger.When("auth", authIAM)},
		{Name: "secretAccessKey", Label: "Secret access key", Type: connector.FieldSecret, Secret: true, Required: true, ShowIf: trigger.When("auth", authIAM)},
		{Name: "sessionToken", Label: "Session token", Type: connector.FieldSecret, Secret: true, ShowIf: trigger.When("auth", authIAM), Help: "Only for temporary keys, which stop working when they expire."},
		{Name: "credential", Label: "AWS credential", Type: connector.FieldCredential, Providers: []string{cloud.ProviderAWS}, Required: true, ShowIf: trigger.When("auth", authMSK), Help: "It needs kafka-cluster:Connect, kafka-cluster:DescribeTopic, kafka-cluster:WriteData and kafka-cluster:WriteDataIdempotently."},
		{Name: "region", Label: "Region", Type: connector.FieldString, Required: true, ShowIf: trigger.When("auth", authMSK), Example: "eu-central-1", Help: "The AWS region of the cluster."},
		{Name: "tls", Label: "TLS", Type: connector.FieldBoolean, Default: true, Help: "Without it, passwords of SASL PLAIN and AWS keys travel readable."},
		{Name: "caCertificate", Label: "CA certificate", Type: connector.FieldText, Advanced: true, ShowIf: trigger.When("tls", "true"), Help: "PEM of the authorities that the brokers' certificates are checked with, besides those that the server trusts already."},
		{Name: "batchBytes", Label: "Bytes in a request", Type: connector.FieldNumber, Default: defaultBatchBytes, Min: new(1000.0), Max: new(float64(maxBatchBytes)), Advanced: true, Help: "At most, for each partition. Lower it where brokers or topics allow less than Kafka's own limit of 1 MB; raise it for larger messages."},
	}
}

const configuration = "spec.configuration."

// check reports every setting that cannot work.
func (s settings) check() fault.Issues {
	var issues fault.Issues
	require := func(field, label, value string) {
		if value == "" {
			issues.Add(configuration+field, fault.CodeRequired, "%s is required", label)
		}
	}
	if _, err := s.brokers(); err != nil {
		issues = append(issues, fault.As(err).WithPath(configuration+"brokers"))
	}
	switch s.Auth {
	case authNone:
	case authPlain, authSCRAM256, authSCRAM512:
		require("username", "a user", s.Username)
		require("password", "a password", s.Password)
	case authIAM:
		require("authorizationIdentity", "the authorization identity", s.Identity)
		require("accessKeyId", "the access key ID", s.AccessKeyID)
		require("secretAccessKey", "the secret access key", s.SecretAccessKey)
	case authMSK:
		require("region", "the region", s.Region)
		if s.Credential.Auth == "" {
			require("credential", "an AWS credential", "")
		}
	default:
		issues.Add(configuration+"auth", fault.CodeInvalid, "there is no authentication %q", s.Auth)
	}
	if _, err := s.pool(); err != nil {
		issues = append(issues, fault.As(err).WithPath(configuration+"caCertificate"))
	}
	return issues
}

// brokers reads the list of brokers.
func (s settings) brokers() ([]string, error) {
	var list []string
	for part := range strings.SplitSeq(s.Brokers, ",") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		host, port, err := net.SplitHostPort(part)
		if n, perr := strconv.Atoi(port); err != nil || host == "" || perr != nil || n < 1 || n > 65535 {
			return nil, fault.New(fault.CodeInvalid, "%q is not a broker: write host:port, as in kafka1.example.com:9092", part)
		}
		list = append(list, part)
	}
	if len(list) == 0 {
		return nil, fault.New(fault.CodeRequired, "at least one broker is required, as in kafka1.example.com:9092")
	}
	return list, nil
}

// pool returns the authorities that brokers are checked with; nil means the system's.
func (s settings) pool() (*x509.CertPool, error) {
	if s.CA == "" || !s.TLS {
		return nil, nil //nolint:nilnil // as tls.Config reads it
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM([]byte(s.CA)) {
		return nil, fault.New(fault.CodeInvalid, "the CA certificate is not PEM")
	}
	return pool, nil
}

// bodyNone sends a message without a value.
const bodyNone = "none"

// The pick-list of topics.
const listTopics = "topics"

// triggerSettings are those of one operation.
type triggerSettings struct {
	trigger.Message

	Enabled     bool           `json:"enabled"`
	Topic       string         `json:"topic"`
	TopicFrom   string         `json:"topicFrom"`
	TopicColumn string         `json:"topicColumn"`
	Partition   string         `json:"partition"`
	Key         string         `json:"key"`
	Headers     []trigger.Pair `json:"headers"`
}

func syncFields() []connector.Field {
	return trigger.OperationFields(func(connector.Operation) []connector.Field { return triggerFields() })
}

func triggerFields() []connector.Field {
	list := []connector.Field{trigger.EnabledField("Send messages")}
	list = append(list, trigger.PlaceFields("topic", "Topic", listTopics, "It must exist: none is made.")...)
	list = append(list, trigger.MessageFields(connector.Option{Value: bodyNone, Label: "No value", Help: "Only the key: what a compacted topic takes as a removal."})...)
	return append(list,
		connector.Field{Name: "partition", Label: "Partition", Type: connector.FieldString, ShowIf: trigger.Enabled(), Example: "{{ row.shard }}", Help: "A Liquid template. What it gives is read as a number; what is none leaves the choice to the key."},
		connector.Field{Name: "key", Label: "Key", Type: connector.FieldString, ShowIf: trigger.Enabled(), Example: "{{ row.order_id }}", Help: "A Liquid template. Messages with the same key go to the same partition (murmur2), in the order of the rows. Without a partition and a key, partitions take turns."},
		connector.Field{Name: "headers", Label: "Headers", Type: connector.FieldHeaders, ShowIf: trigger.Enabled(), Help: "Values are Liquid templates. A header whose value is null is left out."},
	)
}
