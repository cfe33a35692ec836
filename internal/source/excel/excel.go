// Package excel reads the sheets of Excel workbooks that are in a drive of Microsoft 365, through Microsoft Graph (S-36,
// S-84).
package excel

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/millrace/millrace/internal/cloud"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/oauth"
	"github.com/millrace/millrace/internal/source/sheet"
)

// Info describes the source.
func Info() connector.SourceInfo {
	const name = "Microsoft Excel"
	return connector.SourceInfo{
		Slug: "excel", Name: name, Category: "file", Summary: "Sheets of .xlsx workbooks in OneDrive or SharePoint",
		Fields: fields(), Authorize: []connector.ShowIf{*byPerson()},
		Methods: []string{"sheet"}, Engines: []string{connector.EngineBasic}, Books: true,
		Open: func(o connector.SourceOptions) (connector.Source, error) {
			d := &drive{network: o.Network, dir: o.Dir}
			if err := o.Settings.Decode(d); err != nil {
				return nil, err
			}
			if err := d.connect(o); err != nil {
				return nil, err
			}
			return sheet.NewSource(name, d, o.Dir), nil
		},
	}
}

// Who the workbooks are read as.
const (
	accessCredential = "credential"
	accessPerson     = "person"
)

// byPerson holds where a person's account is used.
func byPerson() *connector.ShowIf {
	return &connector.ShowIf{Field: "access", In: []string{accessPerson}}
}

func fields() []connector.Field {
	app := &connector.ShowIf{Field: "access", In: []string{accessCredential}}
	list := []connector.Field{
		{Name: "access", Label: "Access", Type: connector.FieldSelect, Default: accessCredential, Options: []connector.Option{
			{Value: accessCredential, Label: "Application", Help: "An administrator lets it read every drive"},
			{Value: accessPerson, Label: "A person's Microsoft account", Help: "Whatever the person may open can be read"},
		}},
		{Name: "credential", Label: "Azure credential", Type: connector.FieldCredential, Providers: []string{cloud.ProviderAzure}, Required: true, ShowIf: app, Help: "An application with the permission Files.Read.All of Microsoft Graph (type application), to which an administrator has consented."},
		{Name: "drive", Label: "Drive", Type: connector.FieldString, Required: true, Example: "ada@example.com", ShowIf: app, Help: "The address of a user, whose OneDrive is read, or the ID of a drive, such as that of a SharePoint library."},
		{Name: "sharedDrive", Label: "Drive", Type: connector.FieldString, ShowIf: byPerson(), Help: "The ID of a drive that the person may open, such as that of a SharePoint library. Empty means the person's own OneDrive."},
		{Name: "tenant", Label: "Tenant", Type: connector.FieldString, Default: "organizations", ShowIf: byPerson(), Help: "The ID or a domain of the directory that the application is registered in; organizations for one that every directory may use."},
	}
	list = append(list, connector.AuthorizeFields(byPerson())...)
	return append(
		list,
		connector.Field{Name: "endpoint", Label: "Endpoint", Type: connector.FieldString, Advanced: true, Example: "https://graph.microsoft.us", Help: "Where Microsoft Graph is, in another cloud. Empty means the public cloud."},
		connector.Field{Name: "authority", Label: "Token service", Type: connector.FieldString, Advanced: true, ShowIf: byPerson(), Example: "https://login.microsoftonline.us", Help: "Where people allow the access, in another cloud. Empty means the public cloud."},
	)
}

// drive is a drive of Microsoft Graph.
type drive struct {
	oauth.App

	Access      string      `json:"access"`
	SharedDrive string      `json:"sharedDrive"`
	Tenant      string      `json:"tenant"`
	Authority   string      `json:"authority"`
	Credential  cloud.Azure `json:"credential"`
	Drive       string      `json:"drive"`
	Endpoint    string      `json:"endpoint"`

	network   connector.Network
	dir       string
	transport *http.Transport
	client    *http.Client
	tokens    azcore.TokenCredential
	person    *sheet.Person // nil where an application reads for itself
}

var _ sheet.Asking = (*drive)(nil)

// scope lets a person's files be read, and those that are shared with the person.
// https://learn.microsoft.com/en-us/graph/permissions-reference
const scope = "/Files.Read.All"

func (d *drive) connect(o connector.SourceOptions) (err error) {
	if strings.TrimSpace(d.Endpoint) == "" {
		d.Endpoint = "https://graph.microsoft.com"
	}
	d.Endpoint = strings.TrimRight(d.Endpoint, "/")
	d.transport = d.network.Transport()
	d.client = &http.Client{Transport: d.transport, CheckRedirect: withoutToken}
	if d.Access == accessPerson {
		tenant := strings.TrimSpace(d.Tenant)
		if tenant == "" {
			tenant = "organizations"
		}
		d.person, err = sheet.NewPerson(oauth.MicrosoftUser(d.App, d.Authority, tenant, d.Endpoint+scope), o)
		return err
	}
	if d.tokens, err = d.Credential.Token(d.client); err != nil {
		return fault.Wrap(err, fault.CodeSourceAuth, "reading the Azure credential")
	}
	return nil
}

