package api

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "consequor/replicad/api/consequorpb"
)

// errorDomain marks the error details that are ours.
const errorDomain = "consequor"

// Keys of an ErrorInfo's metadata.
const (
	metaOutcome = "outcome"
	metaHint    = "hint"
)

// messageLenMax bounds an error's texts on the wire, in bytes: a status
// travels in a header.
const messageLenMax = 4 << 10

// asError makes err, which came from a Service, an *Error: nothing else should,
// so all else is a bug, or a deadline that the service left to us.
func asError(verb Verb, err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	e = &Error{Outcome: doubtful(verb), Kind: KindInternal, Message: err.Error()}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		e.Kind, e.Message = KindDeadline, "not answered in time"
	case errors.Is(err, context.Canceled):
		e.Kind, e.Message = KindCanceled, "the caller left"
	}
	return e
}

// doubtful is the outcome of a request that was sent and got no answer: an
// article may be there now; the other verbs leave nothing behind.
func doubtful(verb Verb) Outcome {
	if verb.Writes() {
		return Unknown
	}
	return Refused
}

var kindCodes = map[string]codes.Code{
	KindInvalid:       codes.InvalidArgument,
	KindNotFound:      codes.NotFound,
	KindNoSuchReplica: codes.NotFound,
	KindOtherCluster:  codes.FailedPrecondition,
	KindNoMajority:    codes.Unavailable,
	KindNoQuorum:      codes.Unavailable,
	KindUnreachable:   codes.Unavailable,
	KindNoCoordinator: codes.Unavailable,
	KindEpochChanging: codes.Unavailable,
	KindBehind:        codes.Unavailable,
	KindStopping:      codes.Unavailable,
	KindOverloaded:    codes.ResourceExhausted,
	KindDiskFull:      codes.ResourceExhausted,
	KindDeadline:      codes.DeadlineExceeded,
	KindCanceled:      codes.Canceled,
	KindInternal:      codes.Internal,
}

// code chooses the gRPC code. Unavailable invites clients to try again
// blindly, so an unknown outcome never has it.
func (e *Error) code() codes.Code {
	code, ok := kindCodes[e.Kind]
	switch {
	case e.Outcome == Unknown && (!ok || code == codes.Unavailable || code == codes.ResourceExhausted):
		return codes.Unknown
	case !ok:
		return codes.FailedPrecondition
	}
	return code
}

// toStatus puts e into a form that any gRPC client understands.
func (e *Error) toStatus() error {
	info := &errdetails.ErrorInfo{
		Reason:   cut(e.Kind),
		Domain:   errorDomain,
		Metadata: map[string]string{metaOutcome: string(e.Outcome)},
	}
	if e.Hint != "" {
		info.Metadata[metaHint] = cut(e.Hint)
	}
	s := status.New(e.code(), cut(e.Message))
	detailed, err := s.WithDetails(info)
	if err != nil { // the detail would not marshal; say the rest
		return s.Err()
	}
	return detailed.Err()
}

// fromStatus reads what toStatus wrote. The error of someone else (gRPC
// itself, a proxy) is one whose outcome is otherwise.
func fromStatus(err error, otherwise Outcome) *Error {
	s := status.Convert(err)
	for _, detail := range s.Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok && info.GetDomain() == errorDomain {
			return &Error{
				Outcome: Outcome(info.GetMetadata()[metaOutcome]),
				Kind:    info.GetReason(),
				Message: s.Message(),
				Hint:    info.GetMetadata()[metaHint],
			}
		}
	}
	return &Error{Outcome: otherwise, Kind: foreignKind(s.Code()), Message: s.Message()}
}

// foreignKind is the nearest kind to a code that came without one.
func foreignKind(code codes.Code) string {
	switch code {
	case codes.Canceled:
		return KindCanceled
	case codes.DeadlineExceeded:
		return KindDeadline
	case codes.Unavailable:
		return KindNotConnected
	case codes.ResourceExhausted:
		return KindOverloaded
	case codes.InvalidArgument:
		return KindInvalid
	}
	return KindInternal
}

// encodeFailure puts e into a pipe's form.
func encodeFailure(e *Error) *pb.Failure {
	outcome := pb.Outcome_OUTCOME_REFUSED
	if e.Outcome == Unknown {
		outcome = pb.Outcome_OUTCOME_UNKNOWN
	}
	return &pb.Failure{Outcome: outcome, Kind: cut(e.Kind), Message: cut(e.Message), Hint: cut(e.Hint)}
}

// decodeFailure takes an outcome it does not know for unknown.
func decodeFailure(m *pb.Failure) *Error {
	outcome := Unknown
	if m.GetOutcome() == pb.Outcome_OUTCOME_REFUSED {
		outcome = Refused
	}
	return &Error{Outcome: outcome, Kind: m.GetKind(), Message: m.GetMessage(), Hint: m.GetHint()}
}

// cut makes a text of an error fit for the wire.
func cut(s string) string {
	if len(s) > messageLenMax {
		s = s[:messageLenMax] + "..."
	}
	return text(s)
}

// invalid is the refusal of a request that breaks a limit.
func invalid(err error) *Error {
	return &Error{Outcome: Refused, Kind: KindInvalid, Message: err.Error()}
}

func refused(kind, format string, args ...any) *Error {
	return &Error{Outcome: Refused, Kind: kind, Message: fmt.Sprintf(format, args...)}
}
