// Package dynamodb is the destination "DynamoDB": items of a table that exists.
//
// A row sets its attributes of the item with its primary key, one UpdateItem for each row, and leaves the item's other
// attributes alone; or it becomes the whole item, 25 of them in one BatchWriteItem. Both say what an item is to be,
// whatever it was: a batch whose answer was lost is sent again.
package dynamodb
