// build.h — of what the tests were linked with.  The tests themselves are compiled once for builds with and without
// sanitizers, so what differs between those is found here, not in the preprocessor.
#pragma once

namespace build {

extern const char *const program;                         // kaizen
extern const char *const sources;                         // the source tree
extern const char *const fault_shim;                      // makes a system call of a program go wrong that preloads it
extern const char *const cuda_on_cpu;                     // the stand-in for libkaizen-cuda.so; "" where there is none
extern const char *const cublaslt_on_cpu;                 // that for cuBLASLt, likewise
extern const char *const nvml_whole, *const nvml_lacking; // folders with a made-up libnvidia-ml.so.1
extern const char *const gpu_real, *const gpu_unreal;     // made-up modules with one GPU
extern const bool sanitized;                              // by whichever sanitizer

} // namespace build
