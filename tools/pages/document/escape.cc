#include "tools/pages/document/escape.h"

#include <limits>

#include "tools/pages/numbers/printable.h"

namespace inlay::page {

std::string Escaped(std::string_view text) {
  std::string escaped;
  for (const char c : numbers::Printable(text, std::numeric_limits<size_t>::max())) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&#39;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

}  // namespace inlay::page
