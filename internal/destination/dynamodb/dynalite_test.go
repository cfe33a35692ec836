package dynamodb_test

import (
	"encoding/base64"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/test/services"
)

// place is a server that tests make tables at.
type place interface {
	settings(changes ...any) connector.Settings
	create(name string, keys ...string)
	items(name string) []item
}

// dynalite is a server with DynamoDB's protocol that others wrote.
type dynalite struct {
	server // for its settings

	client *sdk.Client
}

func newDynalite(t *testing.T) *dynalite {
	t.Helper()
	url := services.NewDynalite(t)
	config := aws.Config{Region: "eu-central-1", Credentials: credentials.NewStaticCredentialsProvider(keyID, secret, "")}
	return &dynalite{server: server{t: t, URL: url}, client: sdk.NewFromConfig(config, func(o *sdk.Options) { o.BaseEndpoint = aws.String(url) })}
}

func (d *dynalite) create(name string, keys ...string) {
	in := &sdk.CreateTableInput{TableName: aws.String(name), BillingMode: types.BillingModePayPerRequest}
	for i, k := range keys {
		key, kind := k[:len(k)-2], k[len(k)-1:]
		in.AttributeDefinitions = append(in.AttributeDefinitions, types.AttributeDefinition{AttributeName: aws.String(key), AttributeType: types.ScalarAttributeType(kind)})
		in.KeySchema = append(in.KeySchema, types.KeySchemaElement{AttributeName: aws.String(key), KeyType: []types.KeyType{types.KeyTypeHash, types.KeyTypeRange}[i]})
	}
	_, err := d.client.CreateTable(d.t.Context(), in)
	if err == nil {
		err = sdk.NewTableExistsWaiter(d.client, func(o *sdk.TableExistsWaiterOptions) { o.MinDelay = time.Millisecond }).Wait(d.t.Context(), &sdk.DescribeTableInput{TableName: aws.String(name)}, time.Minute)
	}
	if err != nil {
		d.t.Fatal(err)
	}
}

func (d *dynalite) items(name string) []item {
	var all []item
	pages := sdk.NewScanPaginator(d.client, &sdk.ScanInput{TableName: aws.String(name)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(d.t.Context())
		if err != nil {
			d.t.Fatal(err)
		}
		for _, i := range page.Items {
			one := item{}
			for name, v := range i {
				one[name] = spelled(v)
			}
			all = append(all, one)
		}
	}
	return all
}

// spelled is a value in DynamoDB's JSON.
func spelled(v types.AttributeValue) attributeValue {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return attributeValue{"S": v.Value}
	case *types.AttributeValueMemberN:
		return attributeValue{"N": v.Value}
	case *types.AttributeValueMemberB:
		return attributeValue{"B": base64.StdEncoding.EncodeToString(v.Value)}
	case *types.AttributeValueMemberBOOL:
		return attributeValue{"BOOL": v.Value}
	case *types.AttributeValueMemberL:
		items := []any{}
		for _, x := range v.Value {
			items = append(items, map[string]any(spelled(x)))
		}
		return attributeValue{"L": items}
	case *types.AttributeValueMemberM:
		members := map[string]any{}
		for name, x := range v.Value {
			members[name] = map[string]any(spelled(x))
		}
		return attributeValue{"M": members}
	default:
		return attributeValue{"NULL": true}
	}
}
