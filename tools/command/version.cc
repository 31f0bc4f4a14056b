#include "tools/command/version.h"

namespace inlay {
namespace {

#ifdef INLAY_HAS_BTF
constexpr char kBtf[] = "yes";
#else
constexpr char kBtf[] = "no, built without libbpf";
#endif

#ifdef INLAY_CAPTURE_MISSES
constexpr char kCapture[] = "no, built without " INLAY_CAPTURE_MISSES;
#else
constexpr char kCapture[] = "yes";
#endif

}  // namespace

std::string VersionText() {
  return std::string("inlay " INLAY_VERSION "\n") + "  compressed input (gzip, zstd): yes\n" +
         "  struct members from BTF (analyze --btf): " + kBtf + "\n" +
         "  values of the running kernel (capture, maps): " + kCapture;
}

}  // namespace inlay
