#include "tools/analysis/readers/format_detection.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace inlay::analysis {
namespace {

using std::string_view_literals::operator""sv;

void ExpectText(std::string_view prefix, DetectedFormat format, char delimiter,
                std::string_view path = "data") {
  const Detection detection = DetectFormat(prefix, path);
  EXPECT_EQ(detection.format, format) << prefix;
  EXPECT_EQ(detection.dialect.delimiter, delimiter) << prefix;
  EXPECT_EQ(detection.dialect.quoted, format == DetectedFormat::kCsv) << prefix;
}

TEST(FormatDetectionTest, TextIsToldByTheDelimiterOnWhichRowsAgree) {
  ExpectText("a,b\nc,d\n", DetectedFormat::kCsv, ',');
  ExpectText("a\tb\nc\td,e\n", DetectedFormat::kTsv, '\t');
  ExpectText("a;1,5\nb;2\n", DetectedFormat::kCsv, ';');
  ExpectText("a|b\nc|d\n", DetectedFormat::kCsv, '|');
  ExpectText("\"a,b\",c\nd,e\n", DetectedFormat::kCsv, ',');
  ExpectText("one\ncolumn\n", DetectedFormat::kCsv, ',');
  ExpectText("a,b\nc,d\ne,f,g", DetectedFormat::kCsv, ',');  // the last row may be cut off
}

TEST(FormatDetectionTest, RowsMayAgreeOnBlanks) {
  ExpectText("two  columns\nof\twords\n", DetectedFormat::kBlank, ' ');
  ExpectText("  a b\nc d  \n", DetectedFormat::kBlank, ' ');
  ExpectText("a b c\nd,e f g\n", DetectedFormat::kBlank, ' ');
  ExpectText("a b\nc d e\n", DetectedFormat::kCsv, ',');
  ExpectText("a b\n", DetectedFormat::kCsv, ',');  // one row agrees with anything
  ExpectText("a b\nc d\n", DetectedFormat::kCsv, ',', "x.csv");
}

TEST(FormatDetectionTest, RaggedTextIsStillText) {
  ExpectText("a,b\nc\n", DetectedFormat::kCsv, ',');
  ExpectText("a\tb\nc\n", DetectedFormat::kTsv, '\t');
  ExpectText("a\tb\nc\n", DetectedFormat::kCsv, ',', "x.csv");
  ExpectText("a b\nc\n", DetectedFormat::kTsv, '\t', "x.tsv");
}

TEST(FormatDetectionTest, CapturesAreToldByTheirStartOrTheirName) {
  EXPECT_EQ(DetectFormat("\x89INLAY\r\n\x01", "x").format, DetectedFormat::kCapture);
  EXPECT_EQ(DetectFormat("\x89INLAY\n\x01", "x").format, DetectedFormat::kBinary);
  EXPECT_EQ(DetectFormat("a,b\n", "x.inlay").format, DetectedFormat::kCapture);
  EXPECT_EQ(DetectFormat("a,b\n", "x.inlay.gz").format, DetectedFormat::kCapture);
}

TEST(FormatDetectionTest, BinaryAndCompressedFilesAreRecognised) {
  EXPECT_EQ(DetectFormat("a,b\0c"sv, "x.csv").format, DetectedFormat::kBinary);
  EXPECT_EQ(DetectFormat("\x01\x02", "x").format, DetectedFormat::kBinary);
  EXPECT_EQ(DetectFormat("\x1F\x8B\x08", "x").format, DetectedFormat::kGzip);
  EXPECT_EQ(DetectFormat("\x28\xB5\x2F\xFD", "x").format, DetectedFormat::kZstd);
  EXPECT_EQ(DetectFormat("na\xC3\xAFve,1\nb,2\n", "x").format, DetectedFormat::kCsv);
}

TEST(FormatDetectionTest, WhatIsCompressedIsToldByItsMagicNumberOnly) {
  EXPECT_EQ(DetectFormat("\x53\x2A\x4D\x18\x03"sv, "x").format, DetectedFormat::kZstd)
      << "a frame to be skipped comes first";
  EXPECT_EQ(DetectFormat("\x1F\x8B\x07", "x").format, DetectedFormat::kBinary);
  EXPECT_EQ(DetectFormat("\x28\xB5\x2F", "x").format, DetectedFormat::kCsv);
  EXPECT_EQ(DetectFormat("a,b\n", "x.gz").format, DetectedFormat::kCsv);
  // The name inside counts, as far as names do.
  ExpectText("a b\nc\n", DetectedFormat::kTsv, '\t', "x.tsv.gz");
  ExpectText("a b\nc\n", DetectedFormat::kTsv, '\t', "x.tsv.zst");
}

TEST(FormatDetectionTest, ZeekLogsStartWithTheirSeparator) {
  const Detection zeek = DetectFormat("#separator \\x09\n#fields\ta\n", "x.csv");
  EXPECT_EQ(zeek.format, DetectedFormat::kZeek);
  EXPECT_EQ(DetectFormat("#separator \x01\n", "x").format, DetectedFormat::kZeek)
      << "said, though not escaped";
  ExpectText("#separators\n1\n", DetectedFormat::kCsv, ',');
  ExpectText("\n#separator \\x09\n", DetectedFormat::kCsv, ',');
}

TEST(FormatDetectionTest, ObjectsInLinesAreJson) {
  EXPECT_EQ(DetectFormat("{\"ts\":1,\"a\":2}\n", "x").format, DetectedFormat::kJson);
  EXPECT_EQ(DetectFormat("{\"ts\":1,\"a\":2}", "x").format, DetectedFormat::kJson);
  EXPECT_EQ(DetectFormat("{\"ts\":1}\r\n", "x").format, DetectedFormat::kJson);
  EXPECT_EQ(DetectFormat("{\"ts\":1", "x").format, DetectedFormat::kJson) << "cut off";
  for (const char* json : {"[{\"other\":1}]\n", "[\n  {\n    \"a\": 1", "{}\n{\"a\":1}\n",
                           " {\"a\\\"b\" : 1}", "\xEF\xBB\xBF{\"a\":1}\n"}) {
    EXPECT_EQ(DetectFormat(json, "x").format, DetectedFormat::kJson) << json;
  }
  ExpectText("{\"a\"},b\n{c},d\n", DetectedFormat::kCsv, ',');
  ExpectText("{a},b\n{c},d\n", DetectedFormat::kCsv, ',');
}

TEST(FormatDetectionTest, KindsHaveNamesForPeople) {
  EXPECT_EQ(KindName(DetectFormat("a,b\n", "x")), "CSV");
  EXPECT_EQ(KindName(DetectFormat("a;b\n", "x")), "CSV with ';'");
  EXPECT_EQ(KindName(DetectFormat("a\tb\n", "x")), "TSV");
  EXPECT_EQ(KindName({DetectedFormat::kCsv, {'\t', true}}), "CSV with tabs");
  EXPECT_EQ(KindName(DetectFormat("#separator \\x09\n", "x")), "a Zeek log");
  EXPECT_EQ(KindName(DetectFormat("{\"a\":1}", "x")), "JSON");
  EXPECT_EQ(KindName(DetectFormat("\x01", "x")), "raw records");
}

TEST(FormatDetectionTest, DumpsOfMapsAreToldByHowTheyStart) {
  for (const char* dump :
       {"[{\"key\":[\"0x01\"],\"value\":[\"0x02\"]}]", "[{\n        \"key\": 1,\n", "[]\n", " [ ]",
        "[{\"value\": 5", "[{\"id\":1,\"name\":\"x\",\"elements\":[", "key: 01 00  value: 02\n",
        "key:\n02 00\nvalue:\n01", "value (CPU 00): 01 02\n", "Found 0 elements\n"}) {
    EXPECT_EQ(DetectFormat(dump, "x").format, DetectedFormat::kBpftool) << dump;
  }
  for (const char* output :
       {"State Recv-Q Send-Q Local Address:Port Peer Address:Port\nESTAB 0 0 a:1 b:2\n",
        "ESTAB 0 0 a:1 b:2\n\tmap_id:136 [\n", "ESTAB 0 0 a:1 b:2 map_id:1 [(int)1]\n"}) {
    EXPECT_EQ(DetectFormat(output, "x").format, DetectedFormat::kSs) << output;
  }
  for (const char* text : {"[1,2]\n[3,4]\n", "key:value,1\nkey:value,2\n", "value: yes,1\n",
                           "[],[]\n", "map_id:1 [,x\n", "a map_id:x [,b\n"}) {
    EXPECT_EQ(DetectFormat(text, "x").format, DetectedFormat::kCsv) << text;
  }
}

TEST(FormatDetectionTest, AHeaderHasNamesWhereRecordsHaveNumbers) {
  EXPECT_TRUE(FirstRowLooksLikeHeader("name,count\nx,1\ny,2\n", kCsvDialect));
  EXPECT_TRUE(FirstRowLooksLikeHeader("name,count\nx,\ny,2.5\n", kCsvDialect));
  EXPECT_FALSE(FirstRowLooksLikeHeader("x,1\ny,2\n", kCsvDialect));
  EXPECT_FALSE(FirstRowLooksLikeHeader("a,b\nc,d\n", kCsvDialect)) << "no numbers to tell by";
  EXPECT_FALSE(FirstRowLooksLikeHeader("a,a\n1,2\n", kCsvDialect)) << "names do not repeat";
  EXPECT_FALSE(FirstRowLooksLikeHeader("a,\n1,2\n", kCsvDialect));
  EXPECT_FALSE(FirstRowLooksLikeHeader("a,b\n", kCsvDialect));
  EXPECT_FALSE(FirstRowLooksLikeHeader("a,b\n1,x\ny,2\n", kCsvDialect))
      << "no column has only numbers";
}

}  // namespace
}  // namespace inlay::analysis
