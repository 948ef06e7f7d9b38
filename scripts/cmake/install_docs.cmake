# install_docs.cmake — run by `cmake --install`: the program KAIZEN writes its own man pages and completions into DOCS.

# kaizen-data-inspect.1 is the page of "data inspect", which command_list.inc writes data_inspect.
function(write_page name)
    string(REPLACE "_" ";" words "${name}")
    string(REPLACE "_" "-" file "${name}")
    execute_process(COMMAND ${KAIZEN} man ${words}
        OUTPUT_FILE ${DOCS}/man1/kaizen-${file}.1 COMMAND_ERROR_IS_FATAL ANY)
endfunction()

file(REMOVE_RECURSE ${DOCS}/man1)
file(MAKE_DIRECTORY ${DOCS}/man1)
execute_process(COMMAND ${KAIZEN} man OUTPUT_FILE ${DOCS}/man1/kaizen.1 COMMAND_ERROR_IS_FATAL ANY)
file(WRITE ${DOCS}/man1/train.1 ".so man1/kaizen-train.1\n")

file(STRINGS ${COMMANDS} commands REGEX "^KZ_COMMAND")
foreach(line IN LISTS commands)
    string(REGEX REPLACE "^KZ_COMMAND\\(([a-z_]+)\\).*" "\\1" name "${line}")
    string(REGEX REPLACE "_.*" "" group "${name}")
    write_page(${name})
    if(NOT group STREQUAL name)
        write_page(${group})
    endif()
endforeach()

foreach(shell bash zsh fish)
    execute_process(COMMAND ${KAIZEN} completion ${shell} OUTPUT_FILE ${DOCS}/kaizen.${shell} COMMAND_ERROR_IS_FATAL ANY)
endforeach()
