package dynamodb

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/millrace/millrace/internal/value"
)

// attribute is a value as DynamoDB holds it. Its type is that of the value: instants and dates are strings in ISO 8601.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
func attribute(v value.Value) types.AttributeValue {
	switch v = v.Parsed(); v.Kind() {
	case value.Null:
		return &types.AttributeValueMemberNULL{Value: true}
	case value.Bool:
		return &types.AttributeValueMemberBOOL{Value: v.Bool()}
	case value.Int, value.Float, value.Decimal:
		return &types.AttributeValueMemberN{Value: v.String()}
	case value.Bytes:
		return &types.AttributeValueMemberB{Value: []byte(v.Raw())}
	case value.List:
		items := make([]types.AttributeValue, len(v.List()))
		for i, item := range v.List() {
			items[i] = attribute(item)
		}
		return &types.AttributeValueMemberL{Value: items}
	case value.Map:
		members := make(map[string]types.AttributeValue, len(v.Fields()))
		for _, f := range v.Fields() {
			members[f.Name] = attribute(f.Value)
		}
		return &types.AttributeValueMemberM{Value: members}
	default:
		return &types.AttributeValueMemberS{Value: v.String()}
	}
}

// keyAttribute is a value as the table's key takes it: a key has a type of its own.
func keyAttribute(name string, kind types.ScalarAttributeType, v value.Value) (types.AttributeValue, error) {
	text := v.String()
	if v.Kind() == value.Bytes {
		text = v.Raw()
	}
	if v.IsNull() || text == "" {
		return nil, fmt.Errorf("the row has no %s: the matched column is empty", name)
	}
	switch v.Parsed().Kind() {
	case value.List, value.Map:
		return nil, fmt.Errorf("the key attribute %s cannot hold a value of the type %s", name, v.Kind())
	}
	switch kind {
	case types.ScalarAttributeTypeN:
		if _, err := strconv.ParseFloat(text, 64); err != nil && !errors.Is(err, strconv.ErrRange) {
			return nil, fmt.Errorf("the key attribute %s is a number, and the row has a value of the type %s that is none", name, v.Kind())
		}
		return &types.AttributeValueMemberN{Value: text}, nil
	case types.ScalarAttributeTypeB:
		return &types.AttributeValueMemberB{Value: []byte(text)}, nil
	default:
		return &types.AttributeValueMemberS{Value: v.String()}, nil
	}
}
