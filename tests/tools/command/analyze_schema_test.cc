// What `inlay analyze --json` prints is what tools/analyze.schema.json says, by an independent validator.

#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>

#include "tests/tools/command/inlay_command.h"

namespace inlay {
namespace {

using Json = nlohmann::json;

class AnalyzeSchemaTest : public InlayCommandTest {
 protected:
  AnalyzeSchemaTest() {
    std::ifstream file(INLAY_ANALYZE_SCHEMA);
    text_ = Json::parse(file);
    valijson::SchemaParser parser(valijson::SchemaParser::kDraft7);
    parser.populateSchema(valijson::adapters::NlohmannJsonAdapter(text_), schema_);
  }

  // What the validator says against `json`; empty if it is valid.
  std::string Complaints(const Json& json) const {
    valijson::Validator validator(valijson::Validator::kStrongTypes);
    valijson::ValidationResults results;
    if (validator.validate(schema_, valijson::adapters::NlohmannJsonAdapter(json), &results))
      return "";
    std::string text = "invalid";
    for (valijson::ValidationResults::Error error; results.popError(error);) {
      for (const std::string& place : error.context) text += " " + place;
      text += ": " + error.description + "\n";
    }
    return text;
  }

  Json Printed(const std::string& arguments) {
    const Outcome outcome = Inlay("analyze --json " + arguments);
    EXPECT_EQ(outcome.exit_code, 0) << arguments << "\n" << outcome.err;
    return Json::parse(outcome.out);
  }

  Json text_;  // of the schema
  valijson::Schema schema_;
};

TEST_F(AnalyzeSchemaTest, EveryKindOfOutputIsValid) {
  std::string many = "id,x\n";
  for (int i = 0; i < 70'000; ++i) many += std::to_string(i) + ",y\n";
  for (const std::string& arguments :
       {kData + "/syn_options/syn.tsv", "--columns 5-9 " + kData + "/syn_options/syn.tsv",
        "--value-bytes 224 " + kData + "/tcp_info/snapshots.tcp_info.bin",
        kData + "/tcp_info/last_per_socket.tsv", "--columns 3 " + kWork + "/ip_country.csv",
        "--top 0 --spoilers 0 " + kData + "/syn_options/syn.tsv",
        "--header " + files_.Write("many.csv", many), files_.Write("one", "\n"),
        "--value-bytes 1 " + files_.Write("byte", "x"), files_.Write("odd", "\xFF,\xFE\n,\n")}) {
    EXPECT_EQ(Complaints(Printed(arguments)), "") << arguments;
  }
}

// Of every object, every key: without it the output is not valid, nor with another one or another type.
TEST_F(AnalyzeSchemaTest, BrokenOutputIsNot) {
  const Json good = Printed("--top 1 " + files_.Write("two", "1,a\n2,a\n3,a\n3,a\n"));
  ASSERT_EQ(Complaints(good), "");
  int broken = 0;
  const std::function<void(const Json::json_pointer&)> break_object =
      [&](const Json::json_pointer& place) {
        Json more = good;
        more[place]["nonsense"] = 1;
        EXPECT_NE(Complaints(more), "") << place << " with a key more";
        for (const auto& [key, value] : good[place].items()) {
          Json less = good;
          less[place].erase(key);
          EXPECT_NE(Complaints(less), "") << place << " without " << key;
          Json other = good;
          other[place][key] = Json::object({{"no", "such"}});
          EXPECT_NE(Complaints(other), "") << place / key << " of another type";
          broken += 2;
          if (value.is_array() && !value.empty() && value[0].is_object())
            break_object(place / key / 0);
        }
      };
  break_object(Json::json_pointer());
  EXPECT_GE(broken, 60);

  const auto with = [&](const char* place, const Json& value) {
    Json json = good;
    json[Json::json_pointer(place)] = value;
    return Complaints(json);
  };
  EXPECT_EQ(with("/index_bits", nullptr), "");
  EXPECT_NE(with("/index_bits", 17), "");
  EXPECT_NE(with("/index_bits", 1), "");
  EXPECT_NE(with("/records", 0), "");
  EXPECT_NE(with("/records", -1), "");
  EXPECT_NE(with("/records", 1.5), "");
  EXPECT_NE(with("/dedup_ratio", "1"), "");
  EXPECT_NE(with("/top/0/share", 1.01), "");
  EXPECT_NE(with("/fields/0/distinct_without", 0), "");
  EXPECT_NE(with("/spoilers/0/fields", Json::array()), "");
  EXPECT_NE(with("/spoilers/0/fields/0", 7), "");
  EXPECT_NE(with("/exact", 1), "");
}

// Keys that a report may have, or not.
TEST_F(AnalyzeSchemaTest, OptionalParts) {
  Json json = Printed(files_.Write("two", "1,a\n2,a\n"));
  json["top"][0]["fields"] = {{"c1", "1"}, {"c2", "a"}};
  json["distinct_by_fields"] = nullptr;
  json["split"] = {{"shared", {{{"fields", {"c2"}}, {"distinct", 1}, {"index_bits", 2}}}},
                   {"private", {"c1"}},
                   {"bytes_per_socket", 2.5},
                   {"method", "greedy"}};
  EXPECT_EQ(Complaints(json), "");
  json["top"][0]["fields"]["c1"] = Json::array();
  EXPECT_NE(Complaints(json), "");
  json["top"][0]["fields"]["c1"] = 1;
  json["split"]["shared"][0].erase("fields");
  EXPECT_NE(Complaints(json), "");
}

TEST_F(AnalyzeSchemaTest, EveryKeyIsDescribed) {
  const std::function<void(const Json&, const std::string&)> look = [&](const Json& schema,
                                                                        const std::string& place) {
    if (schema.contains("items")) look(schema["items"], place + "[]");
    if (!schema.contains("properties")) return;
    EXPECT_EQ(schema.value("additionalProperties", true), false) << place;
    for (const auto& [key, value] : schema["properties"].items()) {
      EXPECT_FALSE(value.value("description", "").empty()) << place << "." << key;
      look(value, place + "." + key);
    }
  };
  look(text_, "report");
}

}  // namespace
}  // namespace inlay
