# kz.cmake — flags, features and libraries; CMakeLists.txt says what is built, this file says how.

include_guard(GLOBAL)

set(KZ_FEATURES "" CACHE INTERNAL "")
set(KZ_MISSING "" CACHE INTERNAL "")

# Every target of ours links kz-flags: warnings, and the floating-point rules that make results equal everywhere.
add_library(kz-flags INTERFACE)
target_compile_options(kz-flags INTERFACE
    -ffp-contract=off -fno-math-errno -fno-trapping-math
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion $<$<COMPILE_LANGUAGE:C>:-Wvla>
    $<$<BOOL:${KZ_WERROR}>:-Werror>)
target_compile_definitions(kz-flags INTERFACE
    $<$<COMPILE_LANGUAGE:C>:_GNU_SOURCE=> KZ_VERSION="${PROJECT_VERSION}")
target_include_directories(kz-flags INTERFACE ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/src)
target_link_options(kz-flags INTERFACE LINKER:--as-needed)
if(KZ_SANITIZE) # a target with the property KZ_PLAIN is linked with them, and not instrumented itself
    target_compile_options(kz-flags INTERFACE
        $<$<NOT:$<BOOL:$<TARGET_PROPERTY:KZ_PLAIN>>>:-fsanitize=${KZ_SANITIZE}> -fno-sanitize-recover=all -fno-omit-frame-pointer
        $<$<C_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>) # gcc's is wrong about instrumented code
    target_link_options(kz-flags INTERFACE -fsanitize=${KZ_SANITIZE})
endif()

# kz_feature(NAME "why" TARGET FIND <find_package arguments> | PKG <pkg-config modules>)
# An optional library.  KZ_<NAME> = AUTO (use it when found) | ON (must be found) | OFF.
# Makes kz::<name>, empty when off; when on it carries TARGET and KZ_HAVE_<NAME>=1.  Sets KZ_HAVE_<NAME>.
function(kz_feature name why target how)
    set(KZ_${name} AUTO CACHE STRING "${why}: AUTO, ON or OFF")
    set_property(CACHE KZ_${name} PROPERTY STRINGS AUTO ON OFF)
    string(TOLOWER ${name} lower)
    add_library(kz-${lower} INTERFACE)
    add_library(kz::${lower} ALIAS kz-${lower})

    set(found FALSE)
    if(NOT KZ_${name} STREQUAL "AUTO" AND NOT KZ_${name})
        set(state "off")
    else()
        if(how STREQUAL "PKG")
            set(package ${name})
            pkg_check_modules(${name} QUIET IMPORTED_TARGET ${ARGN})
        else()
            list(GET ARGN 0 package)
            find_package(${ARGN} QUIET)
        endif()
        if(${package}_FOUND AND TARGET ${target})
            set(found TRUE)
            set(state "on")
            target_link_libraries(kz-${lower} INTERFACE ${target})
            target_compile_definitions(kz-${lower} INTERFACE KZ_HAVE_${name}=1)
        elseif(KZ_${name} STREQUAL "AUTO")
            set(state "not found")
        else()
            message(FATAL_ERROR "KZ_${name}=${KZ_${name}} (${why}), but ${ARGN} was not found.\n"
                "Run scripts/install-deps --all --test, or set KZ_${name}=AUTO.")
        endif()
    endif()
    set(KZ_HAVE_${name} ${found} PARENT_SCOPE)
    set(KZ_FEATURES ${KZ_FEATURES} "${name}|${state}|${why}" CACHE INTERNAL "")
endfunction()

# kz_require(NAME DEBIAN-PACKAGE PKG <module>... | HEADER <header>)
# A library that the program cannot do without: makes kz::<name>, from the first pkg-config module found.
# What is missing is collected, so that kz_check_required names all of it at once.
function(kz_require name package how)
    string(TOLOWER ${name} lower)
    add_library(kz-${lower} INTERFACE)
    add_library(kz::${lower} ALIAS kz-${lower})
    if(how STREQUAL "PKG")
        pkg_search_module(${name} QUIET IMPORTED_TARGET ${ARGN})
        if(TARGET PkgConfig::${name})
            target_link_libraries(kz-${lower} INTERFACE PkgConfig::${name})
            return()
        endif()
    else()
        find_path(KZ_${name}_INCLUDE ${ARGN})
        mark_as_advanced(KZ_${name}_INCLUDE)
        if(KZ_${name}_INCLUDE)
            target_include_directories(kz-${lower} SYSTEM INTERFACE ${KZ_${name}_INCLUDE})
            return()
        endif()
    endif()
    set(KZ_MISSING ${KZ_MISSING} ${package} CACHE INTERNAL "")
endfunction()

function(kz_check_required)
    if(KZ_MISSING)
        list(JOIN KZ_MISSING " " packages)
        message(FATAL_ERROR "These Debian packages are missing: ${packages}\n"
            "Run scripts/install-deps, or: sudo apt-get install ${packages}")
    endif()
endfunction()

# kz_build_info(SOURCE): gives one source the build's commit, compiler, flags and type.  The commit and whether the
# tree was dirty are looked up at build time, into build_info.h; all else is known now.
function(kz_build_info source)
    set(dir ${PROJECT_BINARY_DIR}/generated)
    string(TOUPPER "${CMAKE_BUILD_TYPE}" type)
    get_target_property(options kz-flags INTERFACE_COMPILE_OPTIONS)
    list(FILTER options INCLUDE REGEX "^-f")
    string(JOIN " " flags ${CMAKE_C_FLAGS} ${CMAKE_C_FLAGS_${type}} ${options})
    add_custom_target(build-info
        COMMAND ${CMAKE_COMMAND} -D SOURCE_DIR=${PROJECT_SOURCE_DIR} -D OUT=${dir}/build_info.h
                -P ${PROJECT_SOURCE_DIR}/scripts/cmake/build_info.cmake
        BYPRODUCTS ${dir}/build_info.h
        COMMENT "Looking up the commit")
    set_source_files_properties(${source} PROPERTIES
        INCLUDE_DIRECTORIES ${dir}
        COMPILE_DEFINITIONS "KZ_BUILD_COMPILER=\"${CMAKE_C_COMPILER_ID} ${CMAKE_C_COMPILER_VERSION}\";\
KZ_BUILD_FLAGS=\"${flags}\";KZ_BUILD_TYPE=\"${CMAKE_BUILD_TYPE}\"")
endfunction()

function(kz_summary)
    string(JOIN ", " build "${CMAKE_C_COMPILER_ID} ${CMAKE_C_COMPILER_VERSION}" ${CMAKE_BUILD_TYPE} ${KZ_SANITIZE})
    message(STATUS "Kaizen ${PROJECT_VERSION}: ${build}")
    foreach(feature IN LISTS KZ_FEATURES)
        string(REPLACE "|" ";" part "${feature}")
        list(GET part 0 name)
        list(GET part 1 state)
        list(GET part 2 why)
        message(STATUS "  KZ_${name}: ${state} (${why})")
    endforeach()
endfunction()
