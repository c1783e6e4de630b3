# Everything comes from the system, through pkg-config; script/bootstrap installs it on Debian.
find_package(PkgConfig REQUIRED)
pkg_check_modules(SODIUM REQUIRED IMPORTED_TARGET libsodium)
pkg_check_modules(OPENSSL REQUIRED IMPORTED_TARGET openssl>=3.0)
pkg_check_modules(LIBEVENT REQUIRED IMPORTED_TARGET libevent_core>=2.1.12)
pkg_check_modules(CARES REQUIRED IMPORTED_TARGET libcares)
pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson)
pkg_check_modules(YAML REQUIRED IMPORTED_TARGET yaml-0.1)
pkg_check_modules(ZLIB REQUIRED IMPORTED_TARGET zlib)
pkg_check_modules(BROTLI REQUIRED IMPORTED_TARGET libbrotlidec)
pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET libzstd)
pkg_check_modules(CMOCKA IMPORTED_TARGET cmocka)

# llhttp: a library of its own on newer systems, C sources inside node-llhttp on Debian 12. Compiled
# with LLHTTP_STRICT_MODE=1 in either case.
pkg_check_modules(LLHTTP QUIET IMPORTED_TARGET libllhttp)
add_library(llhttp INTERFACE)
if(LLHTTP_FOUND)
    target_link_libraries(llhttp INTERFACE PkgConfig::LLHTTP)
else()
    find_path(LLHTTP_INCLUDE llhttp.h PATHS /usr/share/include/llhttp REQUIRED)
    find_path(LLHTTP_SOURCE llhttp.c PATHS /usr/share/llhttp REQUIRED)
    add_library(llhttp_debian STATIC
        ${LLHTTP_SOURCE}/llhttp.c ${LLHTTP_SOURCE}/api.c ${LLHTTP_SOURCE}/http.c)
    target_include_directories(llhttp_debian SYSTEM PUBLIC ${LLHTTP_INCLUDE})
    target_compile_options(llhttp_debian PRIVATE -w)
    target_link_libraries(llhttp INTERFACE llhttp_debian)
endif()
