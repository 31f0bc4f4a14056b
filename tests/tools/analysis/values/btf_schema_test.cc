// Structs from BTF: made here with libbpf, and those of the running kernel.

#include "tools/analysis/values/btf_schema.h"

#include <bpf/btf.h>
#include <gtest/gtest.h>

#include <fstream>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tests/tools/analysis/values/struct_description.h"
#include "tests/tools/strings.h"
#include "tests/tools/temporary_files.h"
#include "tools/analysis/grammar/close_names.h"

namespace inlay::analysis {
namespace {

class BtfSchemaTest : public testing::Test {
 protected:
  BtfSchemaTest() {
    u8_ = Typedef("__u8", Int("unsigned char", 1, 0));
    u16_ = Typedef("__u16", Int("unsigned short", 2, 0));
    u32_ = Typedef("__u32", Int("unsigned int", 4, 0));
    char_ = Int("char", 1, BTF_INT_SIGNED);
    s32_ = Int("int", 4, BTF_INT_SIGNED);
    bool_ = Int("_Bool", 1, BTF_INT_BOOL);
    index_ = Int("__ARRAY_SIZE_TYPE__", 4, 0);
  }

  int Int(const char* name, size_t bytes, int encoding) {
    return Id(btf__add_int(types_.get(), name, bytes, encoding));
  }
  int Typedef(const char* name, int type) { return Id(btf__add_typedef(types_.get(), name, type)); }
  int Array(int type, uint32_t count) {
    return Id(btf__add_array(types_.get(), index_, type, count));
  }

  struct Member {
    const char* name;
    int type;
    uint32_t offset_bits;
    uint32_t bits = 0;
  };
  int Struct(const char* name, uint32_t bytes, const std::vector<Member>& members) {
    const int id = Id(btf__add_struct(types_.get(), name, bytes));
    AddMembers(members);
    return id;
  }
  int Union(const char* name, uint32_t bytes, const std::vector<Member>& members) {
    const int id = Id(btf__add_union(types_.get(), name, bytes));
    AddMembers(members);
    return id;
  }
  void AddMembers(const std::vector<Member>& members) {
    for (const Member& member : members) {
      EXPECT_EQ(
          btf__add_field(types_.get(), member.name, member.type, member.offset_bits, member.bits),
          0);
    }
  }

  static int Id(int answer) {
    EXPECT_GT(answer, 0);
    return answer;
  }

  std::string Written() {
    uint32_t size = 0;
    const void* const raw = btf__raw_data(types_.get(), &size);
    return files_.Write("types.btf", {static_cast<const char*>(raw), size});
  }

  // The fields, or the message of the error without the file.
  Strings Fields(const std::string& type) {
    const std::string path = Written();
    const absl::StatusOr<StructFields> fields = ReadBtfType(path, type);
    if (!fields.ok()) {
      const std::string message(fields.status().message());
      EXPECT_EQ(message.find(path + ": "), 0U) << message;
      return {message.substr(path.size() + 2)};
    }
    Strings lines = Described(*fields);
    lines.push_back("= " + std::to_string(fields->value_bytes));
    return lines;
  }

