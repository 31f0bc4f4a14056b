// Status: how an operation ended. Each value is the errno that the Linux kernel answers for the
// same cell of the contract (see storage_map.h), so that bpf.h negates it and nothing is
// translated.
//
// The library never throws, prints or exits: it returns one of these.

#ifndef INLAY_STATUS_H_
#define INLAY_STATUS_H_

#include <cerrno>
#include <string_view>

namespace inlay {

enum class [[nodiscard]] Status : int{
    kOk = 0,
    kNotFound = ENOENT,      // no value where one is required, or the owner is being destroyed
    kBadDescriptor = EBADF,  // a number that is not an open descriptor
    kNotSocket = ENOTSOCK,   // a descriptor of something that is not a socket
    kAgain = EAGAIN,         // another writer was first; used inside the engine, never returned
    kNoMemory = ENOMEM,      // allocation, account limit, or index space: nothing was changed
    kExists = EEXIST,        // a value where none may be
    kInvalid = EINVAL,       // an argument or a flag that no state makes right
    kTooBig = E2BIG,         // a value size above the limit
    kTooManyOpen = EMFILE,   // no descriptor left
    kNotPermitted = EPERM,   // the map does not allow this operation
    kUnsupported = 524,      // ENOTSUPP, the kernel's internal "this map cannot do that"
};

// The errno twin: 0 for kOk, otherwise positive.
constexpr int ToErrno(Status status) { return static_cast<int>(status); }

// The name of the errno twin, as in "ENOENT"; "OK" for kOk. The text lives forever.
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
