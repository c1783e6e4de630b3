# The load generator and an origin for script/bench: nothing of the product is linked.
add_executable(load load.c load_body.c load_client.c load_options.c load_samples.c)
add_executable(origin origin.c)
foreach(program load origin)
    target_include_directories(${program} PRIVATE ${PROJECT_SOURCE_DIR})
    target_link_libraries(${program} PRIVATE PkgConfig::OPENSSL)
endforeach()
