// Package api is how clients talk to replicas: the five requests in Go, the
// gRPC server that puts them before a Service, and the client that finds a
// replica which answers.
//
//	Session ──> Client ──┬── link r1 ──┐               ┌── Server ──> Service
//	 token      any that │             │   consequor   │   limits     (replicad)
//	            answers, ├── link r2 ──┼── .v1.Board ──┤   checks
//	            the next │             │   over gRPC   │   deadlines
//	            if not   └── link r3 ──┘               └── health, reflection
//
// The protocol is documented in consequorpb/consequor.proto, for clients in
// other languages as well.
//
// # One request, one outcome
//
// A request ends in an Answer or in an *Error, whose outcome is refused (surely
// not done) or unknown (it may have been done). The client sends every post
// with a key, so it can try again, elsewhere too, without ever making a second
// article. How it does that:
//
//  1. A try that was refused for a reason that passes (an election, a mode
//     change, a full queue), that found nobody, or that got no answer within
//     its share of the time is made again at the next replica.
//  2. All tries of one post carry one key. Only as long as nothing was sent, or
//     its home has refused it, may the key change, to name another home.
//  3. Once any try may have reached a replica and was not answered, the
//     request can only end well or unknown: a later refusal says nothing about
//     the earlier try.
//
// # The pipe
//
// The client sends its calls down one long-lived stream per connection, many
// in one message when many wait, and answers come back the same way: at 64
// callers a request costs a quarter of a gRPC call of its own. The server speaks
// first on a pipe; a replica that is paused or not yet serving therefore never
// gets anything that could be done later, unseen.
package api
