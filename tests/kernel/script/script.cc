#include "tests/kernel/script/script.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <map>
#include <span>
#include <utility>

namespace inlay::bpf_script {
namespace {

using Words = std::span<const std::string_view>;

std::vector<std::string_view> SplitAt(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> parts;
  for (size_t at = 0; at <= text.size();) {
    const size_t end = std::min(text.find_first_of(separators, at), text.size());
    parts.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

std::vector<std::string_view> WordsOf(std::string_view line) {
  std::vector<std::string_view> words = SplitAt(line, " \t\r");
  std::erase(words, std::string_view());
  return words;
}

// An unsigned number, decimal or with 0x in front.
std::optional<uint64_t> ParseUnsigned(std::string_view text) {
  int base = 10;
  if (text.starts_with("0x") || text.starts_with("0X")) {
    text.remove_prefix(2);
    base = 16;
  }
  uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, number, base);
  if (error != std::errc() || stopped != end) return std::nullopt;
  return number;
}

// The same with an optional minus sign, as 64 bits in two's complement.
std::optional<uint64_t> ParseBits(std::string_view text) {
  if (!text.starts_with('-')) return ParseUnsigned(text);
  const std::optional<uint64_t> negated = ParseUnsigned(text.substr(1));
  if (!negated.has_value() || *negated > uint64_t{1} << 63) return std::nullopt;
  return uint64_t{0} - *negated;
}

template <typename T>
std::optional<T> ParseSigned(std::string_view text) {
  const std::optional<uint64_t> bits = ParseBits(text);
  if (!bits.has_value()) return std::nullopt;
  const auto number = static_cast<int64_t>(*bits);
  if ((number < 0) != text.starts_with('-') && number != 0) return std::nullopt;
  if (number < std::numeric_limits<T>::min() || number > std::numeric_limits<T>::max()) {
    return std::nullopt;
  }
  return static_cast<T>(number);
}

std::optional<uint64_t> ParseFlags(std::string_view text) {
  static const std::map<std::string_view, uint64_t> kNames = {
      {"NONE", 0}, {"ANY", 0}, {"NOEXIST", 1}, {"EXIST", 2}, {"LOCK", 4}, {"CREATE", 1}};
  uint64_t flags = 0;
  for (const std::string_view part : SplitAt(text, "|")) {
    const auto name = kNames.find(part);
    const std::optional<uint64_t> bits =
        name != kNames.end() ? std::optional(name->second) : ParseBits(part);
    if (!bits.has_value()) return std::nullopt;
    flags |= *bits;
  }
  return flags;
}

std::optional<std::string> ParseName(std::string_view text) {
  if (text.starts_with('#')) return std::nullopt;
  return std::string(text);
}

std::optional<Key> ParseKey(std::string_view text) {
  if (!text.starts_with('#')) return Key{.name = std::string(text)};
  const std::optional<int> number = ParseSigned<int>(text.substr(1));
  if (!number.has_value()) return std::nullopt;
  return Key{.number = number};
}

std::optional<SocketFamily> ParseFamily(std::string_view text) {
  for (size_t i = 0; i < kSocketFamilies; ++i) {
    const SocketProtocol& protocol = ProtocolOf(static_cast<SocketFamily>(i));
    if (protocol.name == text) return protocol.family;
  }
  return std::nullopt;
}

std::optional<MapShape> ParseShape(Words words) {
  MapShape shape;
  bool has_size = false;
  for (const std::string_view word : words) {
    const size_t equals = std::min(word.find('='), word.size());
    const std::string_view option = word.substr(0, equals);
    const auto number = ParseUnsigned(word.substr(std::min(equals + 1, word.size())));
    if (!number.has_value()) return std::nullopt;
    if (option == "size" && *number <= std::numeric_limits<uint32_t>::max()) {
      shape.value_bytes = static_cast<uint32_t>(*number);
      has_size = true;
    } else if (option == "clone" && *number <= 1) {
      shape.clone = *number == 1;
    } else if (option == "lock" && *number <= 1) {
      shape.lock = *number == 1;
    } else {
      return std::nullopt;
    }
  }
  return has_size ? std::optional(shape) : std::nullopt;
}

// Reads the arguments of an operation. A missing or malformed argument leaves the reader invalid;
// then ignore what it has read.
class Arguments {
 public:
  explicit Arguments(Words words) : words_(words) {}

  bool more() const { return !words_.empty(); }
  // True if all arguments were valid and nothing is left.
  bool Done() const { return valid_ && words_.empty(); }

  template <typename T>
  T Take(std::optional<T> (*parse)(std::string_view)) {
    std::optional<T> parsed = words_.empty() ? std::nullopt : parse(words_.front());
    if (!words_.empty()) words_ = words_.subspan(1);
    valid_ = valid_ && parsed.has_value();
    return std::move(parsed).value_or(T());
  }
  std::string Name() { return Take(ParseName); }
  Key AKey() { return Take(ParseKey); }
  uint64_t Flags() { return Take(ParseFlags); }
  Bytes Value() { return Take(FromHex); }
  void Word(std::string_view word) {
    valid_ = valid_ && more() && words_.front() == word;
    if (more()) words_ = words_.subspan(1);
  }
  bool TakeNull() {
    if (!more() || words_.front() != "NULL") return false;
    words_ = words_.subspan(1);
    return true;
  }
  MapShape Shape() {
    const std::optional<MapShape> shape = ParseShape(words_);
    words_ = {};
    valid_ = valid_ && shape.has_value();
    return shape.value_or(MapShape());
  }

 private:
  Words words_;
  bool valid_ = true;
};

using Parser = Operation (*)(Arguments&);

// Braces guarantee that the arguments are read from left to right.
const std::map<std::string_view, Parser>& Parsers() {
  using A = Arguments;
  static const std::map<std::string_view, Parser> kParsers = {
      {"map",
       [](A& a) -> Operation {
         return CreateMap{a.Name(), a.Shape()};
       }},
      {"sock",
       [](A& a) -> Operation {
         std::string name = a.Name();
         return OpenSocket{std::move(name), a.more() ? a.Take(ParseFamily) : SocketFamily::kTcp};
       }},
      {"file", [](A& a) -> Operation { return OpenFile{a.Name()}; }},
      {"dup",
       [](A& a) -> Operation {
         std::string name = a.Name();
         a.Word("of");
         return Dup{std::move(name), a.AKey()};
       }},
      {"clone",
       [](A& a) -> Operation {
         std::string name = a.Name();
         a.Word("from");
         return Clone{std::move(name), a.AKey()};
       }},
      {"update",
       [](A& a) -> Operation {
         return Update{a.Name(), a.AKey(), a.Flags(), a.Value()};
       }},
      {"lookup",
       [](A& a) -> Operation {
         std::string map = a.Name();
         Key key = a.AKey();
         return Lookup{std::move(map), std::move(key), a.more() ? a.Flags() : 0};
       }},
      {"sysdelete",
       [](A& a) -> Operation {
         return SysDelete{a.Name(), a.AKey()};
       }},
      {"get",
       [](A& a) -> Operation {
         Get get{a.Name(), a.AKey(), a.Flags(), {}};
         if (a.more() && !a.TakeNull()) get.init = a.Value();
         return get;
       }},
      {"delete",
       [](A& a) -> Operation {
         return Delete{a.Name(), a.AKey()};
       }},
      {"poke",
       [](A& a) -> Operation {
         return Poke{a.Name(), a.AKey(),
                     static_cast<uint32_t>(a.Take<uint16_t>(
                         [](std::string_view text) { return ParseSigned<uint16_t>(text); })),
                     a.Value()};
       }},
      {"close", [](A& a) -> Operation { return Close{a.Name()}; }},
      {"free", [](A& a) -> Operation { return FreeMap{a.Name()}; }},
      {"freeze", [](A& a) -> Operation { return Freeze{a.Name()}; }},
      {"nextkey",
       [](A& a) -> Operation {
         NextKey next{a.Name(), {}};
         if (!a.TakeNull()) next.key = a.AKey();
         return next;
       }},
      {"lookdel",
       [](A& a) -> Operation {
         return LookupAndDelete{a.Name(), a.AKey()};
       }},
      {"omem", [](A& a) -> Operation { return Omem{a.AKey()}; }},
      {"optmem", [](A& a) -> Operation { return SetOptmem{a.Take(ParseSigned<int64_t>)}; }},
      {"dump", [](A& a) -> Operation { return Dump{a.Name()}; }},
      {"diag",
       [](A& a) -> Operation {
         Diag diag{a.AKey(), {}};
         while (a.more()) diag.maps.push_back(a.Name());
         return diag;
       }},
  };
  return kParsers;
}

}  // namespace

bool HasAnswer(std::string_view line) {
  const size_t first = line.find_first_not_of(" \t\r");
  return first != std::string_view::npos && line[first] != '#';
}

std::optional<Operation> ParseOperation(std::string_view line) {
  const std::vector<std::string_view> words = WordsOf(line);
  if (words.empty()) return std::nullopt;
  const auto parser = Parsers().find(words.front());
  if (parser == Parsers().end()) return std::nullopt;
  Arguments arguments(Words(words).subspan(1));
  Operation operation = parser->second(arguments);
  return arguments.Done() ? std::optional(std::move(operation)) : std::nullopt;
}

std::vector<std::string_view> Lines(std::string_view text) {
  std::vector<std::string_view> lines = SplitAt(text, "\n");
  if (lines.back().empty()) lines.pop_back();
  return lines;
}

}  // namespace inlay::bpf_script
