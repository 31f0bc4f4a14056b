// The backend that is Inlay: emulated sockets, and maps of one layout through inlay/emulated/bpf.h.
// It emulates the surroundings of the kernel's storage, such as the families that listen and the
// order of sock_diag replies.

#ifndef INLAY_TESTS_KERNEL_ON_INLAY_INLAY_BACKEND_H_
#define INLAY_TESTS_KERNEL_ON_INLAY_INLAY_BACKEND_H_

#include <memory>
#include <string_view>
#include <vector>

#include "tests/kernel/script/backend.h"

namespace inlay::bpf_script {

// An empty backend: of a layout, or of `pointer` as it emulates an older kernel ("pointer_6_1").
// Null if there is no such layout.
std::unique_ptr<Backend> NewInlayBackend(std::string_view layout);

// The layouts as an embedder uses them; and these with further ones that have so little room that
// values spill or fall back.
std::vector<std::string_view> LayoutNames();
std::vector<std::string_view> FuzzedLayoutNames();

}  // namespace inlay::bpf_script

#endif  // INLAY_TESTS_KERNEL_ON_INLAY_INLAY_BACKEND_H_
