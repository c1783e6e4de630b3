# From a name to a socket, without messages and views: what tests link.
sealgate_module(dial
    SOURCES dialer/connector.c dialer/dial.c dialer/dialer_guard.c dialer/dialer_quota.c dialer/lookup.c dialer/proxy_tunnel.c dialer/resolver.c
            dialer/resolver_channel.c dialer/resolver_question.c
    PUBLIC config proxy_answer
    PRIVATE PkgConfig::CARES PkgConfig::LIBEVENT PkgConfig::SODIUM)
# What is said to another proxy: bytes alone, for its fuzz target.
sealgate_module(proxy_answer
    SOURCES dialer/proxy_answer.c dialer/proxy_credentials.c
    PUBLIC base
    PRIVATE http PkgConfig::SODIUM)
