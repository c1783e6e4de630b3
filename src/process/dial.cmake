# From a name to a socket, without messages and views: what tests link.
sealgate_module(dial
    SOURCES connector.c dial.c dialer_guard.c dialer_quota.c lookup.c proxy_tunnel.c resolver.c
            resolver_channel.c resolver_question.c
    PUBLIC config proxy_answer
    PRIVATE PkgConfig::CARES PkgConfig::LIBEVENT PkgConfig::SODIUM)
# What is said to another proxy: bytes alone, for its fuzz target.
sealgate_module(proxy_answer
    SOURCES proxy_answer.c proxy_credentials.c
    PUBLIC base
    PRIVATE http PkgConfig::SODIUM)
