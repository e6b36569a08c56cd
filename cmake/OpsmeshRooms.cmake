# The one dependency rule of the tree, enforced where a link is declared:
#
#     proto <- libs <- {services, gateway} <- cli <- tests
#
# Arrows never turn. Inside libs a room links only rooms to its left in OPSMESH_LIB_ORDER. A service never links
# another service. Test targets (opsmesh_test, opsmesh_test_binary) are exempt.
#
#   opsmesh_library(<room> SRCS a.cc ... [DEPS <room> ...] [LINK <external target> ...])
#   opsmesh_binary(<name> ROOM <room> SRCS main.cc ... [DEPS <room> ...] [LINK ...])
#   opsmesh_test(<room> SRCS a_test.cc ... [DEPS <room> ...] [LINK ...] [LABELS unit] [NAME suffix] [NO_UNITY])
#
# <room> is the folder, for instance libs/base or services/k8s. The target of libs/base is opsmesh_libs_base.
# A room with several libraries names them libs/kubesim:store -> target opsmesh_libs_kubesim_store (same room).

set(OPSMESH_LIB_ORDER base redact text config log telemetry http_client http_server rpc server clients storage kube
    prometheus llm_provider mcp analytics kubesim testing)

function(opsmesh_target_name room out)
  string(REGEX REPLACE "[/:]" "_" name "${room}")
  set(${out} "opsmesh_${name}" PARENT_SCOPE)
endfunction()

# Rank of a room: bigger may use smaller. libs/x get 100 + position, services and gateway 300, cli 400, tests 500.
function(opsmesh_room_rank room out)
  string(REGEX REPLACE ":.*$" "" room "${room}")
  if(room STREQUAL "proto")
    set(rank 0)
  elseif(room MATCHES "^libs/([^/]+)")
    list(FIND OPSMESH_LIB_ORDER "${CMAKE_MATCH_1}" position)
    if(position LESS 0)
      message(FATAL_ERROR "Room '${room}' is not in OPSMESH_LIB_ORDER (cmake/OpsmeshRooms.cmake). "
        "Add it there, at the place that says which rooms it may use.")
    endif()
    math(EXPR rank "100 + ${position}")
  elseif(room MATCHES "^(services/|gateway)")
    set(rank 300)
  elseif(room MATCHES "^cli")
    set(rank 400)
  elseif(room MATCHES "^tests")
    set(rank 500)
  else()
    message(FATAL_ERROR "Room '${room}' is unknown: use proto, libs/<name>, services/<name>, gateway, cli or tests.")
  endif()
  set(${out} ${rank} PARENT_SCOPE)
endfunction()

function(opsmesh_check_link from to)
  string(REGEX REPLACE ":.*$" "" from_room "${from}")
  string(REGEX REPLACE ":.*$" "" to_room "${to}")
  if(from_room STREQUAL to_room)
    return()
  endif()
  opsmesh_room_rank("${from}" from_rank)
  opsmesh_room_rank("${to}" to_rank)
  if(NOT to_rank LESS from_rank)
    message(FATAL_ERROR "'${from}' may not link '${to}': arrows run proto <- libs <- {services, gateway} <- cli <- tests, "
      "and inside libs only to the left of ${OPSMESH_LIB_ORDER}. Move the shared code to a room both may use, "
      "or call the service through libs/clients.")
  endif()
endfunction()

function(opsmesh_link target room visibility)
  cmake_parse_arguments(arg "" "" "DEPS;LINK" ${ARGN})
  foreach(dep IN LISTS arg_DEPS)
    if(room)
      opsmesh_check_link("${room}" "${dep}")
    endif()
    opsmesh_target_name("${dep}" dep_target)
    target_link_libraries(${target} ${visibility} ${dep_target})
  endforeach()
  target_link_libraries(${target} ${visibility} ${arg_LINK})
endfunction()