  struct FreeBtf {
    void operator()(btf* types) const { btf__free(types); }
  };
  std::unique_ptr<btf, FreeBtf> types_{btf__new_empty()};
  TemporaryFiles files_;
  int u8_, u16_, u32_, char_, s32_, bool_, index_;
};

TEST_F(BtfSchemaTest, MembersAndPadding) {
  const int inner = Struct("endpoint", 8, {{"addr", u32_, 0}, {"port", u16_, 32}});
  const int pointer = Id(btf__add_ptr(types_.get(), inner));
  const int read_only = Id(btf__add_const(types_.get(), u16_));
  const int rate = Id(btf__add_float(types_.get(), "double", 8));
  Struct("flow", 64,
         {{"mss", read_only, 0},
          {"ecn", bool_, 16},
          {"in", inner, 32},
          {"cc", Array(char_, 16), 96},
          {"hist", Array(u16_, 2), 224},
          {"delta", s32_, 256},
          {"peer", pointer, 320},
          {"rate", rate, 384},
          {"last", u8_, 448}});
  EXPECT_EQ(Fields("flow"),
            (Strings{"mss:unsigned@0+16", "ecn:bool@16+8", "padding 3:padding@24+8",
                     "in.addr:unsigned@32+32", "in.port:unsigned@64+16",
                     "padding 10-11:padding@80+16", "cc:text@96+128", "hist[0]:unsigned@224+16",
                     "hist[1]:unsigned@240+16", "delta:signed@256+32",
                     "padding 36-39:padding@288+32", "peer:unsigned@320+64", "rate:float@384+64",
                     "last:unsigned@448+8", "padding 57-63:padding@456+56", "= 64"}));
  const absl::StatusOr<StructFields> fields = ReadBtfType(Written(), "struct flow");
  ASSERT_TRUE(fields.ok()) << fields.status();
  EXPECT_EQ(fields->fields[0].type_name, "__u16");
  EXPECT_EQ(fields->fields[6].type_name, "char[16]");
  EXPECT_EQ(fields->fields[11].type_name, "struct endpoint *");
  Typedef("flow_t", Id(btf__find_by_name(types_.get(), "flow")));
  EXPECT_EQ(Fields("flow_t").size(), 16U);
  EXPECT_EQ(Fields("__u32"), (Strings{"value:unsigned@0+32", "= 4"}));
}

TEST_F(BtfSchemaTest, BitFieldsAndEnums) {
  const int tier = Id(btf__add_enum(types_.get(), "tier", 4));
  ASSERT_EQ(btf__add_enum_value(types_.get(), "TIER_NONE", 0), 0);
  ASSERT_EQ(btf__add_enum_value(types_.get(), "TIER_GOLD", 2), 0);
  const int big = Id(btf__add_enum64(types_.get(), "big", 8, false));
  ASSERT_EQ(btf__add_enum64_value(types_.get(), "HUGE", uint64_t{1} << 40), 0);
  Struct("bits", 24,
         {{"a", u8_, 0, 3},
          {"b", u8_, 3, 2},
          {"tier", tier, 32},
          {"big", big, 64},
          {"c", tier, 128, 4}});
  EXPECT_EQ(
      Fields("bits"),
      (Strings{"a:unsigned@0+3", "b:unsigned@3+2", "padding 0 bits 5-7:padding@5+3",
               "padding 1-3:padding@8+24", "tier:enum@32+32", "big:enum@64+64", "c:enum@128+4",
               "padding 16 bits 4-7:padding@132+4", "padding 17-23:padding@136+56", "= 24"}));
  const absl::StatusOr<StructFields> fields = ReadBtfType(Written(), "bits");
  ASSERT_TRUE(fields.ok());
  EXPECT_EQ(fields->fields[4].enum_names->at(2), "TIER_GOLD");
  EXPECT_EQ(fields->fields[4].type_name, "enum tier");
  EXPECT_EQ(fields->fields[5].enum_names->at(int64_t{1} << 40), "HUGE");
}

TEST_F(BtfSchemaTest, AUnionIsItsFirstWholeMember) {
  const int pair = Struct("pair", 4, {{"low", u16_, 0}, {"high", u16_, 16}});
  const int loose = Struct("loose", 8, {{"a", u8_, 0}, {"b", u32_, 32}});
  const int either = Union("either", 4, {{"byte", u8_, 0}, {"pair", pair, 0}, {"all", u32_, 0}});
  const int neither = Union("", 8, {{"loose", loose, 0}, {"byte", u8_, 0}});
  const int anonymous = Union("", 4, {{"v4", u32_, 0}, {"bytes", Array(u8_, 4), 0}});
  Struct("value", 16, {{"u", either, 0}, {"", neither, 32}, {"", anonymous, 96}});
  EXPECT_EQ(Fields("value"), (Strings{"u.pair.low:unsigned@0+16", "u.pair.high:unsigned@16+16",
                                      "loose:bytes@32+64", "v4:unsigned@96+32", "= 16"}));
}

TEST_F(BtfSchemaTest, LargeArraysAreOneField) {
  const int row = Array(u16_, 8);
  Struct("arrays", 65 + 7 + 128 + 144,
         {{"text", Array(char_, 65), 0},
          {"many", Array(u16_, 64), 72 * 8},
          {"more", Array(row, 9), 200 * 8}});
  const Strings lines = Fields("arrays");
  ASSERT_EQ(lines.size(), 1 + 1 + 64 + 1 + 1U);
  EXPECT_EQ(lines[0], "text:text@0+520");
  EXPECT_EQ(lines[65], "many[63]:unsigned@1584+16");
  EXPECT_EQ(lines[66], "more:bytes@1600+1152");
  Struct("small", 12, {{"m", Array(Array(u16_, 3), 2), 0}});
  EXPECT_EQ(Fields("small")[4], "m[1][1]:unsigned@64+16");
}

TEST_F(BtfSchemaTest, WhatTheKernelKeepsForOneValueCannotBeShared) {
  const std::pair<const char*, const char*> reasons[] = {
      {"bpf_spin_lock", "a lock guards one value at one place"},
      {"bpf_timer", "a timer belongs to one value at one place"},
      {"bpf_wq", "a work queue belongs to one value at one place"},
      {"bpf_list_head", "a list has one head at one place"},
      {"bpf_rb_root", "a tree has one root at one place"},
      {"bpf_refcount", "a reference count counts the owners of one value"},
  };
  for (const auto& [name, reason] : reasons) {
    const int special = Struct(name, 4, {{"val", u32_, 0}});
    const int inner = Struct("", 4, {{"lock", special, 0}});
    const std::string holder = std::string("has_") + name;
    Struct(holder.c_str(), 8, {{"mss", u32_, 0}, {"in", inner, 32}});
    EXPECT_EQ(Fields(holder), (Strings{"type '" + holder +
                                       "': its values cannot be shared: 'in.lock' is a "
                                       "struct " +
                                       name + ", and " + reason}));
    const std::string hidden = std::string("hides_") + name;
    Struct(hidden.c_str(), 8, {{"u", Union("", 4, {{"n", u32_, 0}, {"s", special, 0}}), 0}});
    EXPECT_NE(Fields(hidden)[0].find("cannot be shared"), std::string::npos);
  }
  for (const char* tag : {"kptr", "kptr_untrusted"}) {
    const int tagged = Id(btf__add_type_tag(types_.get(), tag, u32_));
    const int pointer = Id(btf__add_ptr(types_.get(), tagged));
    const std::string name = std::string("has_") + tag;
    Struct(name.c_str(), 8, {{"p", pointer, 0}});
    EXPECT_EQ(Fields(name),
              (Strings{"type '" + name + "': its values cannot be shared: 'p' is a " + tag +
                       ", and the kernel keeps what it points to for one value only"}));
  }
  const int user =
      Id(btf__add_ptr(types_.get(), Id(btf__add_type_tag(types_.get(), "user", u32_))));
  Struct("fine", 8, {{"p", user, 0}});
  EXPECT_EQ(Fields("fine"), (Strings{"p:unsigned@0+64", "= 8"}));
}

TEST_F(BtfSchemaTest, WhatTheKernelOwnsIsPaddingWhenAMapIsRead) {
  const int lock = Struct("bpf_spin_lock", 4, {{"val", u32_, 0}});
  const int slot = Struct("slot", 8, {{"lock", lock, 0}, {"n", u32_, 32}});
  const int tagged = Id(btf__add_type_tag(types_.get(), "kptr", u32_));
  const int kptr = Id(btf__add_ptr(types_.get(), tagged));
  const int stats = Struct("stats", 8, {{"lock", lock, 0}, {"n", u32_, 32}});
  const int value = Struct("conf", 544,
                           {{"id", u32_, 0},
                            {"stats", stats, 32},
                            {"task", kptr, 128},
                            {"slots", Array(slot, 65), 192}});
  std::vector<KernelOwnedMember> owned;
  const absl::StatusOr<StructFields> fields =
      ReadBtfTypeById(types_.get(), static_cast<uint32_t>(value), "map 7", &owned);
  ASSERT_TRUE(fields.ok()) << fields.status();
  ASSERT_EQ(owned.size(), 3u);
  EXPECT_EQ(owned[0].name, "stats.lock");
  EXPECT_EQ(owned[0].type_name, "struct bpf_spin_lock");
  EXPECT_EQ(owned[0].offset_bytes, 4u);
  EXPECT_EQ(owned[0].size_bytes, 4u);
  EXPECT_EQ(owned[1].name, "task");
  EXPECT_EQ(owned[1].type_name, "kptr");
  EXPECT_EQ(owned[1].offset_bytes, 16u);
  EXPECT_EQ(owned[1].size_bytes, 8u);
  // The members of one element of a large array are in all of them.
  EXPECT_EQ(owned[2].name, "slots");
  EXPECT_EQ(owned[2].offset_bytes, 24u);
  EXPECT_EQ(owned[2].size_bytes, 520u);
  for (const KernelOwnedMember& member : owned) {
    for (const ValueField& field : fields->fields) {
      const bool apart = *field.offset_bits + field.size_bits <= 8 * member.offset_bytes ||
                         *field.offset_bits >= 8 * (member.offset_bytes + member.size_bytes);
      EXPECT_TRUE(apart || field.kind == FieldKind::kPadding) << field.name;
    }
  }
  EXPECT_EQ(fields->fields.front().name, "id");
}

TEST_F(BtfSchemaTest, BadInputIsNamed) {
  Struct("tcp_options", 4, {{"a", u32_, 0}});
  EXPECT_EQ(Fields("tcp_option"), (Strings{"has no type 'tcp_option'; there is tcp_options"}));
  EXPECT_EQ(Fields("struct TCP_Optoins"),
            (Strings{"has no type 'struct TCP_Optoins'; there is tcp_options"}));
  EXPECT_EQ(Fields("something_else"), (Strings{"has no type 'something_else'"}));
  EXPECT_EQ(Fields("union tcp_options"),
            (Strings{"has no type 'union tcp_options'; there is tcp_options"}));
  Struct("empty", 0, {});
  EXPECT_EQ(Fields("empty"), (Strings{"type 'empty': has no size"}));
  Struct("overlaps", 4, {{"a", u32_, 0}, {"b", u8_, 8}});
  EXPECT_EQ(Fields("overlaps"),
            (Strings{"type 'overlaps': 'b' overlaps another member or exceeds the struct"}));
  Struct("beyond", 4, {{"a", u32_, 8}});
  EXPECT_EQ(Fields("beyond"),
            (Strings{"type 'beyond': 'a' overlaps another member or exceeds the struct"}));

  const auto message = [](const std::string& path) {
    return std::string(ReadBtfType(path, "x").status().message());
  };
  EXPECT_EQ(message(files_.Path("none")),
            files_.Path("none") + ": cannot open: No such file or directory");
  const std::string text = files_.Write("text", "this is no BTF at all\n");
  EXPECT_EQ(message(text).find(text + ": has no BTF that can be read ("), 0U) << message(text);
  std::string cut;
  {
    std::ifstream file(Written(), std::ios::binary);
    cut.assign(std::istreambuf_iterator<char>(file), {});
  }
  const std::string half = files_.Write("half", cut.substr(0, cut.size() / 2));
  EXPECT_NE(message(half).find("has no BTF that can be read"), std::string::npos);
}

// The output of clang for a BPF program: an ELF object. Each level has the one below it twice: 2^60
// members, whether they take room or not.
TEST_F(BtfSchemaTest, MembersThatExplodeAreAnError) {
  const std::string too_many = "has more members than a value has room for";
  int either = u8_;
  for (int level = 0; level < 60; ++level) {
    either =
        Union(("either" + std::to_string(level)).c_str(), 1, {{"a", either, 0}, {"b", either, 0}});
  }
  EXPECT_EQ(Fields("either59"), Strings{"type 'either59': " + too_many});
  int nothing = Struct("nothing", 0, {});
  for (int level = 0; level < 60; ++level) {
    nothing = Struct(("nothing" + std::to_string(level)).c_str(), 8,
                     {{"a", nothing, 0}, {"b", nothing, 0}});
  }
  EXPECT_EQ(Fields("nothing59"), Strings{"type 'nothing59': " + too_many});
  int same_place = u8_;
  for (int level = 0; level < 60; ++level) {
    same_place = Struct(("same" + std::to_string(level)).c_str(), 8,
                        {{"a", same_place, 0}, {"b", same_place, 0}});
  }
  EXPECT_EQ(Fields("same59"), Strings{"type 'same59': " + too_many});
}

TEST_F(BtfSchemaTest, NestedArraysDoNotExplode) {
  // 2^32 elements of 16 bytes, and 2^64 whose number overflows: no size.
  const int pair = Struct("pair", 16, {{"a", u32_, 0}, {"b", u32_, 64}});
  Struct("huge", 64, {{"x", Array(Array(pair, 65536), 65536), 0}});
  EXPECT_EQ(Fields("huge"), Strings{"type 'huge': 'x' is of a type without a size"});
  Struct("overflow", 64, {{"x", Array(Array(u8_, UINT32_MAX), UINT32_MAX), 0}});
  EXPECT_EQ(Fields("overflow"), Strings{"type 'overflow': 'x' is of a type without a size"});
  // An array in an array in an array, each level of 64: one field.
  int nested = u8_;
  for (int level = 0; level < 20; ++level) nested = Array(nested, 1);
  Struct("deep", 1, {{"x", nested, 0}});
  ASSERT_EQ(Fields("deep").size(), 2U);
  Struct("cubes", 32768, {{"x", Array(Array(Array(u8_, 32), 32), 32), 0}});
  EXPECT_EQ(Fields("cubes").size(), 2U);
  // Larger than what holds it.
  Struct("small", 4, {{"x", Array(u32_, 50), 0}});
  EXPECT_EQ(Fields("small").size(), 1U);
  EXPECT_NE(Fields("small")[0].find("overlaps another member or exceeds the struct"),
            std::string::npos);
}

TEST_F(BtfSchemaTest, NumbersOfMoreThan64Bits) {
  const int wide = Int("__int128", 16, BTF_INT_SIGNED);
  Struct("wide", 16, {{"x", wide, 0}});
  EXPECT_EQ(Fields("wide").size(), 2U);
  EXPECT_NE(Fields("wide")[0].find("bytes"), std::string::npos) << Fields("wide")[0];
  const int tier = Id(btf__add_enum(types_.get(), "tier", 4));
  EXPECT_EQ(btf__add_enum_value(types_.get(), "GOLD", 1), 0);
  // Bit-fields of a kind that no compiler writes: 65 bits, more than their type, and of 128 bits.
  Struct("bits65", 32, {{"x", wide, 0, 65}});
  EXPECT_EQ(Fields("bits65"), Strings{"type 'bits65': 'x' has an impossible size"});
  Struct("bits200", 32, {{"x", tier, 0, 200}});
  EXPECT_EQ(Fields("bits200"), Strings{"type 'bits200': 'x' has an impossible size"});
  Struct("shifted", 32, {{"x", wide, 3, 127}});
  EXPECT_EQ(Fields("shifted"), Strings{"type 'shifted': 'x' has an impossible size"});
}

TEST_F(BtfSchemaTest, AnElfObjectIsRead) {
  const std::string source = files_.Write(
      "value.c", "struct flow { unsigned short mss; char cc[6]; unsigned a : 3; } value;\n");
  const std::string object = files_.Path("value.o");
  const std::string command =
      "clang -target bpf -g -O2 -c " + source + " -o " + object + " 2>/dev/null";
  if (std::system(command.c_str()) != 0) GTEST_SKIP() << "no clang that compiles for BPF";
  const absl::StatusOr<StructFields> fields = ReadBtfType(object, "flow");
  ASSERT_TRUE(fields.ok()) << fields.status();
  EXPECT_EQ(Described(*fields),
            (Strings{"mss:unsigned@0+16", "cc:text@16+48", "a:unsigned@64+3",
                     "padding 8 bits 3-7:padding@67+5", "padding 9-11:padding@72+24"}));
}

TEST(KernelBtfTest, TcpInfoIsWhereItsHeaderSays) {
  const std::string vmlinux = "/sys/kernel/btf/vmlinux";
  if (!std::ifstream(vmlinux).good()) GTEST_SKIP() << vmlinux << " is not there";
  const absl::StatusOr<StructFields> fields = ReadBtfType(vmlinux, "tcp_info");
  ASSERT_TRUE(fields.ok()) << fields.status();
  EXPECT_GE(fields->value_bytes, 224U);
  // The ABI: newer kernels only append.
  const std::vector<std::pair<std::string, uint64_t>> places = {
      {"tcpi_state", 0},         {"tcpi_snd_wscale", 48},   {"tcpi_rcv_wscale", 52},
      {"tcpi_rto", 64},          {"tcpi_snd_mss", 128},     {"tcpi_total_retrans", 800},
      {"tcpi_pacing_rate", 832}, {"tcpi_bytes_acked", 960}, {"tcpi_min_rtt", 1184},
      {"tcpi_busy_time", 1344},  {"tcpi_delivered", 1536},  {"tcpi_reord_seen", 1760}};
  for (const auto& [name, offset_bits] : places) {
    bool found = false;
    for (const ValueField& field : fields->fields) {
      if (field.name != name) continue;
      found = true;
      EXPECT_EQ(field.offset_bits, offset_bits) << name;
    }
    EXPECT_TRUE(found) << name;
  }
  // A struct with everything in it: the walk ends, and covers each bit once or says why not.
  for (const char* type :
       {"sk_buff", "task_struct", "tcp_sock", "sockaddr_in6", "bpf_sock_tuple"}) {
    const absl::StatusOr<StructFields> any = ReadBtfType(vmlinux, type);
    if (!any.ok()) {
      ADD_FAILURE() << any.status();
      continue;
    }
    uint64_t end = 0;
    for (const ValueField& field : any->fields) {
      ASSERT_EQ(*field.offset_bits, end) << type << " " << field.name;
      end += field.size_bits;
    }
    EXPECT_EQ(end, 8 * any->value_bytes) << type;
  }
}

TEST(CloseNamesTest, TheClosestComesFirst) {
  const std::set<std::string> names = {"tcp_info", "tcp_inf", "udp_info", "tcp_options",
                                       "TCP_INFO"};
  EXPECT_EQ(CloseNames("tcp_infp", names, 5), (Strings{"TCP_INFO", "tcp_inf", "tcp_info"}));
  EXPECT_EQ(CloseNames("tcp_info", names, 2), (Strings{"TCP_INFO", "tcp_info"}));
  EXPECT_EQ(CloseNames("udp_inf", names, 5), (Strings{"udp_info", "tcp_inf"}));
  EXPECT_TRUE(CloseNames("socket", names, 5).empty());
  EXPECT_EQ(CloseNames("a", {"b", "bb"}, 5), (Strings{"b"}));
}

}  // namespace
}  // namespace inlay::analysis
