package httprequest

import (
	"net/http"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/destination/trigger"
)

// The ways to authenticate besides headers.
const (
	authNone   = "none"
	authBasic  = "basic"
	authBearer = "bearer"
	authOAuth  = "oauth2"
)

// The grants of OAuth 2.0 (RFC 6749, 4.1, 4.3 and 4.4).
const (
	grantCode     = "authorization_code"
	grantClient   = "client_credentials"
	grantPassword = "password"
)

// How a client shows its credentials to the token URL (RFC 6749, 2.3.1).
const (
	clientHeader = "header"
	clientBody   = "body"
)

// How many rows a request has.
const (
	rowsSingle = "single"
	rowsBatch  = "batch"
)

// The bodies.
const (
	bodyNone       = "none"
	bodyJSON       = trigger.BodyJSON
	bodyColumn     = trigger.BodyColumn
	bodyMapped     = trigger.BodyMapped
	bodyXML        = "xml"
	bodyForm       = "form"
	bodyFormMapped = "form_mapped"
	bodyText       = "text"
)

func fields() []connector.Field {
	return append([]connector.Field{
		{Name: "baseUrl", Label: "Base URL", Type: connector.FieldString, Required: true, Target: true, Example: "https://api.example.com/v1", Help: "What the addresses of all requests begin with. Syncs add the rest."},
		{Name: "headers", Label: "Headers", Type: connector.FieldHeaders, Help: "Sent with every request. The value of a secret one is stored encrypted and never shown again."},
		{Name: "query", Label: "Query parameters", Type: connector.FieldHeaders, Advanced: true, Help: "Added to every request's address. The value of a secret one is stored encrypted and never shown again."},
		{
			Name: "auth", Label: "Authentication", Type: connector.FieldSelect, Default: authNone,
			Options: []connector.Option{
				{Value: authNone, Label: "None, or by headers"}, {Value: authBasic, Label: "User and password"},
				{Value: authBearer, Label: "Bearer token"}, {Value: authOAuth, Label: "OAuth 2.0"},
			},
		},
		{Name: "username", Label: "User", Type: connector.FieldString, Required: true, ShowIf: when("auth", authBasic)},
		{Name: "password", Label: "Password", Type: connector.FieldSecret, Secret: true, ShowIf: when("auth", authBasic)},
		{Name: "token", Label: "Token", Type: connector.FieldSecret, Secret: true, Required: true, ShowIf: when("auth", authBearer)},
	}, append(oauthFields(), []connector.Field{
		{Name: "caCertificate", Label: "CA certificate", Type: connector.FieldText, Advanced: true, Help: "PEM of the authorities that the API's certificate is checked with, besides those that the server trusts already."},
		{Name: "clientCertificate", Label: "Client certificate", Type: connector.FieldText, Advanced: true, Help: "PEM of a certificate that is shown to the API, with its chain."},
		{Name: "clientKey", Label: "Client certificate's key", Type: connector.FieldSecret, Secret: true, Advanced: true, Help: "PEM of the private key, without a passphrase."},
		{Name: "rateLimits", Label: "Limits of the API", Type: connector.FieldList, Advanced: true, Example: "/contacts 4/second", Help: "What the API allows all syncs with these credentials together, on all servers: 100/second, 1000/minute, 5000/hour, 10000/day, or 5 at once. A path before it limits the requests of syncs whose path begins so. Syncs wait for each other; a long wait holds no worker."},
		{Name: "testPath", Label: "Path to test", Type: connector.FieldString, Advanced: true, Example: "/me", Help: "Asked for with GET when the connection is tested. Empty means the base URL itself."},
	}...)...)
}

