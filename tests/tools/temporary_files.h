// Files for one test, in a folder of its own that is removed with it.

#ifndef INLAY_TESTS_TOOLS_TEMPORARY_FILES_H_
#define INLAY_TESTS_TOOLS_TEMPORARY_FILES_H_

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

namespace inlay {

// The content of the file; nothing if it is unreadable.
inline std::string Content(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class TemporaryFiles {
 public:
  TemporaryFiles() {
    std::string pattern = std::string(INLAY_TEST_WORK_DIR) + "/test.XXXXXX";
    if (mkdtemp(pattern.data()) == nullptr) ADD_FAILURE() << "mkdtemp " << pattern;
    folder_ = pattern;
  }
  ~TemporaryFiles() { std::filesystem::remove_all(folder_); }
  TemporaryFiles(const TemporaryFiles&) = delete;
  TemporaryFiles& operator=(const TemporaryFiles&) = delete;

  std::string Path(const std::string& name) const { return (folder_ / name).string(); }

  // Writes a file and returns its path.
  std::string Write(const std::string& name, std::string_view content) const {
    std::ofstream file(Path(name), std::ios::binary);
    file << content;
    file.close();
    EXPECT_TRUE(file.good()) << name;
    return Path(name);
  }

 private:
  std::filesystem::path folder_;
};

}  // namespace inlay

#endif  // INLAY_TESTS_TOOLS_TEMPORARY_FILES_H_
