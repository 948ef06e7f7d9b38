# install_docs.cmake — run by `cmake --install`: the program KAIZEN writes its own man pages and completions into DOCS.

file(MAKE_DIRECTORY ${DOCS}/man1)
execute_process(COMMAND ${KAIZEN} man OUTPUT_FILE ${DOCS}/man1/kaizen.1 COMMAND_ERROR_IS_FATAL ANY)
file(WRITE ${DOCS}/man1/train.1 ".so man1/kaizen-train.1\n")

file(STRINGS ${COMMANDS} commands REGEX "^KZ_COMMAND")
foreach(line IN LISTS commands)
    string(REGEX REPLACE "^KZ_COMMAND\\(([a-z_]+)\\).*" "\\1" name "${line}")
    execute_process(COMMAND ${KAIZEN} man ${name}
        OUTPUT_FILE ${DOCS}/man1/kaizen-${name}.1 COMMAND_ERROR_IS_FATAL ANY)
endforeach()

foreach(shell bash zsh fish)
    execute_process(COMMAND ${KAIZEN} completion ${shell} OUTPUT_FILE ${DOCS}/kaizen.${shell} COMMAND_ERROR_IS_FATAL ANY)
endforeach()
