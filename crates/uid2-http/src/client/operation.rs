//! The operations of the core, seen as one kind of thing.

use rand_core::CryptoRng;
use uid2_core::Timestamp;
use uid2_core::operation::{
    Caller, Error, Generate, GenerateOutcome, Logout, LogoutOutcome, PendingGenerate,
    PendingLogout, PendingRefresh, PendingValidate, Refresh, RefreshOutcome, Reply, Request,
    Response, Validate, ValidateOutcome,
};

/// Whether an operation may be repeated when the one before may have been done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Repeat {
    /// Doing it twice is as good as once.
    Always,
    /// Only when it certainly was not done.
    Undone,
}

/// An operation: prepared for every attempt, finished with its response.
pub(super) trait Operation: Sync {
    /// For errors, logs and metrics.
    const NAME: &'static str;
    const REPEAT: Repeat;
    type Outcome;
    type Pending: Send;

    fn prepare(
        &self,
        caller: &Caller,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> (Request, Self::Pending);

    fn finish(
        pending: Self::Pending,
        response: Response<'_>,
        now: Timestamp,
    ) -> Result<Reply<Self::Outcome>, Error>;
}

macro_rules! enveloped {
    ($operation:ident, $name:literal, $repeat:ident, $pending:ident, $outcome:ident) => {
        impl Operation for $operation<'_> {
            const NAME: &'static str = $name;
            const REPEAT: Repeat = Repeat::$repeat;
            type Outcome = $outcome;
            type Pending = $pending;

            fn prepare(
                &self,
                caller: &Caller,
                now: Timestamp,
                rng: &mut impl CryptoRng,
            ) -> (Request, $pending) {
                $operation::prepare(self, caller, now, rng)
            }

            fn finish(
                pending: $pending,
                response: Response<'_>,
                now: Timestamp,
            ) -> Result<Reply<$outcome>, Error> {
                pending.finish(response, now)
            }
        }
    };
}

enveloped!(
    Generate,
    "token/generate",
    Always,
    PendingGenerate,
    GenerateOutcome
);
enveloped!(
    Validate,
    "token/validate",
    Always,
    PendingValidate,
    ValidateOutcome
);
enveloped!(Logout, "token/logout", Undone, PendingLogout, LogoutOutcome);

impl Operation for Refresh<'_> {
    const NAME: &'static str = "token/refresh";
    const REPEAT: Repeat = Repeat::Always;
    type Outcome = RefreshOutcome;
    type Pending = PendingRefresh;

    fn prepare(
        &self,
        caller: &Caller,
        _: Timestamp,
        _: &mut impl CryptoRng,
    ) -> (Request, PendingRefresh) {
        Refresh::prepare(self, caller)
    }

    fn finish(
        pending: PendingRefresh,
        response: Response<'_>,
        _: Timestamp,
    ) -> Result<Reply<RefreshOutcome>, Error> {
        pending.finish(response)
    }
}
