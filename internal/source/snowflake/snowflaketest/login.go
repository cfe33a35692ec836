package snowflaketest

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/golang-jwt/jwt/v5"
)

// loginRequest is what of a login counts here.
type loginRequest struct {
	Data struct {
		Account       string         `json:"ACCOUNT_NAME"`
		Login         string         `json:"LOGIN_NAME"`
		Password      string         `json:"PASSWORD"`
		Authenticator string         `json:"AUTHENTICATOR"`
		Token         string         `json:"TOKEN"`
		Parameters    map[string]any `json:"SESSION_PARAMETERS"`
	} `json:"data"`
}

func (s *Server) login(w http.ResponseWriter, r *http.Request) {
	var body loginRequest
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if body.Data.Account != Account {
		http.NotFound(w, r) // as at the address of an account that is not there
		return
	}
	user, f := s.authenticate(body)
	if f == nil {
		f = checkDefaults(r, user)
	}
	if f != nil {
		refuse(w, f)
		return
	}
	duck, err := s.Engine.Session(r.Context())
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	q := r.URL.Query()
	x := &session{token: newToken(), master: newToken(), warehouse: q.Get("warehouse"), role: q.Get("roleName"), duck: duck}
	x.tag, _ = body.Data.Parameters["QUERY_TAG"].(string)
	s.mu.Lock()
	s.sessions[x.token], s.renewable[x.master] = x, x
	s.logins = append(s.logins, body.Data.Parameters)
	s.mu.Unlock()
	answer(w, map[string]any{
		"token": x.token, "masterToken": x.master, "validityInSeconds": 3600, "masterValidityInSeconds": 14400, "sessionId": 1,
		"parameters":  []map[string]any{{"name": "TIMEZONE", "value": "UTC"}, {"name": "CLIENT_TELEMETRY_ENABLED", "value": false}},
		"sessionInfo": map[string]any{"databaseName": q.Get("databaseName"), "warehouseName": x.warehouse, "roleName": x.role},
	})
}

func (s *Server) authenticate(body loginRequest) (User, *failure) {
	if body.Data.Authenticator == "SNOWFLAKE_JWT" {
		return s.verify(body.Data.Token)
	}
	user, known := s.users[strings.ToUpper(body.Data.Login)]
	if !known || user.Password == "" || user.Password != body.Data.Password {
		return user, &failure{"390100", "08004", "Incorrect username or password was specified."}
	}
	return user, nil
}

// verify checks a token as https://docs.snowflake.com/en/developer-guide/sql-api/authenticating describes it.
func (s *Server) verify(token string) (User, *failure) {
	invalid := &failure{"390144", "08001", "JWT token is invalid. [0ce9eb56-821d-4ca9-a774-04ae89a0cf5a]"}
	var user User
	parsed, err := jwt.Parse(token, func(t *jwt.Token) (any, error) {
		subject, err := t.Claims.GetSubject()
		if err != nil {
			return nil, err
		}
		account, login, _ := strings.Cut(subject, ".")
		user = s.users[login]
		if account != strings.ToUpper(Account) || user.Key == nil {
			return nil, jwt.ErrTokenInvalidSubject
		}
		return user.Key, nil
	}, jwt.WithValidMethods([]string{"RS256"}), jwt.WithExpirationRequired(), jwt.WithIssuedAt())
	if err != nil {
		return user, invalid
	}
	subject, err := parsed.Claims.GetSubject()
	issuer, issuerErr := parsed.Claims.GetIssuer()
	der, keyErr := x509.MarshalPKIXPublicKey(user.Key)
	sum := sha256.Sum256(der)
	if err != nil || issuerErr != nil || keyErr != nil || issuer != subject+".SHA256:"+base64.StdEncoding.EncodeToString(sum[:]) {
		return user, invalid
	}
	return user, nil
}

// checkDefaults proves what a login asks for.
func checkDefaults(r *http.Request, user User) *failure {
	q := r.URL.Query()
	role, warehouse := q.Get("roleName"), q.Get("warehouse")
	switch {
	case user.Refused != "":
		return &failure{"390420", "08001", "Incoming request with IP " + user.Refused + " is not allowed to access Snowflake. Contact your account administrator."}
	case role != "" && !strings.EqualFold(role, Role):
		return &failure{"390189", "08001", "Role '" + role + "' specified in the connect string does not exist or not authorized. Contact your local system administrator, or attempt to login with another role, e.g. PUBLIC."}
	case !strings.EqualFold(q.Get("databaseName"), Database):
		return &failure{"390201", "08004", "The requested database does not exist or not authorized."}
	case !slices.Contains([]string{Batch, People}, strings.ToUpper(warehouse)):
		return &failure{"390201", "08004", "The requested warehouse does not exist or not authorized."}
	default:
		return nil
	}
}
