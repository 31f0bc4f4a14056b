// Lists of fields: places are those of the compiler that builds this test.

#include "tools/analysis/values/field_list.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "tests/tools/analysis/values/struct_description.h"
#include "tests/tools/strings.h"

namespace inlay::analysis {
namespace {

Strings Fields(const std::string& list) {
  const absl::StatusOr<StructFields> fields = ParseFieldList(list);
  if (!fields.ok()) return {std::string(fields.status().message())};
  Strings lines = Described(*fields);
  lines.push_back("= " + std::to_string(fields->value_bytes));
  return lines;
}

TEST(FieldListTest, PlacesAreThoseOfTheCompiler) {
  struct Value {
    uint16_t mss;
    uint8_t wscale;
    double rate;
    char cc[10];
    int32_t delta;
    bool ecn;
    uint64_t hist[2];
    uint8_t last;
  };
  const absl::StatusOr<StructFields> fields = ParseFieldList(
      "mss:u16,wscale:__u8,rate:double,cc:char[10],delta:int32_t,ecn:bool,hist:uint64_t[2],last:"
      "u8");
  ASSERT_TRUE(fields.ok()) << fields.status();
  EXPECT_EQ(fields->value_bytes, sizeof(Value));
  const std::vector<size_t> offsets = {
      offsetof(Value, mss),  offsetof(Value, wscale),   offsetof(Value, rate),
      offsetof(Value, cc),   offsetof(Value, delta),    offsetof(Value, ecn),
      offsetof(Value, hist), offsetof(Value, hist) + 8, offsetof(Value, last)};
  std::vector<size_t> found;
  for (const ValueField& field : fields->fields) {
    if (field.kind != FieldKind::kPadding) found.push_back(*field.offset_bits / 8);
  }
  EXPECT_EQ(found, offsets);
  EXPECT_EQ(Described(*fields),
            (Strings{"mss:unsigned@0+16", "wscale:unsigned@16+8", "padding 3-7:padding@24+40",
                     "rate:float@64+64", "cc:text@128+80", "padding 26-27:padding@208+16",
                     "delta:signed@224+32", "ecn:bool@256+8", "padding 33-39:padding@264+56",
                     "hist[0]:unsigned@320+64", "hist[1]:unsigned@384+64", "last:unsigned@448+8",
                     "padding 57-63:padding@456+56"}));
  EXPECT_EQ(fields->fields[4].type_name, "char[10]");
  EXPECT_EQ(fields->fields[9].type_name, "uint64_t");
}

TEST(FieldListTest, BitFieldsAreWhereTheCompilerPutsThem) {
  struct Value {
    uint8_t first;
    uint32_t a : 3;
    uint32_t b : 13;
    uint32_t c : 20;  // does not fit beside the others
    uint8_t last;
  };
  EXPECT_EQ(
      Fields("first:u8,a:u32:3,b:u32:13,c:u32:20,last:u8"),
      (Strings{"first:unsigned@0+8", "a:unsigned@8+3", "b:unsigned@11+13", "padding 3:padding@24+8",
               "c:unsigned@32+20", "padding 6 bits 4-7:padding@52+4", "last:unsigned@56+8",
               "= " + std::to_string(sizeof(Value))}));
  Value value = {};
  const auto* const bytes = reinterpret_cast<const uint8_t*>(&value);
  value.b = 1;
  EXPECT_EQ(bytes[1], 1 << 3);
  value = {};
  value.c = 1;
  EXPECT_EQ(bytes[4], 1);
  value = {};
  value.last = 1;
  EXPECT_EQ(bytes[7], 1);
  EXPECT_EQ(Fields("a:u8:1,b:u8:7,c:s16:12"),
            (Strings{"a:unsigned@0+1", "b:unsigned@1+7", "padding 1:padding@8+8", "c:signed@16+12",
                     "padding 3 bits 4-7:padding@28+4", "= 4"}));
}

TEST(FieldListTest, EveryKindOfType) {
  EXPECT_EQ(Fields("a:s8,b:be16,c:float,d:bytes[3],e:_Bool,f:__be64,g:char,_:pad[3],h:bytes"),
            (Strings{"a:signed@0+8", "padding 1:padding@8+8", "b:unsigned@16+16", "c:float@32+32",
                     "d:bytes@64+24", "e:bool@88+8", "padding 12-15:padding@96+32",
                     "f:unsigned@128+64", "g:signed@192+8", "padding 25-27:padding@200+24",
                     "h:bytes@224+8", "padding 29-31:padding@232+24", "= 32"}));
  EXPECT_TRUE(ParseFieldList("b:be16")->fields[0].big_endian);
  EXPECT_EQ(Fields("packed,a:u8,b:u32,c:u16:3,d:u8:7"),
            (Strings{"a:unsigned@0+8", "b:unsigned@8+32", "c:unsigned@40+3", "d:unsigned@43+7",
                     "padding 6 bits 2-7:padding@50+6", "= 7"}));
  EXPECT_EQ(Fields("h:u8[64]").size(), 65U);
  EXPECT_EQ(Fields("h:u16[65]"), (Strings{"h:bytes@0+1040", "= 130"}));
  EXPECT_EQ(Fields("packed:u8"), (Strings{"packed:unsigned@0+8", "= 1"}));
  EXPECT_EQ(Fields("h:bytes[65536]").back(), "= 65536");
}

TEST(FieldListTest, ErrorsNameTheItemAndItsPlace) {
  const auto message = [](const std::string& list) { return Fields(list).front(); };
  EXPECT_EQ(message(""), "--fields: item 1, '', at character 1: is not of the form name:type");
  EXPECT_EQ(message("a:u8,"), "--fields: item 2, '', at character 6: is not of the form name:type");
  EXPECT_EQ(
      message("a:u8,b:u33"),
      "--fields: item 2, 'b:u33', at character 6: unknown type 'u33'; types are u8 to u64, s8 to "
      "s64, be16 to be64, bool, float, double, char[N], bytes[N] and pad[N]");
  EXPECT_EQ(message("packed,a:u8,1b:u8"),
            "--fields: item 3, '1b:u8', at character 13: '1b' is not a name");
  EXPECT_EQ(
      message("a:u8[0]"),
      "--fields: item 1, 'a:u8[0]', at character 1: '[0]' is not the size of an array, [1] to "
      "[65536]");
  EXPECT_EQ(message("a:u8[4"),
            "--fields: item 1, 'a:u8[4', at character 1: '[4' is not the size of an array, [1] to "
            "[65536]");
  EXPECT_EQ(message("a:u8:x"),
            "--fields: item 1, 'a:u8:x', at character 1: 'x' is not a number of bits");
  EXPECT_EQ(message("a:u8:0"),
            "--fields: item 1, 'a:u8:0', at character 1: '0' is not a number of bits");
  EXPECT_EQ(message("a:u8:9"),
            "--fields: item 1, 'a:u8:9', at character 1: 9 bits are more than the 8 of 'u8'");
  EXPECT_EQ(message("a:bool:2"),
            "--fields: item 1, 'a:bool:2', at character 1: 2 bits are more than the 1 of 'bool'");
  EXPECT_EQ(message("a:float:3"),
            "--fields: item 1, 'a:float:3', at character 1: a bit-field cannot be of type 'float'");
  EXPECT_EQ(message("a:u8[2]:3"),
            "--fields: item 1, 'a:u8[2]:3', at character 1: an array cannot be a bit-field");
  EXPECT_EQ(message("a:u8,a:u16"),
            "--fields: item 2, 'a:u16', at character 6: the name 'a' is used twice");
  EXPECT_EQ(
      message("a:u8,b:u64[9000]"),
      "--fields: item 2, 'b:u64[9000]', at character 6: ends beyond the 65536 bytes that a value "
      "can have");
  EXPECT_EQ(message("_:pad[4]"), "--fields: names no field, only padding");
  EXPECT_NE(message("a:be8").find("unknown type 'be8'"), std::string::npos);
}

// For every list, each bit belongs to one field, and each member has the alignment of its type.
TEST(FieldListTest, FieldsCoverEveryBitOnce) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const char* const types[] = {"u8", "u16", "u32", "u64", "bool", "char[5]", "u16[3]", "pad[2]"};
  const uint64_t alignments[] = {1, 2, 4, 8, 1, 1, 2, 1};
  for (int round = 0; round < 300; ++round) {
    std::string list = "first:u8";
    std::vector<std::pair<std::string, uint64_t>> aligned;
    for (int i = 0; i < 12; ++i) {
      const size_t type = random() % 8;
      const std::string name = "f" + std::to_string(i);
      list += "," + name + ":" + types[type];
      if (type < 4 && random() % 2 == 0) {
        list += ":" + std::to_string(1 + random() % (8 * alignments[type]));
      } else if (type != 7) {
        aligned.emplace_back(type == 6 ? name + "[0]" : name, alignments[type]);
      }
    }
    const absl::StatusOr<StructFields> fields = ParseFieldList(list);
    ASSERT_TRUE(fields.ok()) << list << fields.status();
    uint64_t end = 0;
    for (const ValueField& field : fields->fields) {
      ASSERT_EQ(*field.offset_bits, end) << list;
      ASSERT_GT(field.size_bits, 0U) << list;
      end += field.size_bits;
      for (const auto& [name, alignment] : aligned) {
        if (name != field.name) continue;
        ASSERT_EQ(*field.offset_bits % (8 * alignment), 0U) << list;
      }
    }
    ASSERT_EQ(end, 8 * fields->value_bytes) << list;
  }
}

}  // namespace
}  // namespace inlay::analysis
