//! Seeded schedules of many callers on one circuit: who starts, who ends, who gives up.

use std::num::{NonZeroU16, NonZeroU32};

use crate::{State, Trip, Verdict, circuit::Circuit, random::Random, settings::Settings};

fn run(seed: u64, callers: usize) {
    let random = Random::new(Some(seed));
    let draw = |below: usize| (random.draw() % below as u64) as usize;
    let permitted = 1 + draw(5);
    let mut settings = Settings {
        trip: Trip::consecutive(NonZeroU32::MIN),
        ..Settings::default()
    };
    settings.rules.probes = NonZeroU16::new(permitted as u16).unwrap();
    let circuit = Circuit::new(settings);
    // Open and due.
    circuit.change(|current| current.open_until(crate::Cause::Forced, 0, circuit.now()));

    let (mut running, mut passed, mut waiting) = (Vec::new(), 0, callers);
    while waiting > 0 {
        if draw(3) > 0 || running.is_empty() {
            waiting -= 1;
            let free = permitted - passed - running.len();
            let permit = circuit.admit();
            assert_eq!(permit.is_ok(), free > 0, "seed {seed}");
            running.extend(permit);
        } else {
            let permit = running.swap_remove(draw(running.len()));
            if draw(4) > 0 || passed + 1 == permitted {
                circuit.settle(permit, Verdict::Ignore, None);
            } else {
                circuit.settle(permit, Verdict::Success, None);
                passed += 1;
            }
        }
    }
    assert_eq!(circuit.state(), State::HalfOpen);
}

#[tokio::test(start_paused = true)]
async fn in_ten_thousand_schedules_of_64_callers_exactly_the_permitted_probes_run() {
    (0..10_000).for_each(|seed| run(seed, 64));
}

#[tokio::test(start_paused = true)]
async fn in_schedules_of_1024_callers_too() {
    (0..1_000).for_each(|seed| run(seed, 1_024));
}
