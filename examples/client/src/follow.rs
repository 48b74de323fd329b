use std::{cell::RefCell, future::pending, time::Duration};

use codegen_api::{
    client::{Error, Wait},
    model::{AgentRun, AgentRunLog},
};
use tokio::{signal::ctrl_c, sync::watch};

use crate::{failure::Failure, log::Log, progress::Progress};

/// Pause between two frames of the line that moves.
const FRAME: Duration = Duration::from_millis(100);

/// How a run was left.
#[derive(Debug)]
pub(crate) struct Followed {
    /// The run as it was last seen.
    pub(crate) last: Option<AgentRun>,
    /// Why it was left, if not because it has ended and its log was read to the end.
    pub(crate) stopped: Option<Stopped>,
}

#[derive(Debug)]
pub(crate) enum Stopped {
    /// By an interrupt.
    Interrupted,
    /// The wait failed.
    Wait(Error),
    /// The log could not be read or shown.
    Log(Failure),
}

/// Waits for the end of a run, and shows what is new in its log at every look the wait takes.
///
/// An interrupt stops it; the run goes on.
pub(crate) async fn follow(
    wait: Wait,
    mut log: Option<Log>,
    progress: Progress,
    show: impl FnMut(&mut Progress, &AgentRunLog) -> Result<(), Failure>,
) -> Followed {
    let moves = progress.moves();
    // One task: nothing is borrowed across an await.
    let screen = RefCell::new((progress, show));
    let (seen, mut looks) = watch::channel(None::<AgentRun>);

    let wait = wait.observe(|run| {
        screen.borrow_mut().0.status(run);
        seen.send_replace(Some(run.clone()));
    });
    let waiting = async {
        match wait.send().await {
            // Reading ends with the look that has seen the end.
            Ok(_) => pending().await,
            Err(error) => Stopped::Wait(error),
        }
    };
    let reading = async {
        while looks.changed().await.is_ok() {
            let ended = looks.borrow().as_ref().is_some_and(AgentRun::is_final);
            let read = match &mut log {
                None => Ok(()),
                Some(log) => {
                    let entry = |entry: &AgentRunLog| {
                        let (progress, show) = &mut *screen.borrow_mut();
                        show(progress, entry)
                    };
                    log.read(entry).await
                }
            };
            match read {
                Err(failure @ Failure::Output(_)) => return Some(Stopped::Log(failure)),
                // The next look tries again, or the wait fails of it too.
                Err(_) if !ended => {}
                Err(failure) => return Some(Stopped::Log(failure)),
                Ok(()) if ended => return None,
                Ok(()) => {}
            }
        }
        pending().await
    };
    let moving = async {
        if !moves {
            return pending().await;
        }
        let mut frames = tokio::time::interval(FRAME);
        loop {
            frames.tick().await;
            screen.borrow_mut().0.tick();
        }
    };
    let stopped = tokio::select! {
        stopped = reading => stopped,
        stopped = waiting => Some(stopped),
        // Without a handler the signal ends the program by itself.
        Ok(()) = ctrl_c() => Some(Stopped::Interrupted),
        stopped = moving => stopped,
    };

    let last = seen.borrow().clone();
    let (mut progress, _) = screen.into_inner();
    if last.as_ref().is_some_and(AgentRun::is_final) {
        progress.end();
    } else {
        progress.clear();
    }
    Followed { last, stopped }
}
