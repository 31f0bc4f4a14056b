// A Status as a result of inlay/inlay.h.

#ifndef INLAY_ENGINE_C_API_RESULT_H_
#define INLAY_ENGINE_C_API_RESULT_H_

#include "inlay/status.h"

namespace inlay::c_api {

// 0, or the negative errno twin. If that is -ENOMEM, inlay_last_limit() of this thread has the
// reason from now on.
int Result(Status status) noexcept;

}  // namespace inlay::c_api

#endif  // INLAY_ENGINE_C_API_RESULT_H_
