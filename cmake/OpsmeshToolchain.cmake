# Language level, warnings, sanitizers and ccache, for every target of the tree.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/lib")

# -g1 keeps file and line in a stack trace at a third of the cost of -g.
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1 -DNDEBUG")
set(CMAKE_CXX_FLAGS_DEBUG "-O0 -g0 -D_GLIBCXX_ASSERTIONS")

add_library(opsmesh_warnings INTERFACE)
target_compile_options(opsmesh_warnings INTERFACE
  -Wall -Wextra -Wno-missing-field-initializers -Wshadow=local -Wnon-virtual-dtor -Woverloaded-virtual -Wimplicit-fallthrough
  -Werror=return-type -Werror=switch)
option(OPSMESH_WERROR "Treat every warning as an error" OFF)
if(OPSMESH_WERROR)
  target_compile_options(opsmesh_warnings INTERFACE -Werror)
endif()

set(OPSMESH_SANITIZE "" CACHE STRING "Comma-separated list for -fsanitize=, for instance address,undefined")
if(OPSMESH_SANITIZE)
  add_compile_options(-fsanitize=${OPSMESH_SANITIZE} -fno-omit-frame-pointer -g1)
  add_link_options(-fsanitize=${OPSMESH_SANITIZE})
endif()

find_program(OPSMESH_CCACHE ccache)
if(OPSMESH_CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER "${OPSMESH_CCACHE}")
  set(CMAKE_CXX_COMPILER_LAUNCHER "${OPSMESH_CCACHE}")
endif()
