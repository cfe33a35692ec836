package connector

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