// maxRedirects is how often a request is sent on.
const maxRedirects = 5

// withoutToken takes the token away where a request goes on to another server. The client itself does so for another
// domain alone.
func withoutToken(r *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects {
		return errors.New("too many redirects")
	}
	if r.URL.Host != via[0].URL.Host {
		r.Header.Del("Authorization")
	}
	return nil
}

// Person is who asks.
func (d *drive) Person() *sheet.Person { return d.person }

// Close ends every connection.
func (d *drive) Close() error {
	if d.person != nil {
		d.person.Close()
	}
	d.transport.CloseIdleConnections()
	return nil
}

// path is the drive's: https://learn.microsoft.com/en-us/graph/api/drive-get
func (d *drive) path() string {
	id := strings.TrimSpace(d.Drive)
	if d.person != nil {
		if id = strings.TrimSpace(d.SharedDrive); id == "" {
			return d.Endpoint + "/v1.0/me/drive"
		}
	}
	if strings.Contains(id, "@") {
		return d.Endpoint + "/v1.0/users/" + url.PathEscape(id) + "/drive"
	}
	return d.Endpoint + "/v1.0/drives/" + url.PathEscape(id)
}

// Test asks for the drive.
func (d *drive) Test(ctx context.Context) error {
	if d.person != nil {
		d.person.Insist()
	}
	return d.get(ctx, "opening the drive", d.path()+"?$select=id", &struct{}{})
}

// found is a page of files.
type found struct {
	Next  string `json:"@odata.nextLink"`
	Items []struct {
		ID     string    `json:"id"`
		Name   string    `json:"name"`
		File   *struct{} `json:"file"`
		Parent struct {
			Path string `json:"path"`
		} `json:"parentReference"`
	} `json:"value"`
}

// Workbooks lists the .xlsx files of the drive; others are none (S-84).
// https://learn.microsoft.com/en-us/graph/api/driveitem-search
func (d *drive) Workbooks(ctx context.Context) ([]connector.Option, error) {
	var all []connector.Option
	address := d.path() + "/root/search(q='.xlsx')?" + url.Values{"$select": {"id,name,file,parentReference"}, "$top": {"200"}}.Encode()
	for address != "" {
		var page found
		if err := d.get(ctx, "listing the workbooks", address, &page); err != nil {
			return nil, err
		}
		for _, f := range page.Items {
			if f.File != nil && strings.HasSuffix(strings.ToLower(f.Name), ".xlsx") {
				_, folder, _ := strings.Cut(f.Parent.Path, "root:/")
				all = append(all, connector.Option{Value: f.ID, Label: f.Name, Help: folder})
			}
		}
		if address = page.Next; address != "" && !strings.HasPrefix(address, d.Endpoint+"/") {
			return nil, fault.New(fault.CodeSourceUnreachable, "the list of workbooks goes on at another server").
				WithSuggestion("Check the endpoint: no token is sent to another server.")
		}
	}
	slices.SortStableFunc(all, func(a, b connector.Option) int {
		return strings.Compare(strings.ToLower(a.Label), strings.ToLower(b.Label))
	})
	return all, nil
}

// Sheets lists the sheets of a workbook.
func (d *drive) Sheets(ctx context.Context, workbook string) (names []string, err error) {
	err = d.open(ctx, workbook, func(w *sheet.Workbook) error {
		names = w.Sheets()
		return nil
	})
	return names, err
}

// Read gives the rows of a sheet.
func (d *drive) Read(ctx context.Context, s connector.Sheet, use func(sheet.Rows, sheet.Rule) error) error {
	return d.open(ctx, s.Workbook, func(w *sheet.Workbook) error {
		rows, err := w.Rows(s.Name)
		if err != nil {
			return err
		}
		return use(rows, sheet.Rule{Corner: true})
	})
}

// open fetches a workbook, and removes it when f is done.
// https://learn.microsoft.com/en-us/graph/api/driveitem-get-content
func (d *drive) open(ctx context.Context, workbook string, f func(*sheet.Workbook) error) (err error) {
	if workbook == "" {
		return fault.New(fault.CodeSourceQuery, "the model names no workbook").WithSuggestion("Choose the workbook that the sheet is in.")
	}
	answer, err := d.ask(ctx, "reading the workbook", d.path()+"/items/"+url.PathEscape(workbook)+"/content")
	if err != nil {
		return err
	}
	defer answer.Body.Close() //nolint:errcheck // read only
	path, err := d.keep(answer)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(path)) }()
	w, err := sheet.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	return f(w)
}

