//! Faults as text.

use std::str::FromStr;
use std::time::Duration;

use http::{HeaderValue, StatusCode};

use super::{After, Before, Fault, FrontEnd, FrontEndBody};

/// Why a text is not a fault.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FaultError {
    /// A part that is not known.
    #[error(
        "unknown part {0:?}: see the documentation of uid2_emulator::Fault for those there are"
    )]
    Unknown(String),
    /// A part whose value is missing or not one.
    #[error("the value of {0:?} is missing or not one")]
    Value(String),
    /// `retry-after` or `body` without a `status`, or two ends at once.
    #[error("{0}")]
    Combination(&'static str),
}

impl FromStr for Fault {
    type Err = FaultError;

    /// Reads the text of the table of [`fault`](crate::fault).
    fn from_str(text: &str) -> Result<Self, FaultError> {
        let mut fault = Self::none();
        let mut front_end = Answer::default();
        let parts = text.split(',').map(str::trim);
        for part in parts.filter(|part| !part.is_empty()) {
            let (name, value) = match part.split_once('=') {
                Some((name, value)) => (name.trim(), Some(value.trim())),
                None => (part, None),
            };
            let invalid = || FaultError::Value(name.into());
            match (name, value) {
                ("latency", Some(value)) => {
                    fault.latency = Some(latency(value).ok_or_else(invalid)?);
                }
                ("status", Some(value)) => {
                    front_end.status = Some(status(value).ok_or_else(invalid)?);
                }
                ("retry-after", Some(value)) => {
                    let value = HeaderValue::from_str(value).map_err(|_| invalid())?;
                    front_end.retry_after = Some(value);
                }
                ("body", Some(value)) => {
                    front_end.body = Some(body(value).ok_or_else(invalid)?);
                }
                ("timestamp", Some(value)) => {
                    fault.timestamp_off = value.parse().map_err(|_| invalid())?;
                }
                ("truncate", Some(value)) => {
                    let bytes = value.parse().map_err(|_| invalid())?;
                    fault.end(After::Truncate(bytes))?;
                }
                ("stall", Some(value)) => {
                    let bytes = value.parse().map_err(|_| invalid())?;
                    fault.end(After::Stall(bytes))?;
                }
                ("reset", None) => fault.end(After::Reset)?,
                ("drop", None) => fault.before = Some(Before::Drop),
                ("nonce", None) => fault.wrong_nonce = true,
                ("corrupt", None) => fault.corrupt = true,
                (
                    "latency" | "status" | "retry-after" | "body" | "timestamp" | "truncate"
                    | "stall" | "reset" | "drop" | "nonce" | "corrupt",
                    _,
                ) => return Err(invalid()),
                _ => return Err(FaultError::Unknown(name.into())),
            }
        }
        front_end.into_fault(fault)
    }
}

impl Fault {
    fn end(&mut self, after: After) -> Result<(), FaultError> {
        match self.after.replace(after) {
            None => Ok(()),
            Some(_) => Err(FaultError::Combination(
                "only one of reset, truncate and stall can end a response",
            )),
        }
    }
}

/// A front end's answer, part by part.
#[derive(Default)]
struct Answer {
    status: Option<StatusCode>,
    retry_after: Option<HeaderValue>,
    body: Option<FrontEndBody>,
}

impl Answer {
    fn into_fault(self, mut fault: Fault) -> Result<Fault, FaultError> {
        match self.status {
            Some(_) if fault.before.is_some() => Err(FaultError::Combination(
                "a request that is dropped has no status",
            )),
            Some(status) => {
                fault.before = Some(Before::Answer(FrontEnd {
                    status,
                    retry_after: self.retry_after,
                    body: self.body.unwrap_or_default(),
                }));
                Ok(fault)
            }
            None if self.retry_after.is_some() || self.body.is_some() => Err(
                FaultError::Combination("retry-after and body go with a status"),
            ),
            None => Ok(fault),
        }
    }
}

/// `200` or `50..200`, in milliseconds.
fn latency(value: &str) -> Option<(Duration, Duration)> {
    let (least, most) = value.split_once("..").unwrap_or((value, value));
    let least = Duration::from_millis(least.trim().parse().ok()?);
    let most = Duration::from_millis(most.trim().parse().ok()?);
    (least <= most).then_some((least, most))
}

/// 200 to 599: a provisional status is no answer.
fn status(value: &str) -> Option<StatusCode> {
    let code = value
        .parse()
        .ok()
        .filter(|code| (200..600).contains(code))?;
    StatusCode::from_u16(code).ok()
}

fn body(value: &str) -> Option<FrontEndBody> {
    match value {
        "empty" => Some(FrontEndBody::Empty),
        "html" => Some(FrontEndBody::Html),
        "json" => Some(FrontEndBody::Json),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_a_fault_is_told() {
        let value = |name: &str| Err(FaultError::Value(name.into()));
        for (text, expected) in [
            ("latency", value("latency")),
            ("latency=200..50", value("latency")),
            ("latency=-1", value("latency")),
            ("status=100", value("status")),
            ("status=600", value("status")),
            ("body=xml, status=500", value("body")),
            ("reset=1", value("reset")),
            ("truncate=", value("truncate")),
            ("teapot", Err(FaultError::Unknown("teapot".into()))),
            ("", Ok(Fault::none())),
            (" , ", Ok(Fault::none())),
        ] {
            assert_eq!(text.parse::<Fault>(), expected, "{text}");
        }
        for text in [
            "retry-after=1",
            "body=html",
            "drop, status=500",
            "reset, stall=1",
        ] {
            let error = text.parse::<Fault>().unwrap_err();
            assert!(matches!(error, FaultError::Combination(_)), "{text}");
        }
    }
}
