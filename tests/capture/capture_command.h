// Runs the built commands on a map of its own with the values of 300 sockets. After each test no
// program or map of a capture may be left in the kernel.

#ifndef INLAY_TESTS_CAPTURE_CAPTURE_COMMAND_H_
#define INLAY_TESTS_CAPTURE_CAPTURE_COMMAND_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/capture/held_sockets.h"
#include "tests/capture/program_paths.h"
#include "tests/capture/test_map.h"
#include "tests/tools/inlay_command.h"

namespace inlay::capture {

// The number of programs and maps of captures in the kernel now, by their names.
size_t LoadedByCaptures();
// Waits until they are gone, shortly after the process that loaded them. False, with a failure, if
// they stay.
bool NothingIsLoaded();

class CaptureCommandTest : public InlayCommandTest {
 protected:
  static constexpr size_t kSockets = 300;
  static constexpr uint32_t kBytes = 100;

  CaptureCommandTest();
  ~CaptureCommandTest() override;

  std::string MapId() const { return std::to_string(map_.id); }
  // The number of values in each snapshot of a capture file. Checks that all values prove
  // themselves.
  std::vector<size_t> Snapshots(const std::string& path);
  std::string NewFolder(const std::string& name);

  TestMap map_;
  HeldSockets sockets_;
};

std::vector<std::string> FilesIn(const std::string& folder);

}  // namespace inlay::capture

#endif  // INLAY_TESTS_CAPTURE_CAPTURE_COMMAND_H_
