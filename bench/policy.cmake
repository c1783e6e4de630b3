add_executable(policy_bench policy_bench.c)
target_link_libraries(policy_bench PRIVATE policy)
