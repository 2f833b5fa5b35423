# What `cmake --install` puts into place, for find_package(Attn); see
# docs/embedding.md. The Python package is a component of its own.

include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

# attn_link_closure(<result> <library>...)
# Those libraries and all of Attn's own that they link.
function(attn_link_closure result)
  set(open ${ARGN})
  set(closure "")
  while(open)
    list(POP_FRONT open library)
    if(TARGET ${library} AND library MATCHES "^Attn" AND
       NOT library IN_LIST closure)
      list(APPEND closure ${library})
      get_target_property(links ${library} LINK_LIBRARIES)
      list(APPEND open ${links})
    endif()
  endwhile()
  set(${result} ${closure} PARENT_SCOPE)
endfunction()

# install_attn()
# Call it where all targets are known.
function(install_attn)
  # Dialects, passes, pipelines and what generated code calls; then what is
  # used through its C interface.
  attn_link_closure(libraries AttnInitAll AttnRuntime)
  set(shared AttnC AttnReferenceC)
  foreach(library IN LISTS libraries shared)
    string(REGEX REPLACE "^Attn" "" name ${library})
    set_target_properties(${library} PROPERTIES EXPORT_NAME ${name})
    target_include_directories(${library}
      INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  endforeach()
  get_property(tools GLOBAL PROPERTY ATTN_TOOLS)
  install(TARGETS ${libraries} ${shared} ${tools} EXPORT AttnTargets)

  # Opened by name at run time, not linked.
  set(modules AttnCompilerService)
  if(TARGET AttnPlugin)
    list(APPEND modules AttnPlugin)
  endif()
  install(TARGETS ${modules} DESTINATION ${CMAKE_INSTALL_LIBDIR})

  # Headers of libraries that are not installed stay here, too.
  install(
    DIRECTORY ${PROJECT_SOURCE_DIR}/include/ ${PROJECT_BINARY_DIR}/include/
    DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
    FILES_MATCHING PATTERN "*.h" PATTERN "*.td" PATTERN "*.inc"
    PATTERN CMakeFiles EXCLUDE
    REGEX "attn/(Artefact|Compiler|Generator|Reference|Runner|Runtime|Support)$"
      EXCLUDE)
  set(runtime ${PROJECT_SOURCE_DIR}/include/attn/Runtime)
  install(FILES ${runtime}/Memory.h ${runtime}/Parallel.h
    DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/attn/Runtime)

  set(package ${CMAKE_INSTALL_LIBDIR}/cmake/attn)
  install(EXPORT AttnTargets NAMESPACE Attn:: DESTINATION ${package})
  configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/AttnConfig.cmake.in
    ${PROJECT_BINARY_DIR}/cmake/AttnConfig.cmake
    INSTALL_DESTINATION ${package})
  # Before 1.0 a minor version may change the interface.
  write_basic_package_version_file(
    ${PROJECT_BINARY_DIR}/cmake/AttnConfigVersion.cmake
    COMPATIBILITY SameMinorVersion)
  install(FILES ${PROJECT_BINARY_DIR}/cmake/AttnConfig.cmake
    ${PROJECT_BINARY_DIR}/cmake/AttnConfigVersion.cmake DESTINATION ${package})
endfunction()
