// LibbpfMessages: collects the messages of libbpf while it lives, instead of printing them. At most
// one exists in a process, since libbpf has one print function.

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

  // The verifier's objection, or else the last warning; empty if there was neither.
  std::string Reason() const;
};

}  // namespace inlay::capture

#endif  // INLAY_TOOLS_CAPTURE_SYSTEM_LIBBPF_MESSAGES_H_
