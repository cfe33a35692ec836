package excel_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/sourcetest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/source/excel"
	"github.com/millrace/millrace/internal/value"
	"github.com/xuri/excelize/v2"
)

// server is one that this process trusts: Microsoft's library takes tokens only over TLS.
func server(t *testing.T, h http.Handler) string {
	t.Helper()
	s := httptest.NewTLSServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

// TestMain lets the process trust the certificate that all servers of httptest have.
func TestMain(m *testing.M) {
	s := httptest.NewTLSServer(nil)
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	s.Close()
	http.DefaultTransport.(*http.Transport).TLSClientConfig = &tls.Config{RootCAs: roots}
	os.Exit(m.Run())
}

// graph stands in for Microsoft Graph and Entra. The content of files is at another server, as it is there.
func graph(t *testing.T, books map[string][]byte) connector.Settings {
	t.Helper()
	content := server(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			t.Error("another server got the token")
		}
		_, _ = w.Write(books[strings.TrimPrefix(r.URL.Path, "/")]) //nolint:errcheck // the client sees
	}))
	mux := http.NewServeMux()
	address := server(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if strings.HasPrefix(r.URL.Path, "/v1.0/") && r.Header.Get("Authorization") != "Bearer the-token" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	// https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-client-creds-grant-flow
	mux.HandleFunc("POST /tenant/oauth2/v2.0/token", func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("client_secret") != "very-secret-client-secret" {
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprint(w, `{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided."}`)
			return
		}
		fmt.Fprint(w, `{"access_token":"the-token","token_type":"Bearer","expires_in":3600}`)
	})
	mux.HandleFunc("GET /tenant/v2.0/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"token_endpoint":"%[1]s/tenant/oauth2/v2.0/token","authorization_endpoint":"%[1]s/tenant/authorize","issuer":"%[1]s/tenant/v2.0"}`, address)
	})
	for _, drive := range []string{"/v1.0/users/ada@example.com/drive", "/v1.0/me/drive", "/v1.0/drives/library"} {
		serve(mux, address, content, drive, books)
	}
	return connector.Settings{
		"credential": map[string]any{"auth": "application", "tenantId": "tenant", "clientId": "client", "clientSecret": "very-secret-client-secret", "authority": address + "/"},
		"drive":      "ada@example.com", "endpoint": address,
	}
}

