//! Faults written as the text that they are read from.

use core::fmt;
use std::time::Duration;

use super::{After, Before, Fault, FrontEnd, FrontEndBody};

impl fmt::Display for Fault {
    /// Parts as in the table of [`fault`](crate::fault), separated by commas;
    /// nothing for no fault. A header that could not be read is `misspelt`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            self.latency.map(latency),
            self.before.as_ref().map(before),
            (self.timestamp_off != 0).then(|| format!("timestamp={}", self.timestamp_off)),
            self.wrong_nonce.then(|| "nonce".into()),
            self.corrupt.then(|| "corrupt".into()),
            self.after.map(after),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        f.write_str(&parts.join(", "))
    }
}

fn latency((least, most): (Duration, Duration)) -> String {
    let (least, most) = (least.as_millis(), most.as_millis());
    if least == most {
        format!("latency={least}")
    } else {
        format!("latency={least}..{most}")
    }
}

fn before(before: &Before) -> String {
    match before {
        Before::Drop => "drop".into(),
        Before::Answer(answer) if answer.body == FrontEndBody::Misspelt => "misspelt".into(),
        Before::Answer(answer) => front_end(answer),
    }
}

fn front_end(answer: &FrontEnd) -> String {
    let body = match answer.body {
        FrontEndBody::Html => ", body=html",
        FrontEndBody::Json => ", body=json",
        FrontEndBody::Empty | FrontEndBody::Misspelt => "",
    };
    let retry_after = answer.retry_after.as_ref();
    let retry_after = retry_after.and_then(|value| value.to_str().ok());
    let retry_after = retry_after.map(|value| format!(", retry-after={value}"));
    let status = answer.status.as_u16();
    format!("status={status}{}{body}", retry_after.unwrap_or_default())
}

fn after(after: After) -> String {
    match after {
        After::Reset => "reset".into(),
        After::Truncate(bytes) => format!("truncate={bytes}"),
        After::Stall(bytes) => format!("stall={bytes}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_as_the_same() {
        for text in [
            "",
            "drop",
            "latency=200",
            "latency=50..200, status=503, retry-after=2, body=html",
            "status=429, body=json",
            "latency=1, timestamp=-300000, nonce, corrupt, reset",
            "truncate=10",
            "corrupt, stall=0",
        ] {
            let fault: Fault = text.parse().unwrap();
            assert_eq!(fault.to_string(), text);
            assert_eq!(fault.is_none(), text.is_empty());
        }
        assert_eq!(Fault::misspelt().to_string(), "misspelt");
    }
}
