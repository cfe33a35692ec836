package bi

import (
	"context"
	"net/http"
	"net/url"
)

// looker is Looker's API 4.0.
type looker struct{ client }

const lookerName = "Looker"

func (l looker) auth(ctx context.Context) (string, error) {
	token, err := l.token(ctx, lookerName, "/api/4.0/login", url.Values{})
	return "token " + token, err
}

// items lists the Looks that the user sees.
func (l looker) items(ctx context.Context, _ string) ([]Item, error) {
	auth, err := l.auth(ctx)
	if err != nil {
		return nil, err
	}
	var looks []struct {
		ID     string `json:"id"`
		Title  string `json:"title"`
		Folder struct {
			Name string `json:"name"`
		} `json:"folder"`
	}
	err = l.ask(ctx, question{name: lookerName, method: http.MethodGet, path: "/api/4.0/looks?fields=id,title,folder(name)", auth: auth, into: &looks, gone: "the list of Looks is not there"})
	all := make([]Item, len(looks))
	for i, k := range looks {
		all[i] = Item{k.ID, k.Title, true}
		if k.Folder.Name != "" {
			all[i].Label = k.Folder.Name + " / " + k.Title
		}
	}
	return all, err
}

// sql returns the query of a Look, without the limit of rows that Looker shows.
func (l looker) sql(ctx context.Context, look string) (string, error) {
	auth, err := l.auth(ctx)
	if err != nil {
		return "", err
	}
	var sql string
	err = l.ask(ctx, question{name: lookerName, method: http.MethodGet, path: "/api/4.0/looks/" + url.PathEscape(look) + "/run/sql?limit=-1", auth: auth, text: &sql, gone: "there is no Look " + look})
	return sql, err
}
