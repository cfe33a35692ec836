package destination

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/httpx"
	"github.com/millrace/millrace/internal/value"
)

// An audience that an earlier run made and that somebody deleted ends the run: it is named, and nothing is sent where
// it was gone before.
//
// Req: SY-76
func TestAudienceGone(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		slug, field    string
		mode           connector.Mode
		connection     connector.Settings
		settings       connector.Settings
		answers        map[string]string // by method and path
		id             string            // the header that says what was made
		gone           string            // the request whose answer says that it is gone
		status         int
		body           string
		message, write string
	}{
		{
			"tiktok", "EMAIL_SHA256", connector.ModeAdd,
			connector.Settings{"token": "secret-token", "advertiser": "7001"}, connector.Settings{},
			map[string]string{
				"POST /segment/audience/":        `{"code":0,"data":{"audience_id":"81"}}`,
				"POST /segment/mapping/":         `{"code":0,"data":{}}`,
				"GET /dmp/custom_audience/list/": `{"code":0,"data":{"list":[{"audience_id":"81"}]}}`,
			}, "",
			"GET /dmp/custom_audience/list/", 200, `{"code":0,"data":{"list":[]}}`,
			"the advertiser account 7001 has no audience 81", "POST /segment/mapping/",
		},
		{
			"linkedin", "ids.SHA256_EMAIL", connector.ModeUpsert,
			connector.Settings{"method": "token", "token": "secret-token", "account": "501"}, connector.Settings{"sourcePlatform": "MILLRACE"},
			map[string]string{
				"POST /dmpSegments":             ``,
				"POST /dmpSegments/10804/users": `{"elements":[{"status":201}]}`,
				"GET /adAccounts/501":           `{"id":501,"status":"ACTIVE"}`,
				"GET /dmpSegments/10804":        `{"id":10804}`,
			}, "10804",
			"GET /dmpSegments/10804", 404, `{"message":"Not Found","serviceErrorCode":404,"status":404}`,
			"LinkedIn has no audience 10804 any more", "POST /dmpSegments/10804/users",
		},
		{
			"linkedin", "ids.SHA256_EMAIL", connector.ModeUpsert,
			connector.Settings{"method": "token", "token": "secret-token", "account": "502"}, connector.Settings{"sourcePlatform": "MILLRACE"},
			map[string]string{
				"POST /dmpSegments":             ``,
				"POST /dmpSegments/10805/users": `{"elements":[{"status":201}]}`,
				"GET /adAccounts/502":           `{"id":502,"status":"ACTIVE"}`,
				"GET /dmpSegments/10805":        `{"id":10805}`,
			}, "10805",
			"POST /dmpSegments/10805/users", 404, `{"message":"Not Found","serviceErrorCode":404,"status":404}`,
			"LinkedIn has no audience 10805 any more", "", // in the middle of the run
		},
		{
			"pinterest-ads", "EMAIL", connector.ModeAdd,
			connector.Settings{"method": "token", "adAccount": "549", "accessToken": "secret-access"}, connector.Settings{},
			map[string]string{
				"POST /ad_accounts/549/customer_lists":     `{"id":"91"}`,
				"POST /ad_accounts/549/audiences":          `{"id":"83"}`,
				"PATCH /ad_accounts/549/customer_lists/91": `{"id":"91"}`,
				"GET /ad_accounts/549/customer_lists/91":   `{"id":"91"}`,
				"GET /ad_accounts/549/audiences/83":        `{"id":"83"}`,
			}, "",
			"GET /ad_accounts/549/audiences/83", 404, `{"code":404,"message":"Not found."}`,
			"the advertiser account 549 has no audience 83", "PATCH /ad_accounts/549/customer_lists/91",
		},
		{
			"bingads", "email", connector.ModeAdd,
			connector.Settings{"developerToken": "dev-token", "customer": "1234567", "clientId": "c", "clientSecret": "s", "refreshToken": "r"}, connector.Settings{"account": "701"},
			map[string]string{
				"POST /oauth2/v2.0/token":          `{"access_token":"at","token_type":"Bearer","expires_in":3600}`,
				"POST /Audiences":                  `{"AudienceIds":["9001"],"PartialErrors":[]}`,
				"POST /CustomerListUserData/Apply": `{"PartialErrors":[]}`,
				"POST /Audiences/QueryByIds":       `{"Audiences":[{"Id":"9001"}],"PartialErrors":[]}`,
			}, "",
			"POST /Audiences/QueryByIds", 200, `{"Audiences":[null],"PartialErrors":[]}`,
			"the account 701 has no customer list 9001", "POST /CustomerListUserData/Apply",
		},
	} {
		t.Run(c.slug+" "+c.gone, func(t *testing.T) {
			t.Parallel()
			var asked []string
			gone := false
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				call := r.Method + " " + r.URL.Path
				asked = append(asked, call)
				body, known := c.answers[call]
				if !known {
					t.Errorf("nobody expected %s", call)
				}
				w.Header().Set("X-Restli-Id", c.id)
				w.Header().Set("Content-Type", "application/json")
				if gone && call == c.gone {
					w.WriteHeader(c.status)
					body = c.body
				}
				w.Write([]byte(body)) //nolint:errcheck // the client sees
			}))
			defer server.Close()
			c.connection["baseUrl"] = server.URL
			d, info := openKeeping(t, c.slug, c.connection)
			kind, err := info.SyncType("audience")
			if err != nil {
				t.Fatal(err)
			}
			job := connector.SyncJob{SyncID: 5, Type: "audience", Mode: c.mode, Settings: c.settings.WithDefaults(kind.Fields), Columns: []connector.TargetColumn{{Name: c.field, From: "email"}}}
			for range 2 {
				if err := sendOne(t, d, job); err != nil {
					t.Fatal(err)
				}
			}
			if n := count(asked, c.gone); n != 1 && c.write != "" {
				t.Errorf("two runs asked %d times whether what the first made is there: %v", n, asked)
			}
			gone, asked = true, nil
			err = sendOne(t, d, job)
			if fault.ClassOf(err) != fault.Fatal || !strings.Contains(err.Error(), c.message) || fault.As(err).Suggestion == "" {
				t.Errorf("got %v", err)
			}
			if slices.Contains(asked, c.write) {
				t.Errorf("rows were sent: %v", asked)
			}
		})
	}
}

// openKeeping opens a destination that remembers what its syncs made.
func openKeeping(t *testing.T, slug string, settings connector.Settings) (connector.Destination, connector.DestinationInfo) {
	t.Helper()
	all := Manifests(httpx.AnyNetwork)
	info := all[slices.IndexFunc(all, func(i connector.DestinationInfo) bool { return i.Slug == slug })]
	d, err := info.Open(connector.DestinationOptions{Settings: settings.WithDefaults(info.Fields), State: connector.Memory()})
	if err != nil {
		t.Fatal(err)
	}
	return d, info
}

// sendOne is a run with one row.
func sendOne(t *testing.T, d connector.Destination, job connector.SyncJob) error {
	t.Helper()
	s, err := d.Begin(t.Context(), job)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close() //nolint:errcheck // it closes idle connections only
	rows := []connector.Row{{Key: "1", Values: []value.Value{value.OfText("ann@example.com")}}}
	_, err = s.Write(t.Context(), &connector.Batch{ID: "b", Operation: connector.Added, Rows: rows, Checkpoint: func(context.Context, string) error { return nil }})
	return err //nolint:wrapcheck // it is what the test looks at
}

func count(all []string, one string) (n int) {
	for _, s := range all {
		if s == one {
			n++
		}
	}
	return n
}