// serve serves a drive.
func serve(mux *http.ServeMux, address, content, drive string, books map[string][]byte) {
	mux.HandleFunc("GET "+drive, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"id":"d"}`) })
	mux.HandleFunc("GET "+drive+"/root/{search}", func(w http.ResponseWriter, r *http.Request) {
		item := func(id, name string) map[string]any {
			return map[string]any{"id": id, "name": name, "file": map[string]any{}, "parentReference": map[string]any{"path": "/drive/root:/Reports"}}
		}
		page := map[string]any{"value": []any{item("2", "b.xlsx"), item("3", "old.xls"), map[string]any{"id": "4", "name": "folder.xlsx"}}, "@odata.nextLink": address + drive + "/root/more"}
		if r.PathValue("search") == "more" {
			page = map[string]any{"value": []any{item("1", "A.XLSX")}}
		}
		_ = json.NewEncoder(w).Encode(page) //nolint:errcheck // the client sees
	})
	mux.HandleFunc("GET "+drive+"/items/{id}/content", func(w http.ResponseWriter, r *http.Request) {
		if books[r.PathValue("id")] == nil {
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, `{"error":{"code":"itemNotFound","message":"The resource could not be found."}}`)
			return
		}
		http.Redirect(w, r, content+"/"+r.PathValue("id"), http.StatusFound)
	})
}

func book(t *testing.T) []byte {
	t.Helper()
	f := excelize.NewFile()
	for cell, v := range map[string]any{"A1": "Country", "B1": "Units", "D1": "beside", "A2": "Kenya", "B2": 7, "D2": 1, "A4": "below"} {
		if err := f.SetCellValue("Sheet1", cell, v); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := f.NewSheet("Other"); err != nil {
		t.Fatal(err)
	}
	b, err := f.WriteToBuffer()
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func open(t *testing.T, s connector.Settings, dir string) connector.Source {
	t.Helper()
	source, err := excel.Info().Open(connector.SourceOptions{Settings: s, Dir: dir, Network: connector.Network{Egress: []string{"192.0.2.1"}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = source.Close() }) //nolint:errcheck // it may be closed already
	return source
}

func query(s connector.Source, workbook, name string) connector.Query {
	return connector.Query{SQL: s.Dialect().SelectTable(connector.RowsTable), Sheet: &connector.Sheet{Workbook: workbook, Name: name}}
}

// Req: S-36, S-84
func TestRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, graph(t, map[string][]byte{"1": book(t), "2": []byte("no workbook")}), dir)
	r, err := s.Query(t.Context(), query(s, "1", "Sheet1"))
	if err != nil {
		t.Fatal(err)
	}
	table := sourcetest.Read(t, r)
	r.Release()
	if len(table.Rows) != 1 || len(table.Schema) != 2 || table.Rows[0][0].String() != "Kenya" || table.Rows[0][1].String() != "7" || table.Schema[1].Type != value.TypeNumber {
		t.Errorf("%v of %v", table.Rows, table.Schema)
	}
	for _, c := range []struct{ workbook, sheet, says string }{
		{"1", "Gone", "no sheet"}, {"2", "Sheet1", "no .xlsx workbook"}, {"3", "Sheet1", "itemNotFound"},
	} {
		_, err := s.Query(t.Context(), query(s, c.workbook, c.sheet))
		if !fault.Is(err, fault.CodeSourceFile) || !strings.Contains(err.Error(), c.says) || fault.As(err).Hint() == "" {
			t.Errorf("%s %s: %v", c.workbook, c.sheet, err)
		}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left on this machine: %v, %v", left, err)
	}
}

// Only .xlsx files are workbooks.
//
// Req: S-84
func TestLists(t *testing.T) {
	t.Parallel()
	s := open(t, graph(t, map[string][]byte{"1": book(t)}), t.TempDir())
	books, err := s.(connector.WorkbookLister).Workbooks(t.Context())
	if err != nil || fmt.Sprint(books) != "[{1 A.XLSX Reports} {2 b.xlsx Reports}]" {
		t.Errorf("%v, %v", books, err)
	}
	sheets, err := s.(connector.WorkbookLister).Sheets(t.Context(), "1")
	if err != nil || strings.Join(sheets, ",") != "Sheet1,Other" {
		t.Errorf("%v, %v", sheets, err)
	}
	if err := s.Test(t.Context()); err != nil {
		t.Error(err)
	}
}

// Req: S-84
func TestRefusals(t *testing.T) {
	t.Parallel()
	settings := graph(t, nil)
	wrong := settings.WithDefaults(nil)
	credential := map[string]any{}
	maps.Copy(credential, settings["credential"].(map[string]any))
	credential["clientSecret"] = "wrong-client-secret"
	wrong["credential"] = credential
	err := open(t, wrong, t.TempDir()).Test(t.Context())
	if !fault.Is(err, fault.CodeSourceAuth) || !strings.Contains(err.Error(), "AADSTS7000215") || !strings.Contains(fault.As(err).Hint(), "not its ID") || strings.Contains(err.Error(), "wrong-client-secret") {
		t.Errorf("a wrong secret: %v", err)
	}
	for status, code := range map[int]fault.Code{401: fault.CodeSourceAuth, 403: fault.CodeSourceDenied, 404: fault.CodeSourceFile, 429: fault.CodeSourceUnreachable, 503: fault.CodeSourceUnreachable, 400: fault.CodeSourceQuery} {
		refusing := settings.WithDefaults(nil)
		refusing["endpoint"] = server(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			fmt.Fprint(w, `{"error":{"code":"someCode","message":"Words of Microsoft"}}`)
		}))
		if err := open(t, refusing, t.TempDir()).Test(t.Context()); !fault.Is(err, code) || !strings.Contains(err.Error(), "someCode: Words of Microsoft") {
			t.Errorf("%d: %v", status, err)
		}
	}
	away := settings.WithDefaults(nil)
	away["endpoint"] = "https://127.0.0.1:1"
	if err := open(t, away, t.TempDir()).Test(t.Context()); !fault.Is(err, fault.CodeSourceUnreachable) || !strings.Contains(fault.As(err).Hint(), "192.0.2.1") {
		t.Errorf("nobody there: %v", err)
	}
}

// personal are the settings of a source as a person, whose provider gives the token for the refresh token.
func personal(t *testing.T, settings connector.Settings, changes ...any) connector.Settings {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("POST /acme.example/oauth2/v2.0/token", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.FormValue("refresh_token") != "refresh-1" || r.FormValue("client_secret") != "client-secret" {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"error":"invalid_grant","error_description":"AADSTS700082: The refresh token has expired due to inactivity."}`)
			return
		}
		fmt.Fprint(w, `{"access_token":"the-token","token_type":"Bearer","expires_in":3600,"refresh_token":"refresh-2"}`)
	})
	authority := httptest.NewServer(mux)
	t.Cleanup(authority.Close)
	all := connector.Settings{
		"access": "person", "clientId": "client", "clientSecret": "client-secret", "refreshToken": "refresh-1", "tenant": "acme.example",
		"endpoint": settings["endpoint"], "authority": authority.URL,
	}
	for i := 0; i < len(changes); i += 2 {
		all[changes[i].(string)] = changes[i+1]
	}
	return all
}

// A person's own drive, or another one that the person may open, is read with what the person allowed.
//
// Req: S-84
func TestPerson(t *testing.T) {
	t.Parallel()
	settings := graph(t, map[string][]byte{"1": book(t)})
	for path, drive := range map[string]string{"/v1.0/me/drive": "", "/v1.0/drives/library": "library"} {
		d, err := excel.Info().Open(connector.SourceOptions{Settings: personal(t, settings, "sharedDrive", drive), Dir: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Test(t.Context()); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		books, err := d.(connector.WorkbookLister).Workbooks(t.Context())
		if err != nil || len(books) != 2 {
			t.Errorf("%s: %v: %v", path, books, err)
		}
		address, err := d.(connector.Authorizer).AuthorizeURL("https://cdp.example/back", "s")
		if err != nil || !strings.Contains(address, "/acme.example/oauth2/v2.0/authorize?") || !strings.Contains(address, "offline_access") || !strings.Contains(address, "code_challenge") {
			t.Errorf("%s: %v", address, err)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
	d, err := excel.Info().Open(connector.SourceOptions{Settings: personal(t, settings, "refreshToken", "old"), Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Test(t.Context()); !fault.Is(err, fault.CodeSourceAuth) || !strings.Contains(err.Error(), "AADSTS700082") {
		t.Errorf("a permission that is over: %v", err)
	}
	if _, err := excel.Info().Open(connector.SourceOptions{Settings: settings, Dir: t.TempDir()}); err != nil {
		t.Fatal(err)
	}
}
