// JsonObject: one JSON object as a flat list of fields. {"id":{"port":80}} has the field "id.port".
//
// The texts of fields are injective: equal texts are equal JSON values. Numbers, true, false and
// null keep their spelling. A string is its content without quotes and escapes; it keeps its quotes
// if it is empty or looks like another value. An array is one field: its JSON without blanks, with
// the members of its objects sorted; so is an object without members.
//
// Not thread-safe.

#ifndef INLAY_TOOLS_ANALYSIS_GRAMMAR_JSON_OBJECT_H_
#define INLAY_TOOLS_ANALYSIS_GRAMMAR_JSON_OBJECT_H_

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace inlay::analysis {

class JsonObject {
 public:
  // The deepest nesting of objects and arrays.
  static constexpr int kMaxDepth = 64;

  struct Field {
    std::string name;
    std::string text;
    bool is_string = false;  // so that `text` may stand for its content
  };

  // Parses the fields of `text`, which must be one whole object; blanks may surround it. Returns
  // false otherwise; error() then has the reason, and error_at() the byte.
  bool Parse(std::string_view text);

  // In the order of the text. Valid until the next Parse().
  std::span<const Field> fields() const { return {fields_.data(), size_}; }

  const std::string& error() const { return error_; }
  size_t error_at() const { return at_; }

 private:
  bool ParseMembers(int depth);
  bool ParseMember(int depth);
  // Appends the canonical JSON of the next value.
  bool ParseCanonical(int depth, std::string* out);
  bool ParseCanonicalObject(int depth, std::string* out);
  bool ParseCanonicalArray(int depth, std::string* out);
  bool ParseString(std::string* out);
  bool ParseEscape(std::string* out);
  bool ParseCodeUnit(unsigned* unit);
  bool ParseWord(std::string* out);
  void SkipSpace();
  bool Expect(char wanted, std::string_view name);
  bool Fail(std::string_view why);
  bool NextIs(char c) const { return at_ < text_.size() && text_[at_] == c; }
  Field& AddField();

  std::string_view text_;
  size_t at_ = 0;
  std::string path_;  // of the member that is being parsed
  std::string key_;
  std::vector<Field> fields_;  // the first size_ are in use; the others keep their memory
  size_t size_ = 0;
  std::string error_;
};

// `content` in quotes, with the fewest escapes.
void AppendJsonString(std::string_view content, std::string* out);

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_GRAMMAR_JSON_OBJECT_H_
