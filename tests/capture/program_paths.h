// The paths of the command and of a work folder for these tests, relative to their own program, so
// that a copy of the build's folders works anywhere.
//
// Include it before tests/tools/inlay_command.h, whose paths it defines.

#ifndef INLAY_TESTS_CAPTURE_PROGRAM_PATHS_H_
#define INLAY_TESTS_CAPTURE_PROGRAM_PATHS_H_

#include <filesystem>
#include <string>

namespace inlay::capture {

inline std::filesystem::path ProgramFolder() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path();
}

// The built command.
inline const std::string kInlay = (ProgramFolder() / "../../tools/inlay").lexically_normal();
// The tests write below it.
inline const std::string kWorkFolder = ProgramFolder();

}  // namespace inlay::capture

#define INLAY_COMMAND ::inlay::capture::kInlay.c_str()
#define INLAY_TEST_WORK_DIR ::inlay::capture::kWorkFolder
#define INLAY_TEST_DATA_DIR ::inlay::capture::kWorkFolder

#endif  // INLAY_TESTS_CAPTURE_PROGRAM_PATHS_H_
