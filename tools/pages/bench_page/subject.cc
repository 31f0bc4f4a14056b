#include "tools/pages/bench_page/subject.h"

#include <algorithm>
#include <iterator>

namespace inlay::bench_page {
namespace {

constexpr Subject kSubjects[] = {
    {"touch", SubjectKind::kReference, "the walk over the sockets without the operation"},
    {"handwritten", SubjectKind::kReference, "a plain table[(word >> shift) & mask]"},
    {"pointer", SubjectKind::kLayout, "the kernel today"},
    {"single_pointer", SubjectKind::kLayout, "one object for all maps"},
    {"inline", SubjectKind::kLayout, "the value in the socket"},
    {"inline_const", SubjectKind::kLayout, "inline, its place known to the compiler"},
    {"inline_runtime_const", SubjectKind::kLayout, "inline, its place patched into the code"},
    {"shared_pointer", SubjectKind::kLayout, "8 bytes to a shared value"},
    {"index", SubjectKind::kLayout, "16 bits inline"},
    {"index12", SubjectKind::kLayout, "12 bits inline"},
    {"index9", SubjectKind::kLayout, "9 bits inline"},
    {"index9x7", SubjectKind::kLayout, "seven maps of 9 bits in one word, per map"},
    {"index9_embedded", SubjectKind::kLayout, "9 bits in as many words as the maps need"},
    {"index_get_many", SubjectKind::kLayout, "index, the values of a batch at once"},
    {"embedded", SubjectKind::kLayout, "an array of 16-bit words, and nothing else"},
    {"flyweight", SubjectKind::kPeer, "Boost.Flyweight, a handle per socket"},
    {"flyweight_no_locking", SubjectKind::kPeer, "Boost.Flyweight for one thread, without locks"},
    {"side_table", SubjectKind::kPeer, "a hash table from socket to value, under a mutex"},
    {"interning_table", SubjectKind::kPeer, "a hash table of shared values and a shared_ptr"},
    {"shared_ptr", SubjectKind::kPeer, "a std::shared_ptr per socket"},
    {"sk_storage", SubjectKind::kLayout, "the live kernel's socket storage"},
    {"mark", SubjectKind::kReference, "a field that the socket has, sk_mark"},
};

size_t OrderOf(std::string_view name) {
  const auto* const found =
      std::find_if(std::begin(kSubjects), std::end(kSubjects),
                   [name](const Subject& subject) { return subject.name == name; });
  return static_cast<size_t>(found - std::begin(kSubjects));
}

}  // namespace

Subject SubjectOf(std::string_view name) {
  const size_t order = OrderOf(name);
  if (order < std::size(kSubjects)) return kSubjects[order];
  return {.name = name, .kind = SubjectKind::kLayout, .meaning = ""};
}

std::vector<std::string> SubjectsOf(const std::vector<const Point*>& points) {
  std::vector<std::string> subjects;
  for (const Point* const point : points) {
    if (std::find(subjects.begin(), subjects.end(), point->name.subject) == subjects.end()) {
      subjects.push_back(point->name.subject);
    }
  }
  std::stable_sort(subjects.begin(), subjects.end(),
                   [](const auto& a, const auto& b) { return OrderOf(a) < OrderOf(b); });
  return subjects;
}

std::vector<std::string> SubjectsOf(const std::vector<const Point*>& points, SubjectKind kind) {
  std::vector<std::string> subjects = SubjectsOf(points);
  std::erase_if(subjects, [kind](const auto& name) { return SubjectOf(name).kind != kind; });
  return subjects;
}

const std::vector<std::string>& HeadlineLayouts() {
  static const auto* const layouts = new std::vector<std::string>{
      "pointer", "single_pointer", "inline", "shared_pointer", "index", "index9"};
  return *layouts;
}

}  // namespace inlay::bench_page
