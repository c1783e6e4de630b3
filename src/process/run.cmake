# The inner side of `sealgate run`: what happens in the command's namespaces.
sealgate_module(run_inside
    SOURCES run_certificates.c run_confine.c run_init.c run_inside.c run_link.c run_mount.c
            run_network.c run_places.c
    PUBLIC channel
    PRIVATE descriptor PkgConfig::OPENSSL PkgConfig::SECCOMP PkgConfig::SODIUM)
# What it is started with and what is said at its end.
sealgate_module(run_outcome
    SOURCES run_environment.c run_server.c run_summary.c
    PUBLIC config messages declared_values policy
    PRIVATE PkgConfig::JANSSON)
