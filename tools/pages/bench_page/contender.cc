#include "tools/pages/bench_page/contender.h"

#include <algorithm>
#include <iterator>

namespace inlay::bench_page {
namespace {

constexpr Contender kContenders[] = {
    {"touch", ContenderKind::kReference, "the walk over the sockets without the operation"},
    {"handwritten", ContenderKind::kReference, "a plain table[(word >> shift) & mask]"},
    {"pointer", ContenderKind::kLayout, "the kernel today"},
    {"single_pointer", ContenderKind::kLayout, "one object for all maps"},
    {"inline", ContenderKind::kLayout, "the value in the socket"},
    {"inline_const", ContenderKind::kLayout, "inline, its place known to the compiler"},
    {"inline_runtime_const", ContenderKind::kLayout, "inline, its place patched into the code"},
    {"shared_pointer", ContenderKind::kLayout, "8 bytes to a shared value"},
    {"index", ContenderKind::kLayout, "16 bits inline"},
    {"index_const", ContenderKind::kLayout, "16 bits inline, its place known to the compiler"},
    {"index12", ContenderKind::kLayout, "12 bits inline"},
    {"index9", ContenderKind::kLayout, "9 bits inline"},
    {"index9x7", ContenderKind::kLayout, "seven maps of 9 bits in one word, per map"},
    {"index9_embedded", ContenderKind::kLayout, "9 bits in as many words as the maps need"},
    {"index_get_many", ContenderKind::kLayout, "index, the values of a batch at once"},
    {"index_spilled", ContenderKind::kLayout, "index, its values spilled to storage pointers"},
    {"index_side_table", ContenderKind::kLayout, "index, its values spilled to a side table"},
    {"embedded", ContenderKind::kLayout, "an array of 16-bit words, and nothing else"},
    {"flyweight", ContenderKind::kPeer, "Boost.Flyweight, a handle per socket"},
    {"flyweight_no_locking", ContenderKind::kPeer, "Boost.Flyweight for one thread, without locks"},
    {"side_table", ContenderKind::kPeer, "a hash table from socket to value, under a mutex"},
    {"interning_table", ContenderKind::kPeer, "a hash table of shared values and a shared_ptr"},
    {"shared_ptr", ContenderKind::kPeer, "a std::shared_ptr per socket"},
    {"sk_storage", ContenderKind::kLayout, "the live kernel's socket storage"},
    {"mark", ContenderKind::kReference, "a field that the socket has, sk_mark"},
};

size_t OrderOf(std::string_view name) {
  const auto* const found =
      std::find_if(std::begin(kContenders), std::end(kContenders),
                   [name](const Contender& contender) { return contender.name == name; });
  return static_cast<size_t>(found - std::begin(kContenders));
}

}  // namespace

Contender ContenderOf(std::string_view name) {
  const size_t order = OrderOf(name);
  if (order < std::size(kContenders)) return kContenders[order];
  return {.name = name, .kind = ContenderKind::kLayout, .meaning = ""};
}

std::vector<std::string> ContendersOf(const std::vector<const Point*>& points) {
  std::vector<std::string> contenders;
  for (const Point* const point : points) {
    if (std::find(contenders.begin(), contenders.end(), point->name.contender) ==
        contenders.end()) {
      contenders.push_back(point->name.contender);
    }
  }
  std::stable_sort(contenders.begin(), contenders.end(),
                   [](const auto& a, const auto& b) { return OrderOf(a) < OrderOf(b); });
  return contenders;
}

std::vector<std::string> ContendersOf(const std::vector<const Point*>& points, ContenderKind kind) {
  std::vector<std::string> contenders = ContendersOf(points);
  std::erase_if(contenders, [kind](const auto& name) { return ContenderOf(name).kind != kind; });
  return contenders;
}

const std::vector<std::string>& HeadlineLayouts() {
  static const auto* const layouts = new std::vector<std::string>{
      "pointer", "single_pointer", "inline", "shared_pointer", "index", "index9"};
  return *layouts;
}

}  // namespace inlay::bench_page
