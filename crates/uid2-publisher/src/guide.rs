//! The guide, for people: nothing of it is in the program.

/// The publisher guide, step by step, with the code of this library.
///
#[doc = include_str!("../docs/guide/index.md")]
pub mod _guide {
    #[doc = include_str!("../docs/guide/establish.md")]
    pub mod establish {}
    #[doc = include_str!("../docs/guide/bid.md")]
    pub mod bid {}
    #[doc = include_str!("../docs/guide/refresh.md")]
    pub mod refresh {}
    #[doc = include_str!("../docs/guide/log_out.md")]
    pub mod log_out {}
    #[doc = include_str!("../docs/guide/missing_identities.md")]
    pub mod missing_identities {}
    #[doc = include_str!("../docs/guide/opt_outs.md")]
    pub mod opt_outs {}
    #[doc = include_str!("../docs/guide/client_server.md")]
    pub mod client_server {}
    #[doc = include_str!("../docs/guide/euid.md")]
    pub mod euid {}
    #[doc = include_str!("../docs/guide/single_sign_on.md")]
    pub mod single_sign_on {}
    #[doc = include_str!("../docs/guide/testing.md")]
    pub mod testing {}
    #[doc = include_str!("../docs/guide/production.md")]
    pub mod production {}
    #[doc = include_str!("../docs/guide/regions.md")]
    pub mod regions {}
    #[doc = include_str!("../docs/guide/rotating_credentials.md")]
    pub mod rotating_credentials {}
    #[doc = include_str!("../docs/guide/from_java_and_python.md")]
    pub mod from_java_and_python {}
}
