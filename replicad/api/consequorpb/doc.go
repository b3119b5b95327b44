// Package consequorpb is the generated code of consequor.proto, the client API
// on the wire. Only package api uses it; the protocol's documentation is in
// the proto file.
package consequorpb

//go:generate sh -c "protoc --plugin=protoc-gen-go=$(go tool -n protoc-gen-go) --plugin=protoc-gen-go-grpc=$(go tool -n protoc-gen-go-grpc) --go_out=. --go_opt=paths=source_relative --go-grpc_out=. --go-grpc_opt=paths=source_relative consequor.proto"
