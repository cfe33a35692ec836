package redis

import (
	"github.com/millrace/millrace/internal/connector"
)

// Slug is the destination's slug.
const Slug = "redis"

// The slugs of the sync types.
const (
	TypeKeys    = "keys"
	TypeMembers = "members"
)

// Limits of the settings of a sync.
const (
	defaultBatchRows = 1_000
	maxBatchRows     = 10_000
	defaultParallel  = 4
	maxParallel      = 16
	maxTTL           = 10 * 365 * 24 * 60 * 60
)

// Info describes the destination.
func Info() connector.DestinationInfo {
	return connector.DestinationInfo{
		Slug:      Slug,
		Name:      "Redis",
		Category:  "database",
		Summary:   "Writes keys, and members of sorted sets, to a Redis server or cluster",
		Verified:  true,
		Tunnels:   true,
		Fields:    connectionFields(),
		SyncTypes: []connector.SyncType{keysType(), membersType()},
		Open: func(o connector.DestinationOptions) (connector.Destination, error) {
			d := &destination{clock: o.Clock, log: o.Log, network: o.Network}
			return d, o.Settings.Decode(&d.settings)
		},
	}
}

func connectionFields() []connector.Field {
	single := &connector.ShowIf{Field: "deployment", In: []string{deploySingle}}
	cluster := &connector.ShowIf{Field: "deployment", In: []string{deployCluster}}
	verified := &connector.ShowIf{Field: "sslMode", In: []string{sslVerifyCA, sslVerifyFull}}
	encrypted := &connector.ShowIf{Field: "sslMode", In: []string{sslRequire, sslVerifyCA, sslVerifyFull}}
	return []connector.Field{
		{
			Name: "deployment", Label: "Deployment", Type: connector.FieldSelect, Required: true, Default: deploySingle, Target: true,
			Options: []connector.Option{
				{Value: deploySingle, Label: "One server", Help: "Also a primary with replicas behind one address"},
				{Value: deployCluster, Label: "A cluster", Help: "Keys are spread over several nodes, each of which must be reachable"},
			},
		},
		{Name: "host", Label: "Host", Type: connector.FieldString, Required: true, Target: true, ShowIf: single, Example: "redis.example.com", Help: "A name or an IP address, without a scheme."},
		{Name: "port", Label: "Port", Type: connector.FieldNumber, Required: true, Target: true, ShowIf: single, Default: float64(defaultPort), Min: new(1.0), Max: new(float64(maxPort))},
		{Name: "database", Label: "Database number", Type: connector.FieldNumber, Target: true, ShowIf: single, Default: float64(0), Min: new(0.0), Help: "A server has 16 of them unless it is configured otherwise; a cluster has only number 0."},
		{Name: "nodes", Label: "Node URLs", Type: connector.FieldList, Required: true, Target: true, ShowIf: cluster, Example: "redis://node-1.example.com:6379", Help: "One is enough where all nodes can be reached at the addresses that the cluster itself names; several let one of them be down."},
		{Name: "nodeAddressMap", Label: "Node address map", Type: connector.FieldList, ShowIf: cluster, Advanced: true, Example: "10.0.1.5:6379=nat.example.com:7001", Help: "Where the cluster names addresses that this server cannot reach: each address of CLUSTER NODES, an equals sign, and the address to connect to instead."},
		{Name: "username", Label: "User", Type: connector.FieldString, Example: "millrace", Help: "Empty where the server knows only a password, or asks for nothing."},
		{Name: "password", Label: "Password", Type: connector.FieldSecret, Secret: true, Help: "Empty where the server asks for none."},
		{
			Name: "sslMode", Label: "Encryption", Type: connector.FieldSelect, Default: sslVerifyFull, Required: true,
			Options: []connector.Option{
				{Value: sslVerifyFull, Label: "Always, and check signature and host name"},
				{Value: sslVerifyCA, Label: "Always, and check who signed the server's certificate"},
				{Value: sslRequire, Label: "Always", Help: "Encrypted, whoever answers"},
				{Value: sslDisable, Label: "None", Help: "Only for a server on this machine or behind a tunnel: whoever listens reads passwords and rows."},
			},
		},
		{Name: "caCertificate", Label: "CA certificate", Type: connector.FieldText, ShowIf: verified, Help: "The authority that the server's certificate must come from, in PEM form. Empty means those that the machine trusts."},
		{Name: "clientCertificate", Label: "Client certificate", Type: connector.FieldText, ShowIf: encrypted, Advanced: true, Help: "In PEM form. A server asks for one unless its tls-auth-clients is off."},
		{Name: "clientKey", Label: "Client key", Type: connector.FieldSecret, Secret: true, ShowIf: encrypted, Advanced: true, Help: "The private key of the client certificate, in PEM form."},
		{
			Name: "transactions", Label: "Transactions", Type: connector.FieldSelect, Default: txAuto, Advanced: true,
			Help: "Whether commands are sent between MULTI and EXEC: on a single server those of a batch, so that readers see all of its rows or none; in a cluster those of each key.",
			Options: []connector.Option{
				{Value: txAuto, Label: "On for one server, off for a cluster"},
				{Value: txOn, Label: "On"},
				{Value: txOff, Label: "Off"},
			},
		},
	}
}

