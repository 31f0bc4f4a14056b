// FunctionRef<R(Args...)>: a reference to any callable, for a parameter that the function calls
// before it returns. It owns nothing and allocates nothing.
//
// std::function_ref is C++26, and absl::FunctionRef would add Abseil to every public header.

#ifndef INLAY_FUNCTION_REF_H_
#define INLAY_FUNCTION_REF_H_

#include <memory>
#include <type_traits>
#include <utility>

namespace inlay {

template <typename Signature>
class FunctionRef;

template <typename R, typename... Args>
class FunctionRef<R(Args...)> {
 public:
  // Implicit, so that callers can pass a lambda. The callable must outlive this object; a lambda in
  // the argument list of the call does.
  template <typename F>
  requires(!std::is_same_v<std::remove_cvref_t<F>, FunctionRef> &&
           std::is_invocable_r_v<R, F&, Args...>)
      FunctionRef(F&& callable)  // NOLINT(google-explicit-constructor)
      : callable_(const_cast<void*>(static_cast<const void*>(std::addressof(callable)))),
        call_([](void* callable_ptr, Args... args) -> R {
          return (*static_cast<std::remove_reference_t<F>*>(callable_ptr))(
              std::forward<Args>(args)...);
        }) {}

  R operator()(Args... args) const { return call_(callable_, std::forward<Args>(args)...); }

 private:
  void* callable_;
  R (*call_)(void*, Args...);
};

}  // namespace inlay

#endif  // INLAY_FUNCTION_REF_H_
