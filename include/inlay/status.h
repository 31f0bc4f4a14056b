// Status: the result of an operation. Each value is the errno that the Linux kernel returns in the
// same state (see the table in storage_map.h), so bpf.h only has to negate it.
//
// The library never throws, prints or exits: it returns one of these.

#ifndef INLAY_STATUS_H_
#define INLAY_STATUS_H_

#include <cerrno>
#include <string_view>

namespace inlay {

enum class [[nodiscard]] Status : int{
    kOk = 0,
    kNotFound = ENOENT,      // no value, or the owner is being destroyed
    kBadDescriptor = EBADF,  // not an open descriptor
    kNotSocket = ENOTSOCK,   // a descriptor, but not of a socket
    kAgain = EAGAIN,         // another writer was first; internal, never returned
    kNoMemory = ENOMEM,      // no memory, limit reached, or no index left: nothing changed
    kExists = EEXIST,        // the value exists, and the flag asks for none
    kInvalid = EINVAL,       // an argument or a flag that is invalid in every state
    kTooBig = E2BIG,         // a value size above the limit
    kTooManyOpen = EMFILE,   // no descriptor left
    kNotPermitted = EPERM,   // the map does not allow this operation
    kUnsupported = 524,      // ENOTSUPP: the map type lacks the operation
};

// The errno twin: 0 for kOk, otherwise positive.
constexpr int ToErrno(Status status) { return static_cast<int>(status); }

// The name of the errno twin, as in "ENOENT"; "OK" for kOk. The text is static.
constexpr std::string_view StatusName(Status status) {
  switch (status) {
    case Status::kOk:
      return "OK";
    case Status::kNotFound:
      return "ENOENT";
    case Status::kBadDescriptor:
      return "EBADF";
    case Status::kNotSocket:
      return "ENOTSOCK";
    case Status::kAgain:
      return "EAGAIN";
    case Status::kNoMemory:
      return "ENOMEM";
    case Status::kExists:
      return "EEXIST";
    case Status::kInvalid:
      return "EINVAL";
    case Status::kTooBig:
      return "E2BIG";
    case Status::kTooManyOpen:
      return "EMFILE";
    case Status::kNotPermitted:
      return "EPERM";
    case Status::kUnsupported:
      return "ENOTSUPP";
  }
  return "?";
}

}  // namespace inlay

#endif  // INLAY_STATUS_H_
