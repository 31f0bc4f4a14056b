// Compressed input, through InputFile and through every reader behind OpenRecords(): a read returns
// exactly the compressed content, and nothing else passes for compressed input.

#include "tools/analysis/bytes/compressed_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "tests/tools/analysis/readers/record_reading.h"
#include "tests/tools/strings.h"
#include "tests/tools/temporary_files.h"
#include "tools/analysis/bytes/input_file.h"
#include "tools/analysis/readers/open_records.h"

namespace inlay::analysis {
namespace {

std::string Gzip(std::string_view text, int level = 1) {
  z_stream stream = {};
  EXPECT_EQ(deflateInit2(&stream, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&stream, text.size()) + 32, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

// With a checksum, as the command zstd writes it.
std::string Zstd(std::string_view text) {
  const std::unique_ptr<ZSTD_CCtx, size_t (*)(ZSTD_CCtx*)> context(ZSTD_createCCtx(),
                                                                   ZSTD_freeCCtx);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_checksumFlag, 1);
  std::string out(ZSTD_compressBound(text.size()), '\0');
  const size_t size =
      ZSTD_compress2(context.get(), out.data(), out.size(), text.data(), text.size());
  EXPECT_EQ(ZSTD_isError(size), 0U);
  out.resize(size);
  return out;
}

std::string Compressed(Compression compression, std::string_view text) {
  return compression == Compression::kGzip ? Gzip(text) : Zstd(text);
}

constexpr Compression kBoth[] = {Compression::kGzip, Compression::kZstd};

// Text that compresses poorly.
std::string RandomText(size_t bytes, unsigned seed) {
  std::mt19937 random(seed);
  std::string text;
  while (text.size() < bytes) {
    text += std::to_string(random() % 100'000) + ',' + std::to_string(random() % 10) + '\n';
  }
  return text;
}

class CompressedFileTest : public testing::Test {
 protected:
  // The content of a file by reads of random sizes, or the message of the error.
  static std::string Content(const std::string& path, unsigned seed = 1) {
    absl::StatusOr<InputFile> file = InputFile::Open(path);
    if (!file.ok()) return std::string(file.status().message());
    std::mt19937 random(seed);
    std::string content;
    std::vector<uint8_t> buffer(300'000);
    for (;;) {
      const size_t wanted = 1 + random() % buffer.size();
      absl::StatusOr<size_t> got = file->Read(std::span(buffer).first(wanted));
      if (!got.ok()) return std::string(got.status().message());
      content.append(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(*got));
      if (*got < wanted) return content;
    }
  }

  // The error of a file with this content, without the folder; "none" without one.
  std::string Fault(const std::string& compressed, const std::string& name = "file") {
    const std::string content = Content(files_.Write(name, compressed));
    const std::string folder = files_.Path("");
    return content.starts_with(folder) ? content.substr(folder.size()) : "none";
  }

  absl::StatusOr<Strings> Records(const std::string& path, const RecordOptions& options) {
    auto source = OpenRecords({path}, options);
    if (!source.ok()) return source.status();
    return ReadAll(**source);
  }

  TemporaryFiles files_;
};

TEST_F(CompressedFileTest, ReadsWhatWasCompressed) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  for (const size_t bytes : {size_t{1}, size_t{1000}, CompressedFile::kBlockBytes,
                             2 * CompressedFile::kBlockBytes, size_t{3'000'000}}) {
    std::string text = RandomText(bytes, seed);
    text.resize(bytes);
    EXPECT_EQ(Content(files_.Write("plain", text), seed), text);
    for (const Compression compression : kBoth) {
      const std::string path = files_.Write("file", Compressed(compression, text));
      EXPECT_TRUE(Content(path, seed) == text) << CompressionName(compression) << " " << bytes;
    }
    EXPECT_TRUE(Content(files_.Write("stored", Gzip(text, 0)), seed) == text) << bytes;
  }
}

TEST_F(CompressedFileTest, MembersAndFramesAreJoined) {
  const std::string text = RandomText(600'000, 7);
  const std::string_view view = text;
  for (const Compression compression : kBoth) {
    std::string joined = Compressed(compression, view.substr(0, 1));
    joined += Compressed(compression, view.substr(1, 99'999));
    joined += Compressed(compression, "");
    joined += Compressed(compression, view.substr(100'000));
    joined += Compressed(compression, "");
    EXPECT_TRUE(Content(files_.Write("file", joined)) == text) << CompressionName(compression);
  }
  const std::string skippable = std::string("\x53\x2A\x4D\x18\x03\0\0\0abc", 11);
  EXPECT_TRUE(Content(files_.Write("file", skippable + Zstd(text) + skippable)) == text);
}

TEST_F(CompressedFileTest, EndsOfStreamsAreSaidExactly) {
  const std::string text = "a,b\nc,d\n";
  const std::string gzip = Gzip(text);
  const std::string zstd = Zstd(text);
  EXPECT_EQ(Fault(gzip), "none");
  EXPECT_EQ(Fault(zstd), "none");
  EXPECT_EQ(Fault(gzip.substr(0, gzip.size() - 1)),
            "file: gzip: the stream is cut off, after 8 decompressed bytes");
  EXPECT_EQ(Fault(gzip.substr(0, 5)),
            "file: gzip: the stream is cut off, after 0 decompressed bytes");
  EXPECT_EQ(
      Fault(gzip + gzip.substr(0, 2)),
      "file: gzip: what follows the end of the stream is not gzip, after 8 decompressed bytes");
  EXPECT_EQ(
      Fault(gzip + "garbage"),
      "file: gzip: what follows the end of the stream is not gzip, after 8 decompressed bytes");
  EXPECT_EQ(
      Fault(gzip + std::string(512, '\0')),
      "file: gzip: what follows the end of the stream is not gzip, after 8 decompressed bytes");
  EXPECT_EQ(Fault(gzip + gzip.substr(0, 10)),
            "file: gzip: the stream is cut off, after 8 decompressed bytes");
  std::string wrong_sum = gzip;
  wrong_sum[gzip.size() - 8] ^= 1;
  EXPECT_EQ(Fault(wrong_sum),
            "file: gzip: the stream is damaged (incorrect data check), after 8 decompressed bytes");

  EXPECT_EQ(Fault(zstd.substr(0, zstd.size() - 1)),
            "file: zstd: the stream is cut off, after 8 decompressed bytes");
  EXPECT_EQ(Fault(zstd.substr(0, 5)),
            "file: zstd: the stream is cut off, after 0 decompressed bytes");
  EXPECT_EQ(Fault(zstd + "garbage"),
            "file: zstd: the stream is damaged or followed by something else (Unknown frame "
            "descriptor), after 8 decompressed bytes");
  EXPECT_EQ(Fault(zstd + zstd.substr(0, 3)),
            "file: zstd: the stream is cut off, after 8 decompressed bytes");
  wrong_sum = zstd;
  wrong_sum.back() ^= 1;
  EXPECT_EQ(Fault(wrong_sum).find("file: zstd: the stream is damaged"), 0U);
  EXPECT_NE(Fault(wrong_sum).find("checksum"), std::string::npos);
}

TEST_F(CompressedFileTest, FailuresStay) {
  const std::string gzip = Gzip(RandomText(2'000'000, 3));
  absl::StatusOr<InputFile> file =
      InputFile::Open(files_.Write("file", gzip.substr(0, gzip.size() / 2)));
  ASSERT_TRUE(file.ok());
  std::vector<uint8_t> buffer(100'000);
  absl::StatusOr<size_t> got = size_t{0};
  size_t read = 0;
  while ((got = file->Read(buffer)).ok()) {
    ASSERT_EQ(*got, buffer.size()) << "an end where there is none";
    read += *got;
  }
  EXPECT_GT(read, 0U) << "what was whole before is read";
  EXPECT_EQ(file->Read(buffer).status(), got.status());
}

TEST_F(CompressedFileTest, ANameThatPromisesCompressionIsBelieved) {
  EXPECT_EQ(Fault("a,b\n", "t.csv.gz"),
            "t.csv.gz: its name says gzip, but its content does not; if the file is undamaged, "
            "rename it");
  EXPECT_EQ(Fault(Gzip("a"), "t.zst").find("t.zst: its name says zstd"), 0U);
  EXPECT_EQ(Fault("", "t.gz"), "none") << "the reader says that it is empty";
}

TEST_F(CompressedFileTest, AnEmptyStreamIsAnEmptyFile) {
  RecordOptions raw;
  raw.value_bytes = 4;
  for (const Compression compression : kBoth) {
    const std::string path = files_.Write("file", Compressed(compression, ""));
    EXPECT_EQ(Records(path, {}).status().message(), path + ": is empty");
    EXPECT_EQ(Records(path, raw).status().message(), path + ": is empty");
  }
}

TEST_F(CompressedFileTest, TwiceCompressedIsAnError) {
  for (const Compression compression : kBoth) {
    const std::string path = files_.Write("file", Gzip(Compressed(compression, "a,b\n")));
    EXPECT_EQ(Records(path, {}).status().message(),
              path +
                  ": is compressed more than once; only one compression is undone, so undo the "
                  "others first");
  }
}

// One input in every format, with only the options that detection needs.
struct Input {
  const char* name;
  RecordOptions options;
  std::string text;
};

std::vector<Input> EveryFormat(size_t rows) {
  std::vector<Input> inputs(5);
  inputs[0].name = "csv";
  inputs[1].name = "tsv";
  inputs[2].name = "raw";
  inputs[2].options.value_bytes = 6;
  inputs[3].name = "zeek";
  inputs[3].text = "#separator \\x09\n#fields\ta\tb\n#types\tint\tint\n";
  inputs[3].options.columns = "b,a";
  inputs[4].name = "quoted";
  std::mt19937 random(11);
  for (size_t i = 0; i < rows; ++i) {
    const std::string a = std::to_string(random() % 1000);
    const std::string b = std::to_string(random() % 7);
    inputs[0].text += a + "," + b + "\n";
    inputs[1].text += a + "\t" + b + "\n";
    inputs[2].text += std::string("\x1F\0", 2) + (a + "   ").substr(0, 3) + b;
    inputs[3].text += a + "\t" + b + "\n";
    inputs[4].text += "\"" + a + "\n\"\"\"," + b + "\n";
  }
  return inputs;
}

TEST_F(CompressedFileTest, EveryFormatWorksInside) {
  for (const size_t rows : {size_t{3}, size_t{60'000}}) {
    for (const Input& input : EveryFormat(rows)) {
      SCOPED_TRACE(input.name);
      const absl::StatusOr<Strings> plain =
          Records(files_.Write("plain", input.text), input.options);
      ASSERT_TRUE(plain.ok()) << plain.status();
      EXPECT_EQ(plain->size(), rows);
      for (const Compression compression : kBoth) {
        const std::string path = files_.Write("file", Compressed(compression, input.text));
        const absl::StatusOr<Strings> inside = Records(path, input.options);
        ASSERT_TRUE(inside.ok()) << inside.status();
        EXPECT_TRUE(*inside == *plain) << CompressionName(compression);
      }
    }
  }
}

TEST_F(CompressedFileTest, NamesDecideInsideToo) {
  const std::string tsv = "two words\tand a tab\nof,words\tand a comma\n";
  auto source = OpenRecords({files_.Write("t.tsv.gz", Gzip(tsv))}, {});
  ASSERT_TRUE(source.ok()) << source.status();
  EXPECT_EQ((*source)->schema().dialect, (Dialect{'\t', false}));
}

TEST_F(CompressedFileTest, ErrorsInsideNameTheLine) {
  const std::string path = files_.Write("file", Gzip("a,b\nc\n"));
  EXPECT_EQ(Records(path, {}).status().message(), path + ":2: 1 column where the first row has 2");
  RecordOptions raw;
  raw.value_bytes = 4;
  EXPECT_EQ(Records(path, raw).status().message(),
            path + ": the last record, at byte 4, has only 2 of 4 bytes");
}

// A byte changed, or everything from it on missing: an error, or the records that were there. A
// prefix of them never counts as all.
TEST_F(CompressedFileTest, DamageIsNeverSilent) {
  for (const Input& input : EveryFormat(120)) {
    const absl::StatusOr<Strings> plain = Records(files_.Write("plain", input.text), input.options);
    ASSERT_TRUE(plain.ok()) << plain.status();
    for (const Compression compression : kBoth) {
      const std::string whole = Compressed(compression, input.text);
      const std::string name = compression == Compression::kGzip ? "file.gz" : "file.zst";
      size_t errors = 0;
      for (size_t at = 0; at < whole.size(); at += 7) {
        SCOPED_TRACE(std::string(input.name) + " in " + name + ", byte " + std::to_string(at));
        std::string damaged = whole;
        damaged[at] = static_cast<char>(damaged[at] ^ (1 << at % 8));
        absl::StatusOr<Strings> records = Records(files_.Write(name, damaged), input.options);
        if (records.ok()) {
          EXPECT_TRUE(*records == *plain);
        } else {
          EXPECT_NE(records.status().message().find(name), std::string::npos) << records.status();
          ++errors;
        }
        records = Records(files_.Write(name, whole.substr(0, at)), input.options);
        EXPECT_FALSE(records.ok());
      }
      // Of gzip only the header, with its time and system, has bytes that nothing depends on.
      EXPECT_GE(errors, whole.size() / 7 - 2) << input.name << " in " << name;
    }
  }
}

TEST_F(CompressedFileTest, FilesOfOneSetMayBeCompressedDifferently) {
  const std::string a = files_.Write("a", "a,b\n");
  const std::string b = files_.Write("b", Gzip("c,d\n"));
  const std::string c = files_.Write("c", Zstd("e,f\n"));
  auto source = OpenRecords({b, a, c, b}, {});
  ASSERT_TRUE(source.ok()) << source.status();
  const absl::StatusOr<Strings> records = ReadAll(**source);
  ASSERT_TRUE(records.ok()) << records.status();
  EXPECT_EQ(*records, (Strings{"c,d", "a,b", "e,f", "c,d"}));
}

TEST_F(CompressedFileTest, ProgressCountsCompressedBytesUpToAll) {
  RecordOptions raw;
  raw.value_bytes = 7;
  std::string text = RandomText(1'500'000, 5);
  text.resize(text.size() / 7 * 7);
  for (const RecordOptions& options : {RecordOptions(), raw}) {
    const std::vector<std::string> paths = {files_.Write("a", Gzip(text)), files_.Write("b", text),
                                            files_.Write("c", Zstd(text)),
                                            files_.Write("d", Gzip(text.substr(0, 7)) + Gzip(""))};
    RecordOptions forced = options;
    if (!options.value_bytes.has_value()) {
      forced.format = RecordFormat::kCsv;
      forced.delimiter = ';';  // one column, so that the cut off last row is one
    }
    auto source = OpenRecords(paths, forced);
    ASSERT_TRUE(source.ok()) << source.status();
    RecordBlock block;
    uint64_t last = 0;
    size_t steps = 0;
    for (;;) {
      absl::StatusOr<bool> more = (*source)->Next(block);
      ASSERT_TRUE(more.ok()) << more.status();
      const uint64_t now = (*source)->bytes_read();
      EXPECT_GE(now, last);
      steps += now > last ? 1 : 0;
      last = now;
      if (!*more) break;
    }
    EXPECT_EQ(last, TotalBytes(paths));
    EXPECT_GT(steps, 10U);
  }
}

TEST_F(CompressedFileTest, PipesAreDetectedByContent) {
  const std::string text = RandomText(1'000'000, 9);
  for (const std::string& content :
       {Gzip(text), Zstd(text), text, std::string("ab"), std::string()}) {
    const std::string path = files_.Path("pipe");
    ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
    std::thread writer([&] {
      const int fd = open(path.c_str(), O_WRONLY);
      for (size_t at = 0; at < content.size(); at += 1) {
        // The first bytes one by one, the rest in pieces of odd sizes.
        const size_t bytes = at < 8 ? 1 : std::min<size_t>(content.size() - at, 54'321);
        if (write(fd, content.data() + at, bytes) != static_cast<ssize_t>(bytes)) break;
        at += bytes - 1;
      }
      close(fd);
    });
    const std::string got = Content(path);
    writer.join();
    EXPECT_TRUE(got == (content.size() > 2 ? text : content));
    unlink(path.c_str());
  }
}

TEST_F(CompressedFileTest, ASilentPipeDoesNotKeepTheFileOpen) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const std::string gzip = Gzip("a,b\n");
  ASSERT_EQ(write(ends[1], gzip.data(), gzip.size() - 4), static_cast<ssize_t>(gzip.size() - 4));
  {
    absl::StatusOr<InputFile> file = InputFile::Open("/proc/self/fd/" + std::to_string(ends[0]));
    ASSERT_TRUE(file.ok()) << file.status();
  }  // would wait for the other end, which is never closed
  close(ends[0]);
  close(ends[1]);
}

TEST_F(CompressedFileTest, AMovedFileGoesOn) {
  const std::string text = RandomText(1'500'000, 13);
  absl::StatusOr<InputFile> opened = InputFile::Open(files_.Write("file", Zstd(text)));
  ASSERT_TRUE(opened.ok());
  std::vector<uint8_t> buffer(text.size() + 1);
  absl::StatusOr<std::span<const uint8_t>> ahead = opened->Peek(10);
  ASSERT_TRUE(ahead.ok());
  EXPECT_EQ(std::string(ahead->begin(), ahead->end()), text.substr(0, 10));
  ASSERT_TRUE(opened->Read(std::span(buffer).first(5)).ok());
  InputFile moved = *std::move(opened);
  absl::StatusOr<size_t> got = moved.Read(std::span(buffer).subspan(5));
  ASSERT_TRUE(got.ok()) << got.status();
  buffer.resize(5 + *got);
  EXPECT_TRUE(std::equal(buffer.begin(), buffer.end(), text.begin(), text.end()));
  EXPECT_EQ(moved.TakeUsedBytes(), std::filesystem::file_size(files_.Path("file")));
  EXPECT_EQ(moved.TakeUsedBytes(), 0U);
}

}  // namespace
}  // namespace inlay::analysis
