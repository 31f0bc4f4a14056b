// Text: a line of prose with code and emphasis in it. It has no markup: every renderer escapes it,
// so it may hold arbitrary text of a file.

#ifndef INLAY_TOOLS_PAGES_DOCUMENT_TEXT_H_
#define INLAY_TOOLS_PAGES_DOCUMENT_TEXT_H_

#include <string>
#include <utility>
#include <vector>

namespace inlay::page {

class Text {
 public:
  enum class Kind { kPlain, kCode, kStrong, kGood, kBad };  // the last two: verdicts
  struct Span {
    Kind kind = Kind::kPlain;
    std::string text;
  };

  Text() = default;
  Text(std::string plain) { Plain(std::move(plain)); }   // NOLINT: prose reads better
  Text(const char* plain) : Text(std::string(plain)) {}  // NOLINT
  static Text OfCode(std::string code) { return std::move(Text().Code(std::move(code))); }
  static Text OfStrong(std::string text) { return std::move(Text().Strong(std::move(text))); }

  Text& Plain(std::string text) { return Add(Kind::kPlain, std::move(text)); }
  Text& Code(std::string text) { return Add(Kind::kCode, std::move(text)); }
  Text& Strong(std::string text) { return Add(Kind::kStrong, std::move(text)); }
  Text& Good(std::string text) { return Add(Kind::kGood, std::move(text)); }
  Text& Bad(std::string text) { return Add(Kind::kBad, std::move(text)); }
  Text& Append(const Text& other) {
    spans_.insert(spans_.end(), other.spans_.begin(), other.spans_.end());
    return *this;
  }

  bool empty() const { return spans_.empty(); }
  const std::vector<Span>& spans() const { return spans_; }
  // The words alone.
  std::string Words() const {
    std::string words;
    for (const Span& span : spans_) words += span.text;
    return words;
  }

 private:
  Text& Add(Kind kind, std::string text) {
    if (!text.empty()) spans_.push_back({kind, std::move(text)});
    return *this;
  }

  std::vector<Span> spans_;
};

}  // namespace inlay::page

#endif  // INLAY_TOOLS_PAGES_DOCUMENT_TEXT_H_
