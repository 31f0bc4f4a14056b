// A test double of the kernel at the system call: bpf() fails as on a kernel that does not have
// what it is asked for.

#ifndef INLAY_TESTS_CAPTURE_REFUSED_CALLS_H_
#define INLAY_TESTS_CAPTURE_REFUSED_CALLS_H_

#include <linux/bpf.h>

#include <functional>
#include <string_view>

namespace inlay::capture {

// The errno of a call that the kernel refuses; 0: it does what is asked.
using RefusedCall = std::function<int(uint32_t command, const bpf_attr& attributes)>;

// Runs `test` in a child process in which `refused` decides on every bpf() of its threads. A
// failure in the child is a failure here.
void WithRefusedCalls(const RefusedCall& refused, const std::function<void()>& test);

// Refuses to load programs whose name begins so.
RefusedCall NoProgram(std::string_view name_begins, int error);

}  // namespace inlay::capture

#endif  // INLAY_TESTS_CAPTURE_REFUSED_CALLS_H_
