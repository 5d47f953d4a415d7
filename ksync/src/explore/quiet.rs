// SPDX-License-Identifier: GPL-2.0-only
//! Panics of model tasks are verdicts: they are caught, and nothing is printed.

use crate::backend::world::{self, Phase};
use std::any::Any;
use std::cell::RefCell;
use std::sync::Once;

thread_local! {
    static PLACE: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Installs, once per process, a panic hook that stays silent while a model runs on the panicking thread.
pub(crate) fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let loud = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if matches!(world::phase(), Phase::Outside | Phase::Setup) {
                loud(info);
            } else {
                let place = info.location().map(|at| format!(" ({}:{})", at.file(), at.line()));
                PLACE.set(place.unwrap_or_default());
            }
        }));
    });
}

/// The message of the panic just caught, with its place.
pub(crate) fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied().map(str::to_owned);
    let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
    format!("{}{}", text.unwrap_or_else(|| "panic".to_owned()), PLACE.take())
}
