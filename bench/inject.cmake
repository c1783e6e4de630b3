add_executable(inject_bench inject_bench.c)
target_link_libraries(inject_bench PRIVATE inject)
