package sfmc

import (
	"context"
	"fmt"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/manifest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

// attributeSet is what a contact has in one attribute set.
type attributeSet struct {
	Name  string      `json:"name"`
	Items []valueList `json:"items"`
}

type valueList struct {
	Values []attribute `json:"values"`
}

type attribute struct {
	Name  string      `json:"name"`
	Value value.Value `json:"value"`
}

// contactBody is a contact as requests have it.
// https://developer.salesforce.com/docs/marketing/marketing-cloud/guide/createContacts.html
type contactBody struct {
	Key  string         `json:"contactKey"`
	Sets []attributeSet `json:"attributeSets"`
}

// contactAnswer is what Salesforce says of it.
type contactAnswer struct {
	HasErrors bool `json:"hasErrors"`
	Messages  []struct {
		Message string `json:"message"`
	} `json:"resultMessages"`
}

func (a contactAnswer) problem() error {
	if !a.HasErrors {
		return nil
	}
	words := "the contact was refused"
	if len(a.Messages) > 0 && a.Messages[0].Message != "" {
		words = a.Messages[0].Message
	}
	return fault.New(fault.CodeDestinationRejected, "%s", words)
}

// writeContact changes a contact, or makes it: one that is to be changed and is not there is refused.
func writeContact(ctx context.Context, r *manifest.Run) (connector.Result, error) {
	for _, row := range r.Rows() {
		body := contactBody{Key: row.Match().String(), Sets: sets(row)}
		refused := send(ctx, r, "PATCH", body)
		if refused == nil {
			continue
		}
		if fault.ClassOf(refused) != fault.Permanent {
			return connector.Result{}, refused
		}
		if err := send(ctx, r, "POST", body); err != nil {
			if fault.ClassOf(err) != fault.Permanent {
				return connector.Result{}, err
			}
			r.Reject(row, "it cannot be changed ("+fault.As(refused).Error()+") and not be made ("+fault.As(err).Error()+")", false)
		}
	}
	return r.Result(), nil
}

func send(ctx context.Context, r *manifest.Run, method string, body contactBody) error {
	var answer contactAnswer
	if err := ask(ctx, r, method, "/contacts/v1/contacts", body, &answer); err != nil {
		return err
	}
	return answer.problem()
}

// sets are the row's fields by their attribute sets: a field is called SET.ATTRIBUTE.
func sets(row manifest.Row) []attributeSet {
	var all []attributeSet
	for _, set := range row.Get("fields").Fields() {
		var values []attribute
		for _, f := range set.Value.Fields() {
			values = append(values, attribute{Name: f.Name, Value: f.Value})
		}
		all = append(all, attributeSet{Name: set.Name, Items: []valueList{{Values: values}}})
	}
	return all
}

// attributeSets is a page of the definitions of attribute sets.
type attributeSets struct {
	Items []struct {
		Attributes []struct {
			Name     string `json:"fullyQualifiedName"`
			Type     string `json:"dataType"`
			ReadOnly bool   `json:"isReadOnly"`
		} `json:"attributes"`
	} `json:"items"`
}

// Pages of attribute sets.
const (
	setsOfPage = 50
	setPages   = 100
)

// contactFields lists the attributes of the account's attribute sets, as SET.ATTRIBUTE.
// https://developer.salesforce.com/docs/marketing/marketing-cloud/guide/retrieveAttributeSetDefinitions.html
func contactFields(ctx context.Context, r *manifest.Run) ([]manifest.Discovered, error) {
	var all []manifest.Discovered
	for page := 1; page <= setPages; page++ {
		var sets attributeSets
		path := fmt.Sprintf("/contacts/v1/attributeSetDefinitions?$page=%d&$pageSize=%d", page, setsOfPage)
		if err := ask(ctx, r, "GET", path, nil, &sets); err != nil {
			return nil, harmless(err)
		}
		for _, set := range sets.Items {
			for _, a := range set.Attributes {
				kind := kinds[a.Type]
				if kind == "" {
					kind = "unknown"
				}
				all = append(all, manifest.Discovered{TargetField: connector.TargetField{Name: a.Name, Type: kind, Native: a.Type, ReadOnly: a.ReadOnly}})
			}
		}
		if len(sets.Items) < setsOfPage {
			break
		}
	}
	return all, nil
}
