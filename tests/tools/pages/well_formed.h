// Whether a page is well-formed: every element is closed where it must be, attributes are quoted,
// and no character that is markup stands for itself.

#ifndef INLAY_TESTS_TOOLS_PAGES_WELL_FORMED_H_
#define INLAY_TESTS_TOOLS_PAGES_WELL_FORMED_H_

#include <cctype>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace inlay {

class WellFormed {
 public:
  // `markup` may begin with a doctype. Its elements are kept in the order of their start.
  explicit WellFormed(std::string_view markup) : rest_(markup) {
    constexpr std::string_view kDoctype = "<!DOCTYPE html>";
    if (rest_.starts_with(kDoctype)) rest_.remove_prefix(kDoctype.size());
    while (!rest_.empty() && error_.empty()) {
      if (rest_.front() == '<') {
        Tag();
      } else {
        Character();
      }
    }
    if (error_.empty() && !open_.empty()) error_ = "not closed: " + open_.back();
  }

  // The error; empty if there is none.
  std::string error() const { return error_; }
  std::multiset<std::string> elements() const { return elements_; }
  std::vector<std::string> attributes() const { return attributes_; }  // "name=value"

 private:
  static bool InName(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == ':';
  }
  void Fail(const std::string& what) { error_ = what + " at: " + std::string(rest_.substr(0, 60)); }
  bool Take(std::string_view text) {
    if (!rest_.starts_with(text)) return false;
    rest_.remove_prefix(text.size());
    return true;
  }
  std::string Name() {
    std::string name;
    while (!rest_.empty() && InName(rest_.front())) {
      name += rest_.front();
      rest_.remove_prefix(1);
    }
    return name;
  }
  void Spaces() {
    while (!rest_.empty() && std::isspace(static_cast<unsigned char>(rest_.front())) != 0) {
      rest_.remove_prefix(1);
    }
  }

  void Character() {
    if (rest_.front() == '>') return Fail("a bare >");
    if (rest_.front() == '&') {
      for (const std::string_view entity : {"&amp;", "&lt;", "&gt;", "&quot;", "&#39;"}) {
        if (Take(entity)) return;
      }
      return Fail("a bare &");
    }
    rest_.remove_prefix(1);
  }

  void Tag() {
    if (Take("</")) {
      const std::string name = Name();
      if (open_.empty() || open_.back() != name || !Take(">")) return Fail("</" + name + ">");
      open_.pop_back();
      return;
    }
    Take("<");
    const std::string name = Name();
    if (name.empty()) return Fail("a bare <");
    elements_.insert(name);
    while (error_.empty()) {
      Spaces();
      if (Take("/>")) return;
      if (Take(">")) break;
      Attribute();
    }
    if (name == "style") {
      // Its content is not markup.
      const size_t end = rest_.find("</style>");
      if (end == std::string_view::npos) return Fail("a style without an end");
      rest_.remove_prefix(end);
    }
    open_.push_back(name);
  }

  void Attribute() {
    const std::string name = Name();
    if (name.empty() || !Take("=\"")) return Fail("an attribute");
    const size_t end = rest_.find('"');
    if (end == std::string_view::npos) return Fail("an attribute without an end");
    const std::string_view value = rest_.substr(0, end);
    if (value.find('<') != std::string_view::npos) return Fail("a bare < in an attribute");
    attributes_.push_back(name + "=" + std::string(value));
    rest_.remove_prefix(end + 1);
  }

  std::string_view rest_;
  std::string error_;
  std::vector<std::string> open_;
  std::multiset<std::string> elements_;
  std::vector<std::string> attributes_;
};

}  // namespace inlay

#endif  // INLAY_TESTS_TOOLS_PAGES_WELL_FORMED_H_
