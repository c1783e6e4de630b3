# A target of its own, so that its tests and its fuzz target link nothing else.
sealgate_module(config
    SOURCES config/config.c config/config_error.c config/config_limits.c config/config_node.c config/config_route.c config/config_schema.c config/config_store.c config/config_upstream.c config/config_value.c
    PUBLIC policy
    PRIVATE PkgConfig::SODIUM PkgConfig::YAML)
