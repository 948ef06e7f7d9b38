# cuda.cmake — the CUDA module: kernels by nvcc, the device's C by the C compiler, CUDA's runtime linked in, so that only
# the driver is needed where it runs.

set(CMAKE_CUDA_COMPILER ${CUDAToolkit_NVCC_EXECUTABLE})
set(CMAKE_CUDA_HOST_COMPILER ${KZ_CUDA_HOST_COMPILER})
set(CMAKE_CUDA_STANDARD 17)
if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
    set(CMAKE_CUDA_ARCHITECTURES "80-real;90") # machine code for both, and PTX of 90 for what comes later
endif()
enable_language(CUDA)

add_library(kaizen-cuda-device OBJECT ${cuda_device_sources})
set_target_properties(kaizen-cuda-device PROPERTIES POSITION_INDEPENDENT_CODE TRUE)
target_compile_definitions(kaizen-cuda-device PRIVATE KZ_CUDA_IS_REAL=1)
target_link_libraries(kaizen-cuda-device PRIVATE kz-flags kz::jansson kz::random123 CUDA::cudart_static)

add_library(kaizen-cuda MODULE ${cuda_sources} $<TARGET_OBJECTS:kaizen-cuda-device>)
target_include_directories(kaizen-cuda PRIVATE ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/src)
target_compile_options(kaizen-cuda PRIVATE
    $<$<COMPILE_LANGUAGE:CUDA>:--fmad=false -Xcompiler=-ffp-contract=off,-fno-math-errno,-fno-trapping-math
        -Xcompiler=-Wall,-Wextra,-Wno-unused-function>)
if(KZ_WERROR)
    target_compile_options(kaizen-cuda PRIVATE
        $<$<COMPILE_LANGUAGE:CUDA>:-Werror=all-warnings>)
endif()
target_link_libraries(kaizen-cuda PRIVATE kz::random123 CUDA::cudart_static)
add_dependencies(program kaizen-cuda)
install(TARGETS kaizen-cuda DESTINATION ${CMAKE_INSTALL_LIBDIR}/kaizen)
