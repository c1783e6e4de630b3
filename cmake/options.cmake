# How everything is compiled: the standard, the warnings, the hardening.
set(CMAKE_C_STANDARD 17)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

option(SEALGATE_WERROR "Warnings are errors" OFF)
option(SEALGATE_TESTS "Build unit tests and fuzz targets" ON)
option(SEALGATE_FUZZ "Build the fuzz targets with libFuzzer (clang)" OFF)
set(SEALGATE_SANITIZE "" CACHE STRING "Sanitizers: address,undefined or thread")

include(CheckPIESupported)
check_pie_supported()

add_compile_definitions(_GNU_SOURCE LLHTTP_STRICT_MODE=1 SEALGATE_VERSION="${PROJECT_VERSION}")
add_compile_options(
    -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2 -Wundef
    -Wpointer-arith -Wwrite-strings -Wno-missing-field-initializers
    -fno-strict-aliasing -fstack-protector-strong -fstack-clash-protection)
# clang before 16 takes it only together with a flag that later ones refuse.
include(CheckCCompilerFlag)
check_c_compiler_flag(-ftrivial-auto-var-init=zero HAVE_AUTO_VAR_INIT)
if(HAVE_AUTO_VAR_INIT)
    add_compile_options(-ftrivial-auto-var-init=zero)
endif()
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64")
    add_compile_options(-fcf-protection=full)
endif()
add_link_options(-Wl,-z,relro,-z,now,-z,noexecstack)

if(SEALGATE_WERROR)
    add_compile_options(-Werror)
endif()
if(SEALGATE_SANITIZE)
    add_compile_options(-fsanitize=${SEALGATE_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    add_link_options(-fsanitize=${SEALGATE_SANITIZE})
elseif(NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
    add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
endif()
if(SEALGATE_FUZZ)
    add_compile_options(-fsanitize=fuzzer-no-link)
endif()
