add_executable(ca_bench ca_bench.c)
target_link_libraries(ca_bench PRIVATE ca)