func oauthFields() []connector.Field {
	oauth := when("auth", authOAuth)
	return []connector.Field{
		{
			Name: "grant", Label: "Grant", Type: connector.FieldSelect, Default: grantClient, Required: true, ShowIf: oauth,
			Options: []connector.Option{
				{Value: grantClient, Label: "Client credentials"}, {Value: grantCode, Label: "Authorization code"}, {Value: grantPassword, Label: "Password"},
			},
		},
		{Name: "tokenUrl", Label: "Access token URL", Type: connector.FieldString, Required: true, ShowIf: oauth, Example: "https://auth.example.com/oauth/token"},
		{Name: "refreshUrl", Label: "Refresh token URL", Type: connector.FieldString, Advanced: true, ShowIf: oauth, Help: "Only where it differs from the access token URL."},
		{Name: "authUrl", Label: "Authorization URL", Type: connector.FieldString, Required: true, ShowIf: when("grant", grantCode), Help: "Where a person allows the access. Register the callback URL at the provider first: the address of this server followed by /api/oauth/callback."},
		{Name: "clientId", Label: "Client ID", Type: connector.FieldString, Required: true, ShowIf: oauth},
		{Name: "clientSecret", Label: "Client secret", Type: connector.FieldSecret, Secret: true, ShowIf: oauth},
		{
			Name: "clientAuth", Label: "Client authentication", Type: connector.FieldSelect, Default: clientHeader, ShowIf: oauth,
			Options: []connector.Option{{Value: clientHeader, Label: "In the Authorization header"}, {Value: clientBody, Label: "In the body"}},
		},
		{Name: "scopes", Label: "Scopes", Type: connector.FieldString, ShowIf: oauth, Example: "contacts.read contacts.write", Help: "Separated by spaces."},
		{Name: "ownerUsername", Label: "User", Type: connector.FieldString, Required: true, ShowIf: when("grant", grantPassword)},
		{Name: "ownerPassword", Label: "Password", Type: connector.FieldSecret, Secret: true, Required: true, ShowIf: when("grant", grantPassword)},
		{Name: "refreshToken", Label: "Refresh token", Type: connector.FieldSecret, Secret: true, ShowIf: when("grant", grantCode), Help: "Stored when a person chooses Allow access on the saved destination; one that was got elsewhere may be entered. Where the provider replaces it at each use, all servers share the newest one."},
		{Name: "headerPrefix", Label: "Authorization header's prefix", Type: connector.FieldString, Default: "Bearer", ShowIf: oauth},
		{Name: "authParams", Label: "Authorization request: parameters", Type: connector.FieldHeaders, Advanced: true, ShowIf: when("grant", grantCode)},
		{Name: "tokenHeaders", Label: "Token request: headers", Type: connector.FieldHeaders, Advanced: true, ShowIf: oauth},
		{Name: "tokenParams", Label: "Token request: URL parameters", Type: connector.FieldHeaders, Advanced: true, ShowIf: oauth},
		{Name: "tokenBody", Label: "Token request: body values", Type: connector.FieldHeaders, Advanced: true, ShowIf: oauth},
		{Name: "refreshHeaders", Label: "Refresh request: headers", Type: connector.FieldHeaders, Advanced: true, ShowIf: oauth},
		{Name: "refreshParams", Label: "Refresh request: URL parameters", Type: connector.FieldHeaders, Advanced: true, ShowIf: oauth},
		{Name: "refreshBody", Label: "Refresh request: body values", Type: connector.FieldHeaders, Advanced: true, ShowIf: oauth},
	}
}

// when makes a field exist only while another one has one of the values.
func when(field string, in ...string) *connector.ShowIf { return trigger.When(field, in...) }

func syncFields() []connector.Field {
	methods := map[connector.Operation]string{connector.Added: http.MethodPost, connector.Changed: http.MethodPut, connector.Removed: http.MethodDelete}
	return trigger.OperationFields(func(op connector.Operation) []connector.Field {
		if op == connector.Removed {
			return triggerFields(methods[op], bodyNone)
		}
		return triggerFields(methods[op], bodyMapped)
	})
}

// Bounds of the numbers in a trigger.
const (
	maxBatch       = 10_000
	maxRetries     = 20
	maxTimeout     = 600 // seconds
	maxConcurrency = 500
	maxRate        = 1_000_000
)

