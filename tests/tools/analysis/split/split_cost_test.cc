// Forms of fields, sizes of structs, and what splits cost: small examples counted by hand.

#include "tools/analysis/split/split_cost.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/tools/analysis/fields/coded_fields.h"

namespace inlay::analysis {
namespace {

std::string Declared(const BinaryForm& form) {
  return form.type + " x" + form.suffix + ", " + std::to_string(form.size_bits) + " bits, " +
         std::to_string(form.alignment);
}

std::string DeclaredFor(const std::vector<std::string>& texts) {
  return Declared(FormOfTexts(texts));
}

TEST(BinaryFormTest, NumbersTakeTheNarrowestType) {
  EXPECT_EQ(DeclaredFor({"0", "255"}), "__u8 x, 8 bits, 1");
  EXPECT_EQ(DeclaredFor({"0", "256"}), "__u16 x, 16 bits, 2");
  EXPECT_EQ(DeclaredFor({"65535"}), "__u16 x, 16 bits, 2");
  EXPECT_EQ(DeclaredFor({"65536"}), "__u32 x, 32 bits, 4");
  EXPECT_EQ(DeclaredFor({"4294967296"}), "__u64 x, 64 bits, 8");
  EXPECT_EQ(DeclaredFor({"18446744073709551615"}), "__u64 x, 64 bits, 8");
  EXPECT_EQ(DeclaredFor({"-1", "127"}), "__s8 x, 8 bits, 1");
  EXPECT_EQ(DeclaredFor({"-128"}), "__s8 x, 8 bits, 1");
  EXPECT_EQ(DeclaredFor({"-129"}), "__s16 x, 16 bits, 2");
  EXPECT_EQ(DeclaredFor({"-1", "128"}), "__s16 x, 16 bits, 2");
  EXPECT_EQ(DeclaredFor({"-1", "4294967295"}), "__s64 x, 64 bits, 8");
  EXPECT_EQ(DeclaredFor({"-9223372036854775808", "9223372036854775807"}), "__s64 x, 64 bits, 8");
}

TEST(BinaryFormTest, WhatIsNoNumberIsText) {
  EXPECT_EQ(DeclaredFor({"cubic", "bbr"}), "char x[5], 40 bits, 1");
  EXPECT_EQ(DeclaredFor({"-1", "9223372036854775808"}), "char x[19], 152 bits, 1");
  EXPECT_EQ(DeclaredFor({"18446744073709551616"}), "char x[20], 160 bits, 1");
  EXPECT_EQ(DeclaredFor({"1", "01"}), "char x[2], 16 bits, 1");  // they would be one number
  EXPECT_EQ(DeclaredFor({"-0"}), "char x[2], 16 bits, 1");
  EXPECT_EQ(DeclaredFor({"1", ""}), "char x, 8 bits, 1");
  EXPECT_EQ(DeclaredFor({""}), "char x, 8 bits, 1");
  EXPECT_EQ(DeclaredFor({"+1"}), "char x[2], 16 bits, 1");
  EXPECT_EQ(DeclaredFor({"1.5"}), "char x[3], 24 bits, 1");
  EXPECT_EQ(DeclaredFor({"-"}), "char x, 8 bits, 1");
}

TEST(BinaryFormTest, RawFieldsKeepTheirTypesWhereTheseAreKnown) {
  const auto form = [](FieldKind kind, uint64_t offset, uint64_t bits, const std::string& type) {
    return Declared(
        FormOfBytes({.kind = kind, .offset_bits = offset, .size_bits = bits, .type_name = type}));
  };
  EXPECT_EQ(form(FieldKind::kUnsigned, 0, 32, "__be32"), "__be32 x, 32 bits, 4");
  EXPECT_EQ(form(FieldKind::kText, 0, 128, "char[16]"), "char x[16], 128 bits, 1");
  EXPECT_EQ(form(FieldKind::kBytes, 0, 128, "__u32[4]"), "__u32 x[4], 128 bits, 4");
  // Types that do not fit the size, or that only their own headers know.
  EXPECT_EQ(form(FieldKind::kBytes, 0, 96, "__u32[4]"), "__u8 x[12], 96 bits, 1");
  EXPECT_EQ(form(FieldKind::kBytes, 0, 96, "struct flow"), "__u8 x[12], 96 bits, 1");
  EXPECT_EQ(form(FieldKind::kEnum, 0, 32, "enum tcp_state"), "__u32 x, 32 bits, 4");
  EXPECT_EQ(FormOfBytes({.kind = FieldKind::kEnum,
                         .offset_bits = 0,
                         .size_bits = 32,
                         .type_name = "enum tcp_state"})
                .remark,
            "enum tcp_state");
  EXPECT_EQ(form(FieldKind::kSigned, 0, 16, ""), "__s16 x, 16 bits, 2");
  EXPECT_EQ(form(FieldKind::kFloat, 0, 64, ""), "double x, 64 bits, 8");
  EXPECT_EQ(form(FieldKind::kBytes, 0, 64, ""), "__u8 x[8], 64 bits, 1");
  EXPECT_EQ(form(FieldKind::kUnsigned, 0, 24, ""), "__u8 x[3], 24 bits, 1");
  EXPECT_EQ(form(FieldKind::kUnsigned, 3, 5, "__u8"), "__u8 x:5, 5 bits, 1");
  EXPECT_EQ(form(FieldKind::kSigned, 3, 13, "int"), "__s16 x:13, 13 bits, 2");
}

TEST(CStructTest, OnlyTheEndIsPadded) {
  const BinaryForm u8{.size_bits = 8, .alignment = 1, .type = "__u8"};
  const BinaryForm u16{.size_bits = 16, .alignment = 2, .type = "__u16"};
  const BinaryForm u64{.size_bits = 64, .alignment = 8, .type = "__u64"};
  const BinaryForm text{.size_bits = 40, .alignment = 1, .type = "char", .suffix = "[5]"};
  CStructSize size;
  EXPECT_EQ(size.Bytes(), 0U);
  size.Add(u8);
  EXPECT_EQ(size.Bytes(), 1U);
  size.Add(u64);
  EXPECT_EQ(size.Bytes(), 16U);
  size.Add(u16);
  size.Add(text);
  EXPECT_EQ(size.Bytes(), 16U);
  size.Add(u8);
  EXPECT_EQ(size.Bytes(), 24U);
  size.Remove(u64);
  EXPECT_EQ(size.Bytes(), 10U);
  EXPECT_EQ(CStructText("value", {{"a b", u8}, {"when", u64}, {"int", text}, {"a-b", u16}}),
            "struct value {\n\t__u64 when;\n\t__u16 a_b;\n\t__u8 a_b_2;\n\tchar int_[5];\n};\n");
}

TEST(CStructTest, NamesBecomeIdentifiers) {
  EXPECT_EQ(CIdentifier("mss"), "mss");
  EXPECT_EQ(CIdentifier("in.port"), "in_port");
  EXPECT_EQ(CIdentifier("hist[2]"), "hist_2");
  EXPECT_EQ(CIdentifier("_x_"), "_x_");
  EXPECT_EQ(CIdentifier("4th"), "_4th");
  EXPECT_EQ(CIdentifier(""), "field");
  EXPECT_EQ(CIdentifier("***"), "field");
  EXPECT_EQ(CIdentifier("default"), "default_");
  EXPECT_EQ(CIdentifier("gr\xc3\xb6\xc3\x9f"
                        "e"),
            "gr_e");
}

TEST(SplitCostTest, CodesArePackedIntoWords) {
  EXPECT_EQ(IndexWordBytes({}), 0U);
  EXPECT_EQ(IndexWordBytes({2}), 2U);
  EXPECT_EQ(IndexWordBytes({9, 7}), 2U);
  EXPECT_EQ(IndexWordBytes({9, 8}), 4U);
  EXPECT_EQ(IndexWordBytes({16, 16}), 4U);
  EXPECT_EQ(IndexWordBytes({16, 16, 2}), 8U);
  EXPECT_EQ(IndexWordBytes({9, 9, 9, 9, 9, 9, 9}), 8U);
  EXPECT_EQ(IndexWordBytes({16, 16, 16, 16}), 8U);
  EXPECT_EQ(IndexWordBytes({16, 16, 16, 16, 2}), 16U);
  // 128 bits, but no code straddles a word: 4 of 15 in each.
  EXPECT_EQ(IndexWordBytes({15, 15, 15, 15, 15, 15, 15, 15, 8}), 24U);
}

TEST(SplitCostTest, AnExampleByHand) {
  RandomValues values;
  AddField({0, 0, 1, 1}, "__u32", 4, &values);
  AddField({0, 0, 1, 1}, "__u16", 2, &values);
  AddField({0, 1, 2, 3}, "__u64", 8, &values);
  values.codes.counts = {10, 20, 30, 40};
  values.codes.records = 100;
  const SplitCost cost(values.codes, values.forms, 0.5);
  EXPECT_EQ(cost.Distinct({0, 1}), 2U);
  EXPECT_EQ(cost.StructBytes({0, 1}), 8U);
  // Values of 8 bytes with entries of 12, a header of 32, 16 hash slots of 4.
  const double table = (2 * (8 + 12) + 32 + 64) / 100.0;
  const double writes = 0.5 * (1 + kNewValueWrites * 2 / 100);
  EXPECT_DOUBLE_EQ(*cost.GroupBytes(2, 8), table + writes);
  EXPECT_DOUBLE_EQ(*cost.Total({{{0, 1}}, {2}}), 2 + table + writes + 8);
  EXPECT_DOUBLE_EQ(*cost.Total({{}, {0, 1, 2}}), 16);
  EXPECT_DOUBLE_EQ(*cost.Total({{{0}, {1}}, {2}}), 2 + 2 * (table + writes) + 8);
  EXPECT_EQ(cost.GroupBytes(65'535, 8), std::nullopt);
  EXPECT_NE(cost.GroupBytes(65'534, 8), std::nullopt);
}

}  // namespace
}  // namespace inlay::analysis
