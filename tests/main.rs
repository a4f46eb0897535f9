//! Every capability over real servers. `make test` installs what these need.

mod migrate_to_etcd;
mod support;
