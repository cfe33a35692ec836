package connector

import "context"

// Authorizer is a source or a destination that a person allows the access to at the vendor, in a browser (OAuth 2.0,
// authorization code: RFC 6749, 4.1).
type Authorizer interface {
	// AuthorizeURL returns the vendor's address that the person is sent to. From there the browser comes back to
	// redirect with state and a code.
	AuthorizeURL(redirect, state string) (string, error)
	// Exchange gets for the code what the connection works with from now on: settings to store in the document.
	Exchange(ctx context.Context, redirect, code string) (Settings, error)
}

// allHold reports whether there are conditions, and all of them hold.
func allHold(conditions []ShowIf, s Settings) bool {
	for _, condition := range conditions {
		if !condition.holds(s) {
			return false
		}
	}
	return len(conditions) > 0
}

// AuthorizeFields are the settings of a connection that a person allows the access for: the application that was
// registered at the vendor, and what the vendor gave for the person's permission (oauth.App). They are shown while s
// holds, or always where it is nil.
func AuthorizeFields(s *ShowIf) []Field {
	fields := []Field{
		{Name: "clientId", Label: "Client ID", Type: FieldString, Required: true, Help: "Of the application that you registered at the vendor. Its redirect address is shown below."},
		{Name: "clientSecret", Label: "Client secret", Type: FieldSecret, Required: true, Secret: true},
		{Name: "refreshToken", Label: "Refresh token", Type: FieldSecret, Advanced: true, Secret: true, Help: "Filled in when the access is allowed in the browser."},
	}
	for i := range fields {
		fields[i].ShowIf = s
	}
	return fields
}
