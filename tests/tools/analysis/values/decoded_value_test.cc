// Values are decoded as the compiler encodes them.

#include "tools/analysis/values/decoded_value.h"

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "tools/analysis/values/field_list.h"

namespace inlay::analysis {
namespace {

template <typename Value>
std::string Decoded(const std::string& list, const Value& value) {
  const absl::StatusOr<StructFields> fields = ParseFieldList(list);
  if (!fields.ok()) return std::string(fields.status().message());
  EXPECT_EQ(fields->value_bytes, sizeof(Value));
  const std::span bytes(reinterpret_cast<const uint8_t*>(&value), sizeof(Value));
  return DecodedText(DecodeValue(bytes, fields->fields));
}

TEST(DecodedValueTest, EveryKind) {
  struct {
    uint16_t mss = 1460;
    bool ecn = true;
    int32_t delta = -5;
    float rate = 0.1F;
    double share = 1e300;
    char cc[8] = "cubic";
    uint8_t port[2] = {0x01, 0xbb};
    int8_t low = -128;
    uint64_t most = ~uint64_t{0};
  } value;
  EXPECT_EQ(Decoded("mss:u16,ecn:bool,delta:s32,rate:float,share:double,cc:char[8],port:bytes[2],"
                    "low:s8,most:u64",
                    value),
            "mss=1460 ecn=true delta=-5 rate=0.10000000149011612 share=1e+300 cc=cubic port=01bb "
            "low=-128 most=18446744073709551615");
  EXPECT_EQ(Decoded("port:be16", value.port), "port=443");
  const uint8_t no_bool = 7;
  EXPECT_EQ(Decoded("b:bool", no_bool), "b=7");
}

TEST(DecodedValueTest, TextThatCouldBeMisreadIsQuoted) {
  const auto text = [](const std::string& content) {
    char chars[8] = {};
    std::copy(content.begin(), content.end(), chars);  // without a zero byte at the end
    return Decoded("t:char[8]", chars);
  };
  EXPECT_EQ(text("reno"), "t=reno");
  EXPECT_EQ(text("12345678"), "t=12345678");
  EXPECT_EQ(text(""), "t=\"\"");
  EXPECT_EQ(text("a b"), "t=\"a b\"");
  EXPECT_EQ(text("a\"b"), "t=\"a\\\"b\"");
  EXPECT_EQ(text(std::string("a\0b", 3)), std::string("t=a\0b", 5))
      << "what differs looks different";
}

TEST(DecodedValueTest, EnumsHaveTheirNames) {
  ValueField field;
  field.name = "tier";
  field.kind = FieldKind::kEnum;
  field.offset_bits = 4;
  field.size_bits = 4;
  field.enum_names = std::make_shared<const std::map<int64_t, std::string>>(
      std::map<int64_t, std::string>{{-1, "NONE"}, {2, "GOLD"}});
  const auto decoded = [&field](uint8_t byte) {
    return DecodedText(DecodeValue(std::span(&byte, 1), {field}));
  };
  EXPECT_EQ(decoded(0x2f), "tier=GOLD");
  EXPECT_EQ(decoded(0xff), "tier=NONE");
  EXPECT_EQ(decoded(0x30), "tier=3");
  EXPECT_EQ(decoded(0xe0), "tier=-2");
  field.enum_names = nullptr;
  EXPECT_EQ(decoded(0xe0), "tier=14");
}

TEST(DecodedValueTest, BitFieldsAreThoseOfTheCompiler) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  struct Value {
    uint32_t a : 5;
    int32_t b : 9;
    uint32_t c : 18;
    uint64_t d : 40;
    int64_t e : 24;
    int16_t f : 16;
  };
  for (int i = 0; i < 200; ++i) {
    Value value;
    std::memset(&value, 0, sizeof(value));
    const auto bits = random();
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"  // all of these fit
    value.a = static_cast<uint32_t>(bits) & 31;
    value.b = static_cast<int32_t>(bits >> 7) % 256;
    value.c = static_cast<uint32_t>(bits >> 20) & 0x3ffff;
    value.d = bits & 0xff'ffff'ffff;
    value.e = static_cast<int64_t>(bits) % 8'000'000;
    value.f = static_cast<int16_t>(bits);
#pragma GCC diagnostic pop
    EXPECT_EQ(Decoded("a:u32:5,b:s32:9,c:u32:18,d:u64:40,e:s64:24,f:s16:16", value),
              "a=" + std::to_string(value.a) + " b=" + std::to_string(value.b) +
                  " c=" + std::to_string(value.c) + " d=" + std::to_string(value.d) +
                  " e=" + std::to_string(value.e) + " f=" + std::to_string(value.f));
  }
}

TEST(DecodedValueTest, PaddingSaysNothing) {
  struct {
    uint8_t a = 1;
    uint8_t gap[3] = {9, 9, 9};
    uint32_t b = 2;
  } value;
  EXPECT_EQ(Decoded("a:u8,b:u32", value), "a=1 b=2");
}

TEST(HexTest, TwoDigitsForEachByte) {
  const uint8_t bytes[] = {0x00, 0x9f, 0xf0};
  EXPECT_EQ(Hex(bytes), "009ff0");
  EXPECT_EQ(Hex({}), "");
}

}  // namespace
}  // namespace inlay::analysis
