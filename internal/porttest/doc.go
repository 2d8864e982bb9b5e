// Package porttest has one conformance suite for each port: what the use cases rely on, run against every adapter of it. A new adapter proves itself by
// calling Store, Leases, People, Papers, Queue, DeadLetters or Secrets with a function that makes an empty one, and Histories with a store.
//
//	             in memory            for AWS
//	Store        memory.Store         dynamo.Store     and with every answer lost once, and in the trouble that no emulator makes
//	Leases       memory.Leases        dynamo.Store     the same
//	People       memory.Store         dynamo.Store     the same
//	Papers       memory.Store         dynamo.Store     the same
//	Histories    memory.Store         dynamo.Store     the same
//	Queue        memory.Queue         queue.Queue
//	DeadLetters  memory.Queue         queue.Queue
//	Secrets      memory.Secrets       secret.Secrets
//
// What the suites promise nobody: an order between groups of a queue, that a list or a counter shows at once what was stored (they look again for a
// moment), and that a record's versions are read at one moment.
//
// The adapters for AWS meet them wherever AWS says that it is: DynamoDB Local, ministack, LocalStack, or an account. Unruly is what SQS may do to messages and
// no emulator does, for tests of whatever takes work from a queue.
//
// # Where emulators are not AWS
//
// No rule of a suite is left out for any of these; each is why something is tested otherwise, or not taken from an emulator's answers.
//
//   - all: nothing is ever throttled or broken, no transaction is in another's way, and no batch is taken in part. The package dynamo's tests have these
//     troubles of their own.
//   - all: an index shows a write at once, and an item is gone only when it is deleted, not by its ttl.
//   - all: a message of a queue comes once, in time.
//   - DynamoDB Local: a transaction consumes half of AWS's units (two puts: 2, not 4). The units of links are from AWS's price list.
//   - DynamoDB Local: listens on every interface, and knows no other way; .ci/dynamodb-local gives it a network of its own.
//   - ministack: a query consumes 0.5 units whatever it reads. What an entry costs by its path is counted on DynamoDB Local.
//   - ministack: the first version of a secret (CreateSecret) is not the token of its call; nothing relies on that.
//   - ministack: a secret of more than 64 KB is not refused; the package secret refuses them itself.
//   - ministack: no StartMessageMoveTask for FIFO queues; nothing uses it.
package porttest
