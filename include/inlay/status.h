// Status: how an operation ended. Each value has an errno twin: what the Linux kernel returns in
// the same state (see the table in emulated/value_map.h), so emulated/bpf.h only has to negate
// that. Several values may have one twin: there are several reasons for ENOMEM, and a caller that
// need not tell them apart asks IsNoMemory().
//
// The library never throws, prints or exits: it returns one of these. A few mistakes it cannot
// return, such as a store that is destroyed before its maps (store.h), or a thread that waits for
// readers inside its own section (rcu.h): these print a line and abort.

#ifndef INLAY_STATUS_H_
#define INLAY_STATUS_H_

#include <cerrno>
#include <string_view>

namespace inlay {

namespace status_internal {
// A reason behind ENOMEM, or EINVAL: the twin is in the lowest 16 bits.
constexpr int NoMemoryBecause(int reason) { return ENOMEM | reason << 16; }
constexpr int InvalidBecause(int reason) { return EINVAL | reason << 16; }
}  // namespace status_internal

enum class [[nodiscard]] Status : int{
    kOk = 0,
    kNotFound = ENOENT,      // no value, or the owner is being destroyed
    kBadDescriptor = EBADF,  // not an open descriptor
    kNotSocket = ENOTSOCK,   // a descriptor, but not of a socket
    kAgain = EAGAIN,         // another writer was first; internal, never returned
    kNoMemory = ENOMEM,      // the system allows no more memory
    kExists = EEXIST,        // the value exists, and the flag asks for none
    kInvalid = EINVAL,       // an argument or a flag that is invalid in every state
    kTooBig = E2BIG,         // a value size above the limit
    kTooManyOpen = EMFILE,   // no descriptor left
    kNotPermitted = EPERM,   // the map does not allow this operation
    kUnsupported = 524,      // ENOTSUPP: the map type lacks the operation
    kIo = EIO,               // the system could not read or write a file
    kDamaged = EBADMSG,      // a file that is not what it should be, or not whole
    // A map or a snapshot of another name, schema or value size, and nothing to migrate it.
    kIncompatible = status_internal::InvalidBecause(1),
    // Other reasons for ENOMEM. As with kNoMemory, nothing has changed.
    kNoBits = status_internal::NoMemoryBecause(1),        // too few bits of the owners are free
    kNoIndexes = status_internal::NoMemoryBecause(2),     // every index of the table is in use
    kAccountLimit = status_internal::NoMemoryBecause(3),  // an Account's (account.h)
    kSpillLimit = status_internal::NoMemoryBecause(4),    // StoreOptions::spill_limit_bytes
    kPendingLimit = status_internal::NoMemoryBecause(5),  // StoreOptions::pending_limit_bytes
    kOwnerLimit = status_internal::NoMemoryBecause(6),    // the owner's own: a socket's optmem_max
};

// The errno twin: 0 for kOk, otherwise positive.
constexpr int ToErrno(Status status) { return static_cast<int>(status) & 0xffff; }

// Whether there was no memory, or a limit did not allow it: the twin is ENOMEM.
constexpr bool IsNoMemory(Status status) { return ToErrno(status) == ENOMEM; }

// The name of the errno twin, as in "ENOENT", and the reason where several values have one twin, as
// in "ENOMEM, no bits"; "OK" for kOk. The text is static.
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
    case Status::kIo:
      return "EIO";
    case Status::kDamaged:
      return "EBADMSG";
    case Status::kIncompatible:
      return "EINVAL, incompatible";
    case Status::kNoBits:
      return "ENOMEM, no bits";
    case Status::kNoIndexes:
      return "ENOMEM, no indexes";
    case Status::kAccountLimit:
      return "ENOMEM, account limit";
    case Status::kSpillLimit:
      return "ENOMEM, spill limit";
    case Status::kPendingLimit:
      return "ENOMEM, pending limit";
    case Status::kOwnerLimit:
      return "ENOMEM, owner limit";
  }
  return "?";
}

}  // namespace inlay

#endif  // INLAY_STATUS_H_
