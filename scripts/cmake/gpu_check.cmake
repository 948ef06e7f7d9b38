# gpu_check.cmake — what scripts/gpu-check builds besides the program, only when asked for: the kernels' tests and their
# benchmark on a real GPU.  tests/cuda_on_cpu builds both once more, on the stand-in.

file(GLOB bench_gpu_sources CONFIGURE_DEPENDS bench/gpu/*.c)
file(GLOB bench_gpu_kernels CONFIGURE_DEPENDS bench/gpu/*.cu)

# The module's own objects: what is tested and measured is what the program loads.
set(gpu_objects $<TARGET_OBJECTS:kaizen-cuda> $<TARGET_OBJECTS:kaizen-cuda-device>)

add_library(bench-gpu-kernels OBJECT EXCLUDE_FROM_ALL ${bench_gpu_kernels})
target_include_directories(bench-gpu-kernels PRIVATE ${PROJECT_SOURCE_DIR})
target_compile_options(bench-gpu-kernels PRIVATE --fmad=false)

add_executable(bench-gpu EXCLUDE_FROM_ALL ${bench_gpu_sources} $<TARGET_OBJECTS:bench-gpu-kernels> ${gpu_objects})
set_target_properties(bench-gpu PROPERTIES LINKER_LANGUAGE CXX)
target_link_libraries(bench-gpu PRIVATE kz-flags kaizen-core CUDA::cudart_static)

if(KZ_HAVE_TESTS)
    kz_gpu_tests(kaizen-gpu-tests "")
    target_sources(kaizen-gpu-tests PRIVATE ${gpu_objects})
    target_link_libraries(kaizen-gpu-tests PRIVATE CUDA::cudart_static)
endif()
