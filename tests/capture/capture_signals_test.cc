// `inlay capture` over time: series of snapshots, and signals that end it.

#include <bpf/bpf.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <algorithm>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <string>
#include <vector>

#include "engine/live_kernel/file_descriptor.h"
#include "tests/capture/capture_command.h"
#include "tests/capture/started_command.h"

namespace inlay::capture {
namespace {

using std::filesystem::exists;
using std::filesystem::file_size;

using Counts = std::vector<size_t>;
using Names = std::vector<std::string>;

class CaptureSignalsTest : public CaptureCommandTest {
 protected:
  std::vector<std::string> SeriesInto(const std::string& file, const std::string& seconds) const {
    return {"capture", "--map-id", MapId(), "--follow", seconds, "--interval", "0.05", "-o", file};
  }
  static void WaitForTheFirstSnapshot(const std::string& file) {
    ASSERT_TRUE(Eventually([&] { return exists(file); }));
  }
  static void WaitForAnotherSnapshot(const std::string& file) {
    const auto before = file_size(file);
    ASSERT_TRUE(Eventually([&] { return file_size(file) > before; }));
  }
};

TEST_F(CaptureSignalsTest, ASeriesOfSnapshots) {
  const std::string file = files_.Path("series.inlay");
  const Outcome outcome =
      Inlay("capture --map-id " + MapId() + " --follow 0.5 --interval 0.2 -o " + file);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  const Counts counts = Snapshots(file);
  // On a busy machine a snapshot may take longer than the interval.
  EXPECT_GE(counts.size(), 1u);
  EXPECT_LE(counts.size(), 3u);
  EXPECT_EQ(counts, Counts(counts.size(), kSockets));
}

TEST_F(CaptureSignalsTest, ASignalFinishesASeries) {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    const std::string folder = NewFolder("signal" + std::to_string(signal));
    const std::string file = folder + "/series.inlay";
    StartedCommand command(SeriesInto(file, "1000"));
    WaitForTheFirstSnapshot(file);
    WaitForAnotherSnapshot(file);
    command.Signal(signal);
    const int status = command.Wait();
    EXPECT_TRUE(ExitedWith(0, status)) << status;
    const Counts counts = Snapshots(file);
    ASSERT_GE(counts.size(), 2u);
    EXPECT_EQ(counts[0], kSockets);
    EXPECT_EQ(counts[1], kSockets);
    EXPECT_EQ(FilesIn(folder), Names{"series.inlay"});
  }
}

// Runs a traced capture to the `stop`-th stop at a system call; counts from the first one with
// `file` in place, if `file` is not empty. False: the capture has ended.
bool RunTo(StartedCommand& command, size_t stop, const std::string& file = "") {
  bool counts = file.empty();
  for (size_t seen = 0; command.RunToSystemCall();) {
    counts = counts || exists(file);
    if (counts && seen++ == stop) return true;
  }
  return false;
}

// The number of stops before the file of a capture is in place.
size_t StopsBefore(const std::vector<std::string>& arguments) {
  StartedCommand command(arguments, {.traced = true});
  size_t stops = 0;
  while (command.RunToSystemCall() && !exists(arguments.back())) ++stops;
  EXPECT_TRUE(ExitedWith(0, command.Wait()));
  std::filesystem::remove(arguments.back());
  return stops;
}

// An emulated machine takes seconds for a traced command, so there fewer stops are tried.
struct Steps {
  size_t most = IsScaledDown() ? 100 : SIZE_MAX;  // before the file is in its place
  size_t part = IsScaledDown() ? 2 : 4;
  size_t step = IsScaledDown() ? 60 : 1;
};

// A signal ends a capture whose file is not in place yet, and leaves nothing behind. Once the file
// is in place the capture has succeeded, and a signal comes too late.
TEST_F(CaptureSignalsTest, ASignalLeavesAllOrNothing) {
  constexpr int kSignals[] = {SIGINT, SIGTERM, SIGHUP};
  const std::string folder = NewFolder("interrupted");
  const std::string file = folder + "/now.inlay";
  const std::vector<std::string> arguments = {"capture", "--map-id", MapId(), "-o", file};
  const size_t before = StopsBefore(arguments);
  // Tries each of the last stops, where the command writes and closes the file.
  const Steps steps;
  for (size_t left = std::min(before - 1, steps.most); left > 0;
       left -= std::min(left, left > 40 ? left / steps.part : steps.step)) {
    const size_t stop = before - left;
    const int signal = kSignals[stop % std::size(kSignals)];
    SCOPED_TRACE("signal " + std::to_string(signal) + " at stop " + std::to_string(stop));
    StartedCommand command(arguments, {.traced = true});
    ASSERT_TRUE(RunTo(command, stop));
    command.Signal(signal);
    const int status = command.Wait();
    const bool whole = ExitedWith(0, status);
    EXPECT_TRUE(whole || EndedBySignal(signal, status)) << status;
    EXPECT_EQ(FilesIn(folder), whole ? Names{"now.inlay"} : Names{});
    if (!whole) continue;
    EXPECT_EQ(Snapshots(file), Counts{kSockets});
    std::filesystem::remove(file);
  }
  size_t after = 0;
  for (;; after += steps.step) {
    const int signal = kSignals[after % std::size(kSignals)];
    SCOPED_TRACE("signal " + std::to_string(signal) + ", in place for " + std::to_string(after));
    StartedCommand command(arguments, {.traced = true});
    if (!RunTo(command, after, file)) break;
    command.Signal(signal);
    const int status = command.Wait();
    EXPECT_TRUE(ExitedWith(0, status)) << status;
    EXPECT_EQ(FilesIn(folder), Names{"now.inlay"});
    EXPECT_EQ(Snapshots(file), Counts{kSockets});
    std::filesystem::remove(file);
  }
  EXPECT_GT(after, 2u);
}

// A signal finishes a series at any time after the first snapshot.
TEST_F(CaptureSignalsTest, ASignalLeavesASeriesThatCanBeRead) {
  const std::string folder = NewFolder("interrupted");
  const std::string file = folder + "/series.inlay";
  const Steps steps;
  for (size_t after = 0;; after += after / steps.part + steps.step) {
    SCOPED_TRACE("in place for " + std::to_string(after));
    StartedCommand command(SeriesInto(file, "0.1"), {.traced = true});
    if (!RunTo(command, after, file)) break;
    command.Signal(SIGTERM);
    const int status = command.Wait();
    EXPECT_TRUE(ExitedWith(0, status)) << status;
    EXPECT_EQ(FilesIn(folder), Names{"series.inlay"});
    const Counts counts = Snapshots(file);
    ASSERT_FALSE(counts.empty());
    EXPECT_EQ(counts[0], kSockets);
    std::filesystem::remove(file);
  }
}

// After its walk the capture waits to write: the signal must end it, even if the pipe gets room
// later.
TEST_F(CaptureSignalsTest, ASignalEndsACaptureWhosePipeIsFull) {
  constexpr int kFull = 7 * 4096;  // beyond both descriptions
  const std::string pipe = files_.Path("full");
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  for (const int signal : {SIGTERM, SIGINT}) {
    const live_kernel::FileDescriptor reader(open(pipe.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    ASSERT_GE(fcntl(reader.get(), F_SETPIPE_SZ, 32768), 32768);
    StartedCommand command({"capture", "--map-id", MapId(), "-o", pipe});
    ASSERT_TRUE(Eventually([&] {
      int filled = 0;
      return ioctl(reader.get(), FIONREAD, &filled) == 0 && filled >= kFull;
    }));
    command.Signal(signal);
    const int status = command.Wait();
    EXPECT_TRUE(EndedBySignal(signal, status)) << status;
  }
}

// A pipe that nobody reads: opening it waits.
TEST_F(CaptureSignalsTest, ASignalEndsACaptureThatWaitsForAReader) {
  const std::string pipe = files_.Path("unread");
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  StartedCommand command({"capture", "--map-id", MapId(), "-o", pipe});
  // The capture asks for a reader again and again, so the signal may come at any moment from here.
  ASSERT_TRUE(Eventually([] { return LoadedByCaptures() > 0; }));
  command.Signal(SIGTERM);
  const int status = command.Wait();
  EXPECT_TRUE(EndedBySignal(SIGTERM, status)) << status;
}

TEST_F(CaptureSignalsTest, ASignalThatWasIgnoredStaysIgnored) {
  const std::string file = files_.Path("series.inlay");
  StartedCommand command(SeriesInto(file, "1000"), {.ignored = SIGHUP});
  WaitForTheFirstSnapshot(file);
  command.Signal(SIGHUP);
  WaitForAnotherSnapshot(file);
  WaitForAnotherSnapshot(file);
  command.Signal(SIGTERM);
  const int status = command.Wait();
  EXPECT_TRUE(ExitedWith(0, status)) << status;
  EXPECT_GE(Snapshots(file).size(), 3u);
}

// Each snapshot of --method fold loads its program anew, for which it needs descriptors.
TEST_F(CaptureSignalsTest, ASnapshotThatFailsEndsASeriesWell) {
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
  GTEST_SKIP() << "the sanitizer opens pipes to look at memory, and ends the process without them";
#endif
#endif
  const std::string file = files_.Path("series.inlay");
  StartedCommand command({"capture", "--map-id", MapId(), "--method", "fold", "--follow", "1000",
                          "--interval", "0.3", "-o", file});
  WaitForTheFirstSnapshot(file);
  const rlimit none = {0, 0};
  ASSERT_EQ(prlimit(command.pid(), RLIMIT_NOFILE, &none, nullptr), 0);
  const int status = command.Wait();
  EXPECT_TRUE(ExitedWith(2, status)) << status;
  const Outcome analyzed = Inlay("analyze " + file);
  EXPECT_EQ(analyzed.exit_code, 0) << analyzed.err;
  EXPECT_NE(analyzed.err.find("is partial: "), std::string::npos) << analyzed.err;
  EXPECT_EQ(analyzed.err.find("no block that ends the capture"), std::string::npos) << analyzed.err;
}

TEST_F(CaptureSignalsTest, KilledItLeavesNothingInTheKernel) {
  StartedCommand command({"capture", "--map-id", MapId(), "--follow", "1000", "-o", "/dev/null"});
  ASSERT_TRUE(Eventually([] { return LoadedByCaptures() > 0; }));
  command.Signal(SIGKILL);
  EXPECT_TRUE(EndedBySignal(SIGKILL, command.Wait()));
}

TEST_F(CaptureSignalsTest, AMapThatNobodyElseHasAnyMoreStaysForTheCapture) {
  const std::string file = files_.Path("series.inlay");
  StartedCommand command(SeriesInto(file, "1000"));
  WaitForTheFirstSnapshot(file);
  map_ = TestMap();
  WaitForAnotherSnapshot(file);
  WaitForAnotherSnapshot(file);
  command.Signal(SIGTERM);
  const int status = command.Wait();
  EXPECT_TRUE(ExitedWith(0, status)) << status;
  EXPECT_GE(Snapshots(file).size(), 3u);
}

}  // namespace
}  // namespace inlay::capture
