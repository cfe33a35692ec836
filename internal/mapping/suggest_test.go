package mapping_test

import (
	"testing"

	"github.com/millrace/millrace/internal/mapping"
)

// Req: SY-23
func TestSuggest(t *testing.T) {
	t.Parallel()
	columns := []string{"email_address", "firstName", "LAST NAME", "qty", "id", "created_at", "company", "phone_number", "email"}
	fields := []string{"Email", "first_name", "lastname", "Quantity", "ID", "Created Date", "zip", "Phone"}
	want := map[string]string{
		"Email": "email", "first_name": "firstName", "lastname": "LAST NAME", "Quantity": "qty", "ID": "id", "Phone": "phone_number",
	}
	got := map[string]string{}
	last := 1.0
	for _, s := range mapping.Suggest(columns, fields) {
		if s.Score > last || s.Score > 1 || s.Score < 0.6 {
			t.Errorf("%+v after a score of %v", s, last)
		}
		last = s.Score
		got[s.To] = s.From
	}
	if len(got) != len(want) {
		t.Errorf("%v, want %v", got, want)
	}
	for to, from := range want {
		if got[to] != from {
			t.Errorf("%s: %q, want %q", to, got[to], from)
		}
	}
	if s := mapping.Suggest([]string{"email_address"}, []string{"Email"}); len(s) != 1 {
		t.Errorf("the documented example: %v", s)
	}
	for _, pair := range [][2]string{ // near matches
		{"adress", "Address"}, {"e_mail", "Email Address"}, {"tags", "Tag"}, {"postcode", "Zip Code"}, {"surname", "Last Name"}, {"given_name", "firstName"},
		{"recieved_at", "Received At"}, {"organisation_name", "Company"}, {"home_city", "City"},
	} {
		if s := mapping.Suggest([]string{pair[0]}, []string{pair[1]}); len(s) != 1 {
			t.Errorf("%s does not fit %s", pair[0], pair[1])
		}
	}
	for _, pair := range [][2]string{{"email_address", "Address"}, {"city", "Country"}, {"first_name", "Last Name"}, {"cost", "cast"}, {"phone", "Email"}} {
		if s := mapping.Suggest([]string{pair[0]}, []string{pair[1]}); len(s) != 0 {
			t.Errorf("%s fits %s: %v", pair[0], pair[1], s)
		}
	}
	if s := mapping.Suggest(nil, []string{"a"}); len(s) != 0 {
		t.Errorf("%v", s)
	}
	if s := mapping.Suggest([]string{"", "__"}, []string{"", "-"}); len(s) > 1 {
		t.Errorf("names without letters: %v", s)
	}
}
