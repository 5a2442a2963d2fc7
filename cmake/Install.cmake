# Install.cmake - headers, both libraries, the command, and how other builds find them (pkg-config and CMake).

include(CMakePackageConfigHelpers)
set(config_dir ${CMAKE_INSTALL_LIBDIR}/cmake/Backprop)

install(DIRECTORY include/backprop ${PROJECT_BINARY_DIR}/include/backprop
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h" PATTERN "*.def")
if(NOT BACKPROP_STATIC_ONLY)
  install(TARGETS backprop EXPORT BackpropTargets)
endif()
install(TARGETS backprop_static EXPORT BackpropStaticTargets)
if(TARGET backprop_cli)
  install(TARGETS backprop_cli)
endif()

# Debug information is five times the library. It stays in the build tree, for the debugger. What link-time optimisation left in the
# archive goes too, since it refers to that.
set(strip_options --strip-debug -D -R .gnu.lto_* -R .gnu.debuglto_* -N __gnu_lto_v1)
if(BACKPROP_STRIP AND CMAKE_STRIP)
  install(CODE "set(libdir [[${CMAKE_INSTALL_LIBDIR}]])
set(bindir [[${CMAKE_INSTALL_BINDIR}]])
foreach(dir libdir bindir)
  cmake_path(ABSOLUTE_PATH \${dir} BASE_DIRECTORY \"\${CMAKE_INSTALL_PREFIX}\")
endforeach()
foreach(file \${libdir}/libbackprop.so.${PROJECT_VERSION} \${libdir}/libbackprop.a \${bindir}/backprop)
  if(EXISTS \"\$ENV{DESTDIR}\${file}\")
    execute_process(COMMAND [[${CMAKE_STRIP}]] ${strip_options} \"\$ENV{DESTDIR}\${file}\" COMMAND_ERROR_IS_FATAL ANY)
  endif()
endforeach()")
endif()

# The manual page and the completions are printed by the command itself, from its table of options. What is built for
# another machine cannot be run here, and comes without them.
function(backprop_install_printed file folder)
  set(output ${PROJECT_BINARY_DIR}/printed/${folder}/${file})
  add_custom_command(OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${PROJECT_BINARY_DIR}/printed/${folder}
    COMMAND backprop_cli help ${ARGN} > ${output}
    DEPENDS backprop_cli VERBATIM)
  set_property(TARGET backprop_printed APPEND PROPERTY SOURCES ${output})
  install(FILES ${output} DESTINATION ${folder})
endfunction()
if(TARGET backprop_cli AND NOT CMAKE_CROSSCOMPILING)
  add_custom_target(backprop_printed ALL)
  backprop_install_printed(backprop.1 ${CMAKE_INSTALL_MANDIR}/man1 --man)
  backprop_install_printed(backprop ${CMAKE_INSTALL_DATADIR}/bash-completion/completions --completion bash)
  backprop_install_printed(_backprop ${CMAKE_INSTALL_DATADIR}/zsh/site-functions --completion zsh)
  backprop_install_printed(backprop.fish ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d --completion fish)
endif()

# Static users must link what the library uses, so their target is apart: who links the shared one needs nothing more.
if(NOT BACKPROP_STATIC_ONLY)
  install(EXPORT BackpropTargets NAMESPACE Backprop:: DESTINATION ${config_dir})
endif()
install(EXPORT BackpropStaticTargets NAMESPACE Backprop:: DESTINATION ${config_dir})
configure_package_config_file(BackpropConfig.cmake.in BackpropConfig.cmake INSTALL_DESTINATION ${config_dir})
write_basic_package_version_file(BackpropConfigVersion.cmake COMPATIBILITY ${BACKPROP_COMPATIBILITY})
install(FILES ${PROJECT_BINARY_DIR}/BackpropConfig.cmake ${PROJECT_BINARY_DIR}/BackpropConfigVersion.cmake
  DESTINATION ${config_dir})

# backprop.pc names the prefix, which `cmake --install --prefix` may change after the configuration: so it is written
# anew when it is installed. Folders below the prefix are written as such.
foreach(dir LIBDIR INCLUDEDIR)
  string(TOLOWER pc_${dir} variable)
  cmake_path(IS_PREFIX CMAKE_INSTALL_PREFIX "${CMAKE_INSTALL_FULL_${dir}}" below)
  if(below)
    cmake_path(RELATIVE_PATH CMAKE_INSTALL_FULL_${dir} BASE_DIRECTORY ${CMAKE_INSTALL_PREFIX} OUTPUT_VARIABLE relative)
    set(${variable} "\${prefix}/${relative}")
  else()
    set(${variable} "${CMAKE_INSTALL_FULL_${dir}}")
  endif()
endforeach()
set(pc_prefix "@CMAKE_INSTALL_PREFIX@")
configure_file(backprop.pc.in backprop.pc.in @ONLY)
install(CODE "set(libdir [[${CMAKE_INSTALL_LIBDIR}]])
cmake_path(ABSOLUTE_PATH libdir BASE_DIRECTORY \"\${CMAKE_INSTALL_PREFIX}\")
set(pc \${libdir}/pkgconfig/backprop.pc)
message(STATUS \"Installing: \$ENV{DESTDIR}\${pc}\")
configure_file([[${PROJECT_BINARY_DIR}/backprop.pc.in]] \"\$ENV{DESTDIR}\${pc}\" @ONLY
  FILE_PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
list(APPEND CMAKE_INSTALL_MANIFEST_FILES \"\${pc}\")")
