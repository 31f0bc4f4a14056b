# What is needed to carry BPF programs in an executable: libbpf, and a clang that compiles for BPF.
#
#   INLAY_BPF_MISSING             what to install, in words; empty if nothing
#   inlay_bpf_object(OUT SOURCE)  compiles SOURCE.bpf.c; OUT is the path of the object
#   inlay_embedded_object(SOURCE OBJECT)  SOURCE embeds OBJECT with INLAY_EMBED_OBJECT()

include_guard(GLOBAL)
pkg_check_modules(INLAY_LIBBPF IMPORTED_TARGET GLOBAL libbpf)
find_program(INLAY_BPF_CLANG NAMES clang clang-14 clang-15 clang-16 clang-17 clang-18 clang-19
  DOC "A clang that compiles for BPF")

# Debian keeps asm/types.h in a folder named after the machine, which a compiler for BPF does not
# search; for another machine's compiler in the second one.
set(inlay_bpf_compile ${INLAY_BPF_CLANG} -target bpf -O2 -g -mcpu=v3 -Wall -Wextra -Werror)
if(CMAKE_LIBRARY_ARCHITECTURE)
  list(APPEND inlay_bpf_compile
    -isystem /usr/include/${CMAKE_LIBRARY_ARCHITECTURE}
    -isystem /usr/${CMAKE_LIBRARY_ARCHITECTURE}/include)
endif()

set(inlay_bpf_missing "")
if(NOT INLAY_LIBBPF_FOUND)
  set(inlay_bpf_missing "libbpf (libbpf-dev)")
elseif(INLAY_LIBBPF_VERSION VERSION_LESS 1.0)
  set(inlay_bpf_missing "libbpf 1.0 or newer (here is ${INLAY_LIBBPF_VERSION})")
elseif(NOT INLAY_BPF_CLANG)
  set(inlay_bpf_missing "a compiler for BPF (clang)")
else()
  set(probe ${CMAKE_CURRENT_BINARY_DIR}/probe.bpf.c)
  file(WRITE ${probe} "#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\n")
  execute_process(COMMAND ${inlay_bpf_compile} -c ${probe} -o ${probe}.o
    RESULT_VARIABLE probed OUTPUT_QUIET ERROR_QUIET)
  if(NOT probed EQUAL 0)
    set(inlay_bpf_missing "a compiler for BPF (${INLAY_BPF_CLANG} cannot)")
  endif()
endif()
# The guard lets only the first folder that includes this get here; cached, all of them see it.
set(INLAY_BPF_COMPILE "${inlay_bpf_compile}" CACHE INTERNAL "")
set(INLAY_BPF_MISSING "${inlay_bpf_missing}" CACHE INTERNAL "")

# Further arguments are headers that the source includes.
function(inlay_bpf_object out source)
  set(object ${CMAKE_CURRENT_BINARY_DIR}/${source}.bpf.o)
  get_filename_component(folder ${object} DIRECTORY)
  file(MAKE_DIRECTORY ${folder})
  add_custom_command(OUTPUT ${object}
    COMMAND ${INLAY_BPF_COMPILE} -I ${PROJECT_SOURCE_DIR} -I ${PROJECT_SOURCE_DIR}/include
            -c ${CMAKE_CURRENT_SOURCE_DIR}/${source}.bpf.c -o ${object}
    DEPENDS ${source}.bpf.c ${ARGN}
    COMMENT "Compiling ${source} for BPF"
    VERBATIM)
  set(${out} ${object} PARENT_SCOPE)
endfunction()

function(inlay_embedded_object source object)
  set_source_files_properties(${source} PROPERTIES
    OBJECT_DEPENDS ${object}
    COMPILE_DEFINITIONS INLAY_EMBEDDED_OBJECT="${object}")
endfunction()
