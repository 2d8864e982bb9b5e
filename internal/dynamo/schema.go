package dynamo

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// The indexes.
const (
	logIndex   = "log"
	workIndex  = "work"
	stuckIndex = "stuck"
)

// ExpiryAttribute is the attribute that the table's time to live must be switched on for.
const ExpiryAttribute = attrExpiry

// Table describes the table of a name: keys, indexes, and payment by request. It is the one description; whoever makes the table
// otherwise makes this.
func Table(name string) *dynamodb.CreateTableInput {
	var attributes []types.AttributeDefinition
	for _, a := range []string{attrPK, attrSK, attrLogPK, attrLogSK, attrWorkPK, attrWorkSK, attrStuckPK, attrStuckSK} {
		attributes = append(attributes, types.AttributeDefinition{AttributeName: aws.String(a), AttributeType: types.ScalarAttributeTypeS})
	}
	return &dynamodb.CreateTableInput{
		TableName: aws.String(name), BillingMode: types.BillingModePayPerRequest, AttributeDefinitions: attributes, KeySchema: schema(attrPK, attrSK),
		GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{
			{
				IndexName: aws.String(logIndex), KeySchema: schema(attrLogPK, attrLogSK),
				Projection: &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly},
			},
			{
				IndexName: aws.String(workIndex), KeySchema: schema(attrWorkPK, attrWorkSK),
				Projection: &types.Projection{ProjectionType: types.ProjectionTypeInclude, NonKeyAttributes: []string{attrPage}},
			},
			{
				IndexName: aws.String(stuckIndex), KeySchema: schema(attrStuckPK, attrStuckSK),
				Projection: &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly},
			},
		},
	}
}

func schema(hash, sort string) []types.KeySchemaElement {
	return []types.KeySchemaElement{
		{AttributeName: aws.String(hash), KeyType: types.KeyTypeHash}, {AttributeName: aws.String(sort), KeyType: types.KeyTypeRange},
	}
}
