# opsmesh_protos(ROOT <dir>): one static library `opsmesh_proto` from every .proto below ROOT, with gRPC code, and one
# descriptor set with imports and comments (OPSMESH_DESCRIPTOR_SET), from which the gateway learns its routes and documents.
# A .proto linked twice into a process aborts at start, hence the single library.
function(opsmesh_protos)
  cmake_parse_arguments(arg "" "ROOT" "" ${ARGN})
  set(gen "${PROJECT_BINARY_DIR}/gen")
  file(MAKE_DIRECTORY "${gen}")
  file(GLOB_RECURSE files CONFIGURE_DEPENDS RELATIVE "${arg_ROOT}" "${arg_ROOT}/*.proto")
  list(SORT files)
  find_program(OPSMESH_PROTOC protoc REQUIRED)
  find_program(OPSMESH_GRPC_CPP_PLUGIN grpc_cpp_plugin REQUIRED)

  set(messages "")
  set(stubs "")
  foreach(file IN LISTS files)
    string(REGEX REPLACE "\\.proto$" "" stem "${file}")
    set(outputs "${gen}/${stem}.pb.cc" "${gen}/${stem}.pb.h")
    set(flags --cpp_out "${gen}")
    file(STRINGS "${arg_ROOT}/${file}" has_service REGEX "^service ")
    if(has_service)
      list(APPEND outputs "${gen}/${stem}.grpc.pb.cc" "${gen}/${stem}.grpc.pb.h")
      list(APPEND flags --grpc_out "${gen}" "--plugin=protoc-gen-grpc=${OPSMESH_GRPC_CPP_PLUGIN}")
      list(APPEND stubs "${gen}/${stem}.grpc.pb.cc")
    endif()
    # Every file depends on all of them: an import that changes must rebuild its users, and there are few.
    list(TRANSFORM files PREPEND "${arg_ROOT}/" OUTPUT_VARIABLE all_files)
    add_custom_command(OUTPUT ${outputs}
      COMMAND "${OPSMESH_PROTOC}" -I "${arg_ROOT}" ${flags} "${file}"
      DEPENDS ${all_files} WORKING_DIRECTORY "${arg_ROOT}" VERBATIM COMMENT "protoc ${file}")
    list(APPEND messages "${gen}/${stem}.pb.cc")
  endforeach()

  set(descriptor_set "${gen}/opsmesh.binpb")
  add_custom_command(OUTPUT "${descriptor_set}"
    COMMAND "${OPSMESH_PROTOC}" -I "${arg_ROOT}" --include_imports --include_source_info
            "--descriptor_set_out=${descriptor_set}" ${files}
    DEPENDS ${all_files} WORKING_DIRECTORY "${arg_ROOT}" VERBATIM COMMENT "protoc descriptor set")
  add_custom_target(opsmesh_descriptor_set DEPENDS "${descriptor_set}")
  set(OPSMESH_DESCRIPTOR_SET "${descriptor_set}" CACHE INTERNAL "Descriptor set of the whole contract")

  add_library(opsmesh_proto_objects STATIC ${messages} ${stubs})
  add_dependencies(opsmesh_proto_objects opsmesh_descriptor_set)
  target_include_directories(opsmesh_proto_objects SYSTEM PUBLIC "${gen}")
  target_link_libraries(opsmesh_proto_objects PUBLIC gRPC::grpc++ protobuf::libprotobuf)
  # Whole, because a file that holds a service alone is referenced by no symbol: its descriptors would be dropped, and with
  # them the policies of its RPCs.
  add_library(opsmesh_proto INTERFACE)
  target_link_libraries(opsmesh_proto INTERFACE $<LINK_LIBRARY:WHOLE_ARCHIVE,opsmesh_proto_objects>)
endfunction()
