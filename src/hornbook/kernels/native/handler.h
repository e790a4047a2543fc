// The door through which XLA calls a kernel. XLA's own threads know no exceptions: what is thrown
// inside, also on a helper's thread (see `Job`), becomes an error of the call.
#pragma once

#include <exception>
#include <new>

#include "xla/ffi/api/ffi.h"

// Kernels take XLA's pool of threads without further words.
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

// Defines a function that XLA can call, from what does the work. What that takes is told by its
// types, but for attributes and what remains of arguments and results: then it is told too.
#define HORNBOOK_KERNEL(name, work, ...)                     \
  extern "C" XLA_FFI_Error* name(XLA_FFI_CallFrame* frame) { \
    XLA_FFI_DEFINE_HANDLER(handler, work, ##__VA_ARGS__);    \
    return hornbook::Guarded(handler, frame);                \
  }
