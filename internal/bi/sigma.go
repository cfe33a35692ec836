package bi

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/millrace/millrace/internal/fault"
)

// sigma is Sigma's API, version 2.
type sigma struct{ client }

const sigmaName = "Sigma"

func (s sigma) auth(ctx context.Context) (string, error) {
	token, err := s.token(ctx, sigmaName, "/v2/auth/token", url.Values{"grant_type": {"client_credentials"}})
	return "Bearer " + token, err
}

// entry is one of a list: a workbook, a page or an element.
type entry struct {
	WorkbookID string `json:"workbookId"`
	PageID     string `json:"pageId"`
	ElementID  string `json:"elementId"`
	Name       string `json:"name"`
}

func (s sigma) list(ctx context.Context, auth, path, gone string) ([]entry, error) {
	var all []entry
	for next := ""; ; {
		var page struct {
			Entries []entry `json:"entries"`
			Next    *string `json:"nextPage"`
		}
		query := url.Values{"limit": {"1000"}}
		if next != "" {
			query.Set("page", next)
		}
		if err := s.ask(ctx, question{name: sigmaName, method: http.MethodGet, path: path + "?" + query.Encode(), auth: auth, into: &page, gone: gone}); err != nil {
			return nil, err
		}
		all = append(all, page.Entries...)
		if page.Next == nil || *page.Next == "" || *page.Next == next {
			return all, nil
		}
		next = *page.Next
	}
}

// items lists the workbooks, or the elements of one: on which page each stands is part of its label.
func (s sigma) items(ctx context.Context, workbook string) ([]Item, error) {
	auth, err := s.auth(ctx)
	if err != nil {
		return nil, err
	}
	all := []Item{}
	if workbook == "" {
		books, err := s.list(ctx, auth, "/v2/workbooks", "the list of workbooks is not there")
		for _, b := range books {
			all = append(all, Item{b.WorkbookID, b.Name, false})
		}
		return all, err
	}
	path, gone := "/v2/workbooks/"+url.PathEscape(workbook)+"/pages", "there is no workbook "+workbook
	pages, err := s.list(ctx, auth, path, gone)
	if err != nil {
		return nil, err
	}
	for _, p := range pages {
		elements, err := s.list(ctx, auth, path+"/"+url.PathEscape(p.PageID)+"/elements", gone)
		if err != nil {
			return nil, err
		}
		for _, e := range elements {
			all = append(all, Item{workbook + "/" + e.ElementID, p.Name + " / " + e.Name, true})
		}
	}
	return all, nil
}

// sql returns the query of an element, which is named by its workbook and itself.
func (s sigma) sql(ctx context.Context, item string) (string, error) {
	workbook, element, ok := strings.Cut(item, "/")
	if !ok {
		return "", fault.New(fault.CodeBI, "%q is not WORKBOOK/ELEMENT", item)
	}
	auth, err := s.auth(ctx)
	if err != nil {
		return "", err
	}
	var found struct {
		SQL string `json:"sql"`
	}
	err = s.ask(ctx, question{
		name: sigmaName, method: http.MethodGet, path: "/v2/workbooks/" + url.PathEscape(workbook) + "/elements/" + url.PathEscape(element) + "/query", auth: auth,
		into: &found, gone: "there is no element " + element + " in the workbook " + workbook,
	})
	return found.SQL, err
}
