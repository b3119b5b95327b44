// Package modepb is what the protocol compiler makes of mode.proto: the
// service that a mode plugin offers, and its messages.
//
// Only the service runs on this code. Batches and effects pass through a codec
// of their own in modeplugin, straight between wire and the structs of package
// modes; here their messages serve as that codec's oracle in tests.
package modepb

//go:generate sh -c "cd ../.. && protoc --plugin=protoc-gen-go=$(go tool -n protoc-gen-go) --plugin=protoc-gen-go-grpc=$(go tool -n protoc-gen-go-grpc) --go_out=internal/modepb --go_opt=module=consequor/modes/modeplugin/internal/modepb --go-grpc_out=internal/modepb --go-grpc_opt=module=consequor/modes/modeplugin/internal/modepb mode.proto"
