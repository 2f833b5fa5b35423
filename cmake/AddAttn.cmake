# add_attn_library(<name> <sources>... LINK_LIBS <libs>... [DEPENDS <targets>...])
# A compiler library of Attn. Upstream MLIR* names in LINK_LIBS are what a
# program links that chose the static MLIR; where there is a target
# Attn::SharedMLIR, here or in a project that found Attn installed, that is all.
function(add_attn_library name)
  cmake_parse_arguments(ARG "" "" "DEPENDS;LINK_LIBS" ${ARGN})
  add_mlir_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS}
    DEPENDS ${ARG_DEPENDS}
    EXCLUDE_FROM_LIBMLIR
    PARTIAL_SOURCES_INTENDED
    DISABLE_INSTALL)
  list(TRANSFORM ARG_LINK_LIBS
    REPLACE "^(MLIR.+)$" "$<$<NOT:$<TARGET_EXISTS:Attn::SharedMLIR>>:\\1>")
  target_link_libraries(${name} PUBLIC
    ${ARG_LINK_LIBS} $<TARGET_NAME_IF_EXISTS:Attn::SharedMLIR>)
endfunction()

# add_attn_plain_library(<name> <sources>... LINK_LIBS <libs>...)
# A library that knows nothing of LLVM: reference, runtime, support.
function(add_attn_plain_library name)
  cmake_parse_arguments(ARG "" "" "LINK_LIBS" ${ARGN})
  add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PUBLIC ${ARG_LINK_LIBS})
endfunction()

# add_attn_tool(<name> <sources>... LINK_LIBS <libs>...)
function(add_attn_tool name)
  cmake_parse_arguments(ARG "" "" "LINK_LIBS" ${ARGN})
  add_llvm_executable(${name} ${ARG_UNPARSED_ARGUMENTS}
    DISABLE_LLVM_LINK_LLVM_DYLIB)
  llvm_update_compile_flags(${name})
  target_link_libraries(${name} PRIVATE ${ARG_LINK_LIBS})
  set_property(GLOBAL APPEND PROPERTY ATTN_TOOLS ${name})
  if(MLIR_LINK_MLIR_DYLIB)
    target_link_libraries(${name} PRIVATE MLIR LLVM)
  endif()
endfunction()

# add_attn_unittest(<Area>Test <sources>... LINK_LIBS <libs>...)
# A GoogleTest executable of test/unit; lit finds it by its name in *Test. A
# plain executable, because GoogleTest wants the exceptions that LLVM's helpers
# switch off.
function(add_attn_unittest name)
  cmake_parse_arguments(ARG "" "" "LINK_LIBS" ${ARGN})
  find_package(GTest REQUIRED)
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PRIVATE ${ARG_LINK_LIBS} GTest::gtest_main)
endfunction()

# add_attn_options(<target> <file.td> <include path of the .inc>)
# The options of a tool, declared in TableGen for llvm::opt.
function(add_attn_options target td inc)
  # LLVM's package files name no llvm-tblgen.
  find_program(LLVM_TABLEGEN_EXE llvm-tblgen
    HINTS "${LLVM_TOOLS_BINARY_DIR}" REQUIRED)
  set(LLVM_TARGET_DEFINITIONS ${td})
  get_filename_component(folder ${CMAKE_BINARY_DIR}/include/${inc} DIRECTORY)
  file(MAKE_DIRECTORY ${folder})
  # tablegen() takes a path below the current folder. From an absolute one some
  # versions of CMake name an output that never exists: never up to date.
  file(RELATIVE_PATH output ${CMAKE_CURRENT_BINARY_DIR}
    ${CMAKE_BINARY_DIR}/include/${inc})
  tablegen(LLVM ${output} -gen-opt-parser-defs)
  add_public_tablegen_target(${target})
endfunction()
