// LibbpfMessages: while it lives, what libbpf would print is kept instead. One at a time in a
// process: libbpf has one printer.

#ifndef INLAY_TOOLS_CAPTURE_SYSTEM_LIBBPF_MESSAGES_H_
#define INLAY_TOOLS_CAPTURE_SYSTEM_LIBBPF_MESSAGES_H_

#include <string>

namespace inlay::capture {

class LibbpfMessages {
 public:
  LibbpfMessages();
  ~LibbpfMessages();
  LibbpfMessages(const LibbpfMessages&) = delete;
  LibbpfMessages& operator=(const LibbpfMessages&) = delete;

  // What the verifier objected to, or else the last warning; empty if nothing was said.
  std::string Reason() const;
};

}  // namespace inlay::capture

#endif  // INLAY_TOOLS_CAPTURE_SYSTEM_LIBBPF_MESSAGES_H_
