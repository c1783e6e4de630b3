# sealgate_module(name SOURCES a.c b.c [PUBLIC targets] [PRIVATE targets])
# One static library per folder. Includes are written from src/ or from the top: "base/slice.h",
# "policy/policy.h".
function(sealgate_module name)
    cmake_parse_arguments(ARG "" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
    add_library(${name} STATIC ${ARG_SOURCES})
    target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR})
    target_link_libraries(${name} PUBLIC ${ARG_PUBLIC} PRIVATE ${ARG_PRIVATE})
endfunction()

# sealgate_unit_test(name module...): tests/unit/<name>_test.c, linked with these modules alone.
function(sealgate_unit_test name)
    if(NOT CMOCKA_FOUND)
        return()
    endif()
    add_executable(${name}_test ${name}_test.c)
    target_link_libraries(${name}_test PRIVATE ${ARGN} PkgConfig::CMOCKA)
    add_test(NAME ${name} COMMAND ${name}_test)
endfunction()

# sealgate_fuzz_target(name module...): fuzz/<name>_fuzz.c with libFuzzer, or else with a driver that
# replays the corpus, so that the ordinary test run covers it.
function(sealgate_fuzz_target name)
    add_executable(${name}_fuzz ${name}_fuzz.c)
    target_link_libraries(${name}_fuzz PRIVATE ${ARGN})
    if(SEALGATE_FUZZ)
        target_link_options(${name}_fuzz PRIVATE -fsanitize=fuzzer)
    else()
        target_sources(${name}_fuzz PRIVATE replay.c)
        add_test(NAME fuzz_${name} COMMAND ${name}_fuzz ${CMAKE_CURRENT_SOURCE_DIR}/corpus/${name})
    endif()
endfunction()
