# A target of its own, so that its tests and its fuzz target link nothing else.
sealgate_module(config
    SOURCES config.c config_error.c config_limits.c config_node.c config_route.c config_schema.c config_store.c config_upstream.c config_value.c
    PUBLIC policy
    PRIVATE PkgConfig::SODIUM PkgConfig::YAML)