func triggerFields(method, body string) []connector.Field {
	enabled := trigger.Enabled()
	return []connector.Field{
		trigger.EnabledField("Send requests"),
		{
			Name: "rows", Label: "A request has", Type: connector.FieldSelect, Default: rowsSingle, ShowIf: enabled,
			Options: []connector.Option{{Value: rowsSingle, Label: "One row"}, {Value: rowsBatch, Label: "A batch of rows"}},
		},
		{Name: "batchSize", Label: "Rows in a batch", Type: connector.FieldNumber, Default: 100, Min: new(1.0), Max: new(float64(maxBatch)), ShowIf: when("rows", rowsBatch)},
		{Name: "method", Label: "Method", Type: connector.FieldSelect, Default: method, Required: true, ShowIf: enabled, Options: trigger.Options(methods...)},
		{Name: "url", Label: "Path", Type: connector.FieldString, ShowIf: enabled, Example: "/contacts/{{ row.id }}", Help: "Added to the base URL. A Liquid template; printed values are percent-encoded."},
		{Name: "headers", Label: "Headers", Type: connector.FieldHeaders, Advanced: true, ShowIf: enabled, Help: "Besides the connection's. Values are Liquid templates."},
		{
			Name: "body", Label: "Body", Type: connector.FieldSelect, Default: body, ShowIf: enabled,
			Options: []connector.Option{
				{Value: bodyMapped, Label: "JSON from the mapping", Help: "An object of the mapped fields; a batch is an array of them."},
				{Value: bodyJSON, Label: "JSON from a template"},
				{Value: bodyColumn, Label: "JSON from one column", Help: "A batch is an array of the column's values."},
				{Value: bodyXML, Label: "XML from a template"},
				{Value: bodyForm, Label: "URL-encoded form"},
				{Value: bodyFormMapped, Label: "URL-encoded form from the mapping"},
				{Value: bodyText, Label: "Text from a template"},
				{Value: bodyNone, Label: "None"},
			},
		},
		{Name: "json", Label: "JSON", Type: connector.FieldText, Required: true, ShowIf: when("body", bodyJSON), Example: `{"email": "{{ row.email }}", "age": {{ row.age }}}`, Help: "A Liquid template with row, or with rows in a batch. Put double quotes around texts. Commas before a closing bracket are removed."},
		{Name: "column", Label: "Column", Type: connector.FieldSelect, Required: true, OptionsFrom: trigger.ListColumns, ShowIf: when("body", bodyColumn)},
		{Name: "xml", Label: "XML", Type: connector.FieldText, Required: true, ShowIf: when("body", bodyXML), Example: "<contact><email>{{ row.email }}</email></contact>", Help: "A Liquid template; printed values are escaped."},
		{Name: "form", Label: "Form fields", Type: connector.FieldHeaders, Required: true, ShowIf: when("body", bodyForm), Help: "Values are Liquid templates; they are encoded."},
		{Name: "text", Label: "Text", Type: connector.FieldText, Required: true, ShowIf: when("body", bodyText), Help: "A Liquid template. Say in a header what the text is."},
		{Name: "member", Label: "Put the array under", Type: connector.FieldString, Advanced: true, ShowIf: when("rows", rowsBatch), Example: "records", Help: "Sends an object with the array as its member of this name, for bodies from the mapping or from one column."},
		{Name: "rateLimit", Label: "Requests in a window", Type: connector.FieldNumber, Default: 1000, Min: new(0.0), Max: new(float64(maxRate)), ShowIf: enabled, Help: "Slightly fewer are made. 0 means no limit."},
		{Name: "rateWindow", Label: "Window", Type: connector.FieldSelect, Default: trigger.PerSecond, ShowIf: enabled, Options: trigger.Options(trigger.PerSecond, trigger.PerMinute, trigger.PerHour), Help: "Of this sync alone; what the API allows all syncs together is said at the destination."},
		{Name: "concurrency", Label: "Requests at once", Type: connector.FieldNumber, Default: 100, Min: new(1.0), Max: new(float64(maxConcurrency)), ShowIf: enabled},
		{Name: "timeout", Label: "Timeout in seconds", Type: connector.FieldNumber, Default: 30, Min: new(1.0), Max: new(float64(maxTimeout)), ShowIf: enabled},
		{
			Name: "retry", Label: "Send failed requests again", Type: connector.FieldSelect, Default: trigger.RetryNow, ShowIf: enabled,
			Options: []connector.Option{{Value: trigger.RetryNow, Label: "At once, then in the next runs"}, {Value: trigger.RetryNext, Label: "In the next runs"}},
		},
		{Name: "retries", Label: "Retries in a run", Type: connector.FieldNumber, Default: 3, Min: new(0.0), Max: new(float64(maxRetries)), ShowIf: when("retry", trigger.RetryNow), Help: "Waits grow between them."},
		{Name: "retryStatuses", Label: "Statuses that are worth a retry at once", Type: connector.FieldList, Default: []string{"408", "409", "425", "429", "5xx"}, Advanced: true, ShowIf: when("retry", trigger.RetryNow), Help: "Such as 409 or 5xx; empty means every error. Others wait for the next run."},
		{Name: "split", Label: "Halve refused batches", Type: connector.FieldBoolean, Default: false, Advanced: true, ShowIf: when("rows", rowsBatch), Help: "Sends the halves of a batch that was refused until each row has an answer of its own. Only for APIs that take a batch as a whole or not at all."},
		{Name: "failure", Label: "Failure in an answer", Type: connector.FieldText, Advanced: true, ShowIf: enabled, Example: "{{ response.body.error }}", Help: "A Liquid template with response.status, response.headers and response.body, for APIs that answer 2xx to what they refuse. If it prints nothing, the rows were taken. A text refuses all of them; a list of objects with row (from 0) or key, and reason, refuses those."},
		{Name: "idempotencyHeader", Label: "Idempotency header", Type: connector.FieldString, Advanced: true, ShowIf: enabled, Example: "Idempotency-Key", Help: "A header by which the API recognises a request that it has carried out already. Then requests whose answer was lost are sent again."},
	}
}

var methods = []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}