func keysType() connector.SyncType {
	return connector.SyncType{
		Slug:    TypeKeys,
		Name:    "Keys",
		Summary: "Writes one key for each row: a string, a hash, a set or places",
		Modes:   []connector.Mode{connector.ModeUpsert, connector.ModeUpdate},
		Deletes: []connector.DeleteBehavior{connector.DeleteNothing, connector.DeleteClear, connector.DeleteRecord},
		Match:   connector.MatchRule{Modes: []connector.Mode{connector.ModeUpsert, connector.ModeUpdate}},
		Mapping: connector.MappingRule{Enabled: true, Required: true, Advanced: true, Custom: true, AllByName: true, Clear: emptyText},
		Compare: connector.CompareMapped,
		Fields: append([]connector.Field{
			{
				Name: "command", Label: "Command", Type: connector.FieldSelect, Required: true, Target: true, Default: "hset",
				Options: []connector.Option{
					{Value: "set", Label: "SET", Help: "A string"},
					{Value: "hset", Label: "HSET", Help: "A hash: mapped fields are fields of the hash"},
					{Value: "sadd", Label: "SADD", Help: "Members of a set. Only mode upsert"},
					{Value: "geoadd", Label: "GEOADD", Help: "A named place. Only mode upsert"},
				},
			},
			{
				Name: "format", Label: "The string is", Type: connector.FieldSelect, Required: true, Default: formatValue, ShowIf: &connector.ShowIf{Field: "command", In: []string{"set"}},
				Options: []connector.Option{
					{Value: formatValue, Label: "One value", Help: "The one mapped field, called value"},
					{Value: formatJSON, Label: "A JSON object", Help: "All mapped fields, under their names"},
				},
			},
			{Name: "ttl", Label: "Time to live", Type: connector.FieldNumber, Min: new(1.0), Max: new(float64(maxTTL)), Example: "86400", Help: "Seconds after the last writing of a key when Redis removes it. Empty means never. A row that does not change is not written again."},
		}, pacing()...),
	}
}

func membersType() connector.SyncType {
	return connector.SyncType{
		Slug:    TypeMembers,
		Name:    "Members",
		Summary: "Writes members of sorted sets",
		Modes:   []connector.Mode{connector.ModeUpsert, connector.ModeUpdate},
		Deletes: []connector.DeleteBehavior{connector.DeleteNothing, connector.DeleteClear, connector.DeleteRecord},
		Match:   connector.MatchRule{Modes: []connector.Mode{connector.ModeUpsert, connector.ModeUpdate}},
		Mapping: connector.MappingRule{Enabled: true, Required: true, Advanced: true},
		Compare: connector.CompareMapped,
		Fields: append([]connector.Field{{
			Name: "command", Label: "Command", Type: connector.FieldSelect, Required: true, Target: true, Default: "zadd",
			Options: []connector.Option{
				{Value: "zadd", Label: "ZADD", Help: "A member with its score"},
				{Value: "geoadd", Label: "GEOADD", Help: "A member with its place. Only mode upsert"},
			},
		}}, pacing()...),
	}
}

func pacing() []connector.Field {
	return []connector.Field{
		{Name: "batchSize", Label: "Rows in a batch", Type: connector.FieldNumber, Advanced: true, Default: float64(defaultBatchRows), Min: new(1.0), Max: new(float64(maxBatchRows)), Help: "In a transaction, other clients wait while the server executes a batch."},
		{Name: "parallel", Label: "Batches at a time", Type: connector.FieldNumber, Advanced: true, Default: float64(defaultParallel), Min: new(1.0), Max: new(float64(maxParallel)), Help: "Each uses a connection of its own."},
	}
}
