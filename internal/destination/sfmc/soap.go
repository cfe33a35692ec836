package sfmc

import (
	"bytes"
	"context"
	"encoding/xml"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/millrace/millrace/internal/connector/manifest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/httpx"
)

// partner is the namespace of the SOAP API: https://webservice.exacttarget.com/etframework.wsdl
const partner = "http://exacttarget.com/wsdl/partnerAPI"

// node is an element of a request or of an answer.
type node struct {
	XMLName xml.Name
	Attrs   []xml.Attr `xml:",any,attr"`
	Value   string     `xml:",chardata"`
	Nodes   []*node    `xml:",any"`
}

// element is an element with others inside; nil ones are left out.
func element(name string, nodes ...*node) *node {
	return &node{XMLName: xml.Name{Local: name}, Nodes: slices.DeleteFunc(nodes, func(n *node) bool { return n == nil })}
}

// object is an element that holds an object of a type.
func object(name, kind string, nodes ...*node) *node {
	n := element(name, nodes...)
	n.Attrs = []xml.Attr{{Name: xml.Name{Local: "xsi:type"}, Value: kind}}
	return n
}

// leaf is an element with a text; nil where it is empty.
func leaf(name, text string) *node {
	if text == "" {
		return nil
	}
	return &node{XMLName: xml.Name{Local: name}, Value: text}
}

// flag is an element with a boolean.
func flag(name string, set bool) *node { return leaf(name, strconv.FormatBool(set)) }

// all returns the elements of a name inside.
func (n *node) all(name string) (list []*node) {
	if n == nil {
		return nil
	}
	for _, child := range n.Nodes {
		if child.XMLName.Local == name {
			list = append(list, child)
		}
	}
	return list
}

// at returns the element at a path of names; nil where there is none.
func (n *node) at(path ...string) *node {
	for _, name := range path {
		list := n.all(name)
		if len(list) == 0 {
			return nil
		}
		n = list[0]
	}
	return n
}

// text returns the text at a path of names; empty where there is none.
func (n *node) text(path ...string) string {
	if n = n.at(path...); n == nil {
		return ""
	}
	return strings.TrimSpace(n.Value)
}

// call makes a request of the SOAP API and returns the content of the answer's body. One whose token had expired is made
// again: it has the token inside, where nobody else renews it.
func call(ctx context.Context, r *manifest.Run, action string, request *node) (*node, error) {
	request.Attrs = append([]xml.Attr{{Name: xml.Name{Local: "xmlns"}, Value: partner}}, request.Attrs...)
	answer, err := attempt(ctx, r, action, request)
	if fault.Is(err, fault.CodeDestinationAuth) && fault.ClassOf(err) == fault.Retryable {
		return attempt(ctx, r, action, request)
	}
	return answer, err
}

func attempt(ctx context.Context, r *manifest.Run, action string, request *node) (*node, error) {
	address, err := endpoint(r)
	if err != nil {
		return nil, err
	}
	token, err := r.Token(ctx)
	if err != nil {
		return nil, err
	}
	body, err := envelope(token, request)
	if err != nil {
		return nil, err
	}
	resp, err := r.Do(ctx, &httpx.Request{
		Method: http.MethodPost, URL: address, Body: body, Keep: answerBytes, Secrets: []string{token},
		Header: http.Header{"Content-Type": {"text/xml; charset=utf-8"}, "Soapaction": {action}, "User-Agent": {"Millrace"}},
	})
	if resp == nil {
		return nil, err
	}
	return read(resp, err)
}

// answerBytes is how much of an answer is read.
const answerBytes = 32 << 20

// read returns the content of an answer's body. A Fault says that nothing was done.
func read(resp *manifest.Answered, failed error) (*node, error) {
	var answer node
	err := xml.Unmarshal(resp.Body, &answer)
	if f := answer.at("Body", "Fault"); err == nil && f != nil {
		return nil, faultOf(f)
	}
	if failed != nil {
		return nil, failed
	}
	content := answer.at("Body")
	if err != nil || resp.Truncated || content == nil || len(content.Nodes) == 0 {
		return nil, fault.New(fault.CodeDestinationAnswer, "the answer of the SOAP API cannot be read")
	}
	return content.Nodes[0], nil
}

// faultOf is what a Fault means: https://www.w3.org/TR/2000/NOTE-SOAP-20000508/#_Toc478383507
func faultOf(f *node) error {
	words := f.text("faultstring")
	e := fault.New(fault.CodeDestinationRejected, "%s", words)
	_, code, _ := strings.Cut(f.text("faultcode"), ":")
	switch {
	case strings.Contains(words, "Token Expired"):
		return fault.Reclass(fault.New(fault.CodeDestinationAuth, "%s", words), fault.Retryable)
	case strings.Contains(words, "Login Failed"):
		return fault.New(fault.CodeDestinationAuth, "%s", words)
	case code == "Server":
		return fault.Reclass(e, fault.Retryable)
	default:
		return fault.Reclass(e.WithSuggestion("Salesforce could not read the request. Where it names a type of field, choose another one in the sync."), fault.Fatal)
	}
}

