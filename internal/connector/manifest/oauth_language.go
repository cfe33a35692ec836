package manifest

// OAuth is how a token is got (RFC 6749). With the grant code, the connection has the fields clientId, clientSecret and
// refreshToken by itself: the operator's own application at the vendor.
type OAuth struct {
	Grant         string            `yaml:"grant" doc:"code: a person allows the access in a browser. client: the application acts for itself. password: a person's own password. jwt: a signed assertion. google: the key of a service account." enum:"code,client,password,jwt,google" required:"true"`
	Authorize     Text              `yaml:"authorize" doc:"With code: the vendor's page where the person allows the access."`
	Token         Text              `yaml:"token" doc:"Where tokens are got; with google, what the key says."`
	ClientID      Text              `yaml:"clientId" doc:"The application's id; connection.clientId with code."`
	ClientSecret  Text              `yaml:"clientSecret" doc:"Its secret; connection.clientSecret with code."`
	InBody        bool              `yaml:"inBody" doc:"Id and secret are sent in the body instead of a header."`
	JSON          bool              `yaml:"json" doc:"Requests for tokens are JSON instead of forms."`
	PKCE          bool              `yaml:"pkce" doc:"The code is bound to who asked for it (RFC 7636)."`
	Lasting       bool              `yaml:"lasting" doc:"There is no refresh token: the access token is good until the access is taken back."`
	OrLasting     bool              `yaml:"orLasting" doc:"Some applications get no refresh token: the access is over when their access token ends."`
	Scopes        []Text            `yaml:"scopes" doc:"What is asked for; an empty one is left out."`
	Separator     string            `yaml:"separator" doc:"What stands between scopes; a space unless said."`
	Names         map[string]string `yaml:"names" doc:"What the vendor calls parameters of the standard, such as app_id for client_id; what has an empty name is left out."`
	Within        string            `yaml:"within" doc:"The member of the token's answer that has the token, where that is not the answer itself."`
	Audience      Text              `yaml:"audience" doc:"The API that the token is for, where the vendor asks for it."`
	Params        map[string]Text   `yaml:"params" doc:"Further parameters of the vendor's page."`
	TokenParams   map[string]Text   `yaml:"tokenParams" doc:"Further values of requests for a first token."`
	RefreshParams map[string]Text   `yaml:"refreshParams" doc:"Further values of requests with a refresh token."`
	Header        string            `yaml:"header" doc:"The header that shows the token; Authorization unless said."`
	Prefix        string            `yaml:"prefix" doc:"What stands before the token; Bearer with Authorization unless said."`
	Username      Text              `yaml:"username" doc:"With password."`
	Password      Text              `yaml:"password" doc:"With password."`
	Key           Text              `yaml:"key" doc:"With jwt: the private key, PEM. With google: the key of the service account, JSON."`
	Subject       Text              `yaml:"subject" doc:"With jwt and google: on whose behalf."`
	Issuer        Text              `yaml:"issuer" doc:"With jwt: who signs; the client id unless said."`
	Lifetime      Duration          `yaml:"lifetime" doc:"How long a token is good where the vendor does not say."`
	Refused       Cond              `yaml:"refused" doc:"A condition on status, headers and body: the token is not accepted and nothing was done, so that another one is fetched. The status 401 says so anyway."`
	Keep          []string          `yaml:"keep" doc:"Members of the token's answer that templates see as token.NAME, such as the address of the account."`
}

// OAuth1 signs every request (RFC 5849).
type OAuth1 struct {
	ConsumerKey    Text   `yaml:"consumerKey" doc:"The consumer key." required:"true"`
	ConsumerSecret Text   `yaml:"consumerSecret" doc:"Its secret." required:"true"`
	Token          Text   `yaml:"token" doc:"The token." required:"true"`
	TokenSecret    Text   `yaml:"tokenSecret" doc:"Its secret." required:"true"`
	Realm          Text   `yaml:"realm" doc:"The realm."`
	Method         string `yaml:"method" doc:"The signature method; HMAC-SHA256 unless said." enum:"HMAC-SHA1,HMAC-SHA256"`
}
