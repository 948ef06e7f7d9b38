# build_info.cmake — writes OUT (build_info.h) for the tree in SOURCE_DIR, only when its content changes.
# Outside a git checkout of this very project, or without git, the commit is "unknown".

set(KZ_BUILD_COMMIT "unknown")
set(KZ_BUILD_DIRTY 0)
find_program(GIT git)

function(git out)
    execute_process(COMMAND ${GIT} -C ${SOURCE_DIR} ${ARGN}
        RESULT_VARIABLE status OUTPUT_VARIABLE text ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE)
    set(${out} "${text}" PARENT_SCOPE)
    set(status ${status} PARENT_SCOPE)
endfunction()

if(GIT AND EXISTS ${SOURCE_DIR}/.git)
    git(commit rev-parse --verify HEAD)
    if(status EQUAL 0)
        set(KZ_BUILD_COMMIT ${commit})
        git(changes status --porcelain --untracked-files=no)
        if(NOT changes STREQUAL "")
            set(KZ_BUILD_DIRTY 1)
        endif()
    endif()
endif()

file(CONFIGURE OUTPUT ${OUT} @ONLY CONTENT [[
#ifndef KZ_BUILD_INFO_H
#define KZ_BUILD_INFO_H

#define KZ_BUILD_COMMIT "@KZ_BUILD_COMMIT@"
#define KZ_BUILD_DIRTY @KZ_BUILD_DIRTY@

#endif
]])