// endpoint is the address of the SOAP API.
func endpoint(r *manifest.Run) (*url.URL, error) {
	base := r.Settings().Text("baseUrl")
	if base == "" {
		base = "https://" + r.Settings().Text("subdomain") + ".soap.marketingcloudapis.com"
	}
	address, err := url.Parse(strings.TrimRight(base, "/") + "/Service.asmx")
	if err != nil {
		return nil, fault.Wrap(err, fault.CodeInvalid, "reading the address of the SOAP API")
	}
	return address, nil
}

// envelope is a request as it is sent. The token stands in a header of Salesforce's own:
// https://developer.salesforce.com/docs/marketing/marketing-cloud/guide/authenticate-soap-api.html
func envelope(token string, request *node) ([]byte, error) {
	login := leaf("fueloauth", token)
	login.Attrs = []xml.Attr{{Name: xml.Name{Local: "xmlns"}, Value: "http://exacttarget.com"}}
	doc := element("soap:Envelope", element("soap:Header", login), element("soap:Body", request))
	doc.Attrs = []xml.Attr{
		{Name: xml.Name{Local: "xmlns:soap"}, Value: "http://schemas.xmlsoap.org/soap/envelope/"},
		{Name: xml.Name{Local: "xmlns:xsi"}, Value: "http://www.w3.org/2001/XMLSchema-instance"},
	}
	var b bytes.Buffer
	b.WriteString(xml.Header)
	e := xml.NewEncoder(&b)
	e.Indent("", " ")
	if err := e.Encode(doc); err != nil {
		return nil, fault.Wrap(err, fault.CodeInternal, "encoding a request of the SOAP API")
	}
	return b.Bytes(), nil
}

// done is what the results of a request say: nil where everything was done.
func done(results []*node) error {
	if len(results) == 0 {
		return fault.New(fault.CodeDestinationAnswer, "the SOAP API does not say what became of the request")
	}
	for _, result := range results {
		if status := result.text("StatusCode"); status != "OK" {
			return refusal(result)
		}
	}
	return nil
}

// refusal is the error of one result, with the errors of the parts of the object.
func refusal(result *node) error {
	words := []string{result.text("StatusMessage"), result.text("ErrorMessage")}
	for _, list := range []string{"KeyError", "ValueError"} {
		for _, part := range result.at(list + "s").all(list) {
			words = append(words, part.text("Name")+": "+part.text("ErrorMessage"))
		}
	}
	for _, list := range []string{"CreateResults", "UpdateResults"} {
		for _, part := range result.all(list) {
			if part.text("StatusCode") != "OK" {
				words = append(words, part.text("StatusMessage"))
			}
		}
	}
	words = slices.DeleteFunc(words, func(w string) bool { return w == "" })
	text := strings.Join(words, "; ")
	if code := result.text("ErrorCode"); code != "" {
		text += " (" + code + ")"
	}
	return fault.New(fault.CodeDestinationRejected, "%s", text)
}

// retrievePages is how many pages of a list are read at most.
const retrievePages = 400

// retrieve lists objects of a type.
func retrieve(ctx context.Context, r *manifest.Run, kind string, properties []string, filter *node) ([]*node, error) {
	request := element("RetrieveRequest", leaf("ObjectType", kind))
	for _, p := range properties {
		request.Nodes = append(request.Nodes, leaf("Properties", p))
	}
	if filter != nil {
		request.Nodes = append(request.Nodes, filter)
	}
	var all []*node
	for range retrievePages {
		answer, err := call(ctx, r, "Retrieve", element("RetrieveRequestMsg", request))
		if err != nil {
			return nil, harmless(err)
		}
		all = append(all, answer.all("Results")...)
		switch status := answer.text("OverallStatus"); status {
		case "OK":
			return all, nil
		case "MoreDataAvailable":
			request = element("RetrieveRequest", leaf("ContinueRequest", answer.text("RequestID")))
		case "":
			return nil, fault.Reclass(fault.New(fault.CodeDestinationAnswer, "the SOAP API does not say what it found"), fault.Retryable)
		default:
			return nil, fault.Reclass(fault.New(fault.CodeDestinationDenied, "%s", status).
				WithSuggestion("Give the package the permissions for what is synced, such as reading data extensions."), fault.Fatal)
		}
	}
	return nil, fault.Reclass(fault.New(fault.CodeDestinationAnswer, "the list of %s has too many pages", kind), fault.Fatal)
}

// equals is the filter of objects with a property.
func equals(property, text string) *node {
	return object("Filter", "SimpleFilterPart", leaf("Property", property), leaf("SimpleOperator", "equals"), leaf("Value", text))
}
