// The handler through which XLA calls a kernel. XLA's threads do not handle exceptions: one that is
// thrown in a kernel, also on a helper thread (see `Job`), becomes an error of the call.
#pragma once

#include <exception>
#include <new>

#include "xla/ffi/api/ffi.h"

// Lets kernels take XLA's thread pool as an argument.
template <>
struct xla::ffi::CtxBinding<xla::ffi::ThreadPool> {
  using Ctx = xla::ffi::ThreadPool;
};

namespace hornbook {

inline XLA_FFI_Error* ErrorOf(const XLA_FFI_CallFrame* frame, XLA_FFI_Error_Code code,
                              const char* message) {
  XLA_FFI_Error_Create_Args args;
  args.struct_size = XLA_FFI_Error_Create_Args_STRUCT_SIZE;
  args.extension_start = nullptr;
  args.message = message;
  args.errc = code;
  return frame->api->XLA_FFI_Error_Create(&args);
}

inline XLA_FFI_Error* Guarded(XLA_FFI_Handler* handler, XLA_FFI_CallFrame* frame) noexcept {
  try {
    return handler(frame);
  } catch (const std::bad_alloc&) {
    return ErrorOf(frame, XLA_FFI_Error_Code_RESOURCE_EXHAUSTED,
                   "there is no memory for a kernel to work in");
  } catch (const std::exception& error) {
    return ErrorOf(frame, XLA_FFI_Error_Code_INTERNAL, error.what());
  }
}

}  // namespace hornbook

// Defines a function that XLA can call from the function that does the work. The binding follows
// from its types, except for attributes and remaining arguments and results, which are given.
#define HORNBOOK_KERNEL(name, work, ...)                     \
  extern "C" XLA_FFI_Error* name(XLA_FFI_CallFrame* frame) { \
    XLA_FFI_DEFINE_HANDLER(handler, work, ##__VA_ARGS__);    \
    return hornbook::Guarded(handler, frame);                \
  }
