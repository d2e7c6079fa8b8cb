//! Whether and when a failed step is tried again.

use super::strand::Variables;
use crate::script::slot::ERROR;
use crate::script::{Context, Fault};
use crate::steps::{Retry, Step};
use flowscript_lang::value::truth;
use std::time::Duration;

/// The fraction by which each wait is varied, up and down.
const JITTER: f64 = 0.2;

/// How long to wait before the next attempt; `None` if the failure is final. `failures` includes this one.
pub(super) fn delay(
    step: &Step,
    fault: &Fault,
    failures: u32,
    variables: &mut Variables,
    context: Context<'_>,
) -> Result<Option<Duration>, Fault> {
    let Some(retry) = &step.retry else { return Ok(None) };
    if failures > retry.times || !counts(retry, step, fault, variables, context)? {
        return Ok(None);
    }
    let wait = wait(retry, failures).mul_f64(1.0 + JITTER * (2.0 * rand::random::<f64>() - 1.0));
    Ok(Some(wait.max(wish(retry, fault))))
}

/// The wait that a peer has requested, up to the limit of the step.
fn wish(retry: &Retry, fault: &Fault) -> Duration {
    fault.retry_after.unwrap_or_default().min(retry.max_delay)
}

/// The wait after the failure of this number, counted from 1.
fn wait(retry: &Retry, failures: u32) -> Duration {
    let doublings = if retry.exponential { failures.saturating_sub(1).min(31) } else { 0 };
    retry.delay.saturating_mul(1 << doublings).min(retry.max_delay)
}

/// Does `on` accept this failure for another attempt? Without it, the kind of the step decides.
fn counts(
    retry: &Retry,
    step: &Step,
    fault: &Fault,
    variables: &mut Variables,
    context: Context<'_>,
) -> Result<bool, Fault> {
    if let Some(on) = &retry.on {
        variables.set_known(ERROR, fault.to_value());
        return Ok(truth(&on.run(&mut variables.values, context)?));
    }
    Ok(step.may_pass(fault))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::TIMEOUT;

    #[test]
    fn waits_double_up_to_the_longest() {
        let seconds = Duration::from_secs;
        let mut retry = Retry { times: 9, delay: seconds(1), exponential: true, max_delay: seconds(10), on: None };
        let waits: Vec<u64> = (1..=6).map(|n| wait(&retry, n).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 10, 10]);
        assert_eq!(wait(&retry, u32::MAX), seconds(10));
        let asking = |wish| Fault { retry_after: Some(seconds(wish)), ..Fault::of_kind(TIMEOUT, "") };
        assert_eq!([3, 86_400].map(|asked| super::wish(&retry, &asking(asked))), [3, 10].map(seconds));
        retry.exponential = false;
        assert_eq!(wait(&retry, 6), seconds(1));
    }
}
