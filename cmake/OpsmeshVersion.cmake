# opsmesh_version(<target>): compiles the VERSION file and the git revision into <target> (libs/base/version.h). The file
# is written again when HEAD moves, and only then, so a build without a commit compiles nothing.
function(opsmesh_version target)
  set(out "${PROJECT_BINARY_DIR}/gen/version.cc")
  set(watched "${PROJECT_SOURCE_DIR}/VERSION" "${CMAKE_CURRENT_FUNCTION_LIST_FILE}")
  find_package(Git QUIET)
  if(GIT_FOUND)
    execute_process(COMMAND "${GIT_EXECUTABLE}" rev-parse --path-format=absolute --git-path logs/HEAD
      WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}" OUTPUT_VARIABLE log OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    if(log AND EXISTS "${log}")
      list(APPEND watched "${log}")
    endif()
  endif()
  add_custom_command(OUTPUT "${out}"
    COMMAND "${CMAKE_COMMAND}" "-DOUT=${out}" "-DSOURCE=${PROJECT_SOURCE_DIR}" "-DGIT=${GIT_EXECUTABLE}"
            -P "${CMAKE_CURRENT_FUNCTION_LIST_DIR}/WriteVersion.cmake"
    DEPENDS ${watched} "${CMAKE_CURRENT_FUNCTION_LIST_DIR}/WriteVersion.cmake"
    VERBATIM COMMENT "Version and revision")
  target_sources(${target} PRIVATE "${out}")
endfunction()
