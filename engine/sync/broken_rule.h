// BrokenRule(): ends the program after a caller's mistake that the library could only answer with
// corrupt memory, or by waiting for ever. The one place in the library that prints and exits.

#ifndef INLAY_ENGINE_SYNC_BROKEN_RULE_H_
#define INLAY_ENGINE_SYNC_BROKEN_RULE_H_

namespace inlay {

// Writes a line to standard error, `inlay: map "policy" outlives its store`, and aborts, in every
// build. `name` may be empty.
[[noreturn]] void BrokenRule(const char* kind, const char* name, const char* rule) noexcept;

}  // namespace inlay

#endif  // INLAY_ENGINE_SYNC_BROKEN_RULE_H_