function(opsmesh_library room)
  cmake_parse_arguments(arg "" "" "SRCS;DEPS;LINK" ${ARGN})
  opsmesh_target_name("${room}" target)
  add_library(${target} STATIC ${arg_SRCS})
  target_include_directories(${target} PUBLIC "${PROJECT_SOURCE_DIR}" "${PROJECT_BINARY_DIR}/gen")
  target_link_libraries(${target} PRIVATE opsmesh_warnings)
  opsmesh_link(${target} "${room}" PUBLIC DEPS ${arg_DEPS} LINK ${arg_LINK})
endfunction()

function(opsmesh_binary name)
  cmake_parse_arguments(arg "" "ROOM" "SRCS;DEPS;LINK" ${ARGN})
  add_executable(${name} ${arg_SRCS})
  target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}")
  target_link_libraries(${name} PRIVATE opsmesh_warnings)
  opsmesh_link(${name} "${arg_ROOM}" PRIVATE DEPS ${arg_DEPS} LINK ${arg_LINK})
endfunction()

# One test program a room, built as a unity (a file's anonymous namespace must not clash with its neighbour's).
function(opsmesh_test room)
  cmake_parse_arguments(arg "NO_UNITY" "NAME;TIMEOUT" "SRCS;DEPS;LINK;LABELS" ${ARGN})
  opsmesh_target_name("${room}" target)
  if(arg_NAME)
    string(APPEND target "_${arg_NAME}")
  endif()
  string(APPEND target "_test")
  add_executable(${target} ${arg_SRCS})
  set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests")
  if(NOT arg_NO_UNITY)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 6)
  endif()
  target_include_directories(${target} PRIVATE "${PROJECT_SOURCE_DIR}")
  target_link_libraries(${target} PRIVATE opsmesh_warnings GTest::gmock GTest::gtest GTest::gtest_main)
  opsmesh_link(${target} "" PRIVATE DEPS ${arg_DEPS} LINK ${arg_LINK})
  if(NOT arg_LABELS)
    set(arg_LABELS unit)
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 600)
  endif()
  set(temporary "${CMAKE_BINARY_DIR}/tests/tmp/${target}")  # what ::testing::TempDir() says
  file(MAKE_DIRECTORY "${temporary}")
  set(environment "OPSMESH_SOURCE_DIR=${PROJECT_SOURCE_DIR};OPSMESH_BIN_DIR=${CMAKE_BINARY_DIR}/bin;TEST_TMPDIR=${temporary}")
  # A name that does not exist is asked for once, whatever name servers and search lists this machine has.
  string(APPEND environment ";RES_OPTIONS=timeout:1 attempts:1;LOCALDOMAIN=.")
  if(OPSMESH_SANITIZE MATCHES "thread")
    string(APPEND environment ";TSAN_OPTIONS=suppressions=${PROJECT_SOURCE_DIR}/cmake/thread_sanitizer.supp")
  endif()
  add_test(NAME ${target} COMMAND ${target})
  set_tests_properties(${target} PROPERTIES LABELS "${arg_LABELS}" TIMEOUT ${arg_TIMEOUT} ENVIRONMENT "${environment}")
endfunction()

# A test written in Python against the built programs; Debian's interpreter, since the packages it may import are Debian's.
# Exit code 77 = skipped.
function(opsmesh_python_test name)
  cmake_parse_arguments(arg "SERIAL" "SCRIPT;TIMEOUT" "LABELS" ${ARGN})
  add_test(NAME ${name} COMMAND /usr/bin/python3 "${CMAKE_CURRENT_SOURCE_DIR}/${arg_SCRIPT}")
  set_tests_properties(${name} PROPERTIES LABELS "${arg_LABELS}" TIMEOUT "${arg_TIMEOUT}" SKIP_RETURN_CODE 77
    ENVIRONMENT "OPSMESH_SOURCE_DIR=${PROJECT_SOURCE_DIR};OPSMESH_BIN_DIR=${CMAKE_BINARY_DIR}/bin;PYTHONDONTWRITEBYTECODE=1")
  if(arg_SERIAL)
    set_tests_properties(${name} PROPERTIES RUN_SERIAL TRUE)
  endif()
endfunction()
