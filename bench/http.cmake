add_executable(http_bench http_bench.c)
target_link_libraries(http_bench PRIVATE http)
