#include "tools/analysis/grammar/json_object.h"

#include <gtest/gtest.h>

#include <string>

namespace inlay::analysis {
namespace {

// "name=text" of each field, or the error.
std::string Fields(const std::string& text) {
  JsonObject object;
  if (!object.Parse(text)) return "error: " + object.error();
  std::string fields;
  for (const JsonObject::Field& field : object.fields()) {
    if (!fields.empty()) fields += "|";
    fields += field.name + "=" + field.text;
  }
  return fields;
}

bool Fails(const std::string& text) { return Fields(text).starts_with("error: "); }

TEST(JsonObjectTest, MembersHaveDottedNames) {
  EXPECT_EQ(Fields(R"({"a":1,"b":{"c":"x","d":{"e":true}},"f":null})"),
            "a=1|b.c=x|b.d.e=true|f=null");
  EXPECT_EQ(Fields(R"( { "id.orig_h" : "::1" , "" : {} } )"), "id.orig_h=::1|={}");
  EXPECT_EQ(Fields("{}"), "");
}

TEST(JsonObjectTest, NumbersKeepTheirText) {
  EXPECT_EQ(Fields(R"({"a":18446744073709551615,"b":1.0,"c":-0,"d":1E+2,"e":NaN})"),
            "a=18446744073709551615|b=1.0|c=-0|d=1E+2|e=NaN");
}

TEST(JsonObjectTest, StringsDifferFromAllElse) {
  EXPECT_EQ(Fields(R"({"a":"1","b":"","c":"null","d":"[x","e":"10.0.0.1","f":"\"q"})"),
            R"(a="1"|b=""|c="null"|d="[x"|e=10.0.0.1|f="\"q")");
  EXPECT_EQ(Fields(R"({"a":"\u0041\n\/\ud83d\ude00"})"), "a=A\n/\xF0\x9F\x98\x80");
  EXPECT_NE(Fields(R"({"a":"\ud800x"})"), Fields(R"({"a":"\ud801x"})"));
}

TEST(JsonObjectTest, ArraysAreOneField) {
  EXPECT_EQ(Fields(R"({"a":[1, "b" ,[] ,{"z":1,"y": [null]}]})"),
            R"(a=[1,"b",[],{"y":[null],"z":1}])");
  EXPECT_EQ(Fields(R"({"a":["\u0041"]})"), Fields(R"({"a":[ "A" ]})"));
}

TEST(JsonObjectTest, WhatIsNoObjectFails) {
  for (const char* text : {"",
                           "1",
                           "[]",
                           "{",
                           "{\"a\"",
                           "{\"a\":",
                           "{\"a\":1",
                           "{\"a\":1,}",
                           "{\"a\":1} x",
                           "{a:1}",
                           "{\"a\":tru}",
                           "{\"a\":01}",
                           "{\"a\":1.}",
                           "{\"a\":+1}",
                           "{\"a\":\"\\x\"}",
                           "{\"a\":\"\\u00g0\"}",
                           "{\"a\":\"line\nend\"}",
                           "{\"a\":[1,]}",
                           "{\"a\":[1 2]}",
                           "{\"a\" 1}"}) {
    EXPECT_TRUE(Fails(text)) << text;
  }
  std::string deep(1000, '[');
  EXPECT_TRUE(Fails("{\"a\":" + deep));
  std::string nested;
  for (int i = 0; i < 1000; ++i) nested += "{\"a\":";
  EXPECT_TRUE(Fails(nested));
}

}  // namespace
}  // namespace inlay::analysis
