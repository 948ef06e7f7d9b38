#include "build.h"

// which not every program of tests has
#ifndef FAULT_SHIM
#define FAULT_SHIM ""
#define NVML_FOLDER ""
#define GPU_real ""
#define GPU_unreal ""
#endif
#ifndef CUDA_ON_CPU
#define CUDA_ON_CPU ""
#define CUBLASLT_ON_CPU ""
#endif

namespace build {

const char *const program = KAIZEN_BIN;
const char *const sources = KAIZEN_SOURCE_DIR;
const char *const fault_shim = FAULT_SHIM;
const char *const cuda_on_cpu = CUDA_ON_CPU;
const char *const cublaslt_on_cpu = CUBLASLT_ON_CPU;
const char *const nvml_whole = NVML_FOLDER "/whole", *const nvml_lacking = NVML_FOLDER "/lacking";
const char *const gpu_real = GPU_real, *const gpu_unreal = GPU_unreal;
const bool sanitized = SANITIZED;

} // namespace build
