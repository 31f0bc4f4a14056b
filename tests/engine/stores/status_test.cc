#include "inlay/status.h"

#include <gtest/gtest.h>

#include <set>
#include <string_view>

namespace inlay {
namespace {

TEST(StatusTest, EveryReasonForNoMemoryHasTheTwinEnomemAndANameOfItsOwn) {
  std::set<std::string_view> names;
  for (const Status status :
       {Status::kNoMemory, Status::kNoBits, Status::kNoIndexes, Status::kAccountLimit,
        Status::kSpillLimit, Status::kPendingLimit, Status::kOwnerLimit}) {
    EXPECT_EQ(ToErrno(status), ENOMEM);
    EXPECT_TRUE(IsNoMemory(status));
    EXPECT_TRUE(StatusName(status).starts_with("ENOMEM"));
    EXPECT_TRUE(names.insert(StatusName(status)).second) << StatusName(status);
  }
}

TEST(StatusTest, OtherStatusesAreTheirTwins) {
  EXPECT_EQ(ToErrno(Status::kOk), 0);
  EXPECT_EQ(ToErrno(Status::kNotFound), ENOENT);
  EXPECT_EQ(ToErrno(Status::kUnsupported), 524);
  for (const Status status : {Status::kOk, Status::kNotFound, Status::kExists, Status::kInvalid,
                              Status::kTooBig, Status::kUnsupported}) {
    EXPECT_FALSE(IsNoMemory(status));
  }
}

}  // namespace
}  // namespace inlay
