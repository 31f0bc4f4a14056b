// The backend that is Inlay: emulated sockets, and maps of one layout through inlay/bpf.h. What the
// kernel has around its storage and Inlay has not, such as what clone() may listen on and in which
// order sock_diag replies, is done here.

#ifndef INLAY_TESTS_KERNEL_INLAY_BACKEND_H_
#define INLAY_TESTS_KERNEL_INLAY_BACKEND_H_

#include <memory>
#include <string_view>
#include <vector>

#include "tests/kernel/backend.h"

namespace inlay::bpf_script {

// A backend with nothing in it yet. Null if there is no such layout.
std::unique_ptr<Backend> NewInlayBackend(std::string_view layout);

// The layouts as they are meant to be used; and those, with others that have so little room that
// values overflow into their second best place.
std::vector<std::string_view> LayoutNames();
std::vector<std::string_view> FuzzedLayoutNames();

}  // namespace inlay::bpf_script

#endif  // INLAY_TESTS_KERNEL_INLAY_BACKEND_H_