// keep writes an answer to a file of this machine.
func (d *drive) keep(answer *http.Response) (_ string, err error) {
	if err := os.MkdirAll(d.dir, 0o700); err != nil {
		return "", fault.Disk(err, "making the source's folder")
	}
	f, err := os.CreateTemp(d.dir, "workbook-*.xlsx")
	if err != nil {
		return "", fault.Disk(err, "writing a workbook")
	}
	n, err := io.Copy(f, answer.Body)
	if err == nil && answer.ContentLength > 0 && n < answer.ContentLength {
		err = io.ErrUnexpectedEOF
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return "", errors.Join(fault.Wrap(err, fault.CodeSourceUnreachable, "reading the workbook").
			WithSuggestion("The connection ended within the file: the next run reads it again.%s", d.network.Firewall()), os.Remove(f.Name()))
	}
	return f.Name(), nil
}

func (d *drive) get(ctx context.Context, doing, address string, to any) error {
	answer, err := d.ask(ctx, doing, address)
	if err != nil {
		return err
	}
	defer answer.Body.Close() //nolint:errcheck // read only
	if err := json.NewDecoder(io.LimitReader(answer.Body, maxAnswer)).Decode(to); err != nil {
		return fault.Wrap(err, fault.CodeSourceUnreachable, "%s", doing).WithSuggestion("The answer ended early, or is none of Microsoft's.%s", d.network.Firewall())
	}
	return nil
}

// maxAnswer is how many bytes an answer with a list may have.
const maxAnswer = 16 << 20

// ask makes a request. The content of a file comes from another server, to which the token is not sent.
func (d *drive) ask(ctx context.Context, doing, address string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, fault.Wrap(err, fault.CodeInvalid, "%s", doing)
	}
	answer, err := d.send(r, doing)
	if err != nil {
		return nil, d.unanswered(err, doing)
	}
	if answer.StatusCode != http.StatusOK {
		defer answer.Body.Close() //nolint:errcheck // read only
		return nil, refused(answer, doing)
	}
	return answer, nil
}

func (d *drive) send(r *http.Request, doing string) (*http.Response, error) {
	if d.person != nil {
		return d.person.Do(d.client, r, doing)
	}
	token, err := d.tokens.GetToken(r.Context(), policy.TokenRequestOptions{Scopes: []string{d.Endpoint + "/.default"}})
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bearer "+token.Token)
	return d.client.Do(r)
}

func (d *drive) unanswered(err error, doing string) error {
	if _, said := errors.AsType[*fault.Error](err); said {
		return err
	}
	if address, ok := errors.AsType[*url.Error](err); ok { // it holds the address of a file, which lets its reader in
		err = address.Err
	}
	if _, failed := errors.AsType[*azidentity.AuthenticationFailedError](err); failed {
		return fault.Wrap(err, fault.CodeSourceAuth, "%s", doing).
			WithSuggestion("Check tenant and client, and that the client secret is the secret's value, not its ID, and has not expired.")
	}
	return fault.Wrap(err, fault.CodeSourceUnreachable, "%s", doing).WithSuggestion("Microsoft Graph could not be reached.%s", d.network.Firewall())
}

// refused reads an error of Graph: https://learn.microsoft.com/en-us/graph/errors
func refused(answer *http.Response, doing string) error {
	var said struct {
		Error struct {
			Code    string `json:"code"`
			Message string `json:"message"`
		} `json:"error"`
	}
	_ = json.NewDecoder(io.LimitReader(answer.Body, 1<<20)).Decode(&said) //nolint:errcheck // without words, the status says it
	words := strings.TrimSpace(fmt.Sprintf("%s: %s", said.Error.Code, said.Error.Message))
	if words == ":" {
		words = answer.Status
	}
	e := func(code fault.Code, suggestion string) error {
		return fault.Wrap(errors.New(words), code, "%s", doing).WithSuggestion("%s", suggestion)
	}
	switch status := answer.StatusCode; {
	case status == http.StatusUnauthorized:
		return e(fault.CodeSourceAuth, "Check the credential, and that an administrator has consented to its permissions, or allow the access again on the source's Configuration tab.")
	case status == http.StatusForbidden:
		return e(fault.CodeSourceDenied, "Give the application the permission Files.Read.All of Microsoft Graph, of the type application, and let an administrator consent to it. A person may read what is shared with the person.")
	case status == http.StatusNotFound:
		return e(fault.CodeSourceFile, "Check the drive; a workbook that was moved or deleted must be chosen again in the model.")
	case status == http.StatusTooManyRequests:
		return fault.Reclass(e(fault.CodeSourceUnreachable, "Microsoft limits requests: the next run tries again."), fault.Throttled)
	case status >= http.StatusInternalServerError:
		return e(fault.CodeSourceUnreachable, "Microsoft has an error of its own: the next run tries again.")
	default:
		return e(fault.CodeSourceQuery, "Check the drive, and choose workbook and sheet again in the model.")
	}
}
