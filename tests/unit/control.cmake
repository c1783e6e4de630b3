if(NOT CMOCKA_FOUND)
    return()
endif()
find_package(Threads REQUIRED)
add_library(control_fixture STATIC EXCLUDE_FROM_ALL control_fixture.c)
target_link_libraries(control_fixture
    PUBLIC control control_client keyring PkgConfig::CMOCKA Threads::Threads)

foreach(name http stores sandboxes propagation admin)
    sealgate_unit_test(control_${name} control_fixture ca)
endforeach()
sealgate_unit_test(explain_url control)
