// TextTable: rows of cells, printed in aligned columns. Not thread-safe.

#ifndef INLAY_TOOLS_PAGES_NUMBERS_TEXT_TABLE_H_
#define INLAY_TOOLS_PAGES_NUMBERS_TEXT_TABLE_H_

#include <string>
#include <vector>

namespace inlay::numbers {

class TextTable {
 public:
  enum class Align { kLeft, kRight };

  explicit TextTable(std::vector<Align> columns);

  // Adds a row of at most as many cells as there are columns.
  void AddRow(std::vector<std::string> cells);

  // The rows as lines, indented by two spaces, without trailing spaces.
  std::string Format() const;

 private:
  std::vector<Align> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace inlay::numbers

#endif  // INLAY_TOOLS_PAGES_NUMBERS_TEXT_TABLE_H_
