//! One server or a cluster, behind one type; and Redis' errors as ours.

use redis::aio::{ConnectionLike, ConnectionManager};
use redis::cluster_async::ClusterConnection;
use redis::{Cmd, ErrorKind, Pipeline, RedisError, RedisFuture, ServerErrorKind, Value};

use crate::StoreError;

/// Cheap to clone; clones share the connection.
#[derive(Clone)]
pub(super) enum Connection {
    Single(ConnectionManager),
    Cluster(ClusterConnection),
}

impl ConnectionLike for Connection {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        match self {
            Self::Single(connection) => connection.req_packed_command(cmd),
            Self::Cluster(connection) => connection.req_packed_command(cmd),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match self {
            Self::Single(connection) => connection.req_packed_commands(pipeline, offset, count),
            Self::Cluster(connection) => connection.req_packed_commands(pipeline, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        match self {
            Self::Single(connection) => connection.get_db(),
            Self::Cluster(connection) => connection.get_db(),
        }
    }
}

/// Errors of the `redis` crate name neither passwords nor arguments.
pub(super) fn typed(error: RedisError) -> StoreError {
    if error.is_io_error() || error.is_timeout() || error.is_cluster_error() {
        return StoreError::Unavailable(error.into());
    }
    match error.kind() {
        ErrorKind::AuthenticationFailed | ErrorKind::InvalidClientConfig => {
            StoreError::Refused(error.into())
        }
        ErrorKind::Server(ServerErrorKind::NoPerm) => StoreError::Refused(error.into()),
        ErrorKind::Server(ServerErrorKind::ReadOnly) => StoreError::ReadOnly(Some(error.into())),
        ErrorKind::ClusterConnectionNotFound
        | ErrorKind::Server(ServerErrorKind::BusyLoading | ServerErrorKind::TryAgain) => {
            StoreError::Unavailable(error.into())
        }
        _ => match error.code() {
            Some("OOM") => StoreError::Full(Some(error.into())),
            Some("NOAUTH" | "WRONGPASS") => StoreError::Refused(error.into()),
            Some("BUSY" | "NOREPLICAS" | "MISCONF") => StoreError::Unavailable(error.into()),
            _ => StoreError::Io(error.into()),
        },
    }
}
