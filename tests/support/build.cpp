#include "build.h"

namespace build {

const char *const program = KAIZEN_BIN;
const char *const sources = KAIZEN_SOURCE_DIR;
const char *const fault_shim = FAULT_SHIM;
const char *const cuda_on_cpu = CUDA_ON_CPU;
const char *const nvml_whole = NVML_FOLDER "/whole", *const nvml_lacking = NVML_FOLDER "/lacking";
const char *const gpu_real = GPU_real, *const gpu_unreal = GPU_unreal;
const bool sanitized = SANITIZED;

} // namespace build
