# tests.cmake — unit and end-to-end tests (one googletest program), checks of the sources, proofs and fuzz targets.

include(GoogleTest)

# How tests are compiled.
function(kz_test_sources name)
    target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests/support)
    # -O1 compiles in two thirds of the time of -O3; gcc 12 finds uninitialised members in its own std::vector
    target_compile_options(${name} PRIVATE -O1 -g1 $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
    target_precompile_headers(${name} PRIVATE
        <algorithm> <filesystem> <fstream> <functional> <map> <memory> <random> <sstream> <string> <thread> <vector>
        <gtest/gtest.h>)
    target_link_libraries(${name} PRIVATE kz-flags kaizen-core kz::tests)
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR})
    add_dependencies(${name} program)
endfunction()

# What a program of tests knows of its build: tests/support/build.h.
function(kz_test_program name)
    set(sanitized false)
    if(KZ_SANITIZE)
        set(sanitized true)
    endif()
    target_sources(${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests/support/build.cpp)
    target_compile_definitions(${name} PRIVATE KAIZEN_BIN="${PROJECT_BINARY_DIR}/kaizen"
        KAIZEN_SOURCE_DIR="${PROJECT_SOURCE_DIR}" SANITIZED=${sanitized})
    add_dependencies(${name} program)
endfunction()

set(KZ_TEST_SOURCES "" CACHE STRING "Only the sources of tests that match this regular expression; empty: all")
file(GLOB test_sources CONFIGURE_DEPENDS tests/*/*_test.cpp)
if(KZ_TEST_SOURCES)
    list(FILTER test_sources INCLUDE REGEX "${KZ_TEST_SOURCES}")
endif()
if(KZ_SANITIZE MATCHES "thread|fuzzer" OR CMAKE_CROSSCOMPILING)
    list(FILTER test_sources EXCLUDE REGEX "/cuda/") # without their stand-in for CUDA
endif()

if(KZ_HAVE_CUDA) # this one is compiled with NVIDIA's headers, not with the stand-in's
    list(FILTER test_sources EXCLUDE REGEX "cublaslt_api_test")
    add_library(cublaslt-api-test OBJECT tests/cuda/cublaslt_api_test.cpp)
    target_link_libraries(cublaslt-api-test PRIVATE kz-flags kaizen-core kz::tests CUDA::cudart_static)
endif()

# What the tests call is instrumented by the address sanitizer, the tests themselves are not: they would take three times
# as long to compile.  So their objects are the same with and without it, and scripts/run-tests compiles them once.
set(KZ_TEST_OBJECTS "" CACHE FILEPATH "libkaizen-test-objects.a of another build of these sources; empty: made here")
add_executable(kaizen-tests)
kz_test_program(kaizen-tests)
set(test_libraries kz-flags kaizen-cli kaizen-core kz::hdf5 kz::seccomp kz::tests kz::mpfr)
if(KZ_TEST_OBJECTS)
    target_link_libraries(kaizen-tests PRIVATE $<LINK_LIBRARY:WHOLE_ARCHIVE,${KZ_TEST_OBJECTS}>)
    set_property(TARGET kaizen-tests PROPERTY LINK_DEPENDS ${KZ_TEST_OBJECTS})
else()
    add_library(kaizen-test-objects STATIC ${test_sources} tests/support/program.cpp)
    kz_test_sources(kaizen-test-objects)
    if(KZ_HAVE_CUDA)
        target_sources(kaizen-test-objects PRIVATE $<TARGET_OBJECTS:cublaslt-api-test>)
    endif()
    if(NOT KZ_SANITIZE MATCHES thread)
        set_target_properties(kaizen-test-objects PROPERTIES KZ_PLAIN TRUE)
    endif()
    set_target_properties(kaizen-test-objects PROPERTIES OPTIMIZE_DEPENDENCIES ON)
    target_link_libraries(kaizen-test-objects PRIVATE ${test_libraries})
    target_link_libraries(kaizen-tests PRIVATE $<LINK_LIBRARY:WHOLE_ARCHIVE,kaizen-test-objects>)
endif()
target_link_libraries(kaizen-tests PRIVATE ${test_libraries})
if(NOT KZ_SANITIZE) # a minute to compile there, and the same source as AVX2's
    # gcc notes that vectors of 64 bytes are passed differently without AVX-512: none is passed
    target_sources(kaizen-tests PRIVATE tests/kernels/matmul_lowered.c)
    set_source_files_properties(tests/kernels/matmul_lowered.c PROPERTIES COMPILE_OPTIONS -Wno-psabi)
endif()
if(NOT KZ_SANITIZE MATCHES "thread|fuzzer" AND NOT CMAKE_CROSSCOMPILING) # minutes to compile, and none of its tests there
    add_subdirectory(tests/cuda_on_cpu)
    target_compile_definitions(kaizen-tests PRIVATE CUDA_ON_CPU="$<TARGET_FILE:kaizen-cuda-on-cpu>")
endif()
gtest_discover_tests(kaizen-tests
    WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}
    DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 120
    PROPERTIES TIMEOUT 300
    # two properties, since neither takes a list through here
    ENVIRONMENT "KAIZEN_BIN=${PROJECT_BINARY_DIR}/kaizen"
    ENVIRONMENT_MODIFICATION "KAIZEN_SOURCE_DIR=set:${PROJECT_SOURCE_DIR}")

# A library that makes one system call of the program go wrong; tests and scripts/fault-table preload it.
add_library(fault-shim MODULE tests/faults/fault_shim.c)
target_compile_options(fault-shim PRIVATE -Wall -Wextra $<$<BOOL:${KZ_WERROR}>:-Werror>)
target_link_libraries(fault-shim PRIVATE ${CMAKE_DL_LIBS} Threads::Threads)
set_target_properties(fault-shim PROPERTIES PREFIX "" C_EXTENSIONS ON)
target_compile_definitions(kaizen-tests PRIVATE FAULT_SHIM="$<TARGET_FILE:fault-shim>")
add_dependencies(kaizen-tests fault-shim)

# For the tests of energy: a made-up NVML, one without an energy counter; a made-up GPU, one that is not real.
foreach(variant whole lacking)
    add_library(nvml-${variant} SHARED tests/support/nvml_made_up.c)
    target_link_libraries(nvml-${variant} PRIVATE kz-flags)
    set_target_properties(nvml-${variant} PROPERTIES
        OUTPUT_NAME nvidia-ml SOVERSION 1 LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/nvml/${variant})
    add_dependencies(kaizen-tests nvml-${variant})
endforeach()
target_compile_definitions(nvml-lacking PRIVATE LACKING=1)
foreach(variant real unreal)
    add_library(gpu-${variant} MODULE tests/support/gpu_made_up.c)
    target_link_libraries(gpu-${variant} PRIVATE kz-flags kz::jansson kz::random123)
    target_compile_definitions(kaizen-tests PRIVATE GPU_${variant}="$<TARGET_FILE:gpu-${variant}>")
    add_dependencies(kaizen-tests gpu-${variant})
endforeach()
target_compile_definitions(gpu-unreal PRIVATE UNREAL=1)
target_compile_definitions(kaizen-tests PRIVATE NVML_FOLDER="${PROJECT_BINARY_DIR}/nvml")

# Checks of the sources need no build; the label lets run-tests run them once.
add_test(NAME layers COMMAND scripts/check_layers.py)
add_test(NAME layers-self-test COMMAND scripts/check_layers.py --self-test)
add_test(NAME headers COMMAND scripts/check_headers ${CMAKE_C_COMPILER} ${CMAKE_CXX_COMPILER})
add_test(NAME format COMMAND scripts/format --check)
add_test(NAME bench-peers COMMAND tests/bench/peer_statistics_test.py)
add_test(NAME gpu-check COMMAND tests/bench/gpu_check_test.py)
set_tests_properties(layers layers-self-test headers format bench-peers gpu-check PROPERTIES
    LABELS source WORKING_DIRECTORY ${PROJECT_SOURCE_DIR} TIMEOUT 300)

# Files from strangers: a table of them with what must come of each.
set(hostile_options)
if(KZ_SANITIZE)
    set(hostile_options --any-cost)
endif()
add_test(NAME hostile-files
    COMMAND tests/data/hostile_files.py --kaizen $<TARGET_FILE:kaizen> ${hostile_options})
set(hostile_tests hostile-files)
if(NOT KZ_SANITIZE) # it is the same reading: once under sanitizers is enough
    add_test(NAME hostile-files-inspect
        COMMAND tests/data/hostile_files.py --kaizen $<TARGET_FILE:kaizen> --also "data inspect")
    add_test(NAME hostile-files-check
        COMMAND tests/data/hostile_files.py --kaizen $<TARGET_FILE:kaizen> --also "data check --memory 64MiB")
    list(APPEND hostile_tests hostile-files-inspect hostile-files-check)
endif()
set_tests_properties(${hostile_tests} PROPERTIES
    SKIP_RETURN_CODE 77 COST 100 WORKING_DIRECTORY ${PROJECT_SOURCE_DIR} TIMEOUT 900)
if(KZ_SANITIZE) # addresses cannot be limited there; the allocator can
    set_tests_properties(hostile-files PROPERTIES
        ENVIRONMENT "ASAN_OPTIONS=max_allocation_size_mb=512:allocator_may_return_null=1")
endif()

# Proofs: slow, run by `make proofs`.
file(GLOB proof_sources CONFIGURE_DEPENDS tests/proofs/*.c)
add_custom_target(proofs)
foreach(source IN LISTS proof_sources)
    cmake_path(GET source STEM name)
    add_executable(proof-${name} EXCLUDE_FROM_ALL ${source})
    set_target_properties(proof-${name} PROPERTIES
        OUTPUT_NAME ${name} RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/proofs)
    target_link_libraries(proof-${name} PRIVATE kz-flags kaizen-core kz::hdf5 kz::mpfr)
    add_dependencies(proofs proof-${name})
endforeach()

# Fuzz targets: libFuzzer, so clang only; the preset "fuzz" instruments the library as well.
file(GLOB fuzz_sources CONFIGURE_DEPENDS tests/fuzz/*.c)
if(CMAKE_C_COMPILER_ID MATCHES Clang)
    add_custom_target(fuzz)
    if(KZ_SANITIZE MATCHES fuzzer) # distances of words: a third of the time, and nothing that leads further
        set_source_files_properties(src/base/suggest.c PROPERTIES
            COMPILE_OPTIONS -fno-sanitize-coverage=trace-cmp,inline-8bit-counters,pc-table)
    endif()
    foreach(source IN LISTS fuzz_sources)
        cmake_path(GET source STEM name)
        add_executable(fuzz-${name} EXCLUDE_FROM_ALL ${source})
        set_target_properties(fuzz-${name} PROPERTIES
            OUTPUT_NAME ${name} RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/fuzz)
        target_link_libraries(fuzz-${name} PRIVATE kz-flags kaizen-core)
        target_link_options(fuzz-${name} PRIVATE -fsanitize=fuzzer)
        add_dependencies(fuzz fuzz-${name})
    endforeach()
endif()
