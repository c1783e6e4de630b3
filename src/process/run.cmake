# The inner side of `sealgate run`: what happens in the command's namespaces.
sealgate_module(run_inside
    SOURCES run/run_certificates.c run/run_confine.c run/run_init.c run/run_inside.c run/run_link.c run/run_mount.c
            run/run_network.c run/run_places.c
    PUBLIC channel
    PRIVATE descriptor PkgConfig::OPENSSL PkgConfig::SECCOMP PkgConfig::SODIUM)
# What it is started with and what is said at its end.
sealgate_module(run_outcome
    SOURCES run/run_environment.c run/run_server.c run/run_summary.c
    PUBLIC config messages declared_values policy
    PRIVATE PkgConfig::JANSSON)
