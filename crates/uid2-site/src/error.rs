//! Why a site does not start.

use std::io;
use std::path::PathBuf;

/// Why a [`Site`](crate::Site) does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// No port can be listened on.
    #[error("cannot listen on this machine")]
    Listen(#[source] io::Error),
    /// The folder of the data cannot be made or written to.
    #[error("cannot write to the folder {}: give another one", path.display())]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file of the site's keys cannot be read or made.
    #[error(
        "cannot use the key file {}: it must hold 32 bytes; without it a new one is made, and all \
         sessions end",
        path.display()
    )]
    Key {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The store of identities cannot be opened; it may be in use by another site.
    #[error("cannot open the store of identities: is another site running on the same folder?")]
    Store(#[from] uid2_store::StoreError),
    /// The site's own records cannot be opened.
    #[error("cannot open the records of sessions")]
    Records(#[from] rusqlite::Error),
    /// The embedded operator does not start.
    #[error("the embedded operator does not start")]
    Operator(#[from] uid2_emulator::StartError),
    /// The credentials of the embedded operator are not usable; a mistake of ours.
    #[error("the embedded operator has unusable credentials")]
    Credentials,
    /// The proxy settings of the environment cannot be used.
    #[error("the operator cannot be called from here")]
    Transport(#[from] uid2_http::hyper::HyperTransportError),
    /// A limit is zero.
    #[error("a limit of zero would refuse every request: give at least 1")]
    NoLimit,
    /// The publisher cannot be made.
    #[error("the publisher cannot be made")]
    Publisher(#[from] uid2_publisher::BuilderError),
}
