# `cpack`, in the folder of a build: Debian packages of all that it has built.
#   libinlay0     the shared library
#   libinlay-dev  headers, libraries, what CMake and pkg-config need, and tsan.supp
#   inlay         the command, with man pages and completions
# A build with -D CMAKE_INSTALL_PREFIX=/usr has Debian's folder for libraries, which is named after
# the machine.

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME inlay)
set(CPACK_PACKAGE_VENDOR Inlay)
if(NOT CPACK_PACKAGE_CONTACT)
  set(CPACK_PACKAGE_CONTACT "Inlay <inlay@localhost>")  # set it to your address
endif()
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)

# Of each component: the package, its section, and its description.
set(shared_package libinlay${PROJECT_VERSION_MAJOR})
set(inlay_packages)
function(inlay_package component package section description)
  string(TOUPPER ${component} upper)
  set(CPACK_DEBIAN_${upper}_PACKAGE_NAME ${package} PARENT_SCOPE)
  set(CPACK_DEBIAN_${upper}_PACKAGE_SECTION ${section} PARENT_SCOPE)
  set(CPACK_COMPONENT_${upper}_DESCRIPTION "${description}" PARENT_SCOPE)
  set(inlay_packages ${inlay_packages} ${component} PARENT_SCOPE)
  # As Debian has it; whoever installs without packages gets it once, as LICENSE.
  install(FILES ${PROJECT_SOURCE_DIR}/LICENSE RENAME copyright DESTINATION share/doc/${package}
    COMPONENT ${component} EXCLUDE_FROM_ALL)
endfunction()

set(needs_shared)
if(NOT inlay_omits_shared)
  inlay_package(runtime ${shared_package} libs
    "The shared library, for programs that were linked with it.")
  # A minor version before 1.0 may change interfaces, and keeps the soname.
  set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
  set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY "=")
  set(CPACK_DEBIAN_RUNTIME_PACKAGE_CONTROL_EXTRA
    ${CMAKE_CURRENT_LIST_DIR}/debian/triggers
    ${CMAKE_CURRENT_LIST_DIR}/debian/postinst
    ${CMAKE_CURRENT_LIST_DIR}/debian/postrm)
  set(needs_shared
    "${shared_package} (= ${PROJECT_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE}), ")
endif()
inlay_package(development libinlay-dev libdevel
  "Headers for C++ and C, the static library, and files for CMake and pkg-config.")
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS "${needs_shared}liburcu-dev")
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SHLIBDEPS OFF)
if(TARGET inlay_bpf)
  set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SUGGESTS libbpf-dev)  # of inlay::bpf
endif()
if(INLAY_BUILD_TOOLS)
  inlay_package(command inlay utils
    "The command that tells whether values of yours deduplicate, and captures those of a kernel.")
endif()

set(CPACK_COMPONENTS_ALL ${inlay_packages})
include(CPack)
